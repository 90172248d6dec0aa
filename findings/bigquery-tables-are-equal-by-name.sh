#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-bigquery==3.47.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from google.cloud.bigquery import Table

print("FINDING: two Tables are equal when their names are: schema, description, rows and version do not count")
print(f"VERSIONS: google-cloud-bigquery {version('google-cloud-bigquery')}")
print("EXPECTED BY MOST: `client.get_table(name) == before` says whether anything about the table has changed")

reference = {"projectId": "demo", "datasetId": "games", "tableId": "box_scores"}
before, after = (
    Table.from_api_repr(
        {
            "tableReference": reference,
            "etag": etag,
            "numRows": rows,
            "schema": {"fields": [{"name": column, "type": "INTEGER"}]},
        }
    )
    for etag, rows, column in (("first", "112", "points"), ("second", "0", "score"))
)
seen = {
    "tables": before == after,
    "their to_api_repr()": before.to_api_repr() == after.to_api_repr(),
    "tables in a set": len({before, after}),
}

print(f"SEEN: equal: {seen}")
if list(seen.values()) != [True, False, 1]:
    sys.exit("CHANGED: tables that differ are unequal")
print("OK: unchanged")
PYTHON
