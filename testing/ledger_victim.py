"""Kills an observing process at random moments, again and again, and checks its ledger after each time.

`python -m testing.ledger_victim TIMES FOLDER` prints how many observations were served, and ends with 1 if one of
them is missing. It forks from a warm process, so that a kill takes milliseconds.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from google.cloud.firestore_v1.types import MapValue, Value

from exporter.config.resolved import LedgerConfig
from exporter.memory.documents import Memory
from exporter.memory.ledger import Ledger
from exporter.metrics.telemetry import Telemetry
from exporter.model import Document, DocumentId
from exporter.sources.documents import read_entry

KEY: Final = DocumentId("phase3_completion", date(2026, 2, 1))
START: Final = datetime(2026, 2, 1, 12, tzinfo=UTC)
NAMES: Final = tuple(f"processor_{number}" for number in range(6))
LONGEST_LIFE: Final = 0.04  # seconds
PATIENCE: Final = 20.0
MOST: Final = 100_000


def content(number: int) -> bytes:
    """An entry that carries the number of its observation."""
    fields = {
        "record_count": Value(integer_value=number),
        "completed_at": Value(timestamp_value=START + timedelta(seconds=number)),
    }
    return bytes(Value.serialize(Value(map_value=MapValue(fields=fields))))


def observation(number: int, before: dict[str, bytes]) -> Document:
    """Every observation registers one processor; every seventh is a stale write that takes the newest away."""
    contents = dict(before)
    if number % 7 == 0 and len(contents) > 2:
        del contents[max(contents, key=lambda name: read_entry(contents[name]).record_count or 0)]
    contents[NAMES[number % len(NAMES)]] = content(number)
    at = START + timedelta(seconds=number)
    return Document(
        entries={name: read_entry(value) for name, value in contents.items()},
        contents=contents,
        create_time=START,
        update_time=at,
        read_time=at,
    )


def observe(path: Path, served: int) -> None:
    """Observe until killed; after each observation its number is written to `served`."""
    memory = Memory(LedgerConfig(str(path), timedelta(days=36_500)), Telemetry())
    seen = memory.now.watched.get(KEY)
    contents = {name: sighting.content for name, sighting in seen.entries.items()} if seen else {}
    first = int((seen.update_time - START).total_seconds()) + 1 if seen and seen.update_time else 1
    for number in range(first, MOST):
        document = observation(number, contents)
        contents = dict(document.contents)
        now = START + timedelta(seconds=number)
        memory.observe({KEY: document}, NAMES, now, longest_gap=timedelta(hours=1), everything=True)
        os.write(served, f"{number}\n".encode())


def held(path: Path) -> tuple[int, frozenset[int]]:
    """The newest observation that the ledger holds, and the numbers of all entries in it, gone ones as well."""
    ledger = Ledger(str(path))
    try:
        seen = ledger.load().get(KEY)
    finally:
        ledger.close()
    if seen is None or seen.update_time is None:
        return 0, frozenset()
    sightings = [*seen.entries.values(), *(removal.sighting for removal in seen.removals)]
    numbers = frozenset(sighting.entry.record_count or 0 for sighting in sightings)
    return int((seen.update_time - START).total_seconds()), numbers


def rounds(times: int, folder: Path, seed: int) -> int:
    """Kill this many processes one after the other. Returns the served observations. Raises AssertionError."""
    chance = random.Random(seed)  # noqa: S311 - moments to kill at
    path = folder / "ledger.sqlite"
    newest = total = 0
    for number in range(times):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reader)
            observe(path, writer)
            os._exit(0)
        os.close(writer)
        if number % 2:
            # On a busy machine many would die before they served anything.
            select.select([reader], [], [], PATIENCE)
        time.sleep(chance.uniform(0.0, LONGEST_LIFE))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reader) as said:
            served = [int(line) for line in said.read().splitlines()]
        kept, numbers = held(path)
        # What was replaced long ago goes, so only the latest numbers are asked for by name.
        recent = set(served[-20:])
        assert kept >= max(served, default=newest), (
            f"round {number}: the ledger ends at {kept}, {served[-1:]} was served"
        )
        assert recent <= numbers, f"round {number}: {sorted(recent - numbers)} were served and are gone"
        newest, total = kept, total + len(served)
    return total


if __name__ == "__main__":
    wanted, where = int(sys.argv[1]), Path(sys.argv[2])
    began = time.monotonic()
    sys.stdout.write(f"{wanted} kills, {rounds(wanted, where, wanted)} observations served, none missing\n")
    sys.stdout.write(f"{time.monotonic() - began:.1f} s\n")
