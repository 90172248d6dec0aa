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

from apscheduler.triggers.cron import CronTrigger

print("FINDING: from_crontab() counts weekdays from Monday as 0, where cron counts from Sunday")
print(f"VERSIONS: APScheduler {version('apscheduler')}")
print("EXPECTED BY MOST: '0 4 * * 1-5' runs from Monday to Friday, and '0 4 * * 0' on Sunday")


def days(crontab: str) -> list[str]:
    trigger, now, found = CronTrigger.from_crontab(crontab, timezone="UTC"), datetime(2026, 11, 23, tzinfo=UTC), []
    while now < datetime(2026, 11, 30, tzinfo=UTC):
        now = trigger.get_next_fire_time(None, now) + timedelta(seconds=1)
        found += [f"{now:%a}"] if now < datetime(2026, 11, 30, tzinfo=UTC) else []
    return found


seen = {crontab: days(crontab) for crontab in ("0 4 * * 1-5", "0 4 * * 0", "0 4 * * sun")}

print(f"SEEN: {seen}")
if seen != {"0 4 * * 1-5": ["Tue", "Wed", "Thu", "Fri", "Sat"], "0 4 * * 0": ["Mon"], "0 4 * * sun": ["Sun"]}:
    sys.exit("CHANGED: weekdays are counted in another way")
print("OK: unchanged")
PYTHON
