#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'prometheus-client==0.26.0'
"$folder/venv/bin/python" -I - "$folder" <<'PYTHON'
import os
import sys
from importlib.metadata import version
from pathlib import Path

from prometheus_client import ProcessCollector

print("FINDING: without /proc/stat, as under systemd's ProcSubset=pid, ProcessCollector gives no metric at all, without a word")
print(f"VERSIONS: prometheus_client {version('prometheus-client')}, Python {sys.version.split()[0]}")
print("EXPECTED BY MOST: only process_start_time_seconds is missing, the one that needs the time of the boot")

# What a process sees of /proc that is mounted with subset=pid: its own folder, none of the files beside it.
proc = Path(sys.argv[1]) / "proc"
proc.mkdir()
(proc / "self").symlink_to(f"/proc/{os.getpid()}")

whole = [metric.name for metric in ProcessCollector(registry=None).collect()]
subset = [metric.name for metric in ProcessCollector(proc=str(proc), registry=None).collect()]

print(f"SEEN: {len(whole)} metrics with the whole of /proc, {len(subset)} with the processes alone")
if not (len(whole) == 6 and subset == []):
    sys.exit("CHANGED: it gives other metrics, or others are missing")
print("OK: unchanged")
PYTHON
