"""From the start of the process to its first complete answer, and what it imports before it needs it.

python -m benchmarks.startup    keeps the demo's sources running, and says where they are
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from benchmarks.child import live_briefly, obey
from benchmarks.figures import Row, seconds, spread
from benchmarks.processes import END_SECONDS, ROOT, Child

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.002
HEAVY = (
    *("apscheduler", "bcrypt", "duckdb", "google", "grpc", "jinja2", "numpy", "prometheus_client", "pydantic"),
    *("requests", "rich", "starlette", "uvicorn", "uvloop"),
)
"""What takes long to import, and what no command needs before it has been read."""
COMPLETE = (
    "phase_entries{",
    "processor_heartbeat_state{",
    "heartbeat_documents{",
    "processor_table_rows{",
    "calendar_units{",
)
"""Every collector's own: when they are all there, the exposition is complete."""
_IMPORT = f"""
import sys, time
began = time.perf_counter()
import exporter.cli
took = time.perf_counter() - began
import json
print(json.dumps([took, sorted(set({HEAVY!r}) & set(sys.modules))]))
"""


@dataclass(frozen=True, slots=True)
class Started:
    """Seconds from the start of a process to its listening, and to a complete answer."""

    listening: float
    complete: float


def measure(*, smallest: bool = False) -> list[Row]:
    """Imports, `--help`, `run` on the demo's sources, and the demo itself with sources and all."""
    times = 1 if smallest else 7
    imports, bare, helps = [], [], []
    heavy: set[str] = set()
    for _ in range(times):
        bare.append(_ran([sys.executable, "-c", "pass"])[0])
        took, found = json.loads(_ran([sys.executable, "-c", _IMPORT])[1])
        imports.append(took)
        heavy.update(found)
        helps.append(_ran([sys.executable, "-m", "exporter", "--help"])[0])
    rows = [
        Row(
            "import of exporter.cli",
            seconds(spread(imports).middle),
            f"heavy modules imported with it: {', '.join(sorted(heavy)) or 'none'}",
            noise=_range(imports),
            bound="none heavy",
            holds=not heavy,
        ),
        Row(
            "orchestration-exporter --help, whole process",
            seconds(spread(helps).middle),
            f"bare interpreter {seconds(spread(bare).middle)}",
            noise=_range(helps),
        ),
    ]
    with Child("benchmarks.startup") as sources:
        environment = {**os.environ, **sources.ready}
        command = ["run", "--preset", "nba", "--web.listen-address", "127.0.0.1:0"]
        runs = [_started(command, environment) for _ in range(1 if smallest else 3)]
    rows += _rows("run, on the demo's sources", runs)
    if not smallest:
        command = ["demo", "--web.listen-address", "127.0.0.1:0", "--log.level", "warn"]
        rows += _rows("demo, its sources started with it", [_started(command, dict(os.environ))])
    return rows


def _rows(what: str, runs: Sequence[Started]) -> list[Row]:
    return [
        Row(f"{what}: start to {event}", seconds(spread(times).middle), "", noise=_range(times))
        for event, times in (
            ("listening", [run.listening for run in runs]),
            ("first complete /metrics", [run.complete for run in runs]),
        )
    ]


def _range(times: Sequence[float]) -> str:
    found = spread(times)
    return f"{seconds(found.low)} .. {seconds(found.high)}"


def _ran(command: Sequence[str]) -> tuple[float, str]:
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    return time.perf_counter() - began, done.stdout


def _started(command: Sequence[str], environment: dict[str, str]) -> Started:
    """Start the exporter, wait for its first complete answer, and end it."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "exporter", *command],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        url = _address(process)
        listening = time.perf_counter() - began
        while not _is_complete(url):
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise RuntimeError(f"no complete answer within {PATIENCE_SECONDS:.0f} s")
            time.sleep(PAUSE_SECONDS)
        return Started(listening, time.perf_counter() - began)
    finally:
        process.terminate()
        try:
            process.communicate(timeout=2 * END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _address(process: subprocess.Popen[str]) -> str:
    """Where it says that it serves."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            return found.group()
    raise RuntimeError(f"the exporter ended before it served: {''.join(said)}")


def _is_complete(url: str) -> bool:
    try:
        with urlopen(f"{url}/metrics", timeout=5) as answer:  # noqa: S310 - an address of our own, on the loopback
            body = answer.read().decode()
    except (URLError, ConnectionError):
        return False
    return all(f"\norchestration_{series}" in body for series in COMPLETE)


def serve_sources() -> None:
    """The demo's local Firestore and BigQuery, filled with its day, until standard input ends."""
    from exporter.config.load import load
    from exporter.incidents.demo import demo_day
    from exporter.incidents.local import LocalSources, SimulatedClock

    live_briefly()
    incident = demo_day()
    with LocalSources(SimulatedClock(incident.clock)) as local:
        local.load(incident, load(preset=incident.preset, overlay=incident.config, environ={}).config.project)
        obey(FIRESTORE_EMULATOR_HOST=local.firestore.address, BIGQUERY_EMULATOR_HOST=local.gate.address)


if __name__ == "__main__":
    serve_sources()
