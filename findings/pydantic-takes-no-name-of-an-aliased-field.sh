#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pydantic==2.14.4'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from pydantic import BaseModel, Field

print("FINDING: a field with an alias is not set by its own name: the value is dropped, and the default stands")
print(f"VERSIONS: pydantic {version('pydantic')}")
print("EXPECTED BY MOST: Limits(max_rows=5) sets max_rows, which is the attribute's name, or fails")


class Limits(BaseModel):
    max_rows: int = Field(10, alias="maxRows")


by_alias = Limits(maxRows=5)
seen = {
    "maxRows=5": by_alias.max_rows,
    "max_rows=5": Limits(max_rows=5).max_rows,
    "from its own model_dump()": Limits(**by_alias.model_dump()).max_rows,
}

print(f"SEEN: {seen}")
if list(seen.values()) != [5, 10, 10]:
    sys.exit("CHANGED: the name sets the field, or is refused")
print("OK: unchanged")
PYTHON
