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

from google.cloud.bigquery import SchemaField
from google.cloud.bigquery.table import RowIterator

print("FINDING: an INTERVAL of 24 hours is read as one day, so across a clock change it is 23 or 25 hours long")
print(f"VERSIONS: google-cloud-bigquery {version('google-cloud-bigquery')}, dateutil {version('python-dateutil')}")
print("EXPECTED BY MOST: BigQuery keeps days and hours apart, and so does what the client returns")

answer = {"rows": [{"f": [{"v": "0-0 0 24:0:0"}]}, {"f": [{"v": "0-0 1 0:0:0"}]}]}
rows = RowIterator(None, None, None, [SchemaField("lead", "INTERVAL")], first_page_response=answer)
hours, day = (row.lead for row in rows)
before = datetime(2026, 3, 7, 19, tzinfo=ZoneInfo("America/New_York"))
passed = (before + hours).timestamp() - before.timestamp()

print(f"SEEN: 24 hours: {hours}; equal to one day: {hours == day}; hours that pass from {before}: {passed / 3600:.0f}")
if (hours.hours, hours.days, hours == day, passed) != (0, 1, True, 23 * 3600):
    sys.exit("CHANGED: the interval is read in another way")
print("OK: unchanged")
PYTHON
