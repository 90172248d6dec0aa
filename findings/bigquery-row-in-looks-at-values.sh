#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-bigquery==3.47.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from google.cloud.bigquery import Row

print("FINDING: `name in row` looks among a row's values, although row[name], get(), keys() and items() are a mapping's")
print(f"VERSIONS: google-cloud-bigquery {version('google-cloud-bigquery')}")
print("EXPECTED BY MOST: `'is_dnp' in row` is True when the query selected is_dnp, as for a dict")

row = Row(("tatum", False), {"player": 0, "is_dnp": 1})
seen = ("is_dnp" in row, "is_dnp" in row.keys(), "tatum" in row, row["is_dnp"], dict(row), list(row))

print(f"SEEN: 'is_dnp' in row: {seen[0]}; in row.keys(): {seen[1]}; 'tatum' in row: {seen[2]}; dict(row): {seen[4]}")
if seen != (False, True, True, False, {"player": "tatum", "is_dnp": False}, ["tatum", False]):
    sys.exit("CHANGED: `in` no longer looks at the values alone")
print("OK: unchanged")
PYTHON
