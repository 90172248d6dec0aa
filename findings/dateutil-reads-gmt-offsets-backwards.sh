#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'python-dateutil==2.9.0.post0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from dateutil import parser

print("FINDING: an offset after `GMT` or `UTC` is read with the opposite sign, without them as written")
print(f"VERSIONS: python-dateutil {version('python-dateutil')}")
print("EXPECTED BY MOST: `GMT-0500`, as JavaScript's Date writes it, is five hours behind UTC")

texts = (
    "Thu Jan 15 2026 19:30:00 GMT-0500",
    "2026-01-15 19:30 UTC+3",
    "2026-01-15 19:30 -0500",
)
seen = {text: parser.parse(text).isoformat() for text in texts}

for text, value in seen.items():
    print(f"SEEN: {text} -> {value}")
if list(seen.values()) != ["2026-01-15T19:30:00+05:00", "2026-01-15T19:30:00-03:00", "2026-01-15T19:30:00-05:00"]:
    sys.exit("CHANGED: the offsets are read in another way")
print("OK: unchanged")
PYTHON
