#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pyyaml==6.0.3'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

import yaml

print("FINDING: the loader written in C refuses a text whose class is a subclass of str; the one in Python takes it")
print(f"VERSIONS: PyYAML {version('pyyaml')}")
print("EXPECTED BY MOST: CSafeLoader is a quicker SafeLoader and takes what that takes; so does dumping")


class Text(str):
    __slots__ = ()


text = Text("a: 1")
plain = yaml.load(text, yaml.SafeLoader)
try:
    quick = yaml.load(text, yaml.CSafeLoader)
except TypeError as error:
    quick = f"TypeError: {error}"
try:
    dumped = yaml.safe_dump(text)
except yaml.representer.RepresenterError as error:
    dumped = "RepresenterError"
print(f"SEEN: SafeLoader {plain}, CSafeLoader {quick}, safe_dump {dumped}")
if plain != {"a": 1} or "string or stream input is required" not in str(quick) or dumped != "RepresenterError":
    sys.exit("CHANGED: a subclass of str is treated in another way")
print("OK: unchanged")
PYTHON
