"""Reads many run dates at once, for `season`, and says what that will cost and what it has cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

from exporter.collect.collectors import Collectors
from exporter.collect.completion import MOST_IN_A_BATCH, Completion
from exporter.collect.context import context_request
from exporter.collect.heartbeats import Heartbeats
from exporter.collect.warehouse import Warehouse
from exporter.config.schema import MOST_SEASON_DAYS
from exporter.memory.documents import Memory
from exporter.metrics.telemetry import Telemetry
from exporter.reconcile.expectations import ONE_DAY
from exporter.reconcile.plan import reading_plan
from exporter.reconcile.season import reconcile_season
from exporter.sources.budget import LEAST_BYTES_PER_TABLE
from exporter.sources.queries import MAXIMUM_PARTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime

    from exporter.config.load import Loaded
    from exporter.config.resolved import Config
    from exporter.reconcile.season import Season
    from exporter.sources.ports import Sources

MOST_DAYS: Final = MOST_SEASON_DAYS + 1
"""The most run dates: a season, and the summer after it."""


@dataclass(frozen=True, slots=True)
class Expense:
    """The estimated cost of a reading: tables, each billed for at least `size` bytes, and document reads."""

    jobs: int
    tables: int
    size: int
    documents: int
    heartbeats: int
    batches: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a reading has cost."""

    jobs: int
    bytes_billed: int
    document_reads: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class SeasonRead:
    """The report of a season. `unread`: the collectors that could not read everything, each with the reasons."""

    season: Season
    unread: Mapping[str, str]
    cost: Cost


def of_dates(loaded: Loaded, first: date, last: date) -> Loaded:
    """The configuration, limited to these run dates."""
    dates = tuple(first + ONE_DAY * number for number in range((last - first).days + 1))
    return replace(loaded, config=replace(loaded.config, documents=replace(loaded.config.documents, only=dates)))


def expense(config: Config, now: datetime) -> Expense:
    """The cost of reading the exposed run dates, if every table can be read."""
    plan = reading_plan(config, now)
    request = context_request(config, plan.run_dates)
    of_jobs = len(plan.tables), sum(len(getattr(request, part.name)) for part in fields(request))
    heartbeats = sum(map(len, plan.heartbeats.values()))
    return Expense(
        jobs=sum(-(-tables // MAXIMUM_PARTS) for tables in of_jobs),
        tables=sum(of_jobs),
        size=sum(of_jobs) * LEAST_BYTES_PER_TABLE,
        documents=len(plan.documents),
        heartbeats=heartbeats,
        batches=-(-len(plan.documents) // MOST_IN_A_BATCH) + (heartbeats > 0),
    )


def read_season(
    loaded: Loaded, open_sources: Callable[[Loaded, Telemetry], Sources], clock: Callable[[], datetime]
) -> SeasonRead:
    """Read once everything that the verdicts of the exposed run dates need, and judge it at one moment.

    A source that fails leaves its part unknown.
    """
    telemetry = Telemetry()
    started = time.monotonic()
    sources = open_sources(loaded, telemetry)
    # Use what an exporter that runs at the same time remembers.
    memory = Memory(loaded.config.ledger, telemetry, read_only=True, shapes=loaded.config.completions)
    # It waits for all collectors, of which one never runs, so it publishes nothing by itself.
    collectors = Collectors(loaded.config, sources, telemetry, clock, lambda _: None, memory=memory, wait_for_all=True)
    try:
        collectors.run_all(Completion.name, Heartbeats.name, Warehouse.name)
        season = reconcile_season(loaded.config, collectors.snapshot, clock())
    finally:
        collectors.stop()
        sources.close()
        memory.close()
    cost = Cost(
        jobs=int(telemetry.total("jobs")),
        bytes_billed=int(telemetry.total("bytes_billed")),
        document_reads=int(telemetry.total("document_reads")),
        seconds=time.monotonic() - started,
    )
    return SeasonRead(season, telemetry.unread(), cost)
