#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'holidays==0.109'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from datetime import date
from importlib.metadata import version

import holidays

print("FINDING: a country's calendar is empty until somebody asks for a date of a year, and grows by the years asked for")
print(f"VERSIONS: holidays {version('holidays')}")
print("EXPECTED BY MOST: iterating over the calendar, its length and its truth tell what it holds")

calendar = holidays.country_holidays("DE")
before = (len(calendar), list(calendar), bool(calendar))
found = date(2026, 10, 3) in calendar
after = (len(calendar), {day.year for day in calendar})

print(f"SEEN: before {before}; 3 October 2026 is in it: {found}; afterwards {after[0]} days of {after[1]}")
if before != (0, [], False) or not found or after[1] != {2026} or not after[0]:
    sys.exit("CHANGED: the calendar is filled in another way")
print("OK: unchanged")
PYTHON
