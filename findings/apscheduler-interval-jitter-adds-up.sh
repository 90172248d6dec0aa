#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'apscheduler==3.11.3'
"$folder/venv/bin/python" -I - <<'PYTHON'
import random
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from apscheduler.triggers.interval import IntervalTrigger

print("FINDING: the jitter of an interval trigger adds up: every delay moves all later runs as well")
print(f"VERSIONS: APScheduler {version('apscheduler')}")
print("EXPECTED BY MOST: runs stay on the grid of the interval, each up to `jitter` seconds late: 1,440 runs in a day")

random.seed(1)
begin = datetime(2026, 1, 15, tzinfo=UTC)
trigger = IntervalTrigger(seconds=60, jitter=12, start_date=begin, timezone=UTC)
runs = [trigger.get_next_fire_time(None, begin)]
while runs[-1] < begin + timedelta(days=1):
    runs.append(trigger.get_next_fire_time(runs[-1], runs[-1]))
seen = len(runs) - 1

print(f"SEEN: {seen} runs in a day, one every {86400 / seen:.1f} s, with an interval of 60 s and a jitter of 12 s")
if not 1300 < seen < 1320:
    sys.exit("CHANGED: the runs no longer come every 60 + 12/2 s on average")
print("OK: unchanged")
PYTHON
