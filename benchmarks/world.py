"""A pipeline of any size, and what the sources hold on a usual day of it: most work well recorded, some of it not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from exporter.config.resolved import CollectConfig, Config, TableRef, WarehouseLimits
from exporter.metrics.catalogue import report_samples
from exporter.model import CoverageCounts, Document, DocumentId, Heartbeat, Reading, RowCount, Run, Snapshot
from exporter.reconcile import reconcile
from testing.builders import DAY, ONE_DAY, RULE, config, entry, on, phase, pipeline, processor
from testing.memory import Memory, MemoryStore, MemoryWarehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from exporter.config.resolved import PhaseConfig, ProcessorConfig
    from exporter.model import Report

NOW = on("18:00")
PIPELINE = "nba"
PHASES = 4
GAMES = 6
DATES = 3
"""Run dates that are exposed: today and two before it."""
EVER = timedelta(days=1)
CRITICAL_EVERY = 5
UNREGISTERED_EVERY = 10


@dataclass(frozen=True, slots=True)
class World:
    """A configuration, and what a day's sources hold for it."""

    config: Config
    documents: dict[DocumentId, Document]
    beats: dict[str, Heartbeat]
    rows: dict[date, RowCount]
    units: dict[date, int]
    runs: tuple[Run, ...]
    coverage: dict[date, CoverageCounts]

    def snapshot(self) -> Snapshot:
        """Everything, as the collectors would have read it just now."""
        return Snapshot(
            documents=Reading(self.documents, NOW, None, EVER),
            heartbeats={PIPELINE: Reading(self.beats, NOW, None, EVER)},
            heartbeat_documents={PIPELINE: Reading(len(self.beats), NOW, None, EVER)},
            rows={item.table: Reading(self.rows, NOW, None, EVER) for _, item in processors(self.config)},
            units={PIPELINE: Reading(self.units, NOW, None, EVER)},
            runs={PIPELINE: Reading(self.runs, NOW, None, EVER)},
            phase_log={PIPELINE: Reading({}, NOW, None, EVER)},
            coverage={(PIPELINE, "minutes_played"): Reading(self.coverage, NOW, None, EVER)},
        )

    def memory(self) -> Memory:
        """Sources that answer with it."""
        store = MemoryStore(self.documents, self.beats, len(self.beats))
        return Memory(store, MemoryWarehouse(rows=self.rows, units=self.units, runs=self.runs, coverage=self.coverage))

    def report(self) -> Report:
        return reconcile(self.config, self.snapshot(), NOW)


def processors(found: Config) -> Iterator[tuple[PhaseConfig, ProcessorConfig]]:
    """Every processor with its phase."""
    for item in found.pipelines[PIPELINE].phases.values():
        for one in item.processors.values():
            yield item, one


def config_of(count: int, *, tables: int | None = None, every: timedelta = EVER, phases: int = PHASES) -> Config:
    """`count` processors in equal phases, each with a table of its own or, with `tables`, sharing so many.

    `every`: how often each collector runs.
    """
    made: list[list[ProcessorConfig]] = [[] for _ in range(phases)]
    for number in range(count):
        one = processor(f"processor_{number:05d}", critical=number % CRITICAL_EVERY == 0, bounds=(2, 2))
        if tables is not None:
            one = replace(one, table=TableRef(f"nba.table_{number % tables:05d}", "game_date", "processed_at"))
        made[number % phases].append(one)
    every_phase = [
        phase(f"phase{number}", of_phase, following=f"phase{number + 1}", trigger=RULE)
        for number, of_phase in enumerate(made, start=2)
        if of_phase
    ]
    bare = config(pipeline(every_phase, name=PIPELINE), past=DATES - 1)
    often = replace(bare.collect.completion, every=every, max_staleness=EVER)
    limits = WarehouseLimits(2**40, 2**50)
    return replace(bare, collect=CollectConfig(often, often, often, often, limits, adapts=False))


def world_of(found: Config) -> World:
    """A day of this configuration."""
    days = [DAY + ONE_DAY * shift for shift in range(-DATES, 2)]
    everyone = list(processors(found))
    unregistered = {one.name for _, one in everyone[::UNREGISTERED_EVERY]}
    counted = 2 * GAMES
    return World(
        config=found,
        documents={
            DocumentId(item.collection, day): Document(
                entries={name: entry("15:00:50", counted) for name in item.processors if name not in unregistered},
                update_time=on("15:01"),
            )
            for item in found.pipelines[PIPELINE].phases.values()
            if item.collection
            for day in days
        },
        beats={
            one.heartbeats[0]: Heartbeat(one.heartbeats[0], "completed", on("15:00:48"), DAY) for _, one in everyone
        },
        rows={day: RowCount(counted, on("15:00:44")) for day in days},
        units=dict.fromkeys(days, GAMES),
        runs=tuple(
            Run(
                one.heartbeats[0], f"{one.name}-{day}", "success", day, item.run_history_phase, on("14:50"), on("15:00")
            )
            for item, one in everyone
            for day in days[1:-1]
        ),
        coverage={day: CoverageCounts(212, 118, 118, {"dnp": 94, "unmarked": 0}) for day in days},
    )


def missing(world: World) -> World:
    """The same day without any work: no entry, no row, no run."""
    return replace(
        world,
        documents={
            name: replace(document, entries={}) if name.run_date == DAY else document
            for name, document in world.documents.items()
        },
        beats={},
        rows={day: RowCount(0) if day == DAY else count for day, count in world.rows.items()},
        runs=tuple(run for run in world.runs if run.data_date != DAY),
    )


def processors_for(series: int) -> int:
    """How many processors make a report of about so many series."""
    few, more = (_series(count) for count in (PHASES, 11 * PHASES))
    each = (more - few) / (10 * PHASES)
    return max(PHASES, round(PHASES + (series - few) / each))


def _series(count: int) -> int:
    return sum(map(len, report_samples(world_of(config_of(count)).report()).values()))
