"""What a pipeline is expected to do next, and when it is due, so that a quiet day reads as a quiet day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.model import NextDue
from exporter.reconcile.expectations import ONE_DAY, phase_day, today

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from exporter.config.resolved import Config, PhaseConfig, PipelineConfig
    from exporter.reconcile.expectations import Obligation

DAYS: Final = (range(-1, 3), range(3, 32))
"""The run dates that are looked at, counted from today: yesterday's document can still be due.

The later ones only if the first have nothing: work of another schedule can be a month away.
"""


def next_due(
    config: Config,
    pipeline: PipelineConfig,
    phases: Iterable[PhaseConfig],
    owed: Callable[[PhaseConfig, Obligation], int | None],
    now: datetime,
) -> NextDue | None:
    """The next deadline of one of the pipeline's phases for a run date that is known to have work: `owed` units."""
    phases, current = tuple(phases), today(now, config.timezone)
    for days in DAYS:
        found = [
            NextDue(pipeline.name, phase.name, day, obligation.due)
            for day in (current + ONE_DAY * shift for shift in days)
            for phase in phases
            for obligation in phase_day(phase, day, now, config.timezone).obligations
            if obligation.due > now and obligation.owed and owed(phase, obligation)
        ]
        if found:
            return min(found, key=lambda one: one.due)
    return None
