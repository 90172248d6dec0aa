"""The demo: the exporter on local sources that hold the day of the incident report."""

from __future__ import annotations

import tempfile
import time
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from exporter.config.load import load
from exporter.output import say
from exporter.runner import Web, run
from exporter.scenario.incident import Incident, parse_incident
from exporter.scenario.local import LocalSources

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

DAY = "demo-day.yaml"


def demo_day() -> Incident:
    """The incident that the demo shows."""
    text = resources.files("exporter.scenario").joinpath(DAY).read_text(encoding="utf-8")
    return parse_incident(text, DAY)


def running_clock(start: datetime) -> Callable[[], datetime]:
    """A clock that says `start` now and goes on from there."""
    began = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)


def run_demo(address: str) -> None:
    """Run until Ctrl-C; everything that was started ends with it.

    Raises ListenError, and EmulatorError without the demo extra.
    """
    web = Web(address)
    web.require_address()
    incident = demo_day()
    clock = running_clock(incident.clock)
    say("Starting a local Firestore and a local BigQuery ...")
    with LocalSources(clock) as local, tempfile.TemporaryDirectory(prefix="orchestration-exporter-demo-") as folder:
        loaded = load(preset=incident.preset, overlay=incident.config, environ={})
        local.load(incident, loaded.config.project)
        file = Path(folder) / "demo.yaml"
        file.write_text(yaml.safe_dump({"preset": incident.preset, **incident.config}), encoding="utf-8")
        run(
            lambda: load(file=file, environ={}),
            lambda found, telemetry: local.open(found.config, telemetry),
            clock,
            web,
            started=lambda url: say(_welcome(incident, local, file, url)),
        )
    say("Ended, with everything that was started.")


def _welcome(incident: Incident, local: LocalSources, file: Path, url: str) -> str:
    day = f"{incident.clock:%Y-%m-%d}"
    return f"""\
{incident.title}
({day}, seen as of {incident.clock:%H:%M} UTC)

  status page   {url}/
  metrics       {url}/metrics
  report        {url}/api/v1/status

In another terminal:

  curl -s {url}/metrics | grep -E 'registered|record_count_delta|verdict.* 1$'

  FIRESTORE_EMULATOR_HOST={local.firestore.address} BIGQUERY_EMULATOR_HOST={local.gate.address} \\
    orchestration-exporter check --config.file {file} --run-date {day}

Ctrl-C ends the exporter and both sources."""
