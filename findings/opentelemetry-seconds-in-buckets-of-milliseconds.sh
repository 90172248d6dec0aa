#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'opentelemetry-exporter-prometheus==0.66b2' 'opentelemetry-sdk==1.45.2'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from prometheus_client import REGISTRY

print("FINDING: a histogram of seconds gets buckets from 5 to 10,000, so all fast calls are in one and quantiles are inventions")
print(f"VERSIONS: opentelemetry-sdk {version('opentelemetry-sdk')}, exporter {version('opentelemetry-exporter-prometheus')}")
print("EXPECTED BY MOST: with unit `s`, which OpenTelemetry's own conventions ask for, the buckets fit durations in seconds")

provider = MeterProvider([PrometheusMetricReader()])
histogram = provider.get_meter("demo").create_histogram("http.server.request.duration", unit="s")
for thousandths in range(100, 300):
    histogram.record(thousandths / 1000)
buckets = {
    float(sample.labels["le"]): sample.value
    for family in REGISTRY.collect()
    for sample in family.samples
    if sample.name == "http_server_request_duration_seconds_bucket"
}
provider.shutdown()

# PromQL's histogram_quantile(0.99, …): a straight line between the bounds of the bucket in which the value lies.
wanted = 0.99 * buckets[float("inf")]
upper = min(bound for bound, count in buckets.items() if count >= wanted)
lower = max((bound for bound in buckets if bound < upper), default=0.0)
below = buckets.get(lower, 0.0)
quantile = lower + (upper - lower) * (wanted - below) / (buckets[upper] - below)

bounds = list(buckets)[:4]
print(f"SEEN: bounds {bounds} and on; 200 calls of 0.1 to 0.3 s have a 99th percentile of {quantile:.2f} s")
if bounds != [0.0, 5.0, 10.0, 25.0] or not 4.9 < quantile < 5:
    sys.exit("CHANGED: the buckets are others")
print("OK: unchanged")
PYTHON
