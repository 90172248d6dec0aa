"""A test that runs Prometheus, promtool, Alertmanager or amtool says so, and is found by it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[1]
SUITE = """
import subprocess
import pytest

def version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True).stdout

@pytest.fixture(scope="module")
def asks(_programs):
    return version("promtool")

@pytest.fixture(scope="module")
def forgets():
    return version("promtool")

@pytest.fixture
def short(_programs):
    return version("promtool")

def test_plain():
    pass

@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("program", ["prometheus", "promtool", "prometheus-alertmanager", "amtool"])
def test_asking(program):
    assert "version" in version(program)

def test_through_a_shared_fixture(asks):
    assert "version" in asks

def test_through_its_own_fixture(short):
    assert "version" in short

def test_forgetting():
    assert "version" in version("amtool")

@pytest.mark.usefixtures("_programs")
def test_asking_for_a_shared_fixture_that_forgets(forgets):
    assert "version" in forgets

def test_after_one_that_asks():
    assert subprocess.run(["promtool"], capture_output=True, text=True).stderr == "", "refused"
"""


def _outcomes(folder: Path, arguments: Sequence[str] = ()) -> dict[str, set[str]]:
    """The names of the tests of the suite that passed and failed."""
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", folder, "-p", "tests._programs"),
            *("-p", "no:cacheprovider", "-p", "no:bqemulator", "-rA", *arguments, "test_suite.py"),
        ],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    words = [line.split() for line in done.stdout.splitlines() if "test_suite.py::" in line]
    return {
        outcome: {name.partition("::")[2].partition("[")[0] for said, name, *_ in words if said == outcome}
        for outcome in ("PASSED", "FAILED")
    }


ASKING = {"test_asking", "test_through_a_shared_fixture", "test_through_its_own_fixture"}
FORGETTING = {"test_forgetting", "test_after_one_that_asks"}
SHARED = {"test_asking_for_a_shared_fixture_that_forgets"}


@pytest.mark.usefixtures("_programs")
def test_a_test_or_a_shared_fixture_that_does_not_ask_cannot_run_them(tmp_path: Path) -> None:
    assert _outcomes(tmp_path) == {"PASSED": {"test_plain", *ASKING}, "FAILED": FORGETTING | SHARED}


@pytest.mark.usefixtures("_programs")
def test_those_that_ask_are_marked_also_in_processes_of_pytests_own(tmp_path: Path) -> None:
    assert _outcomes(tmp_path, ["-m", "programs", "-n", "1"]) == {"PASSED": ASKING, "FAILED": SHARED}
