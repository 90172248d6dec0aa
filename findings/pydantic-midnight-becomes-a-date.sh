#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pydantic==2.14.4'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from datetime import date, datetime
from importlib.metadata import version

from pydantic import TypeAdapter

print("FINDING: in a field of `date | datetime`, a text that says midnight becomes a date, without its time and zone")
print(f"VERSIONS: pydantic {version('pydantic')}")
print("EXPECTED BY MOST: a text with a time and an offset becomes a datetime, whatever the time is")

when = TypeAdapter(date | datetime)
texts = ("2026-01-15T00:00:01-05:00", "2026-01-15T00:00:00-05:00", "2026-01-15T00:00:00Z")
seen = {text: str(when.validate_python(text)) for text in texts}

for text, value in seen.items():
    print(f"SEEN: {text} -> {value}")
if list(seen.values()) != ["2026-01-15 00:00:01-05:00", "2026-01-15", "2026-01-15"]:
    sys.exit("CHANGED: midnight is read in another way")
print("OK: unchanged")
PYTHON
