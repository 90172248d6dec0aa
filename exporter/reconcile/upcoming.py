"""What a pipeline is expected to do next, and when it is due, so that a quiet day reads as a quiet day."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final

from exporter.model import NextDue
from exporter.reconcile.expectations import ONE_DAY, phase_day, today

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime

    from exporter.config.resolved import Config, PhaseConfig, PipelineConfig
    from exporter.reconcile.expectations import Obligation, PhaseDay

NEAR: Final = range(-1, 3)
"""The run dates that are looked at, counted from today: yesterday's document can still be due."""
LATER: Final = range(3, 32)
"""Those that are looked at if the first have nothing: work of another schedule can be a month away.

A calendar table is not read so far ahead, so it knows nothing of them.
"""


def near_dates(config: Config, now: datetime) -> list[date]:
    """The run dates that are looked at first."""
    return [today(now, config.timezone) + ONE_DAY * shift for shift in NEAR]


def next_due(
    config: Config,
    pipeline: PipelineConfig,
    phases: Iterable[PhaseConfig],
    near: Iterable[PhaseDay],
    owed: Callable[[PhaseConfig, Obligation], int | None],
    now: datetime,
) -> NextDue | None:
    """The next deadline of one of the pipeline's phases for a run date that is known to have work: `owed` units.

    `near`: the phases' days of `near_dates`.
    """

    def found(days: Iterable[PhaseDay]) -> NextDue | None:
        dues = [(due, place, day) for place, day in enumerate(days) for due in {one.due for one in day.obligations}]
        ahead = [one for one in dues if one[0] > now]
        for due, _, day in sorted(ahead, key=itemgetter(0, 1)):
            if any(one.owed and owed(day.phase, one) for one in day.obligations if one.due == due):
                return NextDue(pipeline.name, day.phase.name, day.run_date, due)
        return None

    current, zone = today(now, config.timezone), config.timezone
    known_ahead = [phase for phase in phases if _known_ahead(pipeline, phase)]
    later = (phase_day(phase, current + ONE_DAY * shift, now, zone) for shift in LATER for phase in known_ahead)
    return found(near) or found(later)


def _known_ahead(pipeline: PipelineConfig, phase: PhaseConfig) -> bool:
    """Whether the schedule alone decides about some of the phase's work."""
    return pipeline.calendar is None or any(not one.by_calendar for one in phase.processors.values())
