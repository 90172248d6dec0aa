"""How far a calendar can be relied on: a date without units means no games only while the calendar is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Final

from exporter.model import CalendarDoubt, CalendarReport, Matter, Since
from exporter.reconcile.expectations import ONE_DAY, run_dates, today
from exporter.reconcile.hints import moment, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date

    from exporter.config.resolved import (
        CalendarConfig,
        Config,
        CoverageConfig,
        PhaseConfig,
        PipelineConfig,
        ProcessorConfig,
    )
    from exporter.model import Heartbeat, Reading, Run, Snapshot

    End = tuple[PhaseConfig, ProcessorConfig, date]
    """A processor of a phase, and the last data date of which the calendar says anything."""
    Doubtful = tuple[str, Since | None]
    """Why a calendar is doubtful, in words, and since when, where that is known."""

WORKING: Final = ("running", "success", "partial")
"""Statuses in the run history of runs that did work. A run that failed or was skipped may have had nothing to do."""


def calendar_of(config: Config, pipeline: PipelineConfig, snapshot: Snapshot, now: datetime) -> CalendarReport | None:
    """What is doubtful about the pipeline's calendar; None if its last date is unknown."""
    found: dict[CalendarDoubt, Doubtful] = {}
    exposed = run_dates(config, now)
    covered = [phase for phase in pipeline.phases.values() if _covered(phase, exposed)]
    last: date | None = None
    if calendar := pipeline.calendar:
        reading = snapshot.calendars_end.get(pipeline.name)
        end = reading.known(now) if reading else None
        if end is None:
            return None
        last = end.last
        found = dict(_of_table(config, pipeline, calendar, snapshot, last, now))
        if not covered:
            # Of a pipeline that has not begun.
            found.pop(CalendarDoubt.EMPTY, None)
    if stale := next(_stale_halts(pipeline, covered, snapshot, now), None):
        found[CalendarDoubt.HALTS] = stale
    return CalendarReport(
        last,
        {doubt: text for doubt, (text, _) in found.items()},
        {doubt: since for doubt, (_, since) in found.items() if since},
    )


def _of_table(
    config: Config,
    pipeline: PipelineConfig,
    calendar: CalendarConfig,
    snapshot: Snapshot,
    last: date | None,
    now: datetime,
) -> Iterator[tuple[CalendarDoubt, Doubtful]]:
    table, current = f"table {calendar.table.name}", today(now, config.timezone)

    def begins(day: date) -> Since:
        return Since(datetime.combine(day, time(), config.timezone).astimezone(UTC))

    if last is None:
        # Nobody can say when the rows went.
        yield CalendarDoubt.EMPTY, (f"{table} has no row at all", None)
    elif last < current:
        if work := next(_work_after(pipeline, calendar, snapshot, last, now), ""):
            yield CalendarDoubt.ENDED, (f"the last date in {table} is {last}, but {work}", begins(last + ONE_DAY))
    elif calendar.ahead is not None:
        wanted = current + ONE_DAY * calendar.ahead
        if missing := _first_missing(wanted, last, pipeline, calendar, snapshot, now):
            text = f"the last date in {table} is {last}, and it is to reach {wanted} today"
            yield CalendarDoubt.ENDING, (text, begins(missing - ONE_DAY * calendar.ahead))
    dropped = sorted(
        (key[1], doubt)
        for (matter, key), doubt in snapshot.doubts.items()
        if matter is Matter.UNITS and isinstance(key, tuple) and key[0] == pipeline.name
    )
    if dropped:
        day, doubt = dropped[0]
        noun = plural(doubt.was, calendar.noun)
        more = f", and {plural(len(dropped) - 1, 'other date')} has fewer" if len(dropped) > 1 else ""
        yield (
            CalendarDoubt.DROPPED,
            (f"{day} had {noun} and has {doubt.found[-1]}{more}", Since(doubt.since, after=doubt.seen_at)),
        )


def _first_missing(
    wanted: date, last: date, pipeline: PipelineConfig, calendar: CalendarConfig, snapshot: Snapshot, now: datetime
) -> date | None:
    """The first date after `last` of which something has to be known: not halted, and within the limits of its work."""
    reading = snapshot.halts.get(pipeline.halts) if pipeline.halts else None
    halts = reading.known(now) if reading else None
    missing = (last + ONE_DAY * day for day in range(1, (wanted - last).days + 1))
    processors = (one for phase in pipeline.phases.values() for one in phase.processors.values() if one.by_calendar)
    work: list[ProcessorConfig | CoverageConfig] = [
        *(each for one in processors for each in one.of_each_table),
        *pipeline.coverage.values(),
    ]
    # In the table's dates.
    limits = [
        [limit and (limit if calendar.by_run_date else one.data_date(limit)) for limit in one.schedule.limits]
        for one in work
    ]

    def has_work(day: date) -> bool:
        return any((since or day) <= day <= (until or day) for since, until in limits)

    return next((day for day in missing if has_work(day) and not (halts and day in halts.dates)), None)


def _covered(phase: PhaseConfig, dates: Collection[date]) -> bool:
    """Whether any of these run dates is within the limits of any of the phase's work."""
    return any(one.schedule.covers(day) for one in phase.processors.values() for day in dates)


def _stale_halts(
    pipeline: PipelineConfig, covered: Sequence[PhaseConfig], snapshot: Snapshot, now: datetime
) -> Iterator[Doubtful]:
    """A table of halts that was in use and is no longer written. A table without any row is not in use.

    `covered`: the phases that may have work on an exposed run date. The halts of the others need not be written.
    """
    needed = {pipeline.halts, *(phase.halts for phase in covered)} if covered else set()
    for config in (one for one in pipeline.all_halts if one in needed):
        reading = snapshot.halts.get(config)
        halts = reading.known(now) if reading else None
        written_at = halts.written_at if halts else None
        if written_at and config.is_stale(now - written_at):
            text = f"the newest row of table {config.table.name} was written at {moment(written_at, now)}"
            yield text, Since(written_at)


def relied_on(units: Reading[Mapping[date, int]], calendar: CalendarReport | None) -> Reading[Mapping[date, int]]:
    """The calendar's units without those of dates after its end, if work goes on there."""
    last = calendar.last if calendar and CalendarDoubt.ENDED in calendar.doubts else None
    if last is None or units.value is None:
        return units
    return replace(units, value={day: number for day, number in units.value.items() if day <= last})


def _work_after(
    pipeline: PipelineConfig, calendar: CalendarConfig, snapshot: Snapshot, last: date, now: datetime
) -> Iterator[str]:
    """Evidence that processors whose work the calendar decides work for dates after its last one."""
    # The last data date of each processor.
    ends = [
        (phase, processor, processor.data_date(last) if calendar.by_run_date else last)
        for phase in pipeline.phases.values()
        for one in phase.processors.values()
        for processor in one.of_each_table
        if processor.by_calendar
    ]
    reading = snapshot.runs.get(pipeline.name)
    runs = tuple((reading.known(now) if reading else None) or ())
    yield from _runs(ends, runs)
    yield from _rows_after(ends, snapshot, now)
    beats = snapshot.heartbeats.get(pipeline.name)
    known = (beats.known(now) if beats else None) or {}
    yield from _beats_after(ends, known, {(run.processor, run.data_date) for run in runs})
    yield from _entries_after(ends, snapshot, now)


def _runs(ends: Sequence[End], runs: Sequence[Run]) -> Iterator[str]:
    last_of = {name: last for _, processor, last in ends for name in processor.runs_as}
    for run in runs:
        if run.processor in last_of and run.data_date > last_of[run.processor] and run.status in WORKING:
            yield f"the run history has a run of {run.processor} for {run.data_date}"


def _rows_after(ends: Sequence[End], snapshot: Snapshot, now: datetime) -> Iterator[str]:
    for _, processor, last in ends:
        reading = snapshot.rows.get(processor.table)
        for day, counted in ((reading.known(now) if reading else None) or {}).items():
            if day > last and counted.rows:
                yield f"table {processor.table.name} has {plural(counted.rows, 'row')} of {day}"


def _beats_after(
    ends: Sequence[End], beats: Mapping[str, Heartbeat | None], ran: Collection[tuple[str, date]]
) -> Iterator[str]:
    """Heartbeats for later dates. They say `completed` even after a failed run, so a run in `ran` decides instead."""
    for _, processor, last in ends:
        for beat in filter(None, map(beats.get, processor.heartbeats)):
            day = beat.data_date
            if day is None or day <= last or any((name, day) in ran for name in processor.runs_as):
                continue
            if beat.status in {"running", "completed"}:
                yield f"heartbeat {beat.document} says {beat.status} for {day}"


def _entries_after(ends: Sequence[End], snapshot: Snapshot, now: datetime) -> Iterator[str]:
    for key, document in (snapshot.documents.known(now) or {}).items():
        for phase, processor, last in ends:
            there = phase.collection == key.collection and processor.name in document.entries
            if there and processor.data_date(key.run_date) > last:
                yield f"{processor.name} is registered in the document of {key.run_date}"
