#!/usr/bin/env bash
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq --no-compile 'apscheduler==3.11.3' 'sqlalchemy==2.1.9'
"$folder/venv/bin/python" -I - <<'PYTHON'
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import URL, create_engine

print("FINDING: with a job store on disk, replace_existing=True plans an interval job anew at each start: its time is forgotten")
print(f"VERSIONS: APScheduler {version('apscheduler')}, SQLAlchemy {version('sqlalchemy')}")
print("EXPECTED BY MOST: the stored job keeps its next run, so a daily job runs although its program restarts twice a day")


@contextmanager
def started(folder):
    """The program's start: a scheduler on the stored jobs, to which it adds its daily job, as the manual has it."""
    engine = create_engine(URL.create("sqlite", database=f"{folder}/jobs"))
    scheduler = BackgroundScheduler(jobstores={"default": SQLAlchemyJobStore(engine=engine)}, timezone=UTC)
    scheduler.start(paused=True)
    scheduler.add_job("builtins:print", "interval", days=1, id="daily", replace_existing=True)
    yield scheduler
    scheduler.shutdown()
    engine.dispose()


def hours(scheduler):
    """How far the stored job's next run is away."""
    return round((scheduler.get_job("daily").next_run_time - datetime.now(UTC)) / timedelta(hours=1), 2)


with tempfile.TemporaryDirectory() as folder:
    with started(folder) as scheduler:
        scheduler.modify_job("daily", next_run_time=datetime.now(UTC) + timedelta(hours=1))  # as 23 hours later
        before = hours(scheduler)
    with started(folder) as scheduler:
        after = hours(scheduler)

print(f"SEEN: the next run was {before:g} hours away; after a restart {after:g} hours")
if (before, after) != (1, 24):
    sys.exit("CHANGED: the next run stays what it was")
print("OK: unchanged")
PYTHON
