#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'click==8.5.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import os
import sys
from importlib.metadata import version

import click

print("FINDING: the variable of an option with a flag_value is a switch: `0` makes it the text 'False', another value is dropped")
print(f"VERSIONS: click {version('click')}")
print("EXPECTED BY MOST: LOG_FORMAT=json gives json, LOG_FORMAT=0 the default or an error; the value is never one nobody named")


@click.command()
@click.option("--json", "log_format", flag_value="json", default="text", envvar="LOG_FORMAT")
def command(log_format):
    return log_format


seen = {}
for value in ("json", "text", "1", "0", "xml"):
    os.environ["LOG_FORMAT"] = value
    seen[value] = command.main([], standalone_mode=False)

print(f"SEEN: {seen}")
if seen != {"json": "json", "text": "text", "1": "json", "0": "False", "xml": "text"}:
    sys.exit("CHANGED: the variable is read in another way")
print("OK: unchanged")
PYTHON
