#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'pytest==9.2.0' 'pytest-xdist==3.8.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import re
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

TESTS = """
import os
import pytest

@pytest.mark.xdist_group("one-at-a-time")
@pytest.mark.parametrize("number", range(20))
def test_it(number):
    with open("workers", "a") as file:
        print(os.environ["PYTEST_XDIST_WORKER"], file=file)
"""

print("FINDING: pytest-xdist's `--dist loadgroup` no longer keeps a group on one worker, and says nothing")
print(f"VERSIONS: pytest {version('pytest')}, pytest-xdist {version('pytest-xdist')}")
print("EXPECTED BY MOST: all tests of one xdist_group run on one worker, one after the other")

with tempfile.TemporaryDirectory() as folder:
    Path(folder, "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-W", "error", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=50)
    workers = sorted(set(Path(folder, "workers").read_text().split()))
warned = bool(re.search("warning|group", run.stdout.split("session starts")[1]))

print(f"SEEN: exit code {run.returncode}; the group's tests ran on {workers}; a word about it: {warned}")
if (run.returncode, workers, warned) != (0, ["gw0", "gw1"], False):
    sys.exit("CHANGED: the group runs on one worker, or the run says why not")
print("OK: unchanged")
PYTHON
