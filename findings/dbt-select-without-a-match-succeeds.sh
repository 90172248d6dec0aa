#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'dbt-core==1.11.16' 'dbt-duckdb==1.11.1' 'duckdb==2.0.1'
"$folder/venv/bin/python" -I - <<'PYTHON'
import json
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

FILES = {
    "dbt_project.yml": "{name: demo, profile: demo, flags: {send_anonymous_usage_stats: false}}",
    "profiles.yml": "{demo: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}}",
    "models/games.sql": "select 1 as game",
    "models/teams.sql": "select 1 as team",
}

print("FINDING: dbt succeeds when no model matches a name or tag of --select; with `games tems` it runs one of the two")
print(f"VERSIONS: dbt-core {version('dbt-core')}, dbt-duckdb {version('dbt-duckdb')}")
print("EXPECTED BY MOST: a model that was asked for by name and does not exist fails the command")

seen = []
with tempfile.TemporaryDirectory() as folder:
    for name, text in FILES.items():
        Path(folder, name).parent.mkdir(exist_ok=True)
        Path(folder, name).write_text(text)
    for wanted in (["tems"], ["games", "tems"]):
        command = [Path(sys.executable).with_name("dbt"), "run", "--select", *wanted]
        run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
        results = json.loads(Path(folder, "target/run_results.json").read_text())["results"]
        ran = [result["unique_id"].split(".")[-1] for result in results]
        seen.append((run.returncode, ran))
        print(f"SEEN: --select {' '.join(wanted)}: exit code {run.returncode}, ran {ran}")

if seen != [(0, []), (0, ["games"])]:
    sys.exit("CHANGED: the command fails, or runs other models")
print("OK: unchanged")
PYTHON
