#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'apscheduler==3.11.3'
"$folder/venv/bin/python" -I - <<'PYTHON'
import os
import sys
import threading
from datetime import UTC
from importlib.metadata import version
from queue import Queue

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

print("FINDING: on Linux os.nice() in a job lowers neither the process nor the job alone, but one thread of the pool, for good")
print(f"VERSIONS: APScheduler {version('apscheduler')}, Python {sys.version.split()[0]}")
print("EXPECTED BY MOST: as os.nice() is documented, the niceness of the process: of every thread, or else of the job alone")

BASE = os.nice(0)
found = Queue()


def lowered():
    """A job that makes itself nice."""
    os.nice(5)
    found.put(os.nice(0) - BASE)


def other():
    """A job that comes later, and a thread that it starts."""
    found.put(os.nice(0) - BASE)
    child = threading.Thread(target=lambda: found.put(os.nice(0) - BASE))
    child.start()
    child.join()


scheduler = BackgroundScheduler(timezone=UTC, executors={"default": ThreadPoolExecutor(1)})
scheduler.start()
scheduler.add_job(lowered)
job = found.get(timeout=60)
scheduler.add_job(other)
later, child = found.get(timeout=60), found.get(timeout=60)
scheduler.shutdown()
main = os.nice(0) - BASE

print(f"SEEN: the job {job}, a later job {later}, a thread that the later one starts {child}, the main thread {main}")
if (job, later, child, main) != (5, 5, 5, 0):
    sys.exit("CHANGED: a nice value belongs to something else")
print("OK: unchanged")
PYTHON
