#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'prometheus-client==0.26.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily

print("FINDING: registering a collector without describe() collects from it, in the default registry and not in a new one")
print(f"VERSIONS: prometheus-client {version('prometheus-client')}")
print("EXPECTED BY MOST: collect() runs when somebody scrapes, so a database that is down does not fail the program's start")


class Rows:
    """A collector that asks a database, which is down."""

    def __init__(self):
        self.asked = 0

    def collect(self):
        self.asked += 1
        yield GaugeMetricFamily("rows", "Rows of the table", value=ask())


def ask():
    raise ConnectionError("the database is down")


seen = []
for registry in (CollectorRegistry(), REGISTRY):
    rows = Rows()
    try:
        registry.register(rows)
        seen.append((rows.asked, "registered"))
    except ConnectionError as error:
        seen.append((rows.asked, str(error)))

print(f"SEEN: collected before any scrape, and the outcome: new registry {seen[0]}, default registry {seen[1]}")
if seen != [(0, "registered"), (1, "the database is down")]:
    sys.exit("CHANGED: registering collects nothing, or in both")
print("OK: unchanged")
PYTHON
