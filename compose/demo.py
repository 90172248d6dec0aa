"""The demo's day as if it had been yesterday, so that a Prometheus beside it sees times of its own: `demo.py ADDRESS`.

`orchestration-exporter demo` stops the clock at the day itself, which is right for one who only looks at the exporter.
Prometheus and Grafana go by the machine's clock.
"""

from __future__ import annotations

import re
import tempfile
from datetime import UTC, date, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import yaml

from exporter.cli.command import Command
from exporter.config.load import load
from exporter.incidents.demo import DAY, demo_day
from exporter.incidents.incident import Incident, parse_incident
from exporter.incidents.local import LocalSources
from exporter.messages import logs
from exporter.run.process import Web, run

_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


def moved(day: date) -> Incident:
    """The demo's incident as if its day had been this one; times of day stay."""
    text = resources.files("exporter.incidents").joinpath(DAY).read_text(encoding="utf-8")
    by = day - demo_day().clock.date()
    return parse_incident(_DATE.sub(lambda found: (date.fromisoformat(found[0]) + by).isoformat(), text), DAY)


def now() -> datetime:
    """The machine's time."""
    return datetime.now(UTC)


@click.command(cls=Command)
@click.argument("address")
def main(address: str) -> None:
    """Serve the demo's day, as if it had been yesterday, on ADDRESS ([host]:port) until SIGTERM or Ctrl-C."""
    logs.configure("warn", "logfmt")
    web = Web(address, option="the argument ADDRESS")
    web.require_address()
    # Whatever the hour, everything of yesterday is due.
    day = now().astimezone(ZoneInfo("America/New_York")).date() - timedelta(days=1)
    incident = moved(day)
    with LocalSources(now) as local, tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "demo.yaml"
        config = {
            "preset": incident.preset,
            **incident.config,
            "documents": {"only": [day.isoformat()]},
            "ledger": {"path": str(Path(folder) / "ledger.sqlite")},
        }
        file.write_text(yaml.safe_dump(config), encoding="utf-8")
        local.load(incident, load(file=file, environ={}).config.project)
        run(
            lambda: load(file=file, environ={}),
            lambda found, telemetry: local.open(found.config, telemetry),
            now,
            web,
        )


if __name__ == "__main__":
    main()
