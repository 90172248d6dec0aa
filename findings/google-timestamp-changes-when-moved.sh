#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'google-api-core==2.44.0' 'protobuf==6.33.6' 'tzdata==2026.6'
"$folder/venv/bin/python" -I - <<'PYTHON'
import copy
import sys
from datetime import timedelta
from importlib.metadata import version
from zoneinfo import ZoneInfo

from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.protobuf.timestamp_pb2 import Timestamp

print("FINDING: the timestamps that Firestore's client returns lie after astimezone(), a copy or a sum")
print(f"VERSIONS: google-api-core {version('google-api-core')}, protobuf {version('protobuf')}")
print("EXPECTED BY MOST: rfc3339() names the same moment in every zone, and a copy keeps the nanoseconds")

stamp = DatetimeWithNanoseconds.from_timestamp_pb(Timestamp(seconds=1_769_904_000, nanos=123_456_789))
moved = stamp.astimezone(ZoneInfo("America/New_York"))
seen = {
    "rfc3339()": stamp.rfc3339(),
    "rfc3339() in New York": moved.rfc3339(),
    "nanosecond": stamp.nanosecond,
    "nanosecond of a copy": copy.copy(stamp).nanosecond,
    "nanosecond of stamp + 0": (stamp + timedelta(0)).nanosecond,
    "equal to the moment 789 ns earlier": stamp == stamp + timedelta(0),
}
early = Timestamp(seconds=-2, nanos=500_000_000)
seen["2 s before 1970 and half, written back"] = DatetimeWithNanoseconds.from_timestamp_pb(early).timestamp_pb().seconds

print(f"SEEN: {seen}")
if list(seen.values()) != [
    "2026-02-01T00:00:00.123456789Z",
    "2026-01-31T19:00:00.123456Z",
    123_456_789,
    0,
    0,
    True,
    -1,
]:
    sys.exit("CHANGED: the values are others")
print("OK: unchanged")
PYTHON
