"""What is expected of each completion document and processor, and by when. Only configuration and clock decide it.

Sources of the rules: "What is expected, and when" and "Two readings of a date" in docs/verdicts.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, TypeVar

from exporter.config.periods import Unit
from exporter.config.resolved import Due, Relation
from exporter.model.records import record

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import date
    from zoneinfo import ZoneInfo

    from exporter.config.periods import Period
    from exporter.config.resolved import (
        Config,
        Mode,
        PhaseConfig,
        PipelineConfig,
        ProcessorConfig,
        Trigger,
    )
    from exporter.config.schedules import Schedule

K = TypeVar("K")

ONE_DAY = timedelta(days=1)
NEIGHBOURS = (-ONE_DAY, ONE_DAY)


@dataclass(frozen=True, slots=True)
class Kind:
    """What decides the dates of a processor's work, and whether there is any. Most processors of a phase are of one."""

    due: Due
    rows_due: Due | None
    data_date_offset: int
    period: Period
    schedule: Schedule
    by_calendar: bool
    not_before: Due | None


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of work of a phase. `tables`: of each processor, and of each of its tables, the number of its kind."""

    kinds: tuple[Kind, ...]
    tables: tuple[tuple[tuple[ProcessorConfig, int], ...], ...]


def kinds_of(phase: PhaseConfig) -> Kinds:
    """The kinds of work of this phase."""
    found: dict[Kind, int] = {}

    def number(one: ProcessorConfig) -> int:
        period, schedule = one.table.period, one.schedule
        kind = Kind(one.due, one.rows_due, one.data_date_offset, period, schedule, one.by_calendar, one.not_before)
        return found.setdefault(kind, len(found))

    tables = tuple(
        tuple([(one, number(one)) for one in processor.of_each_table]) for processor in phase.processors.values()
    )
    return Kinds(tuple(found), tables)


@dataclass(frozen=True, slots=True, eq=False)
class Dates:
    """The dates and deadlines of all work of one kind for one run date. Compared and hashed by identity.

    `neighbours`: the run date and the data date of the same work a day earlier and a day later. `records`: the dates
    that a heartbeat or run of this work may have; weekly work may name the day on which it ran. `own_due`: the deadline
    that is configured. The other fields are those of an `Obligation`.
    """

    run_date: date
    data_date: date
    neighbours: tuple[tuple[date, date], ...]
    records: tuple[date, ...]
    own_due: datetime
    rows_due: datetime
    possible_from: datetime | None
    not_before: datetime | None
    work_day: tuple[datetime, datetime]


@record(frozen=True, slots=True)
class Obligation:
    """What is expected of one processor for one run date.

    `asked`: the document's mode expects it to register, by `due`. `rows_due`: from then on, too few or too many rows
    are a fault. `possible_from`: the end of its data date, if the work is about a day that is over; no run before that
    can have done it. `work_day`: begin and end of the local day of its own deadline. `asked_from`: when the document
    begins to ask for it; None if it asked before its date. `more`: the same by each further table of the processor.
    """

    processor: ProcessorConfig
    dates: Dates
    asked: bool
    due: datetime
    asked_from: datetime | None = None
    more: tuple[Obligation, ...] = ()

    @property
    def run_date(self) -> date:
        """The date that names the document."""
        return self.dates.run_date

    @property
    def data_date(self) -> date:
        """The date of its rows."""
        return self.dates.data_date

    @property
    def rows_due(self) -> datetime:
        """When its rows are judged at the latest."""
        return self.dates.rows_due

    @property
    def registers_from(self) -> datetime | None:
        """What was done before then is not what must register: nobody asked for it, or its runs had not begun."""
        times = (self.asked_from, self.dates.possible_from, self.dates.not_before)
        return max((one for one in times if one is not None), default=None)

    @property
    def of_each_table(self) -> tuple[Obligation, ...]:
        """The obligation by each table of the processor."""
        return (self, *self.more) if self.more else (self,)

    @property
    def owed(self) -> bool:
        """Whether anything is due: its registration, or rows that have their own deadline."""
        return self.asked or self.processor.rows_due is not None

    @property
    def rows_owed_by(self) -> datetime:
        """From then on, a table without rows is a fault: the rows' own deadline, or else that of the registration."""
        return self.due if self.processor.rows_due is None else self.dates.rows_due


@dataclass(frozen=True, slots=True)
class PhaseDay:
    """One phase for one run date: the mode of its document, and what is expected of every processor."""

    phase: PhaseConfig
    run_date: date
    mode: Mode
    obligations: tuple[Obligation, ...]


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


def phase_day(
    phase: PhaseConfig, run_date: date, now: datetime, zone: ZoneInfo, kinds: Kinds | None = None
) -> PhaseDay:
    """The phase's document of that date: its mode now, and every processor's obligation. `kinds`: if they are made."""
    mode, kinds = mode_at(phase, run_date, now, zone), kinds or kinds_of(phase)
    at = cache(partial(due_at, zone=zone))
    dates = [_dates(kind, run_date, at) for kind in kinds.kinds]
    deadlines = sorted({one.own_due for one in dates})
    asked_from = _asked_from(phase, run_date, relation(run_date, today(now, zone)), at)
    asked_by = [(deadline, mode_at(phase, run_date, deadline, zone).expected) for deadline in deadlines]

    def obligation(tables: Sequence[tuple[ProcessorConfig, int]]) -> Obligation:
        processor, number = tables[0]
        asked, due = processor.name in mode.expected, _first_asked(processor, dates[number].own_due, asked_by)
        begun = asked_from(processor.name)
        more = tuple([Obligation(one, dates[kind], asked, due, begun) for one, kind in tables[1:]])
        return Obligation(processor, dates[number], asked, due, begun, more)

    return PhaseDay(phase=phase, run_date=run_date, mode=mode, obligations=tuple(map(obligation, kinds.tables)))


def _asked_from(
    phase: PhaseConfig, run_date: date, stands: Relation, at: Callable[[Due, date], datetime]
) -> Callable[[str], datetime | None]:
    """The midnight at which the document begins to ask for a processor; None if it asked before its date.

    A document asks from its own date on, or from the date after, as its modes say; before that, only if it has a mode
    for that time alone. `stands`: how the document's date stands to today.
    """
    on_its_date = {name for mode in phase.modes if Relation.TODAY in mode.when for name in mode.expected}
    before = {
        name
        for mode in phase.modes
        if Relation.AHEAD in mode.when and Relation.TODAY not in mode.when
        for name in mode.expected
    }
    its_midnight, next_midnight = at(Due(0, time()), run_date), at(Due(1, time()), run_date)

    def asked_from(name: str) -> datetime | None:
        if stands is Relation.PAST and name not in on_its_date:
            return next_midnight
        return None if name in before else its_midnight

    return asked_from


def _dates(kind: Kind, run_date: date, at: Callable[[Due, date], datetime]) -> Dates:
    rows_due = at(kind.rows_due or kind.due, run_date)
    data_date = kind.period.moved(run_date, kind.data_date_offset)
    end = kind.period.moved(data_date, 1)
    over = at(Due(0, time()), end)
    records: tuple[date, ...] = (data_date,)
    if kind.period.unit is not Unit.DAY:
        days = (data_date + ONE_DAY * day for day in range((end - data_date).days))
        records = tuple(dict.fromkeys((*days, run_date)))
    return Dates(
        run_date=run_date,
        data_date=data_date,
        neighbours=tuple((run_date + shift, kind.period.moved(data_date, shift.days)) for shift in NEIGHBOURS),
        records=records,
        own_due=at(kind.due, run_date),
        rows_due=rows_due,
        possible_from=over if over <= rows_due else None,
        not_before=at(kind.not_before, run_date) if kind.not_before else None,
        work_day=(at(Due(kind.due.days, time()), run_date), at(Due(kind.due.days + 1, time()), run_date)),
    )


def _first_asked(
    processor: ProcessorConfig, due: datetime, asked_by: Iterable[tuple[datetime, Collection[str]]]
) -> datetime:
    """The processor's deadline; or the phase's next one, if the document does not expect the processor at its own.

    Otherwise a processor that only a later mode expects would be overdue at the moment in which that mode begins.
    """
    for deadline, asked in asked_by:
        if deadline >= due and processor.name in asked:
            return deadline
    return due


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
    critical = [processor.name for processor in processors if processor.critical]
    finished, needed = len(names), len(processors)
    if finished and finished == needed:
        reason = "all_complete"
    elif finished and done.keys() >= set(critical) and finished / needed >= trigger.ratio:
        reason = f"critical_plus_majority_{100 * finished // needed}pct"
    else:
        return None
    moments = sorted(moment for name in names if (moment := done[name]) is not None)
    if len(moments) < finished:
        return RuleMet(reason, None)
    # The majority's last one, or the last critical one after it.
    enough = next((number for number in range(1, finished) if number / needed >= trigger.ratio), finished)
    return RuleMet(reason, max([moments[enough - 1], *(at for name in critical if (at := done[name]) is not None)]))
