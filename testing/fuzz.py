"""Searches for bytes that break a reader: `python -m testing.fuzz TARGET SECONDS`.

Atheris follows what the code does with the bytes; where it is not installed, good texts are changed at random.
"""

from __future__ import annotations

import importlib
import importlib.util
import random
import sys
import tempfile
import time
from pathlib import Path


def follow(target: str, seconds: int) -> None:
    """Search with atheris, which ends the process."""
    atheris = importlib.import_module("atheris")
    # What is imported within is followed.
    with atheris.instrument_imports(include=["exporter"]):
        fuzzing = importlib.import_module("testing.fuzzing")
    with (
        fuzzing.checking(target) as check,
        tempfile.TemporaryDirectory(prefix="orchestration-exporter-corpus-") as corpus,
    ):
        for number, seed in enumerate(fuzzing.SEEDS[target]):
            Path(corpus, str(number)).write_bytes(seed)
        atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=8192", "-verbosity=0", corpus], check)
        atheris.Fuzz()


def change(target: str, seconds: int) -> None:
    """Search by random changes."""
    from testing.fuzzing import SEEDS, changed, checking

    chance, tried, end = random.Random(target), 0, time.monotonic() + seconds  # noqa: S311 - no secret
    with checking(target) as check:
        while time.monotonic() < end:
            edits = [
                (chance.randrange(1 << 16), chance.choice((0, 0, 1, 9, 99)), chance.randrange(1 << 16))
                for _ in range(chance.randrange(1, 9))
            ]
            content = changed(chance.choice(SEEDS[target]), edits)
            try:
                check(content)
            except BaseException:
                sys.stderr.write(f"{target}: {content!r}\n")
                raise
            tried += 1
    sys.stdout.write(f"{target}: {tried} tried, nothing found\n")


if __name__ == "__main__":
    (change if importlib.util.find_spec("atheris") is None else follow)(sys.argv[1], int(sys.argv[2]))
