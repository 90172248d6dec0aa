#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'tzdata==2026.6'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

print("FINDING: a time in the hour that a clock change repeats equals no time of another zone, and loses an hour in sums")
print(f"VERSIONS: tzdata {version('tzdata')}, Python {sys.version.split()[0]}")
print("EXPECTED BY MOST: aware datetimes of one instant are equal, and adding nothing changes nothing")

zoneinfo.reset_tzpath(())  # the pinned package, not the machine's files
local = datetime(2026, 11, 1, 1, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("America/New_York"))
same = local.astimezone(UTC)
compared = {
    "same timestamp": local.timestamp() == same.timestamp(),
    "local == same": local == same,
    "local < same": local < same,
    "local > same": local > same,
    "local in {same}": local in {same},
}
moved = local + timedelta(0)

print(f"SEEN: {local} and {same}: {compared}")
print(f"SEEN: plus timedelta(0): {moved}, {(same - moved.astimezone(UTC)).total_seconds() / 3600:.0f} hour earlier")
if list(compared.values()) != [True, False, False, False, False] or str(moved) != "2026-11-01 01:30:00-04:00":
    sys.exit("CHANGED: the times compare or add in another way")
print("OK: unchanged")
PYTHON
