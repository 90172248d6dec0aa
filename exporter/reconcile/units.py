"""How many units one processor owes for a run date, and why it may owe none.

Three things decide: the schedule, by run date; halts and the calendar table, by the run date or the data date, as they
are configured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

    from exporter.config.resolved import (
        CalendarConfig,
        Dated,
        HaltsConfig,
        PhaseConfig,
        PipelineConfig,
        ProcessorConfig,
        TableRef,
    )
    from exporter.config.schedules import Schedule
    from exporter.model import Halted, Snapshot
    from exporter.reconcile.expectations import Dates, Obligation


@dataclass(frozen=True, slots=True)
class Units:
    """`owed`: None if unknown. `why_none`: why it is 0 although the calendar may have some.

    `left_out`: units that the calendar has and does not count.
    """

    owed: int | None
    why_none: str | None = None
    halts_known: bool = True
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Work:
    """Work of one run date, and what says whether it has to be done. `calendar` None: no table does."""

    pipeline: str
    calendar: CalendarConfig | None
    halts: HaltsConfig | None
    schedule: Schedule
    run_date: date
    data_date: date

    def date_in(self, table: CalendarConfig | HaltsConfig) -> date:
        """The date of this work in the table."""
        return self.run_date if table.by_run_date else self.data_date


class UnitsOf:
    """The units of the work of a phase. Work of one kind has the same, unless its table is not in use."""

    def __init__(self, snapshot: Snapshot, pipeline: PipelineConfig, phase: PhaseConfig, now: datetime) -> None:
        self._snapshot, self._pipeline, self._phase, self._now = snapshot, pipeline, phase, now
        self._found: dict[Dates, Units] = {}

    def of(self, obligation: Obligation) -> Units:
        """The units of one processor's work."""
        processor, dates = obligation.processor, obligation.dates
        found = self._found.get(dates)
        if found is None:
            pipeline = self._pipeline
            calendar = pipeline.calendar if processor.by_calendar else None
            halts, schedule = self._phase.halts, processor.schedule
            work = _Work(pipeline.name, calendar, halts, schedule, dates.run_date, dates.data_date)
            found = self._found[dates] = _units(self._snapshot, work, self._now)
        if processor.table.optional and (unused := _unused(self._snapshot, processor.table, self._now)):
            return Units(0, unused, found.halts_known)
        return found


def units_of_pipeline(
    snapshot: Snapshot, pipeline: PipelineConfig, dated: Dated, run_date: date, now: datetime, schedule: Schedule
) -> int | None:
    """The units of what belongs to no processor, on this schedule: a coverage check, the phase log."""
    work = _Work(pipeline.name, pipeline.calendar, pipeline.halts, schedule, run_date, dated.data_date(run_date))
    return _units(snapshot, work, now).owed


def noun_of(pipeline: PipelineConfig, processor: ProcessorConfig) -> str:
    """What one unit is called. Without a calendar table it is the day, week or month of the schedule."""
    if pipeline.calendar and processor.by_calendar:
        return pipeline.calendar.noun
    return processor.schedule.every.unit.value


def _units(snapshot: Snapshot, work: _Work, now: datetime) -> Units:
    if why := work.schedule.why_not(work.run_date):
        return Units(0, why)
    if work.halts:
        reading = snapshot.halts.get(work.halts)
        halted = reading.known(now) if reading else None
        if halted is None:
            return Units(None, halts_known=False)
        if why := _halted(halted, work.halts, work.date_in(work.halts)):
            return Units(0, why)
    if work.calendar is None:
        return Units(1)
    units = snapshot.units.get(work.pipeline)
    known = units.known(now) if units else None
    day = work.date_in(work.calendar)
    left_out = snapshot.left_out.get(work.pipeline, {}).get(day, 0)
    return Units(None if known is None else known.get(day), left_out=left_out)


def _halted(halted: Halted, halts: HaltsConfig, day: date) -> str | None:
    """The sentence that says that the date is halted; None if it is not."""
    reason = halted.dates.get(day)
    if reason is None:
        return None
    said = f" ({reason})" if reason else ""
    return f"halted on {day}{said}, says table {halts.table.name}"


def _unused(snapshot: Snapshot, table: TableRef, now: datetime) -> str | None:
    reading = snapshot.rows.get(table)
    rows = reading.known(now) if reading else None
    if rows is None or any(counted.rows for counted in rows.values()):
        return None
    return f"table {table.name} has no row of any date: it is not in use"
