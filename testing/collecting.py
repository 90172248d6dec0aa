"""Collectors over sources in memory, at 18:00 UTC on the day of the tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from exporter.collect.collectors import Collectors
from exporter.incidents.local import SimulatedClock
from exporter.metrics.telemetry import Telemetry
from exporter.model import Document, DocumentId, Report, RowCount, Verdict
from testing.builders import DAY, ONE_DAY, PHASE3, PHASE4, PLAYER, UPCOMING_PLAYER, by_processing_date, entry, on
from testing.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.config.resolved import Config
    from testing.memory import Orders

PHASE3_DOCUMENT = DocumentId("phase3_completion", DAY)
CREATED = on("-1 12:00")
COLLECTORS = ("completion", "heartbeats", "heartbeat_count", "warehouse")


@dataclass
class Scene:
    """Collectors over sources in memory, at 18:00 UTC on the day of the tests."""

    settings: Config
    memory: Memory = field(default_factory=Memory)
    telemetry: Telemetry = field(default_factory=Telemetry)
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(on("18:00")))
    reports: list[Report] = field(default_factory=list)
    wait_for_all: bool = False
    other_clock: Callable[[], datetime] | None = None

    def __post_init__(self) -> None:
        self.collectors = Collectors(
            self.settings,
            self.memory.sources(),
            self.telemetry,
            self.other_clock or self.clock,
            self.reports.append,
            wait_for_all=self.wait_for_all,
        )

    def register(self, *names: str, created: datetime | None = CREATED) -> None:
        """Set the entries of the day's document."""
        entries = {name: entry(count=12) for name in names}
        self.memory.store.held[PHASE3_DOCUMENT] = Document(entries=entries, create_time=created)

    def verdicts(self, phase_name: str = "phase3") -> dict[str, Verdict]:
        return {item.processor: item.verdict for item in self.reports[-1].processors if item.phase == phase_name}

    def orders(self, collector: str) -> Orders:
        """The orders that decide how this collector's first call ends."""
        store, warehouse = self.memory.store.orders, self.memory.warehouse.orders
        return {
            "completion": store["documents"],
            "heartbeats": store["heartbeats"],
            "heartbeat_count": store["count"],
            "warehouse": warehouse["rows"],
        }[collector]

    def shorten(self, seconds: float) -> None:
        """Set the time limit of every run."""
        for name, settings in self.collectors.collectors.items():
            self.collectors.collectors[name] = replace(settings, timeout=timedelta(seconds=seconds))


def healthy(clock: Callable[[], datetime] | None = None) -> Scene:
    """A day on which everything is there. `clock`: the collectors' clock, by default the scene's own."""
    scene = Scene(by_processing_date(), other_clock=clock)
    scene.register(*PHASE3)
    phase4 = DocumentId("phase4_completion", DAY)
    scene.memory.store.held[phase4] = Document(entries={name: entry() for name in PHASE4}, create_time=CREATED)
    scene.memory.store.size = 31
    scene.memory.warehouse.rows = {day: RowCount(12, on("15:00")) for day in (DAY - ONE_DAY, DAY)}
    for name in (PLAYER, UPCOMING_PLAYER):
        table = scene.settings.pipelines["nba"].phases["phase3"].processors[name].table
        scene.memory.warehouse.tables[table] = {day: RowCount(200, on("15:00")) for day in (DAY - ONE_DAY, DAY)}
    scene.memory.warehouse.units = {DAY - ONE_DAY: 6, DAY: 6}
    return scene
