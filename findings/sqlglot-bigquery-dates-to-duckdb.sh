#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'sqlglot==30.11.0' 'duckdb==1.5.5'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
from importlib.metadata import version

import duckdb
import sqlglot

# What BigQuery's reference says of each: weeks begin on Sunday unless WEEK(day) names another day, Sunday is day 1, and
# TIMESTAMP_DIFF counts whole units, UNIX_SECONDS rounds down. 2026-02-01 is a Sunday.
ANSWERS = {
    "SELECT CAST(DATE_TRUNC(DATE '2026-02-01', WEEK) AS STRING)": ("2026-02-01", "2026-01-26"),
    "SELECT EXTRACT(DAYOFWEEK FROM DATE '2026-02-01')": (1, 0),
    "SELECT TIMESTAMP_DIFF(TIMESTAMP '2026-02-01 11:01:00+00', TIMESTAMP '2026-02-01 10:59:00+00', HOUR)": (0, 1),
    "SELECT LAST_DAY(DATE '2026-02-03', WEEK(MONDAY))": ("2026-02-08", "2026-02-28"),
    "SELECT FORMAT_TIMESTAMP('%F', TIMESTAMP '2026-02-02 00:30:00+00', 'America/New_York')": ("2026-02-01", "2026-02-02"),
    "SELECT UNIX_SECONDS(TIMESTAMP '2026-02-01 00:00:00.9+00')": (1769904000, 1769904001),
}

print("FINDING: sqlglot writes BigQuery's date functions as functions of DuckDB that answer otherwise, without a word")
print(f"VERSIONS: sqlglot {version('sqlglot')}, duckdb {version('duckdb')}")
print("EXPECTED BY MOST: a transpiled query runs and answers as in BigQuery, or transpiling fails")

duckdb.sql("SET TimeZone = 'UTC'")
seen = {}
for query, (documented, _) in ANSWERS.items():
    (translated,) = sqlglot.transpile(query, read="bigquery", write="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)
    value = duckdb.sql(translated).fetchone()[0]
    seen[query] = (documented, value if isinstance(value, int) else str(value)[:10])
    print(f"SEEN: {query}: BigQuery {documented}, DuckDB {seen[query][1]}")
if seen != ANSWERS:
    sys.exit("CHANGED: the answers are others")
print("OK: unchanged")
PYTHON
