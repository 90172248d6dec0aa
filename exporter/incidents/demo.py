"""The day that the demo shows: the day of the incident report."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING

from exporter.incidents.incident import Incident, parse_incident

if TYPE_CHECKING:
    from collections.abc import Callable


DAY = "demo-day.yaml"


def demo_day() -> Incident:
    """The incident that the demo shows."""
    text = resources.files("exporter.incidents").joinpath(DAY).read_text(encoding="utf-8")
    return parse_incident(text, DAY)


def running_clock(start: datetime) -> Callable[[], datetime]:
    """A clock that begins at `start` and runs on."""
    began = time.monotonic()
    return lambda: start + timedelta(seconds=time.monotonic() - began)
