"""Anything that the sources may hold, likely and unlikely, for the properties that must hold of all of it.

Made with Hypothesis's own `Random` in plain code: a whole snapshot drawn value by value takes a hundred times as long.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, TypeVar

from hypothesis import strategies as st

from exporter.config.resolved import Mode, Relation, Trigger
from exporter.config.schedules import Schedule
from exporter.model import (
    CoverageCounts,
    Document,
    Entry,
    ErrorKind,
    Failure,
    Gap,
    Heartbeat,
    Reading,
    Removal,
    RemovalKind,
    RowCount,
    Run,
    Sighting,
    Snapshot,
)
from exporter.reconcile.plan import reading_plan
from exporter.sources.fields import EARLIEST, LATEST
from testing.builders import ONE_DAY, config, heartbeat_name, phase, pipeline, processor, unusable, without

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from random import Random

    from exporter.config.resolved import Config, PhaseConfig, TableRef
    from exporter.reconcile.plan import ReadingPlan

T = TypeVar("T")

NAMES = ("alpha", "beta")
DAYS = ("2026-02-01", "2025-12-31", "2026-01-01", "2024-02-29", "2026-03-08", "2026-11-01")
CLOCKS = ("04:59:59", "05:00:00", "07:00:00", "16:30:00", "18:00:00", "22:00:00", "23:59:59.999999")
COUNTS = (0, 0, 1, 10, 12, 12, 12, 13, 24, 24, 10**6, 2**63 - 1)
SECONDS = (0, 1, 44, 60, 299, 300, 301, 900, 901, 1799, 1800, 1801, 3600, 86_399, 86_400, 400 * 86_400)
STATUSES = (
    "success",
    "success",
    "success",
    "partial",
    "complete",
    "failed",
    "running",
    "completed",
    "skipped",
    "?",
    None,
)
DETAILS = ("", "why", "x" * 300, 'a "b"\n\\')


@dataclass(frozen=True, slots=True)
class Case:
    """A configuration, what its sources hold, and when it is judged."""

    config: Config
    snapshot: Snapshot
    now: datetime


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes one case out of one source of chance."""

    random: Random
    now: datetime

    def often(self, share: float = 0.85) -> bool:
        return self.random.random() < share

    def maybe(self, value: T, share: float = 0.85) -> T | None:
        return value if self.often(share) else None

    def moment(self) -> datetime:
        """Around now, at the edges of every duration that matters, now and then far off or ahead, or at time's ends."""
        if self.often(0.02):
            return self.random.choice((EARLIEST, LATEST))
        seconds = self.random.choice(SECONDS) if self.often(0.5) else self.random.randrange(40_000)
        return self.now + timedelta(seconds=seconds if self.often(0.1) else -seconds)

    def count(self) -> int:
        return self.random.choice(COUNTS)

    def reading(self, value: T) -> Reading[T]:
        """Fresh, old, failed after it was good, or never read."""
        failure = Failure(self.random.choice(list(ErrorKind)), self.random.choice(DETAILS), self.moment())
        read_at = self.now - timedelta(seconds=self.random.choice((0, 30, 60, 600, 1799, 1800, 1801, 80_000)))
        return Reading(
            self.maybe(value, 0.95), self.maybe(read_at, 0.97), self.maybe(failure, 0.1), self.maybe(ONE_DAY)
        )

    def config(self) -> Config:
        both = [self.phase("phase3", "phase4"), self.phase("phase4", None)]
        around = self.random.choice((0, 0, 1))
        return config(pipeline(both, bare=self.often(0.1)), past=around, future=around)

    def schedule(self) -> Schedule:
        """Mostly every day; now and then of work that was added or retired around now."""
        around = [None, *(self.now.date() + ONE_DAY * shift for shift in (-1, 0, 1))]
        since, until = (None, None) if self.often() else (self.random.choice(around), self.random.choice(around))
        return Schedule(since=since, until=until)

    def phase(self, name: str, following: str | None, collection: str = "") -> PhaseConfig:
        choice = self.random.choice
        members = [
            replace(
                processor(
                    member,
                    offset=choice((-1, 0, 0, 1)),
                    due=choice(("0 11:30", "1 11:30", "-1 00:00", "0 02:30")),
                    critical=self.often(0.5),
                    bounds=choice((None, (2, 2), (0.5, 3.5))),
                ),
                schedule=self.schedule(),
            )
            for member in NAMES[: choice((1, 2, 2))]
        ]
        everyone = frozenset(member.name for member in members)
        modes = [
            Mode(str(stands), frozenset({stands}), everyone if self.often() else frozenset(NAMES[:1]))
            for stands in Relation
        ]
        documents = collection if self.often() else None
        trigger = self.maybe(Trigger(choice((0, 0.5, 0.6, 1)), timedelta(minutes=30)))
        return phase(name, members, modes=modes, collection=documents, following=following, trigger=trigger)

    def entry(self) -> Entry:
        return Entry(
            status=self.random.choice(STATUSES),
            completed_at=self.maybe(self.moment()),
            record_count=self.maybe(self.count()),
            incremental=self.often(0.2),
            manual=self.often(0.2),
            malformed=unusable(*self.random.choice(((), (), ("entry",), ("record_count", "completed_at")))),
        )

    def document(self) -> Document:
        return Document(
            exists=self.often(),
            entries={name: self.entry() for name in (*NAMES, "Retired", "_odd") if self.often(0.5)},
            completed_count=self.maybe(self.count()),
            triggered=self.often(0.2),
            triggered_at=self.maybe(self.moment()),
            trigger_succeeded=self.random.choice((None, None, True, False)),
            trigger_reason=self.maybe("all_complete"),
            update_time=self.maybe(self.moment()),
        )

    def beat(self, document: str, days: list[date]) -> Heartbeat:
        status = self.random.choice(("running", "running", "completed", "completed", "failed", "?", None))
        error = self.random.choice(DETAILS)
        return Heartbeat(document, status, self.maybe(self.moment()), self.maybe(self.random.choice(days)), None, error)

    def run(self, days: list[date]) -> Run:
        return Run(
            processor=heartbeat_name(self.random.choice(NAMES)),
            run_id=str(self.count()),
            status=self.random.choice(("success", "success", "failed", "failed", "running", "partial", "skipped")),
            data_date=self.random.choice(days),
            phase=self.random.choice(("phase3_work", "phase4_work", None)),
            started_at=self.maybe(self.moment()),
            finished_at=self.maybe(self.moment()),
            backfill=self.often(0.3),
        )

    def removal(self) -> Removal:
        kind = self.random.choice(list(RemovalKind))
        seen = Sighting(self.entry(), b"", self.moment(), self.maybe(self.moment()), self.maybe(self.moment()))
        return Removal("", kind, seen, self.moment(), self.moment(), ended_at=self.maybe(self.moment(), 0.8))

    def snapshot(self, plan: ReadingPlan, pipelines: Collection[str] = ("nba",)) -> Snapshot:
        """Every key of the plan has any value, or none at all."""
        days = [plan.first + ONE_DAY * index for index in range((plan.last - plan.first).days + 1)]
        rows: dict[TableRef, Reading[Mapping[date, RowCount]]] = {
            table: self.reading(
                {day: RowCount(self.count(), self.maybe(self.moment())) for day in days if self.often()}
            )
            for table in plan.tables
            if self.often(0.95)
        }
        watched = {
            key: without({name: self.removal() for name in NAMES if self.often(0.5)})
            for key in plan.documents
            if self.often(0.1)
        }
        beats: dict[str, Reading[Mapping[str, Heartbeat | None]]] = {
            pipe: self.reading({name: self.maybe(self.beat(name, days), 0.5) for name in names})
            for pipe, names in plan.heartbeats.items()
            if self.often()
        }
        runs: dict[str, Reading[tuple[Run, ...]]] = {
            name: self.reading(tuple(self.run(days) for _ in range(4))) for name in pipelines if self.often()
        }
        return Snapshot(
            documents=self.reading({key: self.document() for key in plan.documents if self.often(0.95)}),
            watched=watched,
            followed_since=self.maybe(self.moment()),
            gaps=(Gap(self.moment(), self.moment()),) if self.often(0.2) else (),
            heartbeats=beats,
            heartbeat_documents={name: self.reading(self.count()) for name in pipelines},
            rows=rows,
            units={name: self.reading(self.units(days)) for name in pipelines if self.often(0.97)},
            runs=runs,
            phase_log={
                name: self.reading({(day, "phase3_to_phase4"): self.count() for day in days}) for name in pipelines
            },
            coverage={
                (name, "minutes_played"): self.reading(dict.fromkeys(days, self.covered())) for name in pipelines
            },
        )

    def units(self, days: list[date]) -> Mapping[date, int]:
        return {day: self.random.choice((0, 6, 6, 6, 15, 10**9)) for day in days if self.often(0.95)}

    def covered(self) -> CoverageCounts:
        return CoverageCounts(self.count(), self.count(), self.count(), {"dnp": self.count()})


def make(random: Random) -> Case:
    """Any configuration at any moment over anything."""
    day, clock = date.fromisoformat(random.choice(DAYS)), time.fromisoformat(random.choice(CLOCKS))
    maker = Maker(random, datetime.combine(day, clock, tzinfo=UTC))
    config = maker.config()
    return Case(config, maker.snapshot(reading_plan(config, maker.now)), maker.now)


cases = st.randoms(use_true_random=True).map(make)
