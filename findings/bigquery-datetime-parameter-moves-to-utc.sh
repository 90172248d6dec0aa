#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-bigquery==3.47.0' 'tzdata==2026.6'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from datetime import datetime
from importlib.metadata import version
from zoneinfo import ZoneInfo

from google.cloud.bigquery import ScalarQueryParameter

print("FINDING: an aware datetime given as a DATETIME parameter is moved to UTC, so an evening becomes the next day")
print(f"VERSIONS: google-cloud-bigquery {version('google-cloud-bigquery')}")
print("EXPECTED BY MOST: DATETIME has no zone, so 19:30 on 15 January stays 19:30 on 15 January, or is refused")

tip_off = datetime(2026, 1, 15, 19, 30, tzinfo=ZoneInfo("America/New_York"))
seen = [
    ScalarQueryParameter("tip_off", kind, tip_off).to_api_repr()["parameterValue"]["value"] for kind in ("DATETIME", "DATE")
]

print(f"SEEN: DATETIME {seen[0]}; the same value as DATE: {seen[1]}")
if seen != ["2026-01-16T00:30:00.000000", "2026-01-15T19:30:00-05:00"]:
    sys.exit("CHANGED: the parameters are sent in another way")
print("OK: unchanged")
PYTHON
