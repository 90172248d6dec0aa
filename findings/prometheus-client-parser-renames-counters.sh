#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'prometheus-client==0.26.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from prometheus_client.parser import text_string_to_metric_families

TEXT = """\
# HELP node_forks Forks.
# TYPE node_forks counter
node_forks 7
# HELP node_boots_total Boots.
# TYPE node_boots_total counter
node_boots_total 3
"""

print("FINDING: the text parser renames counters, families by cutting `_total` off and samples by adding it")
print(f"VERSIONS: prometheus-client {version('prometheus-client')}")
print("EXPECTED BY MOST: a parser gives the names that stand in the text")

seen = [(family.name, sample.name) for family in text_string_to_metric_families(TEXT) for sample in family.samples]

print(f"SEEN: (family, sample) for node_forks and node_boots_total: {seen}")
if seen != [("node_forks", "node_forks_total"), ("node_boots", "node_boots_total")]:
    sys.exit("CHANGED: the parser gives other names")
print("OK: unchanged")
PYTHON
