#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'prometheus-client==0.26.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import os
import sys
import tempfile
import warnings
from importlib.metadata import version

print("FINDING: with several processes, a gauge with a callback (set_function) is exposed as 0, or not at all")
print(f"VERSIONS: prometheus-client {version('prometheus-client')}")
print("EXPECTED BY MOST: the callback's value, 42, or an error from set_function()")

with tempfile.TemporaryDirectory() as folder:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
    from prometheus_client import CollectorRegistry, Gauge
    from prometheus_client.multiprocess import MultiProcessCollector

    with warnings.catch_warnings(action="error"):
        for mode in ("all", "max", "sum", "mostrecent"):
            Gauge(f"queue_{mode}", "Waiting jobs", multiprocess_mode=mode).set_function(lambda: 42)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    found = {family.name: [sample.value for sample in family.samples] for family in registry.collect()}

seen = dict(sorted(found.items()))
print(f"SEEN: {seen}")
if seen != {"queue_all": [0.0], "queue_max": [0.0], "queue_mostrecent": [], "queue_sum": [0.0]}:
    sys.exit("CHANGED: the callback is called, or refused")
print("OK: unchanged")
PYTHON
