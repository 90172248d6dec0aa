#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pandas==3.1.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

import pandas as pd

print("FINDING: merge() joins rows without a key with all other rows without one")
print(f"VERSIONS: pandas {version('pandas')}")
print("EXPECTED BY MOST: NaN and NULL equal nothing, as in SQL and as NaN == NaN says, so an inner join leaves such rows out")

games = pd.DataFrame({"game": ["a", None, None], "points": [1, 2, 3]})
players = pd.DataFrame({"game": ["a", None, None], "player": ["x", "y", "z"]})
joined = games.merge(players, on="game")
seen = (len(joined), int(joined["game"].isna().sum()))

print(f"SEEN: {seen[0]} rows of two tables with one common game, {seen[1]} of them without a game")
if seen != (5, 4):
    sys.exit("CHANGED: rows without a key are left out")
print("OK: unchanged")
PYTHON
