#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-bigquery==3.47.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from google.cloud.bigquery import SchemaField, Table

print("FINDING: a schema written with the names of SQL's types never equals the same schema as BigQuery answers it")
print(f"VERSIONS: google-cloud-bigquery {version('google-cloud-bigquery')}")
print("EXPECTED BY MOST: INT64 is INTEGER, FLOAT64 is FLOAT and BOOL is BOOLEAN, so a check for changes finds none")

# The API answers the names of its first SQL dialect, whichever names a table was created with.
types = {"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "DATE": "DATE"}
wanted = [SchemaField(f"a_{kind.lower()}", kind) for kind in types]
answer = [{"name": field.name, "type": types[field.field_type]} for field in wanted]
reference = {"projectId": "demo", "datasetId": "games", "tableId": "box_scores"}
table = Table.from_api_repr({"tableReference": reference, "schema": {"fields": answer}})
equal = {field.field_type: field == found for field, found in zip(wanted, table.schema)}

print(f"SEEN: schema equal: {table.schema == wanted}; fields equal: {equal}")
if table.schema == wanted or equal != {"INT64": False, "FLOAT64": False, "BOOL": False, "DATE": True}:
    sys.exit("CHANGED: the names of one type are equal")
print("OK: unchanged")
PYTHON
