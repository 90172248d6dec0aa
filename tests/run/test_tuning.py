"""What the process does about its own memory; each time in a fresh one, since it does it for good."""

from __future__ import annotations

import subprocess
import sys

GIVES_BACK = """
from pathlib import Path
from threading import Thread
from exporter.run.tuning import settle

def resident():
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024

def work():
    # The first teaches an unprepared glibc to keep such sizes; the pin then holds the end of its heap in place.
    large = bytearray(b"x") * 24_000_000
    del large
    large = bytearray(b"x") * 20_000_000
    pins.append(bytes(100_000))
    del large

pins = []
settle()
before = resident()
thread = Thread(target=work)
thread.start()
thread.join()
print(resident() - before)
"""
KEEPS_STILL = """
import gc
from exporter.run.tuning import settle

loop = []
loop.append(loop)
settle()
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def _printed(code: str) -> list[int]:
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return [int(number) for number in done.stdout.split()]


def test_large_blocks_that_a_thread_frees_go_back_to_the_system() -> None:
    (kept,) = _printed(GIVES_BACK)

    assert kept < 5_000_000


def test_full_garbage_collections_skip_objects_from_the_start() -> None:
    frozen, looked_at = _printed(KEEPS_STILL)

    assert frozen > 5_000
    assert looked_at < frozen / 10
