#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'apscheduler==3.11.3' 'tzdata==2026.6'
"$folder/venv/bin/python" -I - <<'PYTHON'
import logging
import sys
import time
from datetime import UTC, datetime
from importlib.metadata import version

from apscheduler.events import EVENT_JOB_MAX_INSTANCES
from apscheduler.schedulers.background import BackgroundScheduler

print("FINDING: a job whose last line plans its next run for now is refused that run, and waits a whole interval more")
print(f"VERSIONS: APScheduler {version('apscheduler')}")
print("EXPECTED BY MOST: it runs again once it has returned")

logging.disable(logging.CRITICAL)
began, refused = [], []
scheduler = BackgroundScheduler(timezone="UTC")


def work() -> None:
    began.append(time.monotonic())
    if len(began) == 1:
        scheduler.modify_job("work", next_run_time=datetime.now(UTC))
        time.sleep(0.2)  # What is left of a run after it planned, made long enough to be seen each time.


scheduler.add_listener(lambda event: refused.append(event.job_id), EVENT_JOB_MAX_INSTANCES)
scheduler.add_job(work, "interval", seconds=3, id="work", next_run_time=datetime.now(UTC))
scheduler.start()
end = time.monotonic() + 30
while len(began) < 2 and time.monotonic() < end:
    time.sleep(0.05)
scheduler.shutdown(wait=True)

waited = round(began[1] - began[0]) if len(began) > 1 else None
print(f"SEEN: refused as already running: {refused}; next run {waited} s after the first, of an interval of 3 s")
if (refused, waited) != (["work"], 3):
    sys.exit("CHANGED: a run that is planned by the job itself is treated in another way")
print("OK: unchanged")
PYTHON
