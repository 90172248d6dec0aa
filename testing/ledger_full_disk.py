"""A process whose ledger has no room on the disk for a while, and that is killed once there is room again.

`python -m testing.ledger_full_disk FILE` prints the ledger's state at each step as JSON, after the log. The process's
limit on file sizes acts as a full disk for SQLite, and needs no privileges.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.metrics.telemetry import Telemetry
from testing.builders import ONE_DAY, on
from testing.remembering import HOUR, KEY, NAMES, document, opened

if TYPE_CHECKING:
    from exporter.model import Document, DocumentId

NEXT = replace(KEY, run_date=KEY.run_date + ONE_DAY)
MINUTES = 20
START = on("15:00")


def main(path: Path) -> None:
    """Observe on a disk with room, without room, and with room again."""
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    said: list[float | None] = []

    def observe(seen: dict[DocumentId, Document], minute: int) -> None:
        at = START + timedelta(minutes=minute)
        stamped = {key: replace(found, update_time=at, read_time=at) for key, found in seen.items()}
        memory.observe(stamped, NAMES, at, longest_gap=HOUR, everything=True)
        said.append(telemetry.value("ledger_durable"))

    memory.follow(START)
    observe({KEY: document(1, 2, 3)}, 0)
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (Path(f"{path}-wal").stat().st_size, most))
    for minute in range(1, MINUTES):
        observe({KEY: document(1, 2)}, minute)
    # The first document is of no more interest: what was seen of it is still to be written.
    observe({NEXT: document(4)}, MINUTES)
    memory.follow(START + timedelta(minutes=MINUTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    memory.tend(START + timedelta(minutes=MINUTES))
    said.append(telemetry.value("ledger_durable"))
    sys.stdout.write(json.dumps(said))
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
