"""Incident files moved to another date, because a running exporter uses the machine's clock."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from exporter.config.parsing import parse_yaml
from exporter.incidents.incident import Incident

INCIDENTS = Path(__file__).parents[1] / "tests" / "incidents"
HEALTHY, SEED = "healthy-day", "2026-02-01-seed"

_DATE = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")


def a_past_day() -> date:
    """Yesterday in New York: at any hour everything of it is due, and it stays exposed over midnight."""
    return datetime.now(ZoneInfo("America/New_York")).date() - timedelta(days=1)


def moved(name: str, day: date) -> Incident:
    """The incident file of this name as if its clock's day had been `day`; times of day stay.

    Its games are its own: beside another day, the same ones would be games that were moved.
    """
    raw = parse_yaml((INCIDENTS / f"{name}.yaml").read_text(encoding="utf-8"))
    tables = [part.get("bigquery", {}) for part in (raw, *raw.get("then", ()))]
    for rows in (group for part in tables for groups in part.values() for group in groups):
        if rows.get("game_id"):
            rows["game_id"] += f"-{name}-{day:%Y%m%d}"
    return Incident.model_validate(_moved(raw, day - raw["clock"].astimezone(UTC).date()))


def settings(incident: Incident, day: date, **more: object) -> str:
    """The YAML of a configuration that exposes that day of the incident and no other."""
    config = {"preset": incident.preset, **incident.config, "documents": {"only": [day.isoformat()]}, **more}
    return yaml.safe_dump(config)


def _moved(value: Any, by: timedelta) -> Any:  # noqa: ANN401 - YAML's values
    match value:
        case dict():
            return {_moved(key, by): _moved(item, by) for key, item in value.items()}
        case list():
            return [_moved(item, by) for item in value]
        case date():
            return value + by
        case str():
            return _DATE.sub(lambda found: (date.fromisoformat(found[0]) + by).isoformat(), value)
        case _:
            return value
