"""The other side of `processes.py`: a process that says when it is ready, then does what it is told."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST_LIFE_SECONDS = 280
"""Whatever becomes of the parent: then the process ends."""


def live_briefly() -> None:
    """Make sure that this process ends by itself."""
    signal.alarm(LONGEST_LIFE_SECONDS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which lets its children go


def resident() -> int:
    """Bytes of memory that this process holds now."""
    return status_bytes(Path("/proc/self/status"), "VmRSS")


def status_bytes(status: Path, field: str) -> int:
    """One of the sizes in a process's status file."""
    line = next(line for line in status.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) * 1024


def obey(commands: Mapping[str, Callable[[], object]] | None = None, **ready: object) -> None:
    """Say `ready`, then answer each command, a line on standard input, with a line of JSON; return at its end."""
    _say(ready)
    for line in sys.stdin:
        _say((commands or {})[line.strip()]())


def _say(message: object) -> None:
    print(json.dumps(message), flush=True)
