#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-firestore==2.34.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from google.cloud.firestore_v1.types import Value

print("FINDING: a Firestore value that is read as another type is that type's default, and no error")
print(f"VERSIONS: google-cloud-firestore {version('google-cloud-firestore')}")
print("EXPECTED BY MOST: None, or an error")
stored = Value(double_value=5.0)
seen = stored.integer_value, stored.boolean_value, stored.string_value
print(f"SEEN: Value(double_value=5.0) has integer_value {seen[0]!r}, boolean_value {seen[1]!r}, string_value {seen[2]!r}")
if seen != (0, False, ""):
    sys.exit("CHANGED: another type's value is no default any more")
print("OK: unchanged")
PYTHON
