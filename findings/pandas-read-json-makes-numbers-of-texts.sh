#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pandas==3.1.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import io
import json
import sys
import warnings
from importlib.metadata import version

import pandas as pd

print("FINDING: read_json() makes numbers of JSON's texts, so ids lose their zeros, and dates of numbers in columns named `…_at`")
print(f"VERSIONS: pandas {version('pandas')}")
print("EXPECTED BY MOST: JSON says which values are texts and which are numbers, unlike CSV, so both stay what they are")

warnings.simplefilter("error")
game = {"game_id": "0022500571", "version": "1e5", "points_scored_at": 1_000_000_000}
read = pd.read_json(io.StringIO(json.dumps([game]))).iloc[0]
seen = {column: str(read[column]) for column in game}

print(f"SEEN: {game} is read as {seen}")
if seen != {"game_id": "22500571", "version": "100000.0", "points_scored_at": "2001-09-09 01:46:40"}:
    sys.exit("CHANGED: the values are read in another way")
print("OK: unchanged")
PYTHON
