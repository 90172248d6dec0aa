"""promtool, with many files for one process: most of a short run is its start."""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BATCH: Final = 25
"""Files a process: few enough that both cores stay busy to the end."""
WORKERS: Final = 2
TIMEOUT_SECONDS: Final = 300


class PromtoolError(Exception):
    """promtool said something else than what was asked; the message is all that it said."""


def failed_tests(files: Sequence[Path]) -> dict[Path, str]:
    """Run these test files; what promtool says of each that does not pass."""
    return _failures(("test", "rules"), "Unit Testing:  ", files)


def failed_checks(files: Sequence[Path], *options: str) -> dict[Path, str]:
    """Check these rule files; what promtool says of each that it refuses."""
    return _failures(("check", "rules", *options), "Checking ", files)


def _failures(command: tuple[str, ...], title: str, files: Sequence[Path]) -> dict[Path, str]:
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    failures: dict[Path, str] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for found in pool.map(lambda batch: _batch(command, title, batch), batches):
            failures |= found
    return failures


def _batch(command: tuple[str, ...], title: str, files: Sequence[Path]) -> dict[Path, str]:
    """The failures of one process. It says `SUCCESS` or `FAILED` below the title and name of each file, in order."""
    done = subprocess.run(
        ["promtool", *command, *map(str, files)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        timeout=TIMEOUT_SECONDS,
        # A short run is better off with more memory than with more garbage collections.
        env={**os.environ, "GOGC": "400"},
    )
    sections = f"\n{done.stdout}".split(f"\n{title}")[1:]
    if len(sections) != len(files) or any(
        not section.startswith(str(file)) for section, file in zip(sections, files, strict=True)
    ):
        raise PromtoolError(done.stdout)
    return {
        file: "\n".join(line for line in section.splitlines()[1:] if line.strip())
        for file, section in zip(files, sections, strict=True)
        if "  SUCCESS" not in section
    }
