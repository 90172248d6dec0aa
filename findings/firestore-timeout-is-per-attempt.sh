#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-firestore==2.34.1' 'google-api-core==2.44.0' 'grpcio==1.85.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import os
import socket
import subprocess
import sys
import time
from importlib.metadata import version

CALL = """
import sys
from google.cloud import firestore

options = {"retry": None} if sys.argv[1] == "once" else {}
firestore.Client(project="demo").document("completion/2026-02-01").get(timeout=2, **options)
"""
LIMIT = 20

print("FINDING: `timeout` of a Firestore call limits one attempt; the attempts go on for minutes")
print(f"VERSIONS: google-cloud-firestore {version('google-cloud-firestore')}, grpcio {version('grpcio')}")
print("EXPECTED BY MOST: document.get(timeout=2) on a dead server fails within about 2 s")

# Bound and not listening: every connection is refused, and nobody else can take the port.
with socket.socket() as dead:
    dead.bind(("127.0.0.1", 0))
    os.environ["FIRESTORE_EMULATOR_HOST"] = "{}:{}".format(*dead.getsockname())
    seen = {}
    for attempts in ("once", "default"):
        begun = time.monotonic()
        try:
            subprocess.run([sys.executable, "-c", CALL, attempts], capture_output=True, timeout=LIMIT, check=False)
            seen[attempts] = "failed"
            print(f"SEEN: with retry=None it failed after {time.monotonic() - begun:.0f} s")
        except subprocess.TimeoutExpired:
            seen[attempts] = "goes on"
            print(f"SEEN: without retry=None it was still trying after {LIMIT} s")

if seen != {"once": "failed", "default": "goes on"}:
    sys.exit(f"CHANGED: {seen}")
print("OK: unchanged")
PYTHON
