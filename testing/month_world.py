"""A month of a pipeline, in memory: what its stores hold at a moment, and what reading them costs.

It counts the document reads that Firestore bills, and the bytes that BigQuery bills: at least 10 MiB for each table of
a query, and nothing for a query that was asked before and whose tables have not changed since (its cache). A table that
gets its rows one by one (streaming) is not answered from the cache until 90 minutes after its last row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from exporter.model import (
    CoverageCounts,
    Document,
    ErrorKind,
    Halted,
    Heartbeat,
    RowCount,
    Run,
    TriggerState,
    Verdict,
)
from exporter.reconcile.expectations import ONE_DAY
from exporter.sources.budget import LEAST_BYTES_PER_TABLE
from exporter.sources.ports import ContextAnswer, SourceError
from testing.memory import MemoryFollowing, MemoryStore, MemoryWarehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
    from datetime import date

    from exporter.config.resolved import Config, PipelineConfig, ProcessorConfig, TableRef
    from exporter.metrics.telemetry import Telemetry
    from exporter.model import DocumentId as Key
    from exporter.sources.ports import ChangeReceiver, ContextRequest, Deadline, HeartbeatId, Window

FIRST: Final = datetime(2026, 1, 10, 5, tzinfo=UTC).date()
MINUTE: Final = timedelta(minutes=1)
BEAT: Final = timedelta(seconds=30)
GAMES: Final = 5
EARLIER: Final = 4
"""Days before the month whose records are there from the start."""
CACHED: Final = timedelta(hours=24)
STREAMED: Final = timedelta(minutes=90)


class Kind(StrEnum):
    """What goes wrong."""

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
_COMPLETION, _HEARTBEATS, _WAREHOUSE = "completion", "heartbeats", "warehouse"
SHOWN_BY: Final[Mapping[Verdict | TriggerState | str, str]] = {
    "firestore": _HEARTBEATS,
    "bigquery": _WAREHOUSE,
    Verdict.LOST_UPDATE: _COMPLETION,
    TriggerState.STUCK: _COMPLETION,
    TriggerState.BYPASSED: _WAREHOUSE,
    Verdict.STALLED: _HEARTBEATS,
    Verdict.UNREGISTERED: _WAREHOUSE,
    Verdict.PHANTOM: _WAREHOUSE,
    Verdict.MISSING: _WAREHOUSE,
    Verdict.FAILED: _WAREHOUSE,
    Verdict.PARTIAL: _WAREHOUSE,
    Verdict.DUPLICATED: _WAREHOUSE,
}
"""The collector whose reading shows a source's failure or a fault. Rows of the next phase show that it was bypassed."""
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
