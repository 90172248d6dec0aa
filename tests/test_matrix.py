"""`make matrix`: programs found under either name, tested version by version, counted in one table."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools.matrix import MatrixError, Result, programs, table, version

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).parents[1]


def _stand_ins(folder: Path, names: Iterable[str], script: str = "exit 0") -> Path:
    """Programs of these names that say they are of version 9.9.9, and do otherwise what the script says."""
    folder.mkdir()
    for name in names:
        file = folder / name
        said = f"echo '{name}, version 9.9.9 (branch: x)'"
        file.write_text(f'#!/bin/sh\nif [ "$1" = --version ]; then {said}; exit; fi\n{script}\n', encoding="utf-8")
        file.chmod(0o755)
    return folder


def test_programs_are_found_under_either_name_and_in_two_folders(tmp_path: Path) -> None:
    one = _stand_ins(tmp_path / "one", ["prometheus", "promtool"])
    other = _stand_ins(tmp_path / "other", ["alertmanager", "amtool"])

    found = programs(f"{one}{os.pathsep}{other}")

    assert found == {
        "prometheus": one / "prometheus",
        "promtool": one / "promtool",
        "prometheus-alertmanager": other / "alertmanager",
        "amtool": other / "amtool",
    }
    assert {version(place) for place in found.values()} == {"9.9.9"}


def test_a_program_that_is_missing_is_named_with_its_folder(tmp_path: Path) -> None:
    folder = _stand_ins(tmp_path / "half", ["prometheus", "promtool", "amtool"])

    with pytest.raises(MatrixError, match=rf"{folder}: there is no program prometheus-alertmanager or alertmanager"):
        programs(str(folder))


def test_a_program_that_says_no_version_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "promtool"
    program.write_text("#!/bin/sh\necho nothing\n", encoding="utf-8")
    program.chmod(0o755)

    with pytest.raises(MatrixError, match="promtool --version gave no version: nothing"):
        version(program)


def test_the_table_is_aligned() -> None:
    lines = table([["2.42.0", "2.42.0", "0.25.0", "0.25.0", "1044", "1044", "0", "300"]]).splitlines()

    assert {len(line) for line in lines} == {len(lines[0])}
    assert lines[0].startswith("| prometheus | promtool | alertmanager | amtool ")
    assert lines[2].startswith("| 2.42.0     | 2.42.0   | 0.25.0       | 0.25.0 ")


@pytest.mark.usefixtures("_programs")
def test_every_version_is_tested_and_one_that_fails_is_a_failure_of_all(tmp_path: Path) -> None:
    names = ["prometheus", "promtool", "alertmanager", "amtool"]
    same = _stand_ins(tmp_path / "same", names, f'exec {shutil.which("amtool")} "$@"')
    broken = _stand_ins(tmp_path / "broken", names, "exit 3")
    chosen = ["tests/alertmanager/test_config.py", "-k", "accepts_it_as_it_is", "-n", "0", "-p", "no:cacheprovider"]

    done = subprocess.run(
        [sys.executable, "-m", "tools.matrix", same, broken, "--", *chosen],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    rows = [row.split(" | ") for row in re.findall(r"^\| (\d.*) \|$", done.stdout, re.MULTILINE)]
    assert [[cell.strip() for cell in row[4:7]] for row in rows] == [["1", "1", "0"], ["1", "1", "0"], ["1", "0", "1"]]
    assert [row[3].strip() for row in rows[1:]] == ["9.9.9", "9.9.9"]
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("result", "good"),
    [
        (Result(tests=2, failed=0, seconds=1, whole=True), 1),
        (Result(tests=2, failed=1, seconds=1, whole=True), 0),
        (Result(tests=2, failed=0, seconds=1, whole=False), 0),
        (Result(tests=0, failed=0, seconds=1, whole=True), 0),
    ],
)
def test_a_version_is_good_if_there_were_tests_and_all_passed(result: Result, good: int) -> None:
    assert result.good == bool(good)
