#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'polars==2.1.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
import warnings
from importlib.metadata import version

import polars as pl

print("FINDING: a frame made of dicts has the types and keys of the first 100: later fractions are cut off, later keys dropped")
print(f"VERSIONS: polars {version('polars')}")
print("EXPECTED BY MOST: all rows are read, or a value that does not fit is an error, as `strict=True`, the default, suggests")

warnings.simplefilter("error")
rows = [{"game": game, "share": 1} for game in range(100)]
late = {"game": 100, "share": 1.9, "note": "overtime"}
short, long = (pl.DataFrame([*rows[:count], late]).tail(1).to_dicts()[0] for count in (99, 100))

print(f"SEEN: {late} as row 100: {short}; as row 101: {long}")
if short != late or long != {"game": 100, "share": 1}:
    sys.exit("CHANGED: row 101 is read as row 100 is, or refused")
print("OK: unchanged")
PYTHON
