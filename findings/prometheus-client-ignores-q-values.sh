#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'prometheus-client==0.26.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version
from urllib.request import Request, urlopen

from prometheus_client import CollectorRegistry, start_http_server

# What Prometheus sends for `scrape_protocols: [PrometheusText0.0.4, OpenMetricsText1.0.0]`, and two headers that refuse.
TEXT_FIRST = "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.4"
NO_OPENMETRICS = "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0"
NO_GZIP = "gzip;q=0, identity"

print("FINDING: the server of prometheus-client does not read q-values: it sends formats that are liked less or refused")
print(f"VERSIONS: prometheus-client {version('prometheus-client')}")
print("EXPECTED BY MOST: the format with the highest q-value, and none with q=0")

server, thread = start_http_server(0, addr="127.0.0.1", registry=CollectorRegistry())
answers = [
    urlopen(Request(f"http://127.0.0.1:{server.server_port}/metrics", headers=headers), timeout=10).headers
    for headers in ({"Accept": TEXT_FIRST}, {"Accept": NO_OPENMETRICS}, {"Accept-Encoding": NO_GZIP})
]
server.shutdown()
thread.join()
seen = [answer["Content-Type"].split(";")[0] for answer in answers[:2]] + [answers[2]["Content-Encoding"]]

print(f"SEEN: text preferred: {seen[0]}; OpenMetrics refused: {seen[1]}; gzip refused: {seen[2]}")
if seen != ["application/openmetrics-text", "application/openmetrics-text", "gzip"]:
    sys.exit("CHANGED: the q-values are read")
print("OK: unchanged")
PYTHON
