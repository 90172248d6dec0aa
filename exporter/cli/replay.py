"""The command `replay`: one incident file, its report, and the expectations that did not hold."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from exporter.cli import exits
from exporter.cli.command import Command
from exporter.cli.options import log_options
from exporter.cli.output import printed, say
from exporter.messages.secrets import masked_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.incidents.incident import Incident
    from exporter.incidents.watch import Alert
    from exporter.messages.logs import Format


def run_replay(file: Path, form: str, rules: Path | None) -> bool:
    """Replay the file and print the outcome, with the alerts of `rules`. Returns whether an expectation did not hold.

    Raises IncidentError, ConfigError, WatchError, and EmulatorError without the demo extra.
    """
    from exporter.collect.once import Outcome
    from exporter.incidents.incident import load_incident
    from exporter.incidents.local import LocalSources, SimulatedClock
    from exporter.incidents.replay import replay as replayed_from
    from exporter.present.table import report_text

    incident = load_incident(file)
    clock = SimulatedClock(incident.clock)
    with LocalSources(clock) as local:
        replayed = replayed_from(incident, local, clock, rules=rules)
    if form == "json":
        say(masked_json(replayed.json()))
    elif form == "metrics":
        say(printed(Outcome(replayed.report, replayed.live), form))
    else:
        say(f"{incident.title}\n(as of {incident.clock:%Y-%m-%d %H:%M} UTC)\n\n")
        say(report_text(replayed.report, terminal=sys.stdout.isatty()))
        if replayed.alerts is not None:
            say(_alerts(replayed.alerts, incident))
    for failure in replayed.failures:
        say(f"expectation failed: {failure}", err=True)
    if form == "table" and not replayed.failures:
        say("\nEvery expectation of the file held.")
    return bool(replayed.failures)


def _alerts(alerts: Sequence[Alert], incident: Incident) -> str:
    lines = [f"\nAlerts from {incident.clock:%H:%M} to {incident.end:%H:%M} UTC"]
    for alert in alerts:
        times = ", ".join(f"{moment:%H:%M}" for moment in alert.firing_at)
        where = " ".join(f"{name}={value}" for name, value in alert.labels.items())
        lines.append(f"{alert.severity or '-':<8} {times}  {alert.name}  {where}".rstrip())
    return "\n".join(lines)


@click.command(cls=Command, epilog="Exit codes: 0 every expectation held, 1 not, 64 usage, 69 cannot be done here.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["table", "json", "metrics"]), default="table", show_default=True)
@click.option("--alerts", is_flag=True, help="Also evaluate the alert rules over the watched time; needs promtool.")
@click.option("--rules", type=click.Path(path_type=Path), help="A folder of rule files in place of the shipped ones.")
@log_options
def replay(file: Path, form: str, rules: Path | None, log_level: str, log_format: Format, *, alerts: bool) -> int:
    """Run one incident file through the exporter on local sources, and check what it expects."""
    from exporter.messages import logs
    from exporter.shipped.assets import assets

    logs.configure("error" if log_level == "info" else log_level, log_format)
    folder = (rules or assets("alerts/rules")) if alerts or rules else None
    return exits.DISCREPANCIES if run_replay(file, form, folder) else exits.OK
