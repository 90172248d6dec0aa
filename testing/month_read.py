"""Reads a simulated month with the product's collectors, by a clock that jumps, and notes when each incident shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from exporter.collect.collectors import Collectors
from exporter.metrics.telemetry import Telemetry
from exporter.reconcile.expectations import ONE_DAY
from exporter.sources.ports import Sources
from testing.month_world import AWAY, FAULTS, SHOWN_BY, Incident, Kind, Store, Warehouse, World

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.collect.collector import Collector, ReadResult
    from exporter.collect.collector import Run as Reading
    from exporter.model import Document, DocumentId, Report, TriggerState, Verdict
    from testing.month import Month


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
class Shown:
    """When an incident first showed, and by the reading of which collector."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Side:
    """What one way of reading cost in a month, and when it first showed each incident."""

    document_reads: int
    bytes_billed: int
    bytes_without_cache: int
    jobs: int
    found: Mapping[Incident, Shown]


def read(month: Month, pace: str) -> Side:
    """Read the month at this pace: `adaptive` or `fixed`."""
    collect = replace(month.config.collect, adapts=pace == "adaptive")
    config = replace(month.config, collect=collect)
    world = World(config, list(month.plan), units=month.units)
    telemetry = Telemetry()
    start = month.start
    reports: list[Report] = []
    warehouse = Warehouse(world, telemetry)
    sources = Sources(Store(world, telemetry), warehouse)
    collectors = _Read(config, sources, telemetry, lambda: world.now, reports.append, follow=True, apart=True)
    watch = _Watch(month.incidents, collectors, telemetry, world, reports)
    try:
        watch.until(start, start + month.days * ONE_DAY)
    finally:
        collectors.stop()
    return Side(
        int(telemetry.total("document_reads")),
        int(telemetry.total("bytes_billed")),
        warehouse.without_cache,
        int(telemetry.total("jobs")),
        watch.found,
    )


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
        self._shortest = min(one.every for one in collectors.collectors.values())
        self.found: dict[Incident, Shown] = {}

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
            if names:
                collectors.conclude()
            else:
                collectors.conclude_if_due()
            self._look()
            minute = minute if world.now < minute else world.now + self._shortest
            planned = [at for name in collectors.collectors if (at := collectors.planner.next_at(name))]
            ahead = [minute, *planned, *(moment for moment, _ in writes[:1]), end]
            world.now = max(min(ahead), world.now + timedelta(microseconds=1))

    def _look(self) -> None:
        """Note the incidents that show for the first time."""
        if not self._reports and not self._telemetry.sources():
            return
        now, sources = self._world.now, self._telemetry.sources()
        for incident in [one for one in self._open if one.at <= now]:
            if incident.kind in AWAY:
                away = AWAY[incident.kind]
                faults = {away} if sources.get(away) is not None else set()
            else:
                faults = {fault for report in self._reports for fault in _faults(report, incident)}
            if faults:
                self.found[incident] = Shown(now, SHOWN_BY[min(faults)])
                self._open.remove(incident)
        del self._reports[:-1]


def _faults(report: Report, incident: Incident) -> set[Verdict | TriggerState]:
    """The faults in the report that the incident is seen by."""
    if report.at < incident.at:
        return set()
    of_phase = [one for one in report.phases if (one.phase, one.run_date) == (incident.phase, incident.run_date)]
    if incident.kind is Kind.NOT_TRIGGERED:
        states = {one.trigger_state for one in of_phase if one.trigger_state}
        return {state for state in states if state in FAULTS[incident.kind]}
    own = [one.verdict for phase in of_phase for one in phase.processors if one.processor == incident.processor]
    return {verdict for verdict in own if verdict in FAULTS[incident.kind]}
