#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'rich==15.0.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import io
import sys
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

print("FINDING: a word in square brackets is a style: what is no known style is left out of lines and tables, without an error")
print(f"VERSIONS: rich {version('rich')}")
print("EXPECTED BY MOST: only real tags such as [bold] vanish; `rows[points]` and a cell with a name of data are printed")

console = Console(file=io.StringIO(), width=60)
console.print("KeyError in rows[points], rows[0] and rows[Points]")
table = Table(show_header=False, box=None)
table.add_row("phase[three]")
console.print(table)
seen = [line.strip() for line in console.file.getvalue().splitlines()]

print(f"SEEN: {seen}")
if seen != ["KeyError in rows, rows[0] and rows[Points]", "phase"]:
    sys.exit("CHANGED: the words are printed, or others are left out")
print("OK: unchanged")
PYTHON
