"""The command `demo`: the exporter on local sources that hold the day of the incident report."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.cli.command import Command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.options import log_options
from exporter.cli.output import say

if TYPE_CHECKING:
    from exporter.incidents.incident import Incident
    from exporter.messages.logs import Format


def run_demo(address: str) -> None:
    """Run until Ctrl-C or the end of the terminal, then end everything that was started.

    Raises ListenError, and EmulatorError without the demo extra.
    """
    import yaml

    from exporter.config.load import load
    from exporter.incidents.demo import demo_day, running_clock
    from exporter.incidents.local import LocalSources
    from exporter.run.process import Web, run

    web = Web(address, reload_on_hangup=False)
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
            started=lambda url: say(_welcome(incident, url)),
        )
    say("Ended, with everything that was started.")


def _welcome(incident: Incident, url: str) -> str:
    return f"""\
{incident.title}
({incident.clock:%Y-%m-%d}, seen as of {incident.clock:%H:%M} UTC)

  status page   {url}/
  metrics       {url}/metrics
  report        {url}/api/v1/status

In another terminal:

  curl -s {url}/metrics | grep -E 'registered|record_count_delta|verdict.* 1$'

  {sys.executable} -m exporter check --from {url}

Ctrl-C ends the exporter and both sources."""


@click.command(cls=Command, epilog=EXIT_CODES)
@click.option("--web.listen-address", "address", default="127.0.0.1:9189", show_default=True, help="Loopback, please.")
@log_options
def demo(address: str, log_level: str, log_format: Format) -> None:
    """Run the exporter on local sources that hold the day of the incident report; no cloud, no credentials."""
    from exporter.messages import logs

    logs.configure("warn" if log_level == "info" else log_level, log_format)
    run_demo(address)
