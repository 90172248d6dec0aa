#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'opentelemetry-exporter-prometheus==0.66b2' 'opentelemetry-sdk==1.45.2'
"$folder/venv/bin/python" -I - <<'PYTHON'
import contextlib
import io
import logging
import sys
from importlib.metadata import version

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import REGISTRY

print("FINDING: from the 2,001st label set on, a counter counts all new ones in one series without labels, and logs nothing")
print(f"VERSIONS: opentelemetry-sdk {version('opentelemetry-sdk')}, exporter {version('opentelemetry-exporter-prometheus')}")
print("EXPECTED BY MOST: every label set has its series, as in prometheus-client, or the log says that some have none")

said = io.StringIO()
logging.basicConfig(stream=said, level=logging.DEBUG)
with contextlib.redirect_stderr(said):
    provider = MeterProvider([PrometheusMetricReader()])
    counter = provider.get_meter("demo").create_counter("points")
    for player in range(3000):
        counter.add(1, {"player": f"player-{player}"})
    samples = [s for family in REGISTRY.collect() for s in family.samples if s.name == "points_total"]
    provider.shutdown()
own = [s for s in samples if s.labels["player"]]
rest = [(s.value, s.labels["otel_metric_overflow"]) for s in samples if not s.labels["player"]]
others = {s.labels["otel_metric_overflow"] for s in own}

print(f"SEEN: 3,000 players: {len(own)} series of their own, one for the rest: {rest}; the others' new label: {others}")
print(f"SEEN: logged: {said.getvalue()!r}")
if (len(own), rest, others, said.getvalue()) != (2000, [(1000.0, "true")], {""}, ""):
    sys.exit("CHANGED: more label sets have a series of their own, or the log says that they have none")
print("OK: unchanged")
PYTHON
