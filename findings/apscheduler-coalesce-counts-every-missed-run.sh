#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'apscheduler==3.11.3'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
import threading
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

print("FINDING: coalesce=True still lists every missed run, one by one and under the scheduler's lock, to keep the last")
print(f"VERSIONS: APScheduler {version('apscheduler')}")
print("EXPECTED BY MOST: a coalesced job that slept for a day asks its trigger once for the next time")

asked = 0


class Counting(IntervalTrigger):
    def get_next_fire_time(self, previous_fire_time, now):
        global asked
        asked += 1
        return super().get_next_fire_time(previous_fire_time, now)


ran = []
done = threading.Event()


def job():
    ran.append(asked)
    done.set()


yesterday = datetime.now(UTC) - timedelta(days=1)
scheduler = BackgroundScheduler(timezone=UTC)
scheduler.add_job(
    job, Counting(seconds=1, timezone=UTC), next_run_time=yesterday, coalesce=True, misfire_grace_time=None
)
scheduler.start()
done.wait(timeout=40)
scheduler.shutdown()

print(f"SEEN: the trigger was asked {ran[0]:,} times before the one run after a day's sleep of a job of every second")
if ran[0] < 86_400:
    sys.exit("CHANGED: the missed runs are no longer listed one by one")
print("OK: unchanged")
PYTHON
