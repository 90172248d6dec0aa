#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'apscheduler==3.11.3' 'tzdata==2026.6'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

print("FINDING: a daily job at 01:30 runs twice on the day on which New York's clocks go back")
print(f"VERSIONS: APScheduler {version('apscheduler')}")
print("EXPECTED BY MOST: a trigger of one hour and minute has one run a day")

zone = ZoneInfo("America/New_York")
trigger, now, last, runs = CronTrigger(hour=1, minute=30, timezone=zone), datetime(2026, 10, 31, 12, tzinfo=UTC), None, []
for _ in range(3):
    last = trigger.get_next_fire_time(last, now.astimezone(zone))
    runs.append(f"{last:%d %b %H:%M %Z}")
    now = last.astimezone(UTC) + timedelta(seconds=1)

print(f"SEEN: {runs}")
if runs != ["01 Nov 01:30 EDT", "01 Nov 01:30 EST", "02 Nov 01:30 EST"]:
    sys.exit("CHANGED: the runs are others")
print("OK: unchanged")
PYTHON
