#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pandas==3.1.1' 'tzdata==2026.6'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from datetime import datetime
from importlib.metadata import version

import pandas as pd

print("FINDING: across a clock change, pandas' Timestamps and the datetimes made of them have other differences and sums")
print(f"VERSIONS: pandas {version('pandas')}, tzdata {version('tzdata')}, Python {sys.version.split()[0]}")
print("EXPECTED BY MOST: Timestamp is a datetime, so both calculate alike and code takes either")

before, after = (pd.Timestamp(f"2026-03-{day} 12:00", tz="America/New_York") for day in ("07", "08"))
begin, end = before.to_pydatetime(), after.to_pydatetime()
day = pd.Timedelta(days=1)
seen = [(after - before).total_seconds() / 3600, (end - begin).total_seconds() / 3600]
moved = [f"{before + day:%d %H:%M}", f"{begin + day.to_pytimedelta():%d %H:%M}"]

print(f"SEEN: from noon to noon: {seen[0]:.0f} hours for Timestamps, {seen[1]:.0f} for datetimes; equal ends: {after == end}")
print(f"SEEN: noon of the 7th and one day: {moved[0]} as a Timestamp, {moved[1]} as a datetime")
if not isinstance(before, datetime) or after != end or seen != [23, 24] or moved != ["08 13:00", "08 12:00"]:
    sys.exit("CHANGED: both calculate alike, or in another way")
print("OK: unchanged")
PYTHON
