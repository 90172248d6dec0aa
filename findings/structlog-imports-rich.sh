#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'structlog==26.1.0' 'rich==15.0.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

print("FINDING: importing structlog imports rich wherever it is installed, although only its console output uses it")
print(f"VERSIONS: structlog {version('structlog')}, rich {version('rich')}")
print("EXPECTED BY MOST: a process that logs JSON or logfmt does not pay for a library of colours")

import structlog

modules = sorted(name for name in sys.modules if name == "rich" or name.startswith("rich."))
print(f"SEEN: after `import structlog` and nothing else, {len(modules)} modules of rich are loaded")
if not modules:
    sys.exit("CHANGED: rich is no longer imported")
print("OK: unchanged")
PYTHON
