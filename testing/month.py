"""A month of a pipeline with random incidents, read by the product's own collectors by a clock that jumps.

Both sides read the same month: what is written when follows from the seed alone. Sources are in memory. They count the
document reads that Firestore bills, and the bytes that BigQuery bills: at least 10 MiB for each table of a query, and
nothing for a query that was asked before and whose tables have not changed since (its cache). A table that gets its
rows one by one (streaming) is not answered from the cache until 90 minutes after its last row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from exporter.collect.collectors import Collectors
from exporter.config.load import load
from exporter.metrics.telemetry import Telemetry
from exporter.model import (
    CoverageCounts,
    Document,
    DocumentId,
    Entry,
    ErrorKind,
    Halted,
    Heartbeat,
    RowCount,
    Run,
    TriggerState,
    Verdict,
)
from exporter.reconcile.expectations import ONE_DAY, due_at, run_dates, today
from exporter.sources.budget import LEAST_BYTES_PER_TABLE
from exporter.sources.ports import ContextAnswer, SourceError, Sources
from testing.memory import MemoryFollowing, MemoryStore, MemoryWarehouse

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
    from datetime import date

    from exporter.collect.collector import Collector, ReadResult
    from exporter.collect.collector import Run as Reading
    from exporter.config.resolved import Config, PhaseConfig, PipelineConfig, ProcessorConfig, TableRef
    from exporter.model import DocumentId as Key
    from exporter.model import Report
    from exporter.sources.ports import ChangeReceiver, ContextRequest, Deadline, HeartbeatId, Window

FIRST: Final = datetime(2026, 1, 10, 5, tzinfo=UTC).date()
MINUTE: Final = timedelta(minutes=1)
BEAT: Final = timedelta(seconds=30)
GAMES: Final = 5
EARLIER: Final = 4
"""Days before the month whose records are there from the start."""
CACHED: Final = timedelta(hours=24)
STREAMED: Final = timedelta(minutes=90)
COLD: Final = timedelta(minutes=30)
"""How long at most nothing is concluded while no value has changed and nothing is due: that would say nothing new."""


class Kind(StrEnum):
    """What goes wrong, and (`shown_by`) which of the collectors shows it."""

    NOT_REGISTERED = "rows, and no registration"
    NO_ROWS = "a registration, and no rows"
    NOT_RUN = "did not run"
    FAILED = "fails, and is not run again"
    HANGS = "hangs"
    PARTIAL = "too few rows"
    OVERWRITTEN = "an entry is overwritten"
    OVERWRITTEN_UNFOLLOWED = "an entry is overwritten while the listener is down"
    NOT_TRIGGERED = "the next phase is not started"
    DELETED_BY_HAND = "rows are deleted by hand, at any hour"
    DOUBLED_BY_HAND = "rows are doubled by hand, at any hour"
    DOUBLED_BY_A_RUN = "a run at any hour doubles rows"
    NIGHT_RUN_HANGS = "a run at any hour hangs"
    FIRESTORE_AWAY = "Firestore denies access, at any hour"
    BIGQUERY_AWAY = "BigQuery denies access, at any hour"

    @property
    def shown_by(self) -> str:
        """The collector whose reading shows it."""
        if self in {Kind.OVERWRITTEN, Kind.OVERWRITTEN_UNFOLLOWED, Kind.NOT_TRIGGERED}:
            return "completion"
        if self in {Kind.HANGS, Kind.NIGHT_RUN_HANGS, Kind.FIRESTORE_AWAY}:
            return "heartbeats"
        return "warehouse"


AWAY: Final = {Kind.FIRESTORE_AWAY: "firestore", Kind.BIGQUERY_AWAY: "bigquery"}
FAULTS: Final[Mapping[Kind, frozenset[Verdict | TriggerState]]] = {
    Kind.NOT_REGISTERED: frozenset({Verdict.UNREGISTERED}),
    Kind.NO_ROWS: frozenset({Verdict.PHANTOM}),
    Kind.NOT_RUN: frozenset({Verdict.MISSING}),
    Kind.FAILED: frozenset({Verdict.FAILED}),
    Kind.HANGS: frozenset({Verdict.STALLED}),
    Kind.PARTIAL: frozenset({Verdict.PARTIAL}),
    Kind.OVERWRITTEN: frozenset({Verdict.LOST_UPDATE}),
    Kind.OVERWRITTEN_UNFOLLOWED: frozenset({Verdict.LOST_UPDATE}),
    Kind.NOT_TRIGGERED: frozenset({TriggerState.STUCK, TriggerState.BYPASSED}),
    Kind.DELETED_BY_HAND: frozenset({Verdict.PHANTOM}),
    Kind.DOUBLED_BY_HAND: frozenset({Verdict.DUPLICATED}),
    Kind.DOUBLED_BY_A_RUN: frozenset({Verdict.DUPLICATED}),
    Kind.NIGHT_RUN_HANGS: frozenset({Verdict.STALLED}),
}
BY_HAND: Final = frozenset(
    {Kind.DELETED_BY_HAND, Kind.DOUBLED_BY_HAND, Kind.DOUBLED_BY_A_RUN, Kind.NIGHT_RUN_HANGS, *AWAY}
)


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that goes wrong from `at` on, with a processor of `phase` on a run date."""

    kind: Kind
    at: datetime
    run_date: date
    phase: str
    processor: str


@dataclass(slots=True)
class Work:
    """A run of a processor. `end` None: it hangs after `beats_until`."""

    processor: ProcessorConfig
    data_date: date
    start: datetime
    end: datetime | None
    status: str = "completed"
    beats_until: datetime | None = None


@dataclass
class World:
    """What both sources hold at the clock's time, and what is yet to be written."""

    config: Config
    later: list[tuple[datetime, int, Callable[[World], None]]] = field(default_factory=list)
    work: dict[str, list[Work]] = field(default_factory=lambda: defaultdict(list))
    documents: dict[Key, Document] = field(default_factory=dict)
    rows: dict[TableRef, dict[date, RowCount]] = field(default_factory=lambda: defaultdict(dict))
    units: dict[date, int] = field(default_factory=dict)
    runs: tuple[Run, ...] = ()
    halts_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    versions: Counter[str] = field(default_factory=Counter)
    streamed_at: dict[str, datetime] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    listener: ChangeReceiver | None = None
    followed: tuple[Key, ...] = ()
    listening: bool = True
    opening: bool = False
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    @property
    def pipeline(self) -> PipelineConfig:
        """The one pipeline."""
        (pipeline,) = self.config.pipelines.values()
        return pipeline

    def moments(self) -> Iterator[tuple[datetime, Callable[[World], None]]]:
        """What is yet to be written, in order."""
        for moment, _, write in sorted(self.later, key=lambda one: one[:2]):
            yield moment, write

    def write(self, table: TableRef, day: date, rows: int, *, doubled: bool = False) -> None:
        """Replace the rows of a date."""
        units = None if not table.units else (GAMES if rows else 0)
        extra = None if not table.key else (rows // 2 if doubled else 0)
        counted = RowCount(rows, self.now if rows else None, units, extra)
        self.rows[table][day] = counted
        self.changed(table.name)

    def changed(self, table: str) -> None:
        """A table has changed."""
        self.versions[table] += 1

    def change(self, key: Key, **changes: Any) -> None:  # noqa: ANN401 - fields of a document
        """Change a document, and tell the listener."""
        old = self.documents.get(key) or Document(create_time=self.now)
        self.documents[key] = replace(old, update_time=self.now, read_time=self.now, **changes)
        self.tell(key)

    def tell(self, *keys: Key, first: bool = False) -> None:
        """Report documents to the listener, if it hears."""
        if self.listener is not None and self.listening:
            there = {key: self.documents.get(key, Document(exists=False)) for key in keys if key in self.followed}
            if there:
                self.listener.changed(there, first=first)

    def listen(self, *, hears: bool) -> None:
        """Break the listener's stream, or open it again."""
        self.listening = hears
        if self.listener is None:
            return
        if hears:
            self.tell(*self.followed, first=True)
        else:
            self.listener.stream_broke(SourceError(ErrorKind.UNREACHABLE, "the stream broke"))

    def leave(self, source: str, *, away: bool) -> None:
        """A source denies access from now on, or answers again."""
        (self.away.add if away else self.away.discard)(source)
        if source == "firestore":
            self.listen(hears=not away)

    def beat(self, document: str) -> Heartbeat | None:
        """A heartbeat at the clock's time."""
        begun = [one for one in self.work[document] if one.start <= self.now]
        if not begun:
            return None
        last = max(begun, key=lambda one: one.start)
        if last.end is not None and last.end <= self.now:
            return Heartbeat(document, last.status, last.end, last.data_date, last.start)
        until = min(self.now, last.beats_until or self.now)
        return Heartbeat(document, "running", until - (until - last.start) % BEAT, last.data_date, last.start)


class Store(MemoryStore):
    """Firestore: it counts the document reads that it bills."""

    def __init__(self, world: World, telemetry: Telemetry) -> None:
        super().__init__()
        self._world = world
        self._telemetry = telemetry

    def follow(self, ids: Collection[Key], receiver: ChangeReceiver) -> MemoryFollowing:
        self._world.listener, self._world.followed = receiver, tuple(ids)
        self._telemetry.add("document_reads", len(ids))
        self._world.opening = True
        return super().follow(ids, receiver)

    def documents(self, ids: Collection[Key], deadline: Deadline) -> Mapping[Key, Document]:
        self._ask(len(ids))
        self.held = self._world.documents
        return super().documents(ids, deadline)

    def heartbeats(self, ids: Collection[HeartbeatId], deadline: Deadline) -> Mapping[HeartbeatId, Heartbeat | None]:  # noqa: ARG002 - it keeps none
        self._ask(len(ids))
        return {key: self._world.beat(key.document) for key in ids}

    def count(self, collection: str, deadline: Deadline) -> int:  # noqa: ARG002 - one collection, no deadline
        self._ask(1)
        return 12

    def _ask(self, reads: int) -> None:
        if "firestore" in self._world.away:
            raise SourceError(ErrorKind.PERMISSION_DENIED, "as ordered")
        self._telemetry.add("document_reads", reads)


class Warehouse(MemoryWarehouse):
    """BigQuery: it counts the bytes that it bills."""

    def __init__(self, world: World, telemetry: Telemetry) -> None:
        super().__init__()
        self._world = world
        self._telemetry = telemetry
        self.without_cache = 0
        """The bytes that it would have billed if it had no cache."""
        self._answered: dict[Hashable, tuple[datetime, tuple[int, ...]]] = {}

    def row_counts(
        self, tables: Collection[TableRef], window: Window, deadline: Deadline
    ) -> Mapping[TableRef, Mapping[date, RowCount] | SourceError]:
        self._bill(("rows", tuple(tables), window), [table.name for table in tables])
        self.tables = dict(self._world.rows)
        return super().row_counts(tables, window, deadline)

    def context(self, request: ContextRequest, window: Window, deadline: Deadline) -> ContextAnswer:
        keys = (*request.calendars, *request.run_history, *request.phase_log, *request.coverage, *request.halts)
        named = [
            *(one.table.name for one in request.calendars.values()),
            *(one.table.table.name for one in request.run_history.values()),
            *(one.table.name for one in request.phase_log.values()),
            *(one.table.name for one in request.coverage.values()),
            *(one.table.name for one in request.halts),
        ]
        self._bill(("context", keys, tuple(named), window), named)
        world, days = self._world, _days(window)
        self.units = {day: world.units.get(day, 0) for day in days}
        self.runs = tuple(run for run in world.runs if window.first <= run.data_date <= window.last)
        self.halts = Halted({}, world.halts_at)
        none = CoverageCounts(0, 0, 0, dict.fromkeys(next(iter(world.pipeline.coverage.values())).excluded, 0))
        self.coverage = dict.fromkeys(days, none)
        transitions = world.pipeline.phase_log.transitions if world.pipeline.phase_log else ()
        self.phase_log = {(day, name): 1 for day in days for name in transitions}
        return super().context(request, window, deadline)

    def _bill(self, query: Hashable, tables: Sequence[str]) -> None:
        world = self._world
        if "bigquery" in world.away:
            raise SourceError(ErrorKind.PERMISSION_DENIED, "as ordered")
        self._telemetry.add("jobs")
        versions = tuple(world.versions[table] for table in tables)
        at, known = self._answered.get(query, (world.now, None))
        streams = any(world.now - world.streamed_at.get(table, world.now - CACHED) < STREAMED for table in tables)
        self.without_cache += len(tables) * LEAST_BYTES_PER_TABLE
        if known == versions and world.now - at < CACHED and not streams:
            return
        self._answered[query] = world.now, versions
        self._telemetry.add("bytes_billed", len(tables) * LEAST_BYTES_PER_TABLE)


def _days(window: Window) -> list[date]:
    return [window.first + ONE_DAY * number for number in range((window.last - window.first).days + 1)]


class _Read(Collectors):
    """Collectors that read, and conclude from a followed change, on the thread that moves the clock."""

    def _conclude_news(self) -> None:
        """Leave it to that thread."""

    def _bounded(self, collector: Collector, run: Reading) -> ReadResult:
        return collector.read(run)

    def take(self, documents: Mapping[DocumentId, Document], now: datetime) -> None:
        if self._completion.take(documents, now) and not self.waiting_for:
            self.conclude()


@dataclass(frozen=True, slots=True)
class Side:
    """What one way of reading cost in a month, and when it first showed each incident."""

    document_reads: int
    bytes_billed: int
    bytes_without_cache: int
    jobs: int
    found: Mapping[Incident, datetime]


class Month:
    """The month of one seed: what is written when, and what goes wrong."""

    def __init__(self, chance: random.Random, days: int) -> None:
        self.days = days
        self.config = load(preset="nba", environ={}).config
        self.incidents: list[Incident] = []
        self._plan: list[tuple[datetime, int, Callable[[World], None]]] = []
        self._numbers = count()
        self._chance = chance
        self._zone = self.config.timezone
        (self._pipeline,) = self.config.pipelines.values()
        free = {FIRST + ONE_DAY * number for number in range(days) if number % 9 == 5}
        self._units = {
            FIRST + ONE_DAY * number: 0 if FIRST + ONE_DAY * number in free else GAMES
            for number in range(-EARLIER - 3, days + 4)
        }
        for number in range(-EARLIER, days):
            self._day(FIRST + ONE_DAY * number)

    def read(self, pace: str) -> Side:
        """Read the month at this pace."""
        collect = replace(self.config.collect, adapts=pace == "adaptive")
        config = replace(self.config, collect=collect)
        world = World(config, list(self._plan), units=self._units)
        telemetry = Telemetry()
        start = self._local(FIRST, 0)
        reports: list[Report] = []
        warehouse = Warehouse(world, telemetry)
        sources = Sources(Store(world, telemetry), warehouse)
        collectors = _Read(config, sources, telemetry, lambda: world.now, reports.append, follow=True, apart=True)
        watch = _Watch(self.incidents, collectors, telemetry, world, reports)
        try:
            watch.until(start, start + self.days * ONE_DAY)
        finally:
            collectors.stop()
        return Side(
            int(telemetry.total("document_reads")),
            int(telemetry.total("bytes_billed")),
            warehouse.without_cache,
            int(telemetry.total("jobs")),
            watch.found,
        )

    def _local(self, day: date, hours: float) -> datetime:
        return datetime.combine(day, datetime.min.time(), self._zone).astimezone(UTC) + timedelta(hours=hours)

    def _at(self, moment: datetime, write: Callable[[World], None]) -> None:
        self._plan.append((moment, next(self._numbers), write))

    def _any_hour(self, day: date) -> datetime:
        return self._local(day, 0) + timedelta(seconds=self._chance.randrange(1200, 85_000))

    def _day(self, day: date) -> None:
        kind = self._chance.choice(list(Kind)) if day >= FIRST + ONE_DAY else None
        works = bool(self._units[day] and self._units[day - ONE_DAY])
        of = [
            (phase, processor)
            for phase in self._pipeline.phases.values()
            for processor in phase.processors.values()
            if _suits(kind, phase, processor)
        ]
        phase, faulty = self._chance.choice(of)
        if day + ONE_DAY >= FIRST + self.days * ONE_DAY or not works:
            kind = None
        for each in self._pipeline.phases.values():
            self._phase(each, day, kind if each is phase and kind not in BY_HAND else None, faulty)
        if kind in BY_HAND and kind is not None:
            self._by_hand(kind, day, phase, faulty)
        self._background(day)

    def _background(self, day: date) -> None:
        """What goes on in any case: the table of halts, the schedule during the games, another sport's runs."""
        halts = self._pipeline.all_halts[0].table.name
        calendar = self._pipeline.calendar
        history = self._pipeline.run_history
        assert calendar
        assert history

        def halt(world: World) -> None:
            world.halts_at = world.now
            world.changed(halts)

        self._at(self._local(day, 4), halt)
        for hour in range(24):
            self._at(self._local(day, hour + 0.1), lambda world: world.changed(calendar.table.name))
        for number in range(0 if self._units[day] else 99, 54):
            self._at(self._local(day, 19 + number / 12), lambda world: world.changed(calendar.table.name))
        for number in range(48):
            self._at(self._local(day, 8 + number / 3), lambda world: _streams(world, history.table.name))

    def _phase(self, phase: PhaseConfig, day: date, kind: Kind | None, faulty: ProcessorConfig) -> None:
        if not (self._units[day] and self._units[day - ONE_DAY]):
            # With games on one of the two days alone, some processors have work: leave it at whole days.
            self._partly(phase, day)
            return
        last = self._local(day, 0)
        for processor in phase.processors.values():
            mine = kind if processor is faulty else None
            last = max(last, self._run(phase, processor, day, mine))
        if phase.trigger and phase.collection:
            key = DocumentId(phase.collection, day)
            at = last + MINUTE * self._chance.uniform(1, 6)
            if kind is Kind.NOT_TRIGGERED:
                self._note(kind, at, day, phase, faulty)
            else:
                self._at(at, lambda world: world.change(key, triggered=True, triggered_at=world.now))

    def _partly(self, phase: PhaseConfig, day: date) -> None:
        for processor in phase.processors.values():
            if self._units[processor.data_date(day)]:
                self._run(phase, processor, day, None)
        if phase.trigger and phase.collection:
            key = DocumentId(phase.collection, day)
            at = due_at(next(iter(phase.processors.values())).due, day, self._zone)
            self._at(at, lambda world: world.change(key, triggered=True, triggered_at=world.now))

    def _run(self, phase: PhaseConfig, processor: ProcessorConfig, day: date, kind: Kind | None) -> datetime:
        """One processor's work on one day; returns when it ends."""
        due = due_at(processor.due, day, self._zone)
        end = due - MINUTE * self._chance.uniform(30, 150)
        start = end - MINUTE * self._chance.uniform(6, 25)
        data_date = processor.data_date(day)
        if self._chance.random() < 0.3:
            early = start - MINUTE * self._chance.uniform(60, 150)
            self._work(Work(processor, data_date, early, early + 7 * MINUTE, "failed"), phase, "failed")
        if kind is Kind.NOT_RUN:
            self._note(kind, due, day, phase, processor)
            return end
        if kind is Kind.FAILED:
            self._work(Work(processor, data_date, start, end, "failed"), phase, "failed")
            self._note(kind, end, day, phase, processor)
            return end
        if kind is Kind.HANGS:
            stops = start + MINUTE * self._chance.uniform(0, 20)
            self._work(Work(processor, data_date, start, None, beats_until=stops), phase, None)
            self._note(kind, start, day, phase, processor)
            return end
        self._work(Work(processor, data_date, start, end), phase, "success")
        rows = 0 if kind is Kind.NO_ROWS else _rows(processor, partial=kind is Kind.PARTIAL)
        if rows:
            self._at(end, lambda world: world.write(processor.table, data_date, rows))
        if phase.collection and kind is not Kind.NOT_REGISTERED:
            self._register(DocumentId(phase.collection, day), processor.name, end, rows)
        if kind in {Kind.NOT_REGISTERED, Kind.NO_ROWS, Kind.PARTIAL}:
            self._note(kind, due, day, phase, processor)
        if kind in {Kind.OVERWRITTEN, Kind.OVERWRITTEN_UNFOLLOWED}:
            self._overwrite(kind, phase, processor, day, due + MINUTE * self._chance.uniform(5, 600))
        return end

    def _work(self, work: Work, phase: PhaseConfig, status: str | None) -> None:
        processor, history = work.processor, self._pipeline.run_history
        assert history

        def start(world: World) -> None:
            for name in processor.heartbeats[:1]:
                world.work[name].append(work)

        def end(world: World) -> None:
            if processor.runs_as and status:
                run_id = f"{processor.runs_as[0]}-{work.start.timestamp()}"
                run = Run(
                    processor.runs_as[0], run_id, status, work.data_date, phase.run_history_phase, work.start, work.end
                )
                world.runs = (*(one for one in world.runs if one.data_date >= work.data_date - 9 * ONE_DAY), run)
                _streams(world, history.table.name)

        self._at(work.start, start)
        if work.end:
            self._at(work.end, end)

    def _register(self, key: Key, name: str, at: datetime, rows: int) -> None:
        def register(world: World) -> None:
            held = world.documents.get(key)
            entry = Entry("success", at, rows)
            entries = {**(held.entries if held else {}), name: entry}
            contents = {**(held.contents if held else {}), name: f"{name} {at}".encode()}
            world.change(key, entries=entries, contents=contents)

        self._at(at, register)

    def _overwrite(self, kind: Kind, phase: PhaseConfig, processor: ProcessorConfig, day: date, at: datetime) -> None:
        key = DocumentId(phase.collection or "", day)

        def overwrite(world: World) -> None:
            held = world.documents[key]
            entries = {name: entry for name, entry in held.entries.items() if name != processor.name}
            contents = {name: content for name, content in held.contents.items() if name != processor.name}
            world.change(key, entries=entries, contents=contents)

        self._at(at, overwrite)
        if kind is Kind.OVERWRITTEN_UNFOLLOWED:
            self._at(at - 7 * MINUTE, lambda world: world.listen(hears=False))
            self._at(at + 9 * MINUTE, lambda world: world.listen(hears=True))
        self._note(kind, at, day, phase, processor)

    def _by_hand(self, kind: Kind, day: date, phase: PhaseConfig, processor: ProcessorConfig) -> None:
        data_date = processor.data_date(day)
        at = self._any_hour(day + ONE_DAY)
        if kind in AWAY:
            at = self._any_hour(day)
            self._at(at, lambda world: world.leave(AWAY[kind], away=True))
            self._at(at + 35 * MINUTE, lambda world: world.leave(AWAY[kind], away=False))
        elif kind is Kind.DELETED_BY_HAND:
            self._at(at, lambda world: world.write(processor.table, data_date, 0))
        elif kind is Kind.NIGHT_RUN_HANGS:
            self._work(Work(processor, data_date, at, None, beats_until=at + 2 * MINUTE), phase, None)
        else:
            if kind is Kind.DOUBLED_BY_A_RUN:
                self._work(Work(processor, data_date, at - 12 * MINUTE, at), phase, "success")
            rows = 2 * _rows(processor, partial=False)
            self._at(at, lambda world: world.write(processor.table, data_date, rows, doubled=True))
        self._note(kind, at, day, phase, processor)

    def _note(self, kind: Kind, at: datetime, day: date, phase: PhaseConfig, processor: ProcessorConfig) -> None:
        self.incidents.append(Incident(kind, at, day, phase.name, processor.name))


def _suits(kind: Kind | None, phase: PhaseConfig, processor: ProcessorConfig) -> bool:
    """Whether this kind of fault can be one of this processor."""
    if kind in {Kind.NOT_REGISTERED, Kind.NO_ROWS, Kind.DELETED_BY_HAND}:
        return phase.collection is not None and phase.trigger is None
    if kind in {Kind.HANGS, Kind.NIGHT_RUN_HANGS, Kind.FAILED}:
        return bool(processor.heartbeats)
    if kind in {Kind.OVERWRITTEN, Kind.OVERWRITTEN_UNFOLLOWED}:
        return phase.collection is not None
    if kind is Kind.NOT_TRIGGERED:
        return phase.trigger is not None
    if kind in {Kind.PARTIAL, Kind.DOUBLED_BY_HAND, Kind.DOUBLED_BY_A_RUN}:
        counted = kind is Kind.PARTIAL and processor.table.units
        return bool(processor.table.key) and processor.rows_per_unit is not None and not counted
    return True


def _rows(processor: ProcessorConfig, *, partial: bool) -> int:
    each = round(processor.rows_per_unit.minimum) if processor.rows_per_unit else 3
    return GAMES * each // 2 if partial else GAMES * each


def _streams(world: World, table: str) -> None:
    world.changed(table)
    world.streamed_at[table] = world.now


class _Watch:
    """Moves the clock from one reading, write or minute to the next, and notes when each incident shows."""

    def __init__(
        self,
        incidents: Sequence[Incident],
        collectors: Collectors,
        telemetry: Telemetry,
        world: World,
        reports: list[Report],
    ) -> None:
        self._open = list(incidents)
        self._collectors = collectors
        self._telemetry = telemetry
        self._world = world
        self._reports = reports
        self._seen: object = None
        self._concluded = datetime.min.replace(tzinfo=UTC)
        self._shortest = min(one.every for one in collectors.collectors.values())
        self.found: dict[Incident, datetime] = {}

    def until(self, start: datetime, end: datetime) -> None:
        """Let the time between these moments pass."""
        world = self._world
        writes = list(world.moments())
        world.now = start
        while writes and writes[0][0] <= start:
            world.now, write = writes.pop(0)
            write(world)
        world.now, minute = start, start
        while world.now < end:
            while writes and writes[0][0] <= world.now:
                writes.pop(0)[1](world)
                self._look()
            collectors = self._collectors
            names = [name for name in collectors.collectors if collectors.planner.due(name)]
            for name in names:
                collectors.run(name, conclude=False)
            if world.opening:
                # The stream is open a moment after it was asked for.
                world.opening = False
                world.tell(*world.followed, first=True)
            if names or world.now >= minute:
                self._conclude()
            self._look()
            minute = minute if world.now < minute else world.now + self._shortest
            planned = [at for name in collectors.collectors if (at := collectors.planner.next_at(name))]
            ahead = [minute, *planned, *(moment for moment, _ in writes[:1]), end]
            world.now = max(min(ahead), world.now + timedelta(microseconds=1))

    def _conclude(self) -> None:
        """Conclude, unless that could say nothing new: no value changed, nothing runs and nothing is due."""
        snapshot, now, config = self._collectors.snapshot, self._world.now, self._world.config
        beats = {
            key: (beat and (beat.status, beat.started_at))
            for reading in snapshot.heartbeats.values()
            for key, beat in (reading.value or {}).items()
        }
        seen = (
            beats,
            snapshot.documents.value,
            [reading.value for reading in snapshot.rows.values()],
            [reading.value for reading in snapshot.runs.values()],
            snapshot.doubts,
            [reading.failure is None for reading in snapshot.rows.values()],
            run_dates(config, now),
        )
        aging = any(
            beat is not None
            and beat.status == "running"
            and beat.beat_at
            and 2 * MINUTE < now - beat.beat_at < 20 * MINUTE
            for reading in snapshot.heartbeats.values()
            for beat in (reading.value or {}).values()
        )
        due = any(-MINUTE <= now - moment <= 3 * MINUTE for moment in self._moments(now))
        if seen != self._seen or aging or due or now - self._concluded >= COLD:
            self._seen, self._concluded = seen, now
            self._collectors.conclude()

    def _moments(self, now: datetime) -> set[datetime]:
        config = self._world.config
        day = today(now, config.timezone)
        met = {
            phase.rule_met_at + timedelta(minutes=30)
            for phase in (self._reports[-1].phases if self._reports else ())
            if phase.rule_met_at
        }
        return met | {
            due_at(processor.due, day, config.timezone)
            for phase in self._world.pipeline.phases.values()
            for processor in phase.processors.values()
        }

    def _look(self) -> None:
        """Note the incidents that show for the first time."""
        if not self._reports and not self._telemetry.sources():
            return
        now, sources = self._world.now, self._telemetry.sources()
        for incident in [one for one in self._open if one.at <= now]:
            if incident.kind in AWAY:
                shown = sources.get(AWAY[incident.kind]) is not None
            else:
                shown = any(_shows(report, incident) for report in self._reports)
            if shown:
                self.found[incident] = now
                self._open.remove(incident)
        del self._reports[:-1]


def _shows(report: Report, incident: Incident) -> bool:
    if report.at < incident.at:
        return False
    if incident.kind is Kind.NOT_TRIGGERED:
        return any(
            phase.trigger_state in FAULTS[incident.kind]
            for phase in report.phases
            if (phase.phase, phase.run_date) == (incident.phase, incident.run_date)
        )
    return any(
        one.verdict in FAULTS[incident.kind]
        for one in report.processors
        if (one.phase, one.run_date, one.processor) == (incident.phase, incident.run_date, incident.processor)
    )
