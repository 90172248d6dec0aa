#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-firestore==2.34.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from google.cloud.firestore_v1.base_document import DocumentSnapshot

print("FINDING: snapshot.get() gives None for a document that is missing, and KeyError for a field that is missing")
print(f"VERSIONS: google-cloud-firestore {version('google-cloud-firestore')}")
print("EXPECTED BY MOST: as a dict's get(), None for a field that is not there; an error for a document that is not there")

snapshots = {
    "field missing": DocumentSnapshot(None, {"status": "running"}, True, None, None, None),
    "document missing": DocumentSnapshot(None, None, False, None, None, None),
}
seen = {}
for name, snapshot in snapshots.items():
    try:
        seen[name] = repr(snapshot.get("finished_at"))
    except KeyError:
        seen[name] = "KeyError"

print(f"SEEN: {seen}")
if seen != {"field missing": "KeyError", "document missing": "None"}:
    sys.exit("CHANGED: get() answers in another way")
print("OK: unchanged")
PYTHON
