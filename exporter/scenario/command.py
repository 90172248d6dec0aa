"""What `replay` does: one file, one report, and what did not hold."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from exporter.once import Outcome, printed
from exporter.output import say
from exporter.scenario.incident import load_incident
from exporter.scenario.local import LocalSources, SimulatedClock
from exporter.scenario.replay import replay
from exporter.secrets import masked_json
from exporter.table import report_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from exporter.scenario.incident import Incident
    from exporter.scenario.watch import Alert


def run_replay(file: Path, form: str, rules: Path | None) -> bool:
    """Replay the file and print the outcome, the alerts of `rules` included; True if an expectation did not hold.

    Raises IncidentError, ConfigError, WatchError, and EmulatorError without the demo extra.
    """
    incident = load_incident(file)
    clock = SimulatedClock(incident.clock)
    with LocalSources(clock) as local:
        replayed = replay(incident, local, clock, rules=rules)
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
