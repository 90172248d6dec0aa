#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'apsw==3.54.1.0'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import apsw

print("FINDING: in WAL mode a transaction that read first and writes then fails with SQLITE_BUSY at once, whatever the timeout")
print(f"VERSIONS: apsw {version('apsw')}, SQLite {apsw.sqlite_lib_version()}")
print("EXPECTED BY MOST: a writer waits up to the busy timeout; here nobody even holds a lock, so it succeeds")

with tempfile.TemporaryDirectory() as folder:
    one, other = (apsw.Connection(str(Path(folder, "database"))) for _ in range(2))
    asked = []
    # A busy timeout is a handler that waits and says yes until the time is over.
    one.set_busy_handler(lambda attempts: asked.append(attempts) or attempts < 3)
    one.execute("PRAGMA journal_mode = WAL; CREATE TABLE jobs (name); INSERT INTO jobs VALUES ('first')").fetchall()
    one.execute("BEGIN; SELECT count(*) FROM jobs").fetchall()
    other.execute("INSERT INTO jobs VALUES ('second')").fetchall()  # done, with nothing left open
    try:
        one.execute("INSERT INTO jobs VALUES ('third')").fetchall()
        seen = "written"
    except apsw.BusyError as error:
        seen = apsw.mapping_extended_result_codes[error.extendedresult]
    one.execute("ROLLBACK; BEGIN IMMEDIATE; SELECT count(*) FROM jobs; INSERT INTO jobs VALUES ('third'); COMMIT").fetchall()
    rows = one.execute("SELECT count(*) FROM jobs").fetchone()[0]
    one.close()
    other.close()

print(f"SEEN: {seen}; times that SQLite asked whether to wait: {len(asked)}; rows after BEGIN IMMEDIATE in its place: {rows}")
if (seen, asked, rows) != ("SQLITE_BUSY_SNAPSHOT", [], 3):
    sys.exit("CHANGED: the writer waits, or fails in another way")
print("OK: unchanged")
PYTHON
