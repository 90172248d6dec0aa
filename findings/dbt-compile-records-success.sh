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
    "models/broken.sql": "{{ config(materialized='table') }} select error('no such game') as points",
    "models/schema.yml": "models: [{name: broken, columns: [{name: points, data_tests: [not_null]}]}]",
}

print("FINDING: `dbt compile` and `dbt docs generate` record `success` for all models and tests, over the record of the build")
print(f"VERSIONS: dbt-core {version('dbt-core')}, dbt-duckdb {version('dbt-duckdb')}")
print("EXPECTED BY MOST: run_results.json tells what was last run, so what failed in it stays failed until it runs again")

seen = []
with tempfile.TemporaryDirectory() as folder:
    for name, text in FILES.items():
        Path(folder, name).parent.mkdir(exist_ok=True)
        Path(folder, name).write_text(text)
    for command in ("build", "compile"):
        run = subprocess.run([Path(sys.executable).with_name("dbt"), command], cwd=folder, capture_output=True, timeout=120)
        results = json.loads(Path(folder, "target/run_results.json").read_text())["results"]
        recorded = {result["unique_id"].split(".")[2]: result["status"] for result in results}
        seen.append((run.returncode, recorded))
        print(f"SEEN: after dbt {command}, exit code {run.returncode}, run_results.json says {recorded}")

failed = (1, {"broken": "error", "not_null_broken_points": "skipped"})
if seen != [failed, (0, dict.fromkeys(failed[1], "success"))]:
    sys.exit("CHANGED: the record of the build stays, or says another thing")
print("OK: unchanged")
PYTHON
