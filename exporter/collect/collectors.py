"""Reading: one collector a kind of record, each run ending in new values or in the reason why there are none.

A run takes the time as an argument, so the scheduler and a replay drive the same code. Values and failures go into one
`Snapshot`, which is swapped whole; then everything is reconciled anew and the report is handed on.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

import structlog

from exporter.collect.context import Brought, context_request, outcome_of, reads_alike
from exporter.collect.following import Follower
from exporter.collect.readings import (
    counting_context,
    counting_documents,
    counting_heartbeats,
    counting_rows,
    counting_runs,
    kept,
    merged,
)
from exporter.config.resolved import LedgerConfig
from exporter.memory.documents import Memory
from exporter.memory.ledger import MEMORY
from exporter.memory.losses import newer
from exporter.memory.settling import Settling
from exporter.metrics.catalogue import UNREACHED
from exporter.model import CalendarEnd, ErrorKind, Failure, Matter, Reading, Snapshot
from exporter.reconcile import reconcile
from exporter.reconcile.expectations import processor_names, reading_plan
from exporter.sources.answers import window_dates
from exporter.sources.calls import AWAKE_SECONDS
from exporter.sources.ports import Deadline, HeartbeatId, SourceError, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from exporter.config.resolved import CollectorConfig, Config
    from exporter.metrics.telemetry import Telemetry
    from exporter.model import Document, DocumentId, Report
    from exporter.sources.ports import Sources

    Documents = Mapping[DocumentId, Document]

T = TypeVar("T")

log = structlog.get_logger(__name__)

FIRESTORE = "firestore"
BIGQUERY = "bigquery"
MATTERS = {
    "completion": (Matter.DOCUMENT,),
    "heartbeats": (Matter.HEARTBEAT,),
    "warehouse": (Matter.ROWS, Matter.UNITS, Matter.RUNS, Matter.PHASE_LOG, Matter.COVERAGE),
}
"""By collector, what it reads that can be gone for a moment."""

LAST_WORDS = 1.0
"""Seconds beyond its deadline that a call gets to end by itself, before it is left behind."""


@dataclass(slots=True, eq=False)
class _Run:
    """One run of a collector. Once it is given up, nothing that it still brings counts."""

    now: datetime
    deadline: Deadline
    given_up: bool = False
    woken: threading.Event = field(default_factory=threading.Event)


class Collectors:
    """The collectors of one configuration and what they have brought so far."""

    def __init__(  # noqa: PLR0913 - what it works with, and two ways of working
        self,
        config: Config,
        sources: Sources,
        telemetry: Telemetry,
        clock: Callable[[], datetime],
        publish: Callable[[Report], None],
        *,
        memory: Memory | None = None,
        follow: bool = False,
        wait_for_all: bool = False,
    ) -> None:
        """Go on from what is remembered of the documents (`memory`; none: nothing is).

        `follow`: also follow the documents with a listener, unless the configuration says not to. `wait_for_all`:
        publish nothing before every collector has run once.
        """
        self.config = config
        self.snapshot = Snapshot()
        self.memory = memory or Memory(LedgerConfig(MEMORY, timedelta.max), telemetry)
        self.follower = (
            Follower(sources.completions, self, telemetry, clock) if follow and config.documents.follow else None
        )
        self._names = processor_names(config)
        self.settling = Settling()
        self._news = threading.Event()
        self._concluder = threading.Thread(target=self._conclude_news, name="conclude-news", daemon=True)
        self._sources = sources
        self._telemetry = telemetry
        self._clock = clock
        self._publish = publish
        self._wait_for_all = wait_for_all
        self._swap = threading.Lock()
        self._publishing = threading.Lock()
        self._stop = threading.Event()
        self._under_way: set[_Run] = set()
        self._left_behind: dict[str, threading.Thread] = {}
        self._attempted: set[str] = set()
        self._published: frozenset[str] = frozenset()
        collect = config.collect
        self.collectors: dict[str, CollectorConfig] = {
            "completion": collect.completion,
            "heartbeats": collect.heartbeats,
            "heartbeat_count": collect.heartbeat_count,
            "warehouse": collect.warehouse,
        }
        self._reads: dict[str, tuple[str, Callable[[_Run], Brought]]] = {
            "completion": (FIRESTORE, self._read_completion),
            "heartbeats": (FIRESTORE, self._read_heartbeats),
            "heartbeat_count": (FIRESTORE, self._read_heartbeat_count),
            "warehouse": (BIGQUERY, self._read_warehouse),
        }
        for name in self.collectors:
            telemetry.collector_known(name)
        if self.follower:
            self._concluder.start()

    def go_on_from(self, before: Collectors) -> None:
        """Hold what is read against what other collectors read, where that is read in the same way."""
        self.settling.go_on_from(before.settling, reads_alike(before.config, self.config))

    def source_of(self, name: str) -> str:
        """The source that a collector reads."""
        return self._reads[name][0]

    def repeat_at(self, name: str) -> datetime | None:
        """When this collector is to read again before its turn, because less is there than it read before."""
        return self.settling.repeat_at(MATTERS.get(name, ()))

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """The collectors that have not ended a run yet, or whose first run is not in the published report yet."""
        running = tuple(name for name in self.collectors if name not in self._attempted)
        return running or tuple(name for name in self.collectors if name not in self._published)

    @property
    def _early(self) -> bool:
        return self._wait_for_all and not self._attempted.issuperset(self.collectors)

    def stop(self) -> None:
        """Make every run under way end now; what it still brings is thrown away."""
        with self._swap:
            self._stop.set()
            for run in self._under_way:
                run.given_up = True
                run.woken.set()
        self._news.set()
        if self.follower:
            self.follower.stop()

    def run(self, name: str, *, conclude: bool = True) -> None:
        """Run one collector now, within its deadline, and publish what follows; a source's errors are noted.

        Without `conclude`, nothing is published: who runs several at one time concludes once from all of them.
        """
        left = self._left_behind.get(name)
        if left is not None and left.is_alive():
            self._telemetry.collector_skipped(name, "busy")
            log.warning("collector skipped", collector=name, reason="its last run still hangs")
            return
        source, read = self._reads[name]
        run = _Run(self._clock(), Deadline(self.collectors[name].timeout.total_seconds()))
        started = time.monotonic()
        refusal: SourceError | None = None
        brought = Brought()
        try:
            brought = self._bounded(name, run, read)
        except SourceError as error:
            refusal, brought = error, Brought((error,), anything=False)
            failure = Failure(error.kind, error.detail, run.now)
            self._change(**kept(self.config, self.snapshot, name, failure, self._max_age(name)))
        finally:
            # Whatever went wrong: one collector must not keep the others' values from being published.
            self._attempted.add(name)
        if self._stop.is_set():
            return
        self._telemetry.source_attempted(source, refusal.kind if refusal else None)
        ended = self._clock()
        self._telemetry.collector_ran(
            name,
            seconds=time.monotonic() - started,
            at=ended.timestamp(),
            failures=[failed.kind for failed in brought.errors],
            success=brought.anything,
        )
        # Here, because the documents alone may be read but once in hours.
        self.memory.tend(ended)
        for failed in brought.errors:
            log.warning("collection failed", collector=name, source=source, reason=failed.kind, detail=failed.detail)
        if conclude and not self._early:
            self.conclude()

    def run_all(self) -> None:
        """Run every collector once, all at the same time, so that waiting for one source is no wait for the next."""
        with ThreadPoolExecutor(len(self.collectors), thread_name_prefix="collector") as pool:
            try:
                under_way = {pool.submit(self.run, name) for name in self.collectors}
                while under_way:
                    ended, under_way = wait(under_way, AWAKE_SECONDS, FIRST_COMPLETED)
                    for run in ended:
                        run.result()
            except BaseException:
                self.stop()
                raise

    def conclude(self) -> None:
        """Reconcile what is known at this moment and publish the report; nothing any more once stopped."""
        with self._publishing:
            if not self._stop.is_set():
                attempted = frozenset(self._attempted)
                self._publish(reconcile(self.config, self.snapshot, self._clock()))
                self._published = attempted

    def _bounded(self, name: str, run: _Run, read: Callable[[_Run], Brought]) -> Brought:
        """Call `read` on a thread of its own, so that one that hangs in spite of its deadline can be left behind."""
        outcome: list[Brought | BaseException] = []

        def work() -> None:
            try:
                outcome.append(read(run))
            except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, which raises it
                outcome.append(error)
            run.woken.set()

        worker = threading.Thread(target=work, name=f"read-{name}", daemon=True)
        with self._swap:
            if self._stop.is_set():
                raise SourceError(ErrorKind.UNREACHABLE, "the exporter is stopping")
            self._under_way.add(run)
        worker.start()
        run.woken.wait(run.deadline.seconds + LAST_WORDS)
        with self._swap:
            self._under_way.discard(run)
            run.given_up = run.given_up or not outcome
        if run.given_up:
            self._left_behind[name] = worker
            seconds = run.deadline.seconds
            raise SourceError(ErrorKind.TIMEOUT, f"collector {name} did not end within {seconds:g} s")
        result = outcome[0]
        if isinstance(result, BaseException):
            raise result
        return result

    def _read_completion(self, run: _Run) -> Brought:
        plan = reading_plan(self.config, run.now)
        if self.follower:
            self.follower.follow(plan.documents)
        if plan.documents:
            documents = self._sources.completions.documents(plan.documents, run.deadline)
            if self.follower:
                self.follower.compare(documents)
            self._remember(documents, run.now, run)
        return Brought()

    def take(self, documents: Mapping[DocumentId, Document], now: datetime) -> None:
        """Take what a listener told of these documents; what follows from it is published soon after."""
        with self._swap:
            if self._stop.is_set():
                return
            self.memory.follow(now)
        if documents:
            self._remember(documents, now)
            self._news.set()

    def lose(self) -> None:
        """Note that the documents are no longer followed."""
        self.memory.lose()
        self._change(**self._remembered())

    def _remember(self, documents: Mapping[DocumentId, Document], now: datetime, run: _Run | None = None) -> None:
        """Remember a reading (of all documents, where a run brought it), and only then conclude from it."""
        with self._swap:
            if self._stop.is_set() if run is None else run.given_up:
                return
            longest_gap = self._max_age("completion")
            everything = run is not None
            self.memory.observe(documents, self._names, now, longest_gap=longest_gap, everything=everything)
            known = self.snapshot.documents.value or {}
            newest = {key: newer(known.get(key), document) for key, document in documents.items()}
            counting = counting_documents(self.settling, newest, now)
            others = {} if everything else {key: known[key] for key in known if key not in newest}
            reading = self._fresh("completion", cast("Documents", {**others, **counting}), now)
            self.snapshot = replace(self.snapshot, documents=reading, doubts=self.settling.doubts, **self._remembered())

    def _remembered(self) -> dict[str, Any]:
        now = self.memory.now
        return {"watched": now.watched, "followed_since": now.followed_since, "gaps": now.gaps}

    def _conclude_news(self) -> None:
        """Conclude once from all that was told meanwhile, however much that is."""
        while self._news.wait() and not self._stop.is_set():
            self._news.clear()
            if not self._early:
                self.conclude()

    def _read_heartbeats(self, run: _Run) -> Brought:
        plan = reading_plan(self.config, run.now)
        ids = {
            pipeline: [HeartbeatId(config.heartbeats.collection, name) for name in names]
            for pipeline, names in plan.heartbeats.items()
            if (config := self.config.pipelines[pipeline]).heartbeats
        }
        wanted = list(dict.fromkeys(key for keys in ids.values() for key in keys))
        read = self._sources.completions.heartbeats(wanted, run.deadline) if wanted else {}
        found = counting_heartbeats(self.settling, read, run.now)
        self._change(
            run,
            heartbeats={
                pipeline: self._fresh("heartbeats", {key.document: found[key] for key in keys if key in found}, run.now)
                for pipeline, keys in ids.items()
            },
        )
        return Brought()

    def _read_heartbeat_count(self, run: _Run) -> Brought:
        collections = {
            pipeline.name: pipeline.heartbeats.collection
            for pipeline in self.config.pipelines.values()
            if pipeline.heartbeats
        }
        counts = {
            collection: self._sources.completions.count(collection, run.deadline)
            for collection in dict.fromkeys(collections.values())
        }
        self._change(
            run,
            heartbeat_documents={
                pipeline: self._fresh("heartbeat_count", counts[collection], run.now)
                for pipeline, collection in collections.items()
            },
        )
        return Brought()

    def _read_warehouse(self, run: _Run) -> Brought:
        plan = reading_plan(self.config, run.now)
        window = Window(plan.first, plan.last)
        rows: Mapping[Any, Any]
        try:
            rows = self._sources.warehouse.row_counts(plan.tables, window, run.deadline)
        except SourceError as error:
            if error.kind in UNREACHED or error.kind is ErrorKind.BUDGET:
                raise
            rows = dict.fromkeys(plan.tables, error)
        before, now = self.snapshot, min(run.now, self._clock())
        counted = counting_rows(self.settling, rows, now)
        age = self._max_age("warehouse")
        self._change(run, rows=merged(before.rows, counted, now, age))
        answer = self._sources.warehouse.context(context_request(self.config), window, run.deadline)
        found = counting_context(self.settling, answer, now)
        ends = {name: CalendarEnd(last) for name, last in answer.calendars_end.items()}
        runs = counting_runs(self.settling, answer.runs, window_dates(window), now)
        self._change(
            run,
            units=merged(before.units, found.units, now, age),
            calendars_end={**before.calendars_end, **merged(before.calendars_end, ends, now, age)},
            runs=merged(before.runs, runs, now, age),
            phase_log=merged(before.phase_log, found.phase_log, now, age),
            coverage=merged(before.coverage, found.coverage, now, age),
        )
        return outcome_of(rows, answer)

    def _change(self, run: _Run | None = None, **changes: Any) -> None:  # noqa: ANN401 - the fields of Snapshot, checked by its constructor
        """Swap in what a run brought, or (no run) what is kept of it after it failed."""
        with self._swap:
            if not (self._stop.is_set() if run is None else run.given_up):
                self.snapshot = replace(self.snapshot, doubts=self.settling.doubts, **changes)

    def _max_age(self, collector: str) -> timedelta:
        return self.collectors[collector].max_staleness

    def _fresh(self, collector: str, value: T, now: datetime) -> Reading[T]:
        # A clock that was set back meanwhile would have it read in the future, where it counts for nothing.
        return Reading(value, min(now, self._clock()), None, self._max_age(collector))
