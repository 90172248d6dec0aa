#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'dagster==1.13.29'
"$folder/venv/bin/python" -I - <<'PYTHON'
import logging
import sys
from importlib.metadata import version

import dagster as dg

print("FINDING: an asset check that fails with severity ERROR leaves its run a success, and what depends on the asset is made")
print(f"VERSIONS: dagster {version('dagster')}")
print("EXPECTED BY MOST: ERROR, the default severity, fails the run, and WARN is there for what should not")

logging.disable(logging.CRITICAL)
made = []


@dg.asset
def box_scores():
    made.append("box_scores")


@dg.asset_check(asset=box_scores)
def has_rows():
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.ERROR)


@dg.asset(deps=[box_scores])
def predictions():
    made.append("predictions")


with dg.DagsterInstance.ephemeral() as instance:
    result = dg.materialize([box_scores, has_rows, predictions], instance=instance)
    status = instance.get_run_by_id(result.run_id).status.value
passed = [check.passed for check in result.get_asset_check_evaluations()]

print(f"SEEN: check passed: {passed}; run recorded as {status}; assets made: {made}")
if (passed, status, made) != ([False], "SUCCESS", ["box_scores", "predictions"]):
    sys.exit("CHANGED: the failed check fails the run")
print("OK: unchanged")
PYTHON
