"""Runs the collectors. Each run gives new values, or the reason why there are none, and then a new report.

A run takes the time as an argument, so the schedule and a replay use the same code. Values and failures go into one
`Snapshot`, which is replaced as a whole. Then everything is reconciled again and the report is published.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import structlog

from exporter.collect.collector import Board, Collector, ReadResult, Run
from exporter.collect.completion import Completion
from exporter.collect.context import reads_alike
from exporter.collect.following import Follower
from exporter.collect.heartbeats import HeartbeatCount, Heartbeats
from exporter.collect.own import own_conditions
from exporter.collect.pace import of_report, seen
from exporter.collect.planning import Planner
from exporter.collect.priority import step_back
from exporter.collect.warehouse import Warehouse
from exporter.config.resolved import LedgerConfig
from exporter.memory.documents import Memory
from exporter.memory.ledger import MEMORY
from exporter.metrics.rendering import PerPhase
from exporter.model import ErrorKind, Failure, Snapshot
from exporter.reconcile import Reconciler
from exporter.sources.ports import Deadline, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.collect.pace import Seen
    from exporter.config.resolved import CollectorConfig, Config
    from exporter.memory.settling import Settling
    from exporter.metrics.telemetry import Telemetry
    from exporter.model import Document, DocumentId, Report
    from exporter.sources.ports import Sources

log = structlog.get_logger(__name__)

COLLECTORS: Final[tuple[type[Collector], ...]] = (Completion, Heartbeats, HeartbeatCount, Warehouse)
"""Every collector there is."""

LAST_WORDS = 1.0
"""Seconds beyond its deadline that a call may take to end by itself, before it is given up."""


NOTICE: Final = 1.0
"""Seconds within which a report follows that time alone changes: a deadline passes, a heartbeat goes stale."""

NEVER: Final = datetime.min.replace(tzinfo=UTC)

REST: Final = 99
"""How many times as long as a report took the next one of followed changes waits: however many there are, they take a
hundredth of the time of one processor."""


class Collectors:
    """The collectors of one configuration, and what they have read so far."""

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
        apart: bool = False,
        wait_for_all: bool = False,
    ) -> None:
        """Continue with what `memory` remembers of the documents; without it, nothing is remembered.

        `follow`: also follow the documents with a listener, unless the configuration says not to. `apart`: read each
        table in a job of its own, unless the pace is fixed. `wait_for_all`: publish nothing before every collector has
        run once.
        """
        self.config = config
        self.memory = memory or Memory(LedgerConfig(MEMORY, timedelta.max), telemetry)
        self.follower = (
            Follower(sources.completions, self, telemetry, clock) if follow and config.documents.follow else None
        )
        snapshot = Snapshot(remembers=self.memory.remembers)
        apart = apart and config.collect.adapts
        self._board = Board(config, sources, clock, self.memory, self.follower, apart=apart, snapshot=snapshot)
        self._completion = Completion(self._board)
        self._collectors: dict[str, Collector] = {
            kind.name: self._completion if kind is Completion else kind(self._board) for kind in COLLECTORS
        }
        self.collectors: dict[str, CollectorConfig] = {name: one.settings for name, one in self._collectors.items()}
        self.planner = Planner(self._board, self._collectors, telemetry, clock)
        self._news = threading.Event()
        self._concluder = threading.Thread(target=self._conclude_news, name="conclude-news", daemon=True)
        self._telemetry = telemetry
        self._clock = clock
        self._publish = publish
        self._wait_for_all = wait_for_all
        self._reconciler = Reconciler()
        self._seen: PerPhase[Config, Seen] = PerPhase(lambda phase, config, _: seen(phase, config))
        self._publishing = threading.Lock()
        self._under_way: set[Run] = set()
        self._left_behind: dict[str, threading.Thread] = {}
        self._attempted: set[str] = set()
        self._published: frozenset[str] = frozenset()
        self._concluded_at = NEVER
        for name in self.collectors:
            telemetry.collector_known(name)
        if follow:
            self._concluder.start()

    @property
    def snapshot(self) -> Snapshot:
        """The values that are known at this moment."""
        return self._board.snapshot

    @property
    def settling(self) -> Settling:
        """The values that are missing in the newest readings and were there before."""
        return self._board.settling

    def go_on_from(self, before: Collectors) -> None:
        """Compare readings also with those of earlier collectors, for values that both read in the same way."""
        self.settling.go_on_from(before.settling, reads_alike(before.config, self.config))

    def source_of(self, name: str) -> str:
        """The source that a collector reads."""
        return self._collectors[name].source

    @property
    def waiting_for(self) -> tuple[str, ...]:
        """The collectors that have not ended a run yet, or whose first run is not in the published report yet."""
        running = tuple(name for name in self.collectors if name not in self._attempted)
        return running or tuple(name for name in self.collectors if name not in self._published)

    @property
    def _early(self) -> bool:
        return self._wait_for_all and not self._attempted.issuperset(self.collectors)

    def stop(self) -> None:
        """End all current runs now; their results are discarded."""
        with self._board.swap:
            self._board.stopped.set()
            for run in self._under_way:
                run.given_up = True
                run.woken.set()
        self._news.set()
        if self.follower:
            self.follower.stop()

    def run(self, name: str, *, conclude: bool = True) -> None:
        """Run one collector now, within its deadline, and publish a report. Errors of sources are counted and logged.

        Without `conclude`, nothing is published: a caller that runs several collectors concludes once afterwards.
        """
        left = self._left_behind.get(name)
        if left is not None and left.is_alive():
            self._telemetry.collector_skipped(name, "busy")
            log.warning("collector skipped", collector=name, reason="its last run still hangs")
            return
        collector = self._collectors[name]
        source = collector.source
        run = Run(self._clock(), Deadline(self.collectors[name].timeout.total_seconds()))
        self.planner.begin(name, run.now)
        started = time.monotonic()
        refusal: SourceError | None = None
        result = ReadResult()
        try:
            result = self._bounded(collector, run)
        except SourceError as error:
            refusal, result = error, ReadResult((error,), anything=False)
            self._board.change(**collector.kept(Failure(error.kind, error.detail, run.now)))
        finally:
            # Catch everything: an error of one collector must not prevent the publication of the others' values.
            self._attempted.add(name)
            self.planner.end(name)
        if self._board.stopped.is_set():
            return
        self._telemetry.source_attempted(source, refusal.kind if refusal else None)
        ended = self._clock()
        self._telemetry.collector_ran(
            name,
            seconds=time.monotonic() - started,
            at=ended.timestamp(),
            failures=[failed.kind for failed in result.errors],
            success=result.anything,
            pace=collector.interval.total_seconds(),
        )
        # Retry the ledger here, because the collector of the documents may run only once in hours.
        self.memory.tend(ended)
        for failed in result.errors:
            log.warning("collection failed", collector=name, source=source, reason=failed.kind, detail=failed.detail)
        if conclude and not self._early:
            self.conclude()

    def run_all(self, *names: str) -> None:
        """Run every collector, or those named, once and at the same time, so that the waits do not add up."""
        with ThreadPoolExecutor(len(self.collectors), "collector", step_back) as pool:
            try:
                for run in as_completed([pool.submit(self.run, name) for name in names or self.collectors]):
                    run.result()
            except BaseException:
                self.stop()
                raise

    def conclude(self) -> None:
        """Reconcile the current snapshot and publish the report. After `stop`, nothing is published."""
        with self._publishing:
            if not self._board.stopped.is_set():
                attempted = frozenset(self._attempted)
                now = self._clock()
                report = self._reconciler.reconcile(self.config, self.snapshot, now)
                if self.config.collect.adapts:
                    phases = self._seen.of((phase, self.config) for phase in report.phases)
                    self.planner.concluded(now, of_report(report, phases), everything=attempted >= {*self.collectors})
                self._publish(replace(report, own=own_conditions(self._telemetry, self.config.pipelines, now)))
                self._published = attempted
                self._concluded_at = now

    def conclude_if_due(self) -> None:
        """Conclude again if time alone has changed the report, or if it is older than the shortest of the intervals."""
        now, turn = self._clock(), self._reconciler.turns_at
        shortest = min(settings.every for settings in self.collectors.values())
        old = abs(now - self._concluded_at) >= shortest or (turn is not None and turn <= now)
        if old and not self.waiting_for:
            self.conclude()

    def take(self, documents: Mapping[DocumentId, Document], now: datetime) -> None:
        """Store the changes that a listener reported.

        A report with them is published at once, or together with those that follow if one was published just before.
        """
        if self._completion.take(documents, now):
            self._news.set()

    def begin_gap(self) -> None:
        """Note that the documents are no longer followed."""
        self._completion.begin_gap()

    def _conclude_news(self) -> None:
        """Conclude once from all changes that were reported meanwhile, and when a report is due for time alone."""
        step_back()
        while not self._board.stopped.is_set():
            told = self._news.wait(NOTICE)
            started = time.monotonic()
            if not told:
                self.conclude_if_due()
            else:
                self._news.clear()
                if not self._early:
                    self.conclude()
            self._rest(time.monotonic() - started)

    def _rest(self, took: float) -> None:
        """Let changes gather after a report that took so many seconds, but no longer than until the next reading."""
        self._board.stopped.wait(min(REST * took, self._completion.settings.every.total_seconds()))

    def _bounded(self, collector: Collector, run: Run) -> ReadResult:
        """Read on a separate thread, so that a reading that hangs beyond its deadline can be given up."""
        outcome: list[ReadResult | BaseException] = []

        def work() -> None:
            try:
                outcome.append(collector.read(run))
            except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, which raises it
                outcome.append(error)
            run.woken.set()

        worker = threading.Thread(target=work, name=f"read-{collector.name}", daemon=True)
        with self._board.swap:
            if self._board.stopped.is_set():
                raise SourceError(ErrorKind.UNREACHABLE, "the exporter is stopping")
            self._under_way.add(run)
        worker.start()
        run.woken.wait(run.deadline.seconds + LAST_WORDS)
        with self._board.swap:
            self._under_way.discard(run)
            run.given_up = run.given_up or not outcome
        if run.given_up:
            self._left_behind[collector.name] = worker
            seconds = run.deadline.seconds
            raise SourceError(ErrorKind.TIMEOUT, f"collector {collector.name} did not end within {seconds:g} s")
        result = outcome[0]
        if isinstance(result, BaseException):
            raise result
        return result
