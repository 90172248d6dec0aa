"""`config check --connect`: tries every read of a configuration without running a query.

Queries are tried by dry runs, which cost nothing; the Firestore documents and heartbeats of one cycle are read.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.cli import exits
from exporter.collect.context import context_request
from exporter.metrics.telemetry import Telemetry
from exporter.model import ErrorKind
from exporter.reconcile.dating import misread_dates
from exporter.reconcile.plan import reading_plan
from exporter.sources.budget import GIBIBYTE, LEAST_BYTES_PER_TABLE, MEBIBYTE, day_against_budget, too_large
from exporter.sources.ports import Deadline, HeartbeatId, SourceError, Window
from exporter.sources.samples import misfit_documents, misfit_heartbeats, near

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from exporter.config.load import Loaded
    from exporter.config.resolved import Config
    from exporter.model import Document, DocumentId, Heartbeat
    from exporter.reconcile.plan import ReadingPlan
    from exporter.sources.ports import Estimate, Sources

SECONDS = 10.0
_COLUMNS = {"run history": "run_history.columns", "phase log": "phase_log.columns"}
SAMPLED = 20
"""How many heartbeats are looked at, beside those that the configuration names."""


class Result(StrEnum):
    """The result of trying one read."""

    OK = "ok"
    EMPTY = "empty"
    """It can be read and has no content for these dates."""
    ABOVE = "ABOVE"
    """It can be read, but the exporter will not, because it would bill more than is allowed."""
    MISREAD = "MISREAD"
    """What is there fits another configuration."""
    FAILED = "FAILED"


EXITS = {
    Result.OK: exits.OK,
    Result.EMPTY: exits.OK,
    Result.ABOVE: exits.DISCREPANCIES,
    Result.MISREAD: exits.DISCREPANCIES,
    Result.FAILED: exits.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Tried:
    """One read: its subject, its result and a message. `size`: the bytes of a query, None if unknown."""

    result: Result
    subject: str
    said: str = ""
    size: int | None = None


def connect_report(
    loaded: Loaded, open_sources: Callable[[Loaded, Telemetry], Sources], now: datetime
) -> tuple[str, int]:
    """Try every collection and every table. Returns a line for each, the daily cost, and the exit code."""
    config = loaded.config
    plan = reading_plan(config, now)
    sources = open_sources(loaded, Telemetry())
    try:
        store = _Store(sources, config)
        collections = [*store.try_documents(plan), *store.try_heartbeats(config, plan)]
        tables = list(_tables(config, plan, sources))
    finally:
        sources.close()
    misread = misread_dates(config, store.documents, store.heartbeats, now)
    findings = [
        *(Tried(Result.MISREAD, "records", said) for said in store.misfits),
        *(Tried(Result.MISREAD, "dates", said) for said in misread),
    ]
    cost, result = _cost(config, tables, len(plan.run_dates))
    everything = [*collections, *findings, *tables]
    code = max((EXITS[result], *(EXITS[tried.result] for tried in everything)))
    return "\n".join([*_lines(everything), *cost]), code


def _lines(everything: list[Tried]) -> Iterator[str]:
    said = ""
    for tried in everything:
        if tried.result is Result.FAILED:
            yield f"FAILED  {tried.subject}: {'the same' if tried.said == said else tried.said}"
            said = tried.said
        elif tried.said:
            yield f"{tried.result:<7} {tried.subject}: {tried.said}"
        else:
            size = f"  {tried.size / MEBIBYTE:.1f} MiB" if tried.size else ""
            yield f"{tried.result:<7} {tried.subject}{size}"


class _Store:
    """Reads one Firestore collection after another. After an unreachable one, the others are not awaited.

    `misfits`: what of the records that are there does not fit the configuration.
    """

    def __init__(self, sources: Sources, config: Config) -> None:
        self.documents: dict[DocumentId, Document] = {}
        self.heartbeats: dict[str, Heartbeat | None] = {}
        self.misfits: list[str] = []
        self._config = config
        self._store = sources.completions
        self._explorer = sources.explorer
        self._unreached: SourceError | None = None

    def _tried(self, collection: str, read: Callable[[], bool], nothing: str) -> Tried:
        """Try one collection. `read` returns whether it found anything; `nothing` is the message if it did not."""
        subject = f"collection {collection}"
        try:
            if self._unreached:
                raise self._unreached
            if read():
                return Tried(Result.OK, subject)
            count = self._store.count(collection, Deadline(SECONDS))
            if count:
                return Tried(Result.EMPTY, subject, f"{nothing}; {count:,} others are there")
            hint = self._near(collection)
        except SourceError as error:
            self._unreached = error if error.kind in {ErrorKind.UNREACHABLE, ErrorKind.TIMEOUT} else None
            return Tried(Result.FAILED, subject, str(error))
        if hint.startswith("; near"):
            return Tried(Result.MISREAD, subject, f"{nothing}{hint}")
        return Tried(
            Result.EMPTY, subject, f"{nothing}; nor any other: check its name and the Firestore database{hint}"
        )

    def _near(self, collection: str) -> str:
        """The collections that stand where this one should."""
        above, _, name = collection.rpartition("/")
        there: Collection[str] = ()
        with suppress(SourceError):
            there = self._explorer.collections(above, Deadline(SECONDS)) if self._explorer else ()
        taken = {*self._config.completions, *self._config.heartbeat_collections}
        return near([name], [one for one in there if f"{above}/{one}".lstrip("/") not in taken])

    def try_documents(self, plan: ReadingPlan) -> Iterator[Tried]:
        """Try each collection of completion documents."""
        wanted: defaultdict[str, list[DocumentId]] = defaultdict(list)
        for key in plan.documents:
            wanted[key.collection].append(key)
        for collection, keys in wanted.items():

            def read(collection: str = collection, keys: list[DocumentId] = keys) -> bool:
                found = self._store.documents(keys, Deadline(SECONDS))
                self.documents.update(found)
                if not any(document.exists for document in found.values()):
                    return False
                self._compare_documents(collection, keys)
                return True

            dates = f"{keys[0].run_date} to {keys[-1].run_date}"
            yield self._tried(collection, read, f"holds no document for these dates ({dates})")

    def _compare_documents(self, collection: str, keys: list[DocumentId]) -> None:
        first, last = keys[0].run_date.isoformat(), keys[-1].run_date.isoformat()
        sample = self._sample(collection, first, len(keys))
        documents = {name: fields for name, fields in sample.items() if name <= last}
        phases = [phase for pipeline in self._config.pipelines.values() for phase in pipeline.phases.values()]
        processors = [name for phase in phases if phase.collection == collection for name in phase.processors]
        shape = self._config.completions[collection]
        self.misfits += misfit_documents(collection, documents, shape, processors)

    def _sample(self, collection: str, first: str, most: int) -> Mapping[str, Mapping[str, object]]:
        """Some documents of a collection; none if nobody may list them."""
        with suppress(SourceError):
            return self._explorer.sample(collection, first, most, Deadline(SECONDS)) if self._explorer else {}
        return {}

    def try_heartbeats(self, config: Config, plan: ReadingPlan) -> Iterator[Tried]:
        """Try each collection of heartbeats."""
        wanted: defaultdict[str, list[HeartbeatId]] = defaultdict(list)
        for pipeline, names in plan.heartbeats.items():
            heartbeats = config.pipelines[pipeline].heartbeats
            if heartbeats:
                wanted[heartbeats.collection] += [HeartbeatId(heartbeats.collection, name) for name in names]
        for collection, keys in wanted.items():

            def read(collection: str = collection, keys: list[HeartbeatId] = keys) -> bool:
                found = self._store.heartbeats(keys, Deadline(SECONDS))
                self.heartbeats.update({key.document: beat for key, beat in found.items()})
                self._compare_heartbeats(collection, keys)
                return any(beat is not None for beat in found.values())

            yield self._tried(collection, read, "holds no heartbeat that the configuration names")

    def _compare_heartbeats(self, collection: str, keys: list[HeartbeatId]) -> None:
        heartbeats = self._config.heartbeat_collections[collection]
        wanted = [key.document for key in keys]
        found = [name for name in wanted if self.heartbeats[name] is not None]
        there = self._sample(collection, min(found, default=""), SAMPLED)
        self.misfits += misfit_heartbeats(heartbeats, wanted, found, there)


def _tables(config: Config, plan: ReadingPlan, sources: Sources) -> Iterator[Tried]:
    window = Window(plan.first, plan.last)
    counts = sources.warehouse.dry_run_row_counts(plan.tables, window, Deadline(SECONDS))
    for table, outcome in counts.items():
        yield _table(config, window, f"rows of table {table.name}", outcome)
    context: Mapping[str, Estimate | SourceError] = sources.warehouse.dry_run_context(
        context_request(config, plan.run_dates), window, Deadline(SECONDS)
    )
    for subject, outcome in context.items():
        yield _table(config, window, subject, outcome)


def _table(config: Config, window: Window, subject: str, outcome: Estimate | SourceError) -> Tried:
    if isinstance(outcome, SourceError):
        named = next((key for record, key in _COLUMNS.items() if subject.startswith(record)), None)
        hint = f"; `{named}` names its columns" if named and outcome.kind is ErrorKind.INVALID else ""
        return Tried(Result.FAILED, subject, f"{outcome}{hint}")
    if outcome.size is None:
        return Tried(
            Result.OK, subject, "BigQuery does not say how much it would read; rows may be hidden from the exporter"
        )
    refusal = too_large(max(LEAST_BYTES_PER_TABLE, outcome.size), config.collect.warehouse_limits)
    if refusal:
        return Tried(Result.ABOVE, subject, refusal, outcome.size)
    if outcome.exact and not outcome.size:
        said = (
            f"holds no row for these dates ({window.first} to {window.last}); if it should, check the table and its"
            " date column"
        )
        return Tried(Result.EMPTY, subject, said, outcome.size)
    return Tried(Result.OK, subject, size=outcome.size)


def _cost(config: Config, tables: list[Tried], run_dates: int) -> tuple[list[str], Result]:
    """The cost of a day, and whether the budget suffices. A table above the limit of one job is not read.

    `run_dates`: how many run dates the tables were tried for.
    """
    failed = [tried for tried in tables if tried.result is Result.FAILED]
    unsaid = [tried for tried in tables if tried.result is Result.OK and tried.size is None]
    if failed or unsaid:
        why = "could not be tried" if failed else "do not say their size"
        return [f"The cost is unknown: {len(failed or unsaid)} of {len(tables)} reads {why}"], Result.OK
    sizes = [tried.size or 0 for tried in tables if tried.result is not Result.ABOVE]
    run = _billed(sizes)
    day, of_season = run * (timedelta(days=1) / config.collect.warehouse.every), ""
    if season := config.collect.season:
        a_season = _billed(size * (season.past + 1) / run_dates for size in sizes)
        day += a_season * (timedelta(days=1) / season.every)
        of_season = f" with the season, about {a_season / MEBIBYTE:.0f} MiB a reading"
    standing, remedy = day_against_budget(day, config.collect.warehouse_limits)
    cost = f"BigQuery bills about {run / MEBIBYTE:.0f} MiB a run, {day / GIBIBYTE:.1f} GiB a day{of_season}: {standing}"
    return ([cost, remedy], Result.ABOVE) if remedy else ([cost], Result.OK)


def _billed(sizes: Iterable[float]) -> float:
    """What a run over tables bills that reads so much of each."""
    return sum(max(LEAST_BYTES_PER_TABLE, size) for size in sizes)
