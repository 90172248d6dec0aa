"""What a pipeline is expected to do next, and when it is due, so that a quiet day reads as a quiet day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.model import NextDue
from exporter.reconcile.expectations import ONE_DAY, phase_day, today

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from exporter.config.resolved import Config, PhaseConfig

DAYS: Final = range(-1, 3)
"""The run dates that are looked at, counted from today: yesterday's document can still be due."""


def next_due(
    config: Config, name: str, phases: Iterable[PhaseConfig], units: Mapping[date, int], now: datetime
) -> NextDue | None:
    """The next deadline of one of the pipeline's phases for a data date that is known to have units."""
    phases, current = tuple(phases), today(now, config.timezone)
    found = [
        NextDue(name, phase.name, day, obligation.due)
        for day in (current + ONE_DAY * shift for shift in DAYS)
        for phase in phases
        for obligation in phase_day(phase, day, now, config.timezone).obligations
        if obligation.due > now and obligation.owed and units.get(obligation.data_date, 0) > 0
    ]
    return min(found, key=lambda one: one.due, default=None)
