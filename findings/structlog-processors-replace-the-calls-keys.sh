#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'structlog==26.1.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import io
import json
import sys
from importlib.metadata import version

import structlog

print("FINDING: `timestamp=` and `level=` of a log call are lost: the processors that add these keys write over them")
print(f"VERSIONS: structlog {version('structlog')}")
print("EXPECTED BY MOST: what the caller says stays, or the call fails as it does for a second `event`")

written = io.StringIO()
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.processors.JSONRenderer(),
    ],
    logger_factory=structlog.PrintLoggerFactory(written),
)
row = {"timestamp": "2026-01-15T19:30:00Z", "level": 3}
structlog.get_logger().info("row read", **row)
line = json.loads(written.getvalue())

print(f"SEEN: {row} became {line}")
if line["level"] != "info" or line["timestamp"] == row["timestamp"] or set(line) != {"event", *row}:
    sys.exit("CHANGED: the values of the call are kept")
print("OK: unchanged")
PYTHON
