#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-api-core==2.44.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from google.api_core.exceptions import GoogleAPICallError, RetryError, ServiceUnavailable
from google.api_core.retry import Retry

print("FINDING: once its timeout is over, a retry raises RetryError: no GoogleAPICallError, no error of the call, no TimeoutError")
print(f"VERSIONS: google-api-core {version('google-api-core')}")
print("EXPECTED BY MOST: the last error, so that `except ServiceUnavailable` works with a retry as it does without")


def call():
    raise ServiceUnavailable("the service is down")


seen = []
for attempt in (call, Retry(initial=0.01, maximum=0.01, timeout=0.1)(call)):
    try:
        attempt()
    except Exception as error:
        kinds = (ServiceUnavailable, GoogleAPICallError, TimeoutError, RetryError)
        seen.append([kind.__name__ for kind in kinds if isinstance(error, kind)])

print(f"SEEN: without a retry {seen[0]}, with one {seen[1]}")
if seen != [["ServiceUnavailable", "GoogleAPICallError"], ["RetryError"]]:
    sys.exit("CHANGED: the retry raises another error")
print("OK: unchanged")
PYTHON
