"""What is expected of each completion document and processor, and by when. Only configuration and clock decide it.

Sources of the rules: "What is expected, and when" and "Two readings of a date" in docs/verdicts.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from exporter.config.periods import A_DAY, Unit
from exporter.config.resolved import Due, Relation
from exporter.model import DocumentId

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import date
    from zoneinfo import ZoneInfo

    from exporter.config.resolved import (
        Config,
        Dated,
        Mode,
        PhaseConfig,
        PipelineConfig,
        ProcessorConfig,
        TableRef,
        Trigger,
    )

K = TypeVar("K")

ONE_DAY = timedelta(days=1)
NEIGHBOURS = (-ONE_DAY, ONE_DAY)


@dataclass(frozen=True, slots=True)
class Obligation:
    """What is expected of one processor for one run date.

    `asked`: the document's mode expects it to register, by `due`. `rows_due`: from then on, too few or too many rows
    are a fault. `possible_from`: the end of its data date, if the work is about a day that is over; no run before that
    can have done it. `work_day`: begin and end of the local day of its own deadline. `more`: the same by each further
    table of the processor.
    """

    processor: ProcessorConfig
    run_date: date
    data_date: date
    asked: bool
    due: datetime
    rows_due: datetime
    possible_from: datetime | None = None
    work_day: tuple[datetime, datetime] = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    more: tuple[Obligation, ...] = ()

    @property
    def of_each_table(self) -> tuple[Obligation, ...]:
        """The obligation by each table of the processor."""
        return (self, *self.more)

    @property
    def data_end(self) -> date:
        """The first date after the data date, or after the week or month that begins on it."""
        return self.processor.table.period.moved(self.data_date, 1)

    @property
    def record_dates(self) -> tuple[date, ...]:
        """The dates that a heartbeat or run of this work may have. Weekly work may name the day on which it ran."""
        if self.processor.table.period.unit is Unit.DAY:
            return (self.data_date,)
        dates = (self.data_date + ONE_DAY * day for day in range((self.data_end - self.data_date).days))
        return tuple(dict.fromkeys((*dates, self.run_date)))

    @property
    def owed(self) -> bool:
        """Whether anything is due: its registration, or rows that have their own deadline."""
        return self.asked or self.processor.rows_due is not None

    @property
    def rows_owed_by(self) -> datetime:
        """From then on, a table without rows is a fault: the rows' own deadline, or else that of the registration."""
        return self.due if self.processor.rows_due is None else self.rows_due


@dataclass(frozen=True, slots=True)
class PhaseDay:
    """One phase for one run date: the mode of its document, and what is expected of every processor."""

    phase: PhaseConfig
    run_date: date
    mode: Mode
    obligations: tuple[Obligation, ...]


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """Everything one cycle has to read. `first` and `last` are data dates, neighbours included."""

    run_dates: tuple[date, ...]
    documents: tuple[DocumentId, ...]
    heartbeats: Mapping[str, tuple[str, ...]]
    tables: tuple[TableRef, ...]
    first: date
    last: date


def today(now: datetime, zone: ZoneInfo) -> date:
    """The calendar date in the pipeline's zone."""
    return now.astimezone(zone).date()


def run_dates(config: Config, now: datetime) -> tuple[date, ...]:
    """The exposed run dates, oldest first."""
    if config.documents.only:
        return config.documents.only
    current = today(now, config.timezone)
    return tuple(current + ONE_DAY * day for day in range(-config.documents.past, config.documents.future + 1))


def processor_names(config: Config) -> frozenset[str]:
    """The name of every processor of every phase, in whichever shard."""
    phases = (phase for pipeline in config.of_all_shards.values() for phase in pipeline.phases.values())
    return frozenset(name for phase in phases for name in phase.processors)


def phase_after(config: Config, pipeline: PipelineConfig, phase: PhaseConfig) -> PhaseConfig | None:
    """The phase that `next` names, in this pipeline or in another one."""
    other, _, name = (phase.next or "").rpartition("/")
    return (config.of_all_shards[other] if other else pipeline).phases.get(name)


def relation(run_date: date, current: date) -> Relation:
    """Whether a document's date is before today, today, or after it."""
    if run_date == current:
        return Relation.TODAY
    return Relation.PAST if run_date < current else Relation.AHEAD


def due_at(due: Due, run_date: date, zone: ZoneInfo) -> datetime:
    """The deadline in UTC. A local time that the change of clocks skips is read with the offset before the change."""
    local = datetime.combine(run_date + ONE_DAY * due.days, due.at, tzinfo=zone)
    return local.astimezone(UTC)


def mode_at(phase: PhaseConfig, run_date: date, now: datetime, zone: ZoneInfo) -> Mode:
    """The mode that the phase's document of that date is in at `now`."""
    stands = relation(run_date, today(now, zone))
    return next(mode for mode in phase.modes if stands in mode.when)


def phase_day(phase: PhaseConfig, run_date: date, now: datetime, zone: ZoneInfo) -> PhaseDay:
    """The phase's document of that date: its mode now, and every processor's obligation."""
    mode = mode_at(phase, run_date, now, zone)
    at = cache(partial(due_at, zone=zone))
    deadlines = {due: at(due, run_date) for due in {processor.due for processor in phase.processors.values()}}
    asked_by = [
        (deadline, mode_at(phase, run_date, deadline, zone).expected) for deadline in sorted(set(deadlines.values()))
    ]

    def obligation(processor: ProcessorConfig) -> Obligation:
        asked, due = processor.name in mode.expected, _first_asked(processor, deadlines[processor.due], asked_by)
        first, *more = (_obligation(one, run_date, at, asked=asked, due=due) for one in processor.of_each_table)
        return replace(first, more=tuple(more)) if more else first

    obligations = tuple(map(obligation, phase.processors.values()))
    return PhaseDay(phase=phase, run_date=run_date, mode=mode, obligations=obligations)


def _obligation(
    processor: ProcessorConfig, run_date: date, at: Callable[[Due, date], datetime], *, asked: bool, due: datetime
) -> Obligation:
    rows_due = at(processor.rows_due or processor.due, run_date)
    data_date = processor.data_date(run_date)
    over = at(Due(0, time()), processor.table.period.moved(data_date, 1))
    return Obligation(
        processor=processor,
        run_date=run_date,
        data_date=data_date,
        asked=asked,
        due=due,
        rows_due=rows_due,
        possible_from=over if over <= rows_due else None,
        work_day=(
            at(Due(processor.due.days, time()), run_date),
            at(Due(processor.due.days + 1, time()), run_date),
        ),
    )


def _first_asked(
    processor: ProcessorConfig, due: datetime, asked_by: Iterable[tuple[datetime, Collection[str]]]
) -> datetime:
    """The processor's deadline; or the phase's next one, if the document does not expect the processor at its own.

    Otherwise a processor that only a later mode expects would be overdue at the moment in which that mode begins.
    """
    return next((deadline for deadline, asked in asked_by if deadline >= due and processor.name in asked), due)


def reading_plan(config: Config, now: datetime) -> ReadingPlan:
    """What must be read to judge the exposed run dates at `now`, neighbouring days included.

    Every shard reads the same window of dates, so that all judge as one exporter would. Of other shards' pipelines it
    reads the tables of the phases that its own start.
    """
    dates = run_dates(config, now)
    with_neighbours = sorted({day + shift for day in dates for shift in (*NEIGHBOURS, timedelta())})
    pipelines, of_all_shards = config.pipelines.values(), config.of_all_shards.values()
    phases = [phase for pipeline in pipelines for phase in pipeline.phases.values()]
    following = [phase_after(config, pipeline, phase) for pipeline in pipelines for phase in pipeline.phases.values()]
    # A table whose rows are of weeks or months is read beyond the window.
    dated: list[Dated] = [
        processor
        for pipeline in of_all_shards
        for processor in _of_each_table(pipeline.phases.values())
        if processor.table.period == A_DAY
    ]
    for pipeline in of_all_shards:
        dated += [check for check in pipeline.coverage.values() if check.table.period == A_DAY]
        if pipeline.phase_log:
            dated.append(pipeline.phase_log)
    first, last = with_neighbours[0], with_neighbours[-1]
    by_run_date = [dates[0], dates[-1]] if any(map(_reads_run_dates, of_all_shards)) else []
    return ReadingPlan(
        run_dates=dates,
        documents=_distinct(
            DocumentId(phase.collection, day)
            for pipeline in pipelines
            for phase in pipeline.phases.values()
            if phase.collection
            for day in with_neighbours
        ),
        heartbeats={
            pipeline.name: _distinct(
                document
                for phase in pipeline.phases.values()
                for processor in phase.processors.values()
                for document in processor.heartbeats
            )
            for pipeline in pipelines
            if pipeline.heartbeats
        },
        tables=_distinct(processor.table for processor in _of_each_table((*phases, *filter(None, following)))),
        first=min((*by_run_date, *(one.data_date(first) for one in dated)), default=first),
        last=max((*by_run_date, *(one.data_date(last) for one in dated)), default=last),
    )


def _of_each_table(phases: Iterable[PhaseConfig]) -> Iterator[ProcessorConfig]:
    """Every processor of these phases, once for each of its tables."""
    for phase in phases:
        for processor in phase.processors.values():
            yield from processor.of_each_table


def _reads_run_dates(pipeline: PipelineConfig) -> bool:
    return pipeline.calendar is not None and pipeline.calendar.by_run_date


def _distinct(items: Iterable[K]) -> tuple[K, ...]:
    return tuple(dict.fromkeys(items))


@dataclass(frozen=True, slots=True)
class RuleMet:
    """How the trigger rule is met: by which of its two clauses and, if the times are known, since when."""

    reason: str
    since: datetime | None


def rule_met(
    trigger: Trigger, expected: Iterable[ProcessorConfig], done: Mapping[str, datetime | None]
) -> RuleMet | None:
    """Whether the processors in `done` (name → when) meet the trigger rule, and since when; None if not.

    The rule: all expected processors are done, or all critical ones and at least `ratio` of the expected ones. It is
    never met while nothing is done. `since`: the earliest moment at which it held; None if a time that it depends on is
    unknown.
    """
    processors = list(expected)
    names = [processor.name for processor in processors if processor.name in done]
    critical = {processor.name for processor in processors if processor.critical}

    def holds(finished: int, missing: Collection[str]) -> bool:
        return finished == len(processors) or (not missing and finished / len(processors) >= trigger.ratio)

    if not names or not holds(len(names), critical.difference(names)):
        return None
    reason = (
        "all_complete"
        if len(names) == len(processors)
        else f"critical_plus_majority_{100 * len(names) // len(processors)}pct"
    )
    since: datetime | None = None
    moments = [(moment, name) for name in names if (moment := done[name]) is not None]
    if len(moments) == len(names):
        for finished, (moment, name) in enumerate(sorted(moments), start=1):
            critical.discard(name)
            if since is None and holds(finished, critical):
                since = moment
    return RuleMet(reason, since)
