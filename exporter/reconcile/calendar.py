"""How far a calendar can be relied on: a date without units means no games only while the calendar is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exporter.model import CalendarDoubt, CalendarReport, Matter
from exporter.reconcile.expectations import today
from exporter.reconcile.hints import moment, plural

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import date, datetime

    from exporter.config.resolved import Config, PipelineConfig, ProcessorConfig
    from exporter.model import Reading, Run, Snapshot

WORKING: Final = ("running", "success", "partial")
"""Statuses in the run history of runs that did work. A run that failed or was skipped may have had nothing to do."""


def calendar_of(config: Config, pipeline: PipelineConfig, snapshot: Snapshot, now: datetime) -> CalendarReport | None:
    """What is doubtful about the pipeline's calendar; None if its last date is unknown."""
    reading = snapshot.calendars_end.get(pipeline.name)
    end = reading.known(now) if reading else None
    if end is None:
        return None
    table = f"table {pipeline.calendar.table.name}"
    doubts: dict[CalendarDoubt, str] = {}
    if end.last is None:
        doubts[CalendarDoubt.EMPTY] = f"{table} has no row at all"
    elif end.last < today(now, config.timezone) and (work := next(_work_after(pipeline, snapshot, end.last, now), "")):
        doubts[CalendarDoubt.ENDED] = f"the last date in {table} is {end.last}, but {work}"
    dropped = sorted(
        (key[1], doubt)
        for (matter, key), doubt in snapshot.doubts.items()
        if matter is Matter.UNITS and isinstance(key, tuple) and key[0] == pipeline.name
    )
    if dropped:
        day, doubt = dropped[0]
        noun = plural(doubt.was, pipeline.calendar.noun)
        more = f", and {plural(len(dropped) - 1, 'other date')} has fewer" if len(dropped) > 1 else ""
        doubts[CalendarDoubt.DROPPED] = f"{day} had {noun} and has {doubt.found[-1]}{more}"
    if stale := next(_stale_halts(pipeline, snapshot, now), ""):
        doubts[CalendarDoubt.HALTS] = stale
    return CalendarReport(end.last, doubts)


def _stale_halts(pipeline: PipelineConfig, snapshot: Snapshot, now: datetime) -> Iterator[str]:
    """A table of halts that was in use and is no longer written. A table without any row is not in use."""
    for config in pipeline.all_halts:
        reading = snapshot.halts.get(config)
        halts = reading.known(now) if reading else None
        written_at = halts.written_at if halts else None
        if written_at and config.is_stale(now - written_at):
            yield f"the newest row of table {config.table.name} was written at {moment(written_at, now)}"


def relied_on(units: Reading[Mapping[date, int]], calendar: CalendarReport | None) -> Reading[Mapping[date, int]]:
    """The calendar's units without those of dates after its end, if work goes on there."""
    last = calendar.last if calendar and CalendarDoubt.ENDED in calendar.doubts else None
    if last is None or units.value is None:
        return units
    return replace(units, value={day: number for day, number in units.value.items() if day <= last})


def _work_after(pipeline: PipelineConfig, snapshot: Snapshot, last: date, now: datetime) -> Iterator[str]:
    """Evidence that the pipeline's own processors work for dates after the calendar's last one."""
    reading = snapshot.runs.get(pipeline.name)
    runs = [run for run in (reading.known(now) if reading else None) or () if run.data_date > last]
    yield from _runs(pipeline, runs)
    yield from _rows_after(pipeline, snapshot, last, now)
    yield from _beats_after(pipeline, snapshot, last, {(run.processor, run.data_date) for run in runs}, now)
    yield from _entries_after(pipeline, snapshot, last, now)


def _runs(pipeline: PipelineConfig, runs: Sequence[Run]) -> Iterator[str]:
    names = {name for processor in _processors(pipeline) for name in processor.runs_as}
    for run in runs:
        if run.processor in names and run.status in WORKING:
            yield f"the run history has a run of {run.processor} for {run.data_date}"


def _rows_after(pipeline: PipelineConfig, snapshot: Snapshot, last: date, now: datetime) -> Iterator[str]:
    for processor in _processors(pipeline):
        reading = snapshot.rows.get(processor.table)
        for day, counted in ((reading.known(now) if reading else None) or {}).items():
            if day > last and counted.rows:
                yield f"table {processor.table.name} has {plural(counted.rows, 'row')} of {day}"


def _beats_after(
    pipeline: PipelineConfig, snapshot: Snapshot, last: date, ran: Collection[tuple[str, date]], now: datetime
) -> Iterator[str]:
    """Heartbeats for later dates. They say `completed` even after a failed run, so a run in `ran` decides instead."""
    reading = snapshot.heartbeats.get(pipeline.name)
    beats = (reading.known(now) if reading else None) or {}
    for processor in _processors(pipeline):
        for beat in filter(None, map(beats.get, processor.heartbeats)):
            day = beat.data_date
            if day is None or day <= last or any((name, day) in ran for name in processor.runs_as):
                continue
            if beat.status in {"running", "completed"}:
                yield f"heartbeat {beat.document} says {beat.status} for {day}"


def _entries_after(pipeline: PipelineConfig, snapshot: Snapshot, last: date, now: datetime) -> Iterator[str]:
    for key, document in (snapshot.documents.known(now) or {}).items():
        phases = [phase for phase in pipeline.phases.values() if phase.collection == key.collection]
        for name, processor in (item for phase in phases for item in phase.processors.items()):
            if name in document.entries and processor.data_date(key.run_date) > last:
                yield f"{name} is registered in the document of {key.run_date}"


def _processors(pipeline: PipelineConfig) -> Iterator[ProcessorConfig]:
    return (processor for phase in pipeline.phases.values() for processor in phase.processors.values())
