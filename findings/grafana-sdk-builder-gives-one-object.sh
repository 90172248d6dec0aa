#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'grafana-foundation-sdk==1769699379!11.6.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.builders.timeseries import Panel

print("FINDING: a builder that is changed after build() changes what it built before: two panels of one builder are one")
print(f"VERSIONS: grafana-foundation-sdk {version('grafana-foundation-sdk')}")
print("EXPECTED BY MOST: build() and with_panel() take the builder as it is then, so a builder can serve as a template")

dashboard, panel = Dashboard("Games"), Panel().unit("s")
for title in ("Median", "Maximum"):
    dashboard.with_panel(panel.title(title))
titles = [built.title for built in dashboard.build().panels]
same = panel.build() is panel.build()

print(f"SEEN: titles of the two panels: {titles}; build() gives the same object again: {same}")
if titles != ["Maximum", "Maximum"] or not same:
    sys.exit("CHANGED: every build() gives an object of its own")
print("OK: unchanged")
PYTHON
