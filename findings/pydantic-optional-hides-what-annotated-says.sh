#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pydantic==2.14.3'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version
from typing import Annotated

from pydantic import BaseModel, Field

print("FINDING: what Annotated adds to a type is no part of the field once the field may be None")
print(f"VERSIONS: pydantic {version('pydantic')}")
print("EXPECTED BY MOST: the same description, examples and bounds in model_fields with and without `| None`")
Port = Annotated[int, Field(ge=1, description="a port")]


class Model(BaseModel):
    a: Port
    b: Port | None = None


seen = [(field.description, bool(field.metadata)) for field in Model.model_fields.values()]
print(f"SEEN: (description, bounds): {seen[0]} of `Port`, {seen[1]} of `Port | None`")
if seen != [("a port", True), (None, False)]:
    sys.exit("CHANGED: both fields say the same")
print("OK: unchanged")
PYTHON
