#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-cloud-bigquery==3.47.0' 'google-api-core==2.44.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import socket
import subprocess
import sys
import time
from importlib.metadata import version

CALL = """
import sys
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

client = bigquery.Client("demo", AnonymousCredentials(), client_options={"api_endpoint": sys.argv[1]})
options = {"job_retry": None} if sys.argv[2] == "alone" else {}
client.query_and_wait(
    "SELECT 1", api_timeout=1, wait_timeout=2, retry=bigquery.DEFAULT_RETRY.with_timeout(2), **options
)
"""
LIMIT = 60  # a busy machine takes long to import the client

print("FINDING: a second retry, of 40 minutes, is wrapped around the `retry` that the caller limits")
print(f"VERSIONS: google-cloud-bigquery {version('google-cloud-bigquery')}, google-api-core {version('google-api-core')}")
print("EXPECTED BY MOST: query_and_wait(retry=DEFAULT_RETRY.with_timeout(2), ...) on a dead server fails within seconds")

# Bound and not listening: every connection is refused, and nobody else can take the port.
with socket.socket() as dead:
    dead.bind(("127.0.0.1", 0))
    address = "http://{}:{}".format(*dead.getsockname())
    seen = {}
    for retry in ("alone", "inside"):
        begun = time.monotonic()
        try:
            subprocess.run([sys.executable, "-c", CALL, address, retry], capture_output=True, timeout=LIMIT, check=False)
            seen[retry] = "failed"
            print(f"SEEN: with job_retry=None it failed after {time.monotonic() - begun:.0f} s")
        except subprocess.TimeoutExpired:
            seen[retry] = "goes on"
            print(f"SEEN: without job_retry=None it was still trying after {LIMIT} s")

if seen != {"alone": "failed", "inside": "goes on"}:
    sys.exit(f"CHANGED: {seen}")
print("OK: unchanged")
PYTHON
