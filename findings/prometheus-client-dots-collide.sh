#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'prometheus-client==0.26.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Gauge, generate_latest

print("FINDING: a registry takes `rows.read` and `rows_read` as two metrics and writes both as `rows_read`")
print(f"VERSIONS: prometheus-client {version('prometheus-client')}")
print("EXPECTED BY MOST: the name with a dot is refused, or the second of the two is, as for any duplicate")

registry = CollectorRegistry()
Gauge("rows.read", "Rows read by the reader.", registry=registry).set(1)
Gauge("rows_read", "Rows read by the writer.", registry=registry).set(2)
seen = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]

print(f"SEEN: {seen}")
if seen != ["rows_read 1.0", "rows_read 2.0"]:
    sys.exit("CHANGED: the two names no longer come out as one")
print("OK: unchanged")
PYTHON
