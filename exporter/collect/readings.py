"""Readings made of what a run brought, and of what is kept after it failed. Pure, but for what `Settling` remembers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.collect.context import context_request
from exporter.model import Failure, Matter, Reading
from exporter.reconcile.expectations import reading_plan
from exporter.sources.ports import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date, datetime, timedelta

    from exporter.config.resolved import Config, TableRef
    from exporter.memory.settling import Settling
    from exporter.model import Document, DocumentId, Heartbeat, RowCount, Run, Snapshot
    from exporter.sources.ports import ContextAnswer, HeartbeatId

T = TypeVar("T")
K = TypeVar("K")
D = TypeVar("D")


def merged(
    before: Mapping[K, Reading[T]],
    outcomes: Mapping[K, T | SourceError | None],
    now: datetime,
    max_age: timedelta,
) -> dict[K, Reading[T]]:
    """New values where there are some (None: it does not count); elsewhere the last, with the failure beside it."""
    found: dict[K, Reading[T]] = {}
    for key, outcome in outcomes.items():
        if isinstance(outcome, SourceError):
            old = before.get(key) or Reading(max_age=max_age)
            found[key] = replace(old, failure=Failure(outcome.kind, outcome.detail, now))
        else:
            found[key] = Reading(outcome, now, None, max_age)
    return found


def kept(config: Config, old: Snapshot, collector: str, failure: Failure, max_age: timedelta) -> dict[str, Any]:
    """A whole run failed: every reading it would have renewed keeps its value and gets the failure."""
    plan, context = reading_plan(config, failure.at), context_request(config)
    pipelines = tuple(config.pipelines)

    def those(readings: Mapping[K, Reading[T]], keys: Collection[K]) -> dict[K, Reading[T]]:
        empty: Reading[T] = Reading(max_age=max_age)
        return {key: replace(readings.get(key, empty), failure=failure) for key in keys}

    match collector:
        case "completion":
            return {"documents": replace(old.documents, failure=failure)}
        case "heartbeats":
            return {"heartbeats": those(old.heartbeats, pipelines)}
        case "heartbeat_count":
            return {"heartbeat_documents": those(old.heartbeat_documents, pipelines)}
        case _:
            return {
                "rows": those(old.rows, plan.tables),
                "units": those(old.units, context.calendars),
                "calendars_end": those(old.calendars_end, context.calendars),
                "runs": those(old.runs, context.run_history),
                "phase_log": those(old.phase_log, context.phase_log),
                "coverage": those(old.coverage, context.coverage),
            }


# --- what counts of a reading: less than before does not yet (settling.py) --------------------------------------


def counting_documents(
    settling: Settling, documents: Mapping[DocumentId, Document], now: datetime
) -> dict[DocumentId, Document]:
    """Without those that are gone, or that had entries and have none at all: entries that go one by one are a loss."""
    sizes = {key: document.exists + bool(document.entries) for key, document in documents.items()}
    doubtful = settling.hold(Matter.DOCUMENT, sizes, now)
    return {key: document for key, document in documents.items() if key not in doubtful}


def counting_heartbeats(
    settling: Settling, found: Mapping[HeartbeatId, Heartbeat | None], now: datetime
) -> dict[HeartbeatId, Heartbeat | None]:
    """Without those that are gone."""
    sizes = {(key.collection, key.document): int(beat is not None) for key, beat in found.items()}
    doubtful = settling.hold(Matter.HEARTBEAT, sizes, now)
    return {key: beat for key, beat in found.items() if (key.collection, key.document) not in doubtful}


def counting_rows(
    settling: Settling, rows: Mapping[TableRef, Mapping[date, RowCount] | SourceError], now: datetime
) -> dict[TableRef, Mapping[date, RowCount] | SourceError]:
    """Without the dates that have fewer rows than before."""
    return _counting(settling, Matter.ROWS, rows, lambda counted: counted.rows, now)


def counting_context(settling: Settling, answer: ContextAnswer, now: datetime) -> ContextAnswer:
    """Without the dates that have fewer units, transitions or covered rows than before.

    A calendar without any row says nothing of any date.
    """
    units = _counting(settling, Matter.UNITS, answer.units, int, now)
    empty: dict[str, Mapping[date, int]] = {
        pipeline: {} for pipeline, last in answer.calendars_end.items() if last is None
    }
    return replace(
        answer,
        units={**units, **empty},
        phase_log=_counting(settling, Matter.PHASE_LOG, answer.phase_log, int, now),
        coverage=_counting(settling, Matter.COVERAGE, answer.coverage, lambda counts: counts.rows, now),
    )


def counting_runs(
    settling: Settling, runs: Mapping[str, tuple[Run, ...] | SourceError], days: Collection[date], now: datetime
) -> dict[str, tuple[Run, ...] | SourceError | None]:
    """None for a history that has fewer runs of a date than before: which of them are missing nobody knows."""
    sizes = {
        (pipeline, day): sum(run.data_date == day for run in outcome)
        for pipeline, outcome in runs.items()
        if not isinstance(outcome, SourceError)
        for day in days
    }
    doubtful = {pipeline for pipeline, _ in settling.hold(Matter.RUNS, sizes, now)}
    return {pipeline: None if pipeline in doubtful else outcome for pipeline, outcome in runs.items()}


def _counting(
    settling: Settling,
    matter: Matter,
    outcomes: Mapping[K, Mapping[D, T] | SourceError],
    size: Callable[[T], int],
    now: datetime,
) -> dict[K, Mapping[D, T] | SourceError]:
    sizes = {
        (key, day): size(value)
        for key, outcome in outcomes.items()
        if not isinstance(outcome, SourceError)
        for day, value in outcome.items()
    }
    doubtful = settling.hold(matter, sizes, now)
    return {
        key: outcome
        if isinstance(outcome, SourceError)
        else {day: value for day, value in outcome.items() if (key, day) not in doubtful}
        for key, outcome in outcomes.items()
    }
