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

NEAR: Final = range(-1, 3)
"""The run dates that are looked at, counted from today: yesterday's document can still be due."""
LATER: Final = range(3, 32)
"""Those that are looked at if the first have nothing: work of another schedule can be a month away.

A calendar table is not read so far ahead, so it knows nothing of them.
"""


def next_due(
    config: Config,
    pipeline: PipelineConfig,
    phases: Iterable[PhaseConfig],
    owed: Callable[[PhaseConfig, Obligation], int | None],
    now: datetime,
) -> NextDue | None:
    """The next deadline of one of the pipeline's phases for a run date that is known to have work: `owed` units."""
    looked_at, current = tuple(phases), today(now, config.timezone)
    known_ahead = [phase for phase in looked_at if _known_ahead(pipeline, phase)]
    for days, of_phases in ((NEAR, looked_at), (LATER, known_ahead)):
        found = [
            NextDue(pipeline.name, phase.name, day, obligation.due)
            for day in (current + ONE_DAY * shift for shift in days)
            for phase in of_phases
            for obligation in phase_day(phase, day, now, config.timezone).obligations
            if obligation.due > now and obligation.owed and owed(phase, obligation)
        ]
        if found:
            return min(found, key=lambda one: one.due)
    return None


def _known_ahead(pipeline: PipelineConfig, phase: PhaseConfig) -> bool:
    """Whether the schedule alone decides about some of the phase's work."""
    return pipeline.calendar is None or any(not one.by_calendar for one in phase.processors.values())
