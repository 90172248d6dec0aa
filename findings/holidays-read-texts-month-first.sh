#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'holidays==0.109'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

import holidays

print("FINDING: a text is read with the month first, in Germany's calendar too, unless the number is above 12")
print(f"VERSIONS: holidays {version('holidays')}")
print("EXPECTED BY MOST: 03.10.2026 is 3 October in a German calendar, or is refused; the rule is the same for all days")

germany = holidays.country_holidays("DE")
seen = {text: text in germany for text in ("03.10.2026", "10.03.2026", "25.12.2026", "2026-10-03")}

print(f"SEEN: {seen}")
if seen != {"03.10.2026": False, "10.03.2026": True, "25.12.2026": True, "2026-10-03": True}:
    sys.exit("CHANGED: texts are read in another way")
print("OK: unchanged")
PYTHON
