#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pydantic==2.14.3'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from datetime import datetime
from importlib.metadata import version

from pydantic import TypeAdapter, ValidationError

print("FINDING: a datetime field reads the ISO 8601 basic date `20260115` as seconds since 1970")
print(f"VERSIONS: pydantic {version('pydantic')}")
print("EXPECTED BY MOST: 15 January 2026, as datetime.fromisoformat() of the standard library says, or an error")

adapter = TypeAdapter(datetime)
seen = [str(adapter.validate_python("20260115")), str(adapter.validate_json('"20260115"'))]
try:
    seen.append(str(adapter.validate_json('"20260115"', strict=True)))
except ValidationError as error:
    seen.append(error.errors()[0]["type"])

print(f"SEEN: in Python {seen[0]}, in JSON {seen[1]}, in JSON with strict=True {seen[2]}")
if seen[:2] != ["1970-08-23 11:48:35+00:00"] * 2:
    sys.exit("CHANGED: the text is read in another way")
print("OK: unchanged")
PYTHON
