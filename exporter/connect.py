"""Trying every read that a configuration asks for, without cost: what `config check --connect` does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from exporter.context import context_request
from exporter.expectations import reading_plan
from exporter.model import ErrorKind
from exporter.sources.ports import Deadline, SourceError, Window
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.config.load import Loaded
    from exporter.config.resolved import Config
    from exporter.sources.ports import Estimate, Sources

MEBIBYTE = 2**20
GIBIBYTE = 2**30
LEAST_BILLED = 10 * MEBIBYTE
"""BigQuery bills at least so much for each table that a query names (https://cloud.google.com/bigquery/pricing)."""

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Tried:
    """One read: what it is, and the bytes it would process (0 for a document) or the error."""

    subject: str
    outcome: int | SourceError


def connect_report(
    loaded: Loaded, open_sources: Callable[[Loaded, Telemetry], Sources], now: datetime | None = None
) -> tuple[str, bool]:
    """Try every collection and every table; a line each, the cost of a day, and whether all of them can be read."""
    config = loaded.config
    sources = open_sources(loaded, Telemetry())
    try:
        documents = list(_collections(config, sources))
        tables = list(_tables(config, sources, now or datetime.now(UTC)))
    finally:
        sources.close()
    everything = [*documents, *tables]
    reached = not any(isinstance(tried.outcome, SourceError) for tried in everything)
    return "\n".join([*_lines(everything), _cost(config, tables)]), reached


def _lines(everything: list[Tried]) -> Iterator[str]:
    said = ""
    for tried in everything:
        if isinstance(tried.outcome, SourceError):
            error = str(tried.outcome)
            yield f"FAILED  {tried.subject}: {'the same' if error == said else error}"
            said = error
        else:
            size = f"  {tried.outcome / MEBIBYTE:.1f} MiB" if tried.outcome else ""
            yield f"ok      {tried.subject}{size}"


def _collections(config: Config, sources: Sources) -> Iterator[Tried]:
    names = [
        name
        for pipeline in config.pipelines.values()
        for name in (
            *(phase.collection for phase in pipeline.phases.values()),
            pipeline.heartbeats.collection if pipeline.heartbeats else None,
        )
        if name
    ]
    unreached: SourceError | None = None
    for name in dict.fromkeys(names):
        try:
            if unreached:
                raise unreached
            sources.completions.probe(name, Deadline(SECONDS))
        except SourceError as error:
            unreached = error if error.kind in {ErrorKind.UNREACHABLE, ErrorKind.TIMEOUT} else None
            yield Tried(f"collection {name}", error)
        else:
            yield Tried(f"collection {name}", 0)


def _tables(config: Config, sources: Sources, now: datetime) -> Iterator[Tried]:
    plan = reading_plan(config, now)
    window = Window(plan.first, plan.last)
    counts = sources.warehouse.dry_run_row_counts(plan.tables, window, Deadline(SECONDS))
    yield from (Tried(f"rows of table {table.name}", _size(outcome)) for table, outcome in counts.items())
    context = sources.warehouse.dry_run_context(context_request(config), window, Deadline(SECONDS))
    yield from (Tried(subject, _size(outcome)) for subject, outcome in context.items())


def _size(outcome: Estimate | SourceError) -> int | SourceError:
    return outcome if isinstance(outcome, SourceError) else outcome.size or 0


def _cost(config: Config, tables: list[Tried]) -> str:
    sizes = [tried.outcome for tried in tables if not isinstance(tried.outcome, SourceError)]
    if len(sizes) < len(tables):
        return f"The cost is unknown: {len(tables) - len(sizes)} of {len(tables)} reads could not be tried"
    run = sum(max(LEAST_BILLED, size) for size in sizes)
    day = run * (timedelta(days=1) / config.collect.warehouse.every)
    budget = config.collect.warehouse_limits.daily_budget
    enough = "within" if day <= budget else "ABOVE"
    return (
        f"BigQuery bills about {run / MEBIBYTE:.0f} MiB a run, {day / GIBIBYTE:.1f} GiB a day:"
        f" {enough} the daily budget of {budget / GIBIBYTE:.1f} GiB"
    )
