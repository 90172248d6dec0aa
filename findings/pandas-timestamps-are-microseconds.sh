#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pandas==3.1.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import pandas as pd

print("FINDING: `times.astype('int64') // 10**9`, for years the way to seconds since 1970, now gives dates of January 1970")
print(f"VERSIONS: pandas {version('pandas')}")
print("EXPECTED BY MOST: the integers behind a column of times are nanoseconds, as `Timestamp.value` still is")

warnings.simplefilter("error")
times = pd.to_datetime(pd.Series(["2026-01-15T19:30:00Z"]))
first = times[0]
nanoseconds = (times.astype("int64")[0], first.value)
seen = [pd.Timestamp(number // 10**9, unit="s", tz="UTC").isoformat() for number in nanoseconds]

print(f"SEEN: {times.dtype}; through the column: {seen[0]}; through the value of its element: {seen[1]}")
if str(times.dtype) != "datetime64[us, UTC]" or seen != ["1970-01-21T11:15:05+00:00", "2026-01-15T19:30:00+00:00"]:
    sys.exit("CHANGED: the integers have another unit")
print("OK: unchanged")
PYTHON
