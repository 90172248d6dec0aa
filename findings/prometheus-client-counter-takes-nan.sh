#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'prometheus-client==0.26.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

print("FINDING: one NaN makes a counter NaN for ever; a histogram adds it to the sum and counts no observation")
print(f"VERSIONS: prometheus-client {version('prometheus-client')}")
print("EXPECTED BY MOST: inc() refuses what does not increase a counter, as it refuses a negative number")

registry = CollectorRegistry()
counter = Counter("rows", "Rows.", registry=registry)
counter.inc(5)
counter.inc(float("nan"))
counter.inc(1)
histogram = Histogram("seconds", "Seconds.", buckets=[1, 5], registry=registry)
histogram.observe(float("nan"))
lines = generate_latest(registry).decode().splitlines()
seen = [line for line in lines if line.startswith(("rows_total", "seconds_count", "seconds_sum", 'seconds_bucket{le="+Inf"}'))]

print(f"SEEN: {seen}")
if seen != ["rows_total NaN", 'seconds_bucket{le="+Inf"} 0.0', "seconds_count 0.0", "seconds_sum NaN"]:
    sys.exit("CHANGED: NaN is treated in another way")
print("OK: unchanged")
PYTHON
