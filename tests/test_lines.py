"""The bound on how much of exporter/ the tests run: what any process ran counts, and too little fails the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests._lines import BOUND, VARIABLE, enough, merged, verdict

ROOT = Path(__file__).parents[1]


def counted(executed: list[int], missing: list[int]) -> dict[str, Any]:
    file = {
        "executed_lines": executed,
        "missing_lines": missing,
        "executed_branches": [[1, line] for line in executed],
        "missing_branches": [[1, line] for line in missing],
    }
    return {"meta": {"software": "slipcover", "branch_coverage": True}, "files": {"exporter/a.py": file}}


@pytest.mark.parametrize("missing", [0, 3, 4, 100])
def test_what_no_process_ran_counts_against_the_bound(missing: int) -> None:
    lines = list(range(1, 101))
    ran, left = lines[missing:], lines[:missing]

    found = merged([counted(ran[::2], ran[1::2] + left), counted(ran[1::2], ran[::2] + left)])

    assert (found["summary"]["missing_lines"], found["summary"]["missing_branches"]) == (missing, missing)
    assert enough(found) == (100 - missing >= BOUND)
    assert f"{100 - missing:.1f} %" in verdict(found)


def test_tests_that_run_too_little_fail_together() -> None:
    test = f"{Path(__file__).relative_to(ROOT)}::{test_what_no_process_ran_counts_against_the_bound.__name__}"
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test],
        cwd=ROOT,
        env=os.environ | {VARIABLE: "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "4 passed" in ran.stdout
    assert "% of exporter/, but it has to be at least" in ran.stdout
    assert ran.returncode == 1
