#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pydantic==2.14.4'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

print("FINDING: an assignment that a model validator refuses stays in the model")
print(f"VERSIONS: pydantic {version('pydantic')}")
print("EXPECTED BY MOST: after the ValidationError the model is as it was, as after an error of the field's own type")


class Limits(BaseModel):
    model_config = ConfigDict(validate_assignment=True)
    warn: int = 10
    fail: int = 20

    @model_validator(mode="after")
    def in_order(self):
        if self.warn >= self.fail:
            raise ValueError("warn must be below fail")
        return self


seen = []
for value in ("many", 50):
    limits = Limits()
    try:
        limits.warn = value
    except ValidationError as error:
        seen.append((error.errors()[0]["type"], limits.warn))

print(f"SEEN: the value of `warn` after each error: {seen}")
if seen != [("int_parsing", 10), ("value_error", 50)]:
    sys.exit("CHANGED: a refused value does not stay, or is not refused")
print("OK: unchanged")
PYTHON
