#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-auth==2.62.2'
"$folder/venv/bin/python" -I - "$folder" <<'PYTHON'
import os
import sys
from importlib.metadata import version

import google.auth
from google.auth.exceptions import GoogleAuthError

print("FINDING: google.auth.default() lets errors of the operating system through")
print(f"VERSIONS: google-auth {version('google-auth')}")
print("EXPECTED BY MOST: a DefaultCredentialsError, the one that its documentation names")
os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = sys.argv[1]
try:
    google.auth.default()
except GoogleAuthError as error:
    sys.exit(f"CHANGED: it raises {type(error).__name__}")
except OSError as error:
    print(f"SEEN: GOOGLE_APPLICATION_CREDENTIALS that names a folder raises {type(error).__name__}")
print("OK: unchanged")
PYTHON
