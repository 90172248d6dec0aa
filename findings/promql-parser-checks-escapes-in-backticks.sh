#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'promql-parser==0.12.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

import promql_parser

print("FINDING: promql-parser checks escapes inside back-ticks: it refuses `\\d` and `\\.` and keeps `\\n` as two characters")
print(f"VERSIONS: promql-parser {version('promql-parser')}")
print("EXPECTED BY MOST: back-ticks are PromQL's raw strings, made for regular expressions; every backslash is allowed")

seen = []
for query in (r"up{job=~`web-\d+`}", r"up{job=~`web\.local`}", r"up{job=~`one\ntwo`}"):
    try:
        seen.append(promql_parser.parse(query).prettify())
    except ValueError as error:
        seen.append(str(error))

print(f"SEEN: {seen}")
if seen != ["unknown escape sequence 'd'", "unknown escape sequence '.'", r'up{job=~"one\\ntwo"}']:
    sys.exit("CHANGED: back-ticked strings are read in another way")
print("OK: unchanged")
PYTHON
