"""Fields and columns that could not be used, by kind of record, so that people can find and mend them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.model import DocumentId, Record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date, datetime

    from exporter.config.resolved import PipelineConfig
    from exporter.model import Document, Snapshot


def unusable_fields(
    snapshot: Snapshot, pipeline: PipelineConfig, days: Collection[date], now: datetime
) -> Mapping[Record, tuple[str, ...]]:
    """Each unusable field and where it is, by kind of record. A kind that is unknown at `now` is left out."""
    found: dict[Record, tuple[str, ...]] = {}
    documents = snapshot.documents.known(now)
    if documents is not None:
        wanted = [
            DocumentId(phase.collection, day) for phase in pipeline.phases.values() if phase.collection for day in days
        ]
        there = {f"{key.collection}/{key.run_date}": documents[key] for key in wanted if key in documents}
        found[Record.DOCUMENTS] = tuple(
            f"{path}: {field}" for path, document in there.items() for field in document.malformed
        )
        found[Record.ENTRIES] = tuple(text for path, document in there.items() for text in _entries(path, document))
    beats_reading = snapshot.heartbeats.get(pipeline.name)
    beats = beats_reading.known(now) if beats_reading else None
    if beats is not None:
        found[Record.HEARTBEATS] = tuple(
            f"heartbeat {name}: {field}" for name, beat in beats.items() if beat for field in beat.malformed
        )
    rows = list(_rows(snapshot, pipeline, now))
    if None not in rows:
        found[Record.ROWS] = tuple(text for text in rows if text is not None)
    return found


def _entries(path: str, document: Document) -> Iterator[str]:
    for name, entry in document.entries.items():
        yield from (f"{path} {name}: {field}" for field in entry.malformed)


def _rows(snapshot: Snapshot, pipeline: PipelineConfig, now: datetime) -> Iterator[str | None]:
    """The unusable columns of each table and of the run history; None for each of these that is unknown."""
    processors = (one for phase in pipeline.phases.values() for one in phase.processors.values())
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
