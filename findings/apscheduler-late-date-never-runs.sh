#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'apscheduler==3.11.3' 'tzdata==2026.6'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
import time
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from apscheduler.schedulers.background import BackgroundScheduler

print("FINDING: a job for a moment five seconds ago is taken without an error, never runs, and is gone")
print(f"VERSIONS: APScheduler {version('apscheduler')}")
print("EXPECTED BY MOST: it runs at once, or add_job() raises")

ran = []
scheduler = BackgroundScheduler(timezone="UTC")
scheduler.start()
scheduler.add_job(ran.append, "date", run_date=datetime.now(UTC) - timedelta(seconds=5), args=["late"])
scheduler.add_job(ran.append, "date", run_date=datetime.now(UTC), args=["in time"])
end = time.monotonic() + 20
while scheduler.get_jobs() and time.monotonic() < end:
    time.sleep(0.05)
left = len(scheduler.get_jobs())
scheduler.shutdown(wait=True)

print(f"SEEN: ran: {ran}; jobs left: {left}")
if (ran, left) != (["in time"], 0):
    sys.exit("CHANGED: a late job is treated in another way")
print("OK: unchanged")
PYTHON
