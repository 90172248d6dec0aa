"""Ends the program by a signal at given moments after its first instruction: `python -m testing.interrupts COUNT`."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.emulators.firestore.server import FirestoreServer
from testing.processes import Process
from testing.running import environment
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMANDS = {
    "run": ("run", "--preset", "nba", "--web.listen-address", "127.0.0.1:0"),
    "check": ("check", "--preset", "nba"),
}
SECONDS = 3.0
"""By then, `check` and `run` wait for their sources."""


def catches(process: int, number: int) -> bool:
    """Whether the process has a handler for the signal."""
    status = Path(f"/proc/{process}/status").read_text()
    mask = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(mask >> (number - 1) & 1)


def interrupted(command: str, number: int, seconds: float, sources: Mapping[str, str]) -> tuple[int, float]:
    """The exit code of a command that gets the signal so long after its first instruction, and how long it took to end.

    Raises TimeoutExpired if it has not ended after a minute.
    """
    with Process(
        [sys.executable, "-m", "exporter", *COMMANDS[command]],
        env=environment(more=sources),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        until(lambda: catches(process.pid, number), "the program's first instruction")
        time.sleep(seconds)
        began = time.monotonic()
        process.send_signal(number)
        return process.wait(60), time.monotonic() - began


def main(count: int) -> None:
    """Try random moments on a Firestore that hangs, and print how the program ended and how long that took."""
    moments = random.Random(count)  # noqa: S311 - no secret
    codes, longest = Counter[str](), 0.0
    with FirestoreServer() as server:
        server.faults.hang()
        for _ in range(count):
            command, number = moments.choice(sorted(COMMANDS)), moments.choice([signal.SIGINT, signal.SIGTERM])
            sources = {"FIRESTORE_EMULATOR_HOST": server.address}
            code, seconds = interrupted(command, number, moments.uniform(0, SECONDS), sources)
            codes[f"{command} {number.name} {code}"] += 1
            longest = max(longest, seconds)
    lines = [
        f"{count} moments, longest {longest:.2f} s",
        *(f"{what}: {times}" for what, times in sorted(codes.items())),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))
