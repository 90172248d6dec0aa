#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
pip() { "$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }
pip install -qq --no-compile --no-deps 'grafana-foundation-sdk==1769699379!11.6.0' 'packaging==26.3'
if pip install -qq --no-compile --no-deps --target "$folder/plain" 'grafana-foundation-sdk==11.6.0' 2>"$folder/log"; then
  plain="installs"
else
  plain="$(grep -o -m 1 'Could not find a version' "$folder/log" || cat "$folder/log")"
fi
PLAIN="$plain" "$folder/venv/bin/python" -I - <<'PYTHON'
import os
import sys
from importlib.metadata import version

from packaging.specifiers import SpecifierSet

print("FINDING: the Grafana SDK's versions begin with an epoch, so no ordinary version range means what it says")
print(f"VERSIONS: grafana-foundation-sdk {version('grafana-foundation-sdk')}, packaging {version('packaging')}")
print("EXPECTED BY MOST: ==11.6.0 or ~=11.6 takes the release for Grafana 11.6, and >=10 keeps what comes after 10")

found = version("grafana-foundation-sdk")
ranges = ["==11.6.0", "~=11.6", ">=11.6,<12", ">=11.6", ">=999"]
seen = {wanted: SpecifierSet(wanted).contains(found) for wanted in ranges}

print(f"SEEN: {found} fits {seen}; pip install grafana-foundation-sdk==11.6.0: {os.environ['PLAIN']}")
if list(seen.values()) != [False, False, False, True, True] or os.environ["PLAIN"] != "Could not find a version":
    sys.exit("CHANGED: the plain version fits, or the epoch is gone")
print("OK: unchanged")
PYTHON
