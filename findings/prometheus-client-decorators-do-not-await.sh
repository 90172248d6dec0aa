#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'prometheus-client==0.26.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import asyncio
import sys
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary

print("FINDING: time(), track_inprogress() and count_exceptions() around an `async def` watch nothing of its run")
print(f"VERSIONS: prometheus-client {version('prometheus-client')}")
print("EXPECTED BY MOST: 0.2 s are measured, 1 run is in progress meanwhile, 1 exception is counted; or a TypeError at once")

registry = CollectorRegistry()
duration = Summary("duration_seconds", "How long a run took", registry=registry)
running = Gauge("running", "Runs in progress", registry=registry)
failures = Counter("failures", "Runs that failed", registry=registry)
during = []


@duration.time()
@running.track_inprogress()
@failures.count_exceptions()
async def run():
    await asyncio.sleep(0.2)
    during.append(registry.get_sample_value("running"))
    raise RuntimeError("the run failed")


try:
    asyncio.run(run())
except RuntimeError:
    pass
counted = registry.get_sample_value("duration_seconds_count"), registry.get_sample_value("failures_total")
measured = registry.get_sample_value("duration_seconds_sum")

print(f"SEEN: {measured:.6f} s measured, in progress during the run: {during[0]:.0f}, exceptions counted: {counted[1]:.0f}")
if during != [0.0] or counted != (1.0, 0.0) or measured > 0.1:
    sys.exit("CHANGED: the coroutine's run is watched, or decorating it is refused")
print("OK: unchanged")
PYTHON
