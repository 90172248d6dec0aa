"""The command `demo`: the exporter on local sources that hold the day of the incident report, or data of one's own."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from exporter.cli.clock import now
from exporter.cli.command import Command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.options import config_options, log_options
from exporter.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.config.load import Loaded
    from exporter.incidents.incident import Incident
    from exporter.messages.logs import Format


@dataclass(frozen=True, slots=True)
class Own:
    """A configuration and data of the user's own; `at`: the time at the start."""

    config_file: Path | None
    preset: str | None
    data: Path
    at: datetime | None


def run_demo(address: str, own: Own | None = None) -> None:
    """Run until Ctrl-C or the end of the terminal, then end everything that was started.

    Raises ListenError, IncidentError, ConfigError, and EmulatorError without the demo extra.
    """
    from exporter.incidents.demo import running_clock
    from exporter.incidents.local import LocalSources
    from exporter.run.process import Web, run

    web = Web(address, reload_on_hangup=False)
    web.require_address()
    with tempfile.TemporaryDirectory(prefix="orchestration-exporter-demo-") as folder:
        load, incident = _own(own) if own else _shipped(Path(folder))
        clock = running_clock(incident.clock)
        say("Starting a local Firestore and a local BigQuery ...")
        with LocalSources(clock) as local:
            local.load(incident, load().config)
            run(
                load,
                lambda found, telemetry: local.open(found.config, telemetry),
                clock,
                web,
                started=lambda url: say(_welcome(incident, url)),
            )
    say("Ended, with everything that was started.")


def _shipped(folder: Path) -> tuple[Callable[[], Loaded], Incident]:
    """The configuration and the day of the incident report."""
    import yaml

    from exporter.config.load import load
    from exporter.incidents.demo import demo_day

    incident = demo_day()
    file = folder / "demo.yaml"
    file.write_text(yaml.safe_dump({"preset": incident.preset, **incident.config}), encoding="utf-8")
    return lambda: load(file=file, environ={}), incident


def _own(own: Own) -> tuple[Callable[[], Loaded], Incident]:
    """The configuration and the data of the user's own. What a ledger file remembers is of the real sources."""
    from exporter.config.load import load
    from exporter.incidents.folder import read_data
    from exporter.memory.ledger import MEMORY

    def again() -> Loaded:
        in_memory = {"ledger": {"path": MEMORY}}
        return load(file=own.config_file, preset=own.preset, overlay=in_memory, overlay_name="demo", environ=os.environ)

    loaded = again()
    at = own.at or now()
    clock = (at if at.tzinfo else at.replace(tzinfo=loaded.config.timezone)).astimezone(UTC)
    incident = read_data(own.data, loaded, clock)
    return again, incident.model_copy(update={"clock": clock}) if own.at else incident


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


def _moment(_context: click.Context, _option: click.Parameter, value: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if value else None
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no time: write it as 2026-02-01T18:00") from error


@click.command(cls=Command, epilog=EXIT_CODES)
@config_options
@click.option(
    "--data",
    type=click.Path(path_type=Path, exists=True),
    help="A folder of tables and documents of your own, or an incident file, for a configuration (docs/try.md).",
)
@click.option(
    "--at",
    callback=_moment,
    metavar="TIME",
    help="The time that the clock of the demo shows at its start, in the pipeline's zone; now, if not given.",
)
@click.option("--web.listen-address", "address", default="127.0.0.1:9189", show_default=True, help="Loopback, please.")
@log_options
def demo(
    config_file: Path | None,
    preset: str | None,
    data: Path | None,
    at: datetime | None,
    address: str,
    log_level: str,
    log_format: Format,
) -> None:
    """Run the exporter on local sources; no cloud, no credentials.

    They hold the day of the incident report, or with --data your own tables and documents.
    """
    from exporter.messages import logs

    if data is None:
        # The environment names the configuration of the exporter that runs, and says nothing of a demo.
        asked = click.get_current_context().get_parameter_source
        config_file = config_file if asked("config_file") is ParameterSource.COMMANDLINE else None
    if data is None and (config_file or at):
        raise click.UsageError("--data is needed: the folder or the incident file with the data of the configuration")
    if data is not None and not (config_file or preset):
        raise click.UsageError("--config.file is needed (or --preset): the configuration that reads the data")
    logs.configure("warn" if log_level == "info" else log_level, log_format)
    run_demo(address, Own(config_file, preset, data, at) if data else None)
