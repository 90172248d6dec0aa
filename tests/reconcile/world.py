"""The stores of a whole pipeline, changed step by step as the pipeline would, and read as the collectors would."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from exporter.memory.losses import watch
from exporter.model import Document, DocumentId, Entry, Heartbeat, Reading, RowCount, Run, Snapshot, Watched
from exporter.reconcile import Reconciler, reconcile
from exporter.reconcile.expectations import ONE_DAY
from exporter.reconcile.plan import reading_plan
from exporter.sources.answers import dates_of
from exporter.sources.ports import Window
from testing.builders import heartbeat_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from exporter.config.resolved import Config, PhaseConfig, ProcessorConfig
    from exporter.model import PhaseReport, Report


def clock(day: date, text: str) -> datetime:
    """`15:00:44` of that day, UTC."""
    return datetime.combine(day, time.fromisoformat(text), tzinfo=UTC)


@dataclass(slots=True)
class World:
    """What the stores of the pipeline `nba` hold."""

    config: Config
    documents: dict[DocumentId, Document] = field(default_factory=dict)
    heartbeats: dict[str, Heartbeat] = field(default_factory=dict)
    rows: dict[tuple[str, date], RowCount] = field(default_factory=dict)
    units: dict[date, int] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    log: dict[tuple[date, str], int] = field(default_factory=dict)

    def _find(self, name: str) -> tuple[PhaseConfig, ProcessorConfig]:
        phases = self.config.pipelines["nba"].phases.values()
        return next((phase, phase.processors[name]) for phase in phases if name in phase.processors)

    def _update(self, collection: str, run_date: date, when: datetime, **changes: Any) -> None:  # noqa: ANN401 - fields of Document
        key = DocumentId(collection, run_date)
        old = self.documents.get(key) or Document(create_time=when)
        self.documents[key] = replace(old, update_time=when, **changes)

    def register(self, name: str, run_date: date, when: datetime, count: int | None, status: str = "success") -> None:
        """The orchestrator writes the processor's entry."""
        collection = self._find(name)[0].collection or ""
        old = self.documents.get(DocumentId(collection, run_date), Document())
        entries = {**old.entries, name: Entry(status, when, count)}
        self._update(collection, run_date, when, entries=entries, completed_count=len(entries))

    def trigger(self, run_date: date, when: datetime, phase: str = "phase3") -> None:
        """The orchestrator starts the next phase and says so."""
        self._update(f"{phase}_completion", run_date, when, triggered=True, triggered_at=when)

    def write(self, name: str, data_date: date, when: datetime, rows: int) -> None:
        """The processor writes the rows of a date, in place of those there."""
        self.rows[self._find(name)[1].table.name, data_date] = RowCount(rows, when)

    def beat(self, name: str, status: str, data_date: date, when: datetime) -> None:
        """The processor's heartbeat document is written."""
        document = heartbeat_name(name)
        self.heartbeats[document] = Heartbeat(document, status, when, data_date)

    def ran(self, name: str, data_date: date, started: datetime, ended: datetime, *, backfill: bool = False) -> None:
        """A run that succeeded gets its row in the run history."""
        phase = self._find(name)[0].run_history_phase
        document = heartbeat_name(name)
        self.runs.append(Run(document, f"{started}", "success", data_date, phase, started, ended, backfill))

    def snapshot(self, now: datetime) -> Snapshot:
        """All of it, read at `now`."""
        eye = Eye(self)
        eye.look(now)
        return eye.snapshot

    def phase(self, name: str, run_date: date, now: datetime) -> PhaseReport:
        """What is concluded of one phase and date if everything is read at `now`."""
        phases = reconcile(self.config, self.snapshot(now), now).phases
        return next(report for report in phases if (report.phase, report.run_date) == (name, run_date))


@dataclass(slots=True)
class Eye:
    """What the collectors have seen of a world, each at its own time."""

    world: World
    snapshot: Snapshot = field(default_factory=Snapshot)
    watched: Mapping[DocumentId, Watched] = field(default_factory=dict)

    def look(self, now: datetime) -> None:
        """Every collector runs."""
        self.completion(now)
        self.heartbeats(now)
        self.warehouse(now)

    def completion(self, now: datetime) -> None:
        """Read the documents and their neighbours."""
        world, names = self.world, set()
        for phase in world.config.pipelines["nba"].phases.values():
            names |= set(phase.processors)
        wanted = reading_plan(world.config, now).documents
        documents = {key: world.documents.get(key, Document(exists=False)) for key in wanted}
        self.watched = watch(
            self.watched, documents, names, now, longest_gap=world.config.collect.completion.max_staleness
        )
        self.snapshot = replace(
            self.snapshot,
            documents=Reading(documents, now, None, world.config.collect.completion.max_staleness),
            watched=self.watched,
        )

    def heartbeats(self, now: datetime) -> None:
        """Read the heartbeats of the configuration."""
        age = self.world.config.collect.heartbeats.max_staleness
        beats = {
            name: {key: self.world.heartbeats.get(key) for key in keys}
            for name, keys in reading_plan(self.world.config, now).heartbeats.items()
        }
        self.snapshot = replace(
            self.snapshot, heartbeats={name: Reading(found, now, None, age) for name, found in beats.items()}
        )

    def warehouse(self, now: datetime) -> None:
        """Count the rows, read calendar, run history and phase log."""
        world, plan = self.world, reading_plan(self.world.config, now)
        age = world.config.collect.warehouse.max_staleness
        dates = [plan.first + ONE_DAY * index for index in range((plan.last - plan.first).days + 1)]
        none = RowCount(0)
        watched = world.config.pipelines["nba"]
        transitions = watched.phase_log.transitions if watched.phase_log else ()
        log = {(day, name): world.log.get((day, name), 0) for day in dates for name in transitions}
        self.snapshot = replace(
            self.snapshot,
            rows={
                table: Reading({day: world.rows.get((table.name, day), none) for day in days}, now, None, age)
                for table in plan.tables
                for days in (dates_of(table, Window(plan.first, plan.last)),)
            },
            units={"nba": Reading({day: world.units.get(day, 0) for day in dates}, now, None, age)},
            runs={"nba": Reading(tuple(world.runs), now, None, age)} if watched.run_history else {},
            phase_log={"nba": Reading(log, now, None, age)} if watched.phase_log else {},
        )


@dataclass(frozen=True, slots=True)
class Step:
    """Something that the pipeline does at a moment."""

    when: datetime
    act: Callable[[World], None]


@dataclass(frozen=True, slots=True)
class Offsets:
    """When, in seconds after the start, each collector first runs."""

    completion: int = 0
    heartbeats: int = 0
    warehouse: int = 0


LEAD, BUSY = timedelta(minutes=-3), timedelta(minutes=12)


def watched_days(
    world: World,
    steps: Iterable[Step],
    start: datetime,
    end: datetime,
    offsets: Offsets,
    others: Iterable[datetime] = (),
) -> Iterator[Report]:
    """Every report while the steps happen and the collectors run at their intervals.

    Away from the steps (and from `others`, moments at which time alone changes something) nothing can change: there
    documents and heartbeats are read with the warehouse only.
    """
    eye, reconciler, pending = Eye(world), Reconciler(), sorted(steps, key=lambda step: step.when)
    moments = [*(step.when for step in pending), *others]
    collect = world.config.collect
    polls: dict[datetime, list[Callable[[datetime], None]]] = {}

    def poll(read: Callable[[datetime], None], every: timedelta, offset: int) -> None:
        when = start + timedelta(seconds=offset)
        while when < end:
            polls.setdefault(when, []).append(read)
            when += every

    poll(eye.completion, collect.completion.every, offsets.completion)
    poll(eye.heartbeats, collect.heartbeats.every, offsets.heartbeats)
    poll(eye.warehouse, collect.warehouse.every, offsets.warehouse)
    for now in sorted(polls):
        while pending and pending[0].when <= now:
            pending.pop(0).act(world)
        busy = any(LEAD <= now - moment <= BUSY for moment in moments)
        if not busy and eye.warehouse not in polls[now]:
            continue
        for read in polls[now] if busy else [eye.completion, eye.heartbeats, eye.warehouse]:
            read(now)
        yield reconciler.reconcile(world.config, eye.snapshot, now)
