#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'tenacity==9.2.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
import time
from importlib.metadata import version

import tenacity

print("FINDING: stop_after_delay(0.2) with a wait of 1 s goes on for 1 s and a further attempt: it only looks back")
print(f"VERSIONS: tenacity {version('tenacity')}")
print("EXPECTED BY MOST: no sleep is begun that ends after the limit, so the caller has its error within 0.2 s")

attempts = []


@tenacity.retry(stop=tenacity.stop_after_delay(0.2), wait=tenacity.wait_fixed(1), reraise=True)
def call():
    attempts.append(time.monotonic())
    raise ConnectionError("refused")


begin = time.monotonic()
try:
    call()
except ConnectionError:
    seconds = time.monotonic() - begin

print(f"SEEN: {len(attempts)} attempts, {seconds:.2f} s until the error")
if len(attempts) != 2 or seconds < 1:
    sys.exit("CHANGED: it stops before the wait")
print("OK: unchanged")
PYTHON
