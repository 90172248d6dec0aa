#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'hypothesis==6.170.17' 'pytest==9.2.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

TESTS = """
from hypothesis import given, strategies as st

@given(st.integers(0, 10**9))
def test_it(number):
    with open("numbers", "a") as file:
        print(number, file=file)
"""

print("FINDING: where `CI` is set, every run of a property test tries the same examples, and --hypothesis-seed changes nothing")
print(f"VERSIONS: hypothesis {version('hypothesis')}, pytest {version('pytest')}")
print("EXPECTED BY MOST: each build tries other random examples, so that rare failures are found in time")


def runs(environment):
    """How many different lists of examples two runs with different seeds have."""
    found = set()
    for seed in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "test_it.py").write_text(TESTS)
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}"]
            subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=50)
            found.add(Path(folder, "numbers").read_text())
    return len(found)


plain = {"PATH": os.environ["PATH"]}
seen = runs(plain), runs(plain | {"CI": "true"})

print(f"SEEN: two runs with two seeds tried {seen[0]} lists of examples; with CI=true {seen[1]}")
if seen != (2, 1):
    sys.exit("CHANGED: the examples differ on CI, or not elsewhere")
print("OK: unchanged")
PYTHON
