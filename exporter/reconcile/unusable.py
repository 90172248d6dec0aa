"""Fields and columns that could not be used, by kind of record, so that people can find and mend them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.model import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from exporter.config.resolved import PipelineConfig
    from exporter.model import Document, DocumentId, Heartbeat, Snapshot


def in_document(key: DocumentId, document: Document) -> tuple[list[str], list[str]]:
    """The unusable fields of a completion document itself, and those of its entries."""
    path = f"{key.collection}/{key.run_date}"
    of_entries = [f"{path} {name}: {field}" for name, entry in document.entries.items() for field in entry.malformed]
    return [f"{path}: {field}" for field in document.malformed], of_entries


def unusable_elsewhere(
    snapshot: Snapshot,
    pipeline: PipelineConfig,
    beats: Mapping[str, Heartbeat | None] | None,
    days: Sequence[date],
    now: datetime,
) -> Mapping[Record, tuple[str, ...]]:
    """The unusable fields of the other kinds of record. A kind that is unknown at `now` is left out.

    `days`: the exposed run dates. Tables of work whose limits have none of them are not read.
    """
    found: dict[Record, tuple[str, ...]] = {}
    if beats is not None:
        found[Record.HEARTBEATS] = tuple(
            f"heartbeat {name}: {field}" for name, beat in beats.items() if beat for field in beat.malformed
        )
    rows = list(_rows(snapshot, pipeline, days, now))
    if None not in rows:
        found[Record.ROWS] = tuple(text for text in rows if text is not None)
    return found


def _rows(snapshot: Snapshot, pipeline: PipelineConfig, days: Sequence[date], now: datetime) -> Iterator[str | None]:
    """The unusable columns of each table and of the run history; None for each of these that is unknown."""
    every = (one for phase in pipeline.phases.values() for one in phase.processors.values())
    processors = (one for one in every if any(map(one.schedule.covers, days)))
    for table in dict.fromkeys(one.table for processor in processors for one in processor.of_each_table):
        reading = snapshot.rows.get(table)
        counted = reading.known(now) if reading else None
        if counted is None:
            yield None
            continue
        yield from (f"table {table.name} {day}: {field}" for day, rows in counted.items() for field in rows.unusable)
    if pipeline.run_history is None:
        return
    runs_reading = snapshot.runs.get(pipeline.name)
    runs = runs_reading.known(now) if runs_reading else None
    if runs is None:
        yield None
        return
    yield from (
        f"run {run.run_id or 'without id'} of {run.processor}: {field}" for run in runs for field in run.unusable
    )
