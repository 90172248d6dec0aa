"""Runs promtool on many files in one process, because its start takes most of a short run."""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BATCH: Final = 25
"""Files for each process: few enough to keep both cores busy to the end."""
WORKERS: Final = 2
TIMEOUT_SECONDS: Final = 300

_OUTCOME: Final = re.compile(r"^  (SUCCESS|FAILED)(?::|$)", re.MULTILINE)
_TITLES: Final = ("Unit Testing: ", "Checking ")


class PromtoolError(Exception):
    """promtool gave an unexpected answer. The message is its output."""


def failed_tests(files: Sequence[Path]) -> dict[Path, str]:
    """Run these test files. Returns promtool's output for each that fails. Raises PromtoolError."""
    return _failures(("test", "rules"), files)


def failed_checks(files: Sequence[Path], *options: str) -> dict[Path, str]:
    """Check these rule files. Returns promtool's output for each that it refuses. Raises PromtoolError."""
    return _failures(("check", "rules", *options), files)


def _failures(command: tuple[str, ...], files: Sequence[Path]) -> dict[Path, str]:
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    failures: dict[Path, str] = {}
    with ThreadPoolExecutor(WORKERS) as pool:
        for found in pool.map(lambda batch: _batch(command, batch), batches):
            failures |= found
    return failures


def _batch(command: tuple[str, ...], files: Sequence[Path]) -> dict[Path, str]:
    """The failures of one process. It says `SUCCESS` or `FAILED` for each file, in order.

    Before that, promtool 2 writes the file's name for every command; promtool 3 does so for `check` only.
    """
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
    _, *outcomes = _OUTCOME.split(done.stdout)
    words, texts = outcomes[::2], outcomes[1::2]
    if len(words) != len(files) or ("FAILED" in words) != (done.returncode != 0):
        raise PromtoolError(done.stdout)
    return {
        file: "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith(_TITLES))
        for file, word, text in zip(files, words, texts, strict=True)
        if word == "FAILED"
    }
