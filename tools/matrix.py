"""Runs the tests of Prometheus, promtool, Alertmanager and amtool with several versions, and prints one table.

Each FOLDER contains the programs of one version, with the names of Debian or of the releases; FOLDER:FOLDER names two
folders that contain them together. The versions on the path come first. Arguments after `--` are for pytest.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NAMES: Final[Mapping[str, Sequence[str]]] = {
    "prometheus": ("prometheus",),
    "promtool": ("promtool",),
    "prometheus-alertmanager": ("prometheus-alertmanager", "alertmanager"),
    "amtool": ("amtool",),
}
"""The programs as the tests call them, which is as Debian does, and how each may be called."""
HEADINGS: Final = ("prometheus", "promtool", "alertmanager", "amtool", "tests", "passed", "failed", "seconds")
FAILED: Final = 1
_TESTS_FAILED: Final = (0, 1)


class MatrixError(Exception):
    """A version cannot be tested. The message says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """The results of the tests with one version. `whole` is false if pytest was interrupted."""

    tests: int
    failed: int
    seconds: float
    whole: bool

    @property
    def good(self) -> bool:
        """Whether there were tests, and all passed."""
        return self.whole and self.tests > 0 and not self.failed


def programs(path: str) -> dict[str, Path]:
    """The four programs in these folders, separated as in PATH. Raises MatrixError for missing ones."""
    found: dict[str, Path] = {}
    for name, spellings in NAMES.items():
        there = next((place for spelling in spellings if (place := shutil.which(spelling, path=path))), None)
        if there is None:
            raise MatrixError(f"{path}: there is no program {' or '.join(spellings)}")
        found[name] = Path(there).resolve()
    return found


def version(program: Path) -> str:
    """The version that a program reports. Raises MatrixError."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60, check=False)
    words = (done.stdout + done.stderr).split()
    if done.returncode or "version" not in words[:-1]:
        raise MatrixError(f"{program} --version gave no version: {(done.stdout + done.stderr).strip()[:200]}")
    return words[words.index("version") + 1]


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows under the headings, the columns aligned."""
    cells = [HEADINGS, *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def run(found: Mapping[str, Path], arguments: Sequence[str]) -> Result:
    """Run the marked tests with these programs."""
    with tempfile.TemporaryDirectory(prefix="matrix-") as name:
        folder, report = Path(name, "bin"), Path(name, "report.xml")
        folder.mkdir()
        for program, place in found.items():
            (folder / program).symlink_to(place)
        began = time.monotonic()
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-m", "programs", "-q", "-n", "2", "--dist", "loadfile"),
                *("--no-loadscope-reorder", f"--junitxml={report}", *arguments),
            ],
            env=os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
            check=False,
        )
        seconds = time.monotonic() - began
        tests, failed = _counted(report) if report.exists() else (0, 0)
        return Result(tests, failed, seconds, whole=ended.returncode in _TESTS_FAILED and report.exists())


def _counted(report: Path) -> tuple[int, int]:
    """The number of tests, and of those that failed, including errors in set-up and tear-down."""
    cases: dict[tuple[str | None, str | None], bool] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 our own file
        key = (case.get("classname"), case.get("name"))
        cases[key] = cases.get(key, False) or case.find("failure") is not None or case.find("error") is not None
    return len(cases), sum(cases.values())


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 if every test passed with every version."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(prog="make matrix", description=__doc__, allow_abbrev=False)
    parser.add_argument("folders", nargs="*", metavar="FOLDER")
    folders = parser.parse_args(arguments[:end]).folders
    try:
        versions = [programs(path) for path in (os.environ["PATH"], *folders)]
        told = [[version(found[name]) for name in NAMES] for found in versions]
    except MatrixError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED
    results = []
    for found, words in zip(versions, told, strict=True):
        print(f"\n== {', '.join(f'{name} {word}' for name, word in zip(HEADINGS, words, strict=False))}", flush=True)
        results.append(run(found, arguments[end + 1 :]))
    print()
    print(table([*words, *_cells(result)] for words, result in zip(told, results, strict=True)))
    return 0 if all(result.good for result in results) else FAILED


def _cells(result: Result) -> list[str]:
    failed = str(result.failed) if result.whole else f"{result.failed}, and did not end"
    return [str(result.tests), str(result.tests - result.failed), failed, f"{result.seconds:.0f}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
