"""Which of the two readings of a date the completion documents fit: that of the configuration, or the other.

A document is named after the day on which its processors run, or after the date of the data that they work on ("Two
readings of a date" in docs/verdicts.md). The two lie a day apart, and a configuration that takes one for the other
finds every document a day off. What tells them apart is when the entries of documents of past days were completed, and
what the heartbeats of these runs say about their data date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from exporter.config.load import load, preset_names
from exporter.config.periods import A_DAY
from exporter.reconcile.expectations import due_at, today

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from exporter.config.resolved import Config, PhaseConfig, PipelineConfig, ProcessorConfig
    from exporter.model import Document, DocumentId, Heartbeat

LEAST_DOCUMENTS: Final = 2
LEAST_ENTRIES: Final = 3
LATE: Final = timedelta(hours=16)
EARLY: Final = timedelta(hours=24)
"""An entry that belongs to another date was completed at least this long after or before its deadline."""
SAME_RUN: Final = timedelta(minutes=10)
"""A last heartbeat this close to an entry's completion belongs to the same run."""


@dataclass(frozen=True, slots=True)
class _Sign:
    """One entry, or the heartbeat of its run, and how many days it is away from where the configuration expects it."""

    days_off: int
    document: DocumentId
    processor: ProcessorConfig
    said: str


def misread_dates(
    config: Config, documents: Mapping[DocumentId, Document], heartbeats: Mapping[str, Heartbeat | None], now: datetime
) -> Iterator[str]:
    """For every pipeline whose documents fit the other reading: why, and what to configure.

    Nothing is reported unless all signs agree, and come from more than one document. `heartbeats`: by document name.
    """
    for pipeline in config.pipelines.values():
        signs = list(_signs(pipeline, config, documents, heartbeats, now))
        entries = {(sign.document, sign.processor.name) for sign in signs}
        off = {sign.days_off for sign in signs}
        enough = len({key for key, _ in entries}) >= LEAST_DOCUMENTS and len(entries) >= LEAST_ENTRIES
        if enough and len(off) == 1 and (days := off.pop()):
            yield _finding(pipeline, signs, days, len(entries), len({key for key, _ in entries}))


def _signs(
    pipeline: PipelineConfig,
    config: Config,
    documents: Mapping[DocumentId, Document],
    heartbeats: Mapping[str, Heartbeat | None],
    now: datetime,
) -> Iterator[_Sign]:
    current = today(now, config.timezone)
    for phase in pipeline.phases.values():
        for key, document in documents.items():
            # Early runs may still fill the document of a day that is not over.
            if key.collection == phase.collection and key.run_date < current:
                for processor, completed_at in _completions(phase, document):
                    local = completed_at.astimezone(config.timezone)
                    off = (local.date() - key.run_date).days - processor.due.days
                    late = completed_at - due_at(processor.due, key.run_date, config.timezone)
                    # An entry that is further away comes from a run of a later day: a repetition or a backfill.
                    if abs(off) <= 1:
                        off = off if late >= LATE or -late >= EARLY else 0
                        where = f"{processor.name} in {key.collection}/{key.run_date}"
                        yield _Sign(off, key, processor, f"{where} was completed on {local:%Y-%m-%d at %H:%M}")
                        yield from _beats(key, processor, completed_at, heartbeats)


def _completions(phase: PhaseConfig, document: Document) -> Iterator[tuple[ProcessorConfig, datetime]]:
    """Processors that work on a day that is over, and when they completed: these tell the two readings apart."""
    for processor in phase.processors.values():
        entry = document.entries.get(processor.name)
        by_day = processor.table.period == A_DAY and processor.due.days > processor.data_date_offset
        if entry is not None and entry.completed_at is not None and by_day:
            yield processor, entry.completed_at


def _beats(
    key: DocumentId, processor: ProcessorConfig, completed_at: datetime, heartbeats: Mapping[str, Heartbeat | None]
) -> Iterator[_Sign]:
    for name in processor.heartbeats:
        beat = heartbeats.get(name)
        if beat is None or beat.beat_at is None or beat.data_date is None:
            continue
        if abs(beat.beat_at - completed_at) <= SAME_RUN:
            off = (beat.data_date - key.run_date).days - processor.data_date_offset
            yield _Sign(off, key, processor, f"the heartbeat of that run has data_date {beat.data_date}")


def _finding(pipeline: PipelineConfig, signs: list[_Sign], days: int, entries: int, documents: int) -> str:
    example = signs[0]
    ran = example.processor.due.days
    said = ", and ".join(
        sign.said for sign in signs if (sign.document, sign.processor) == (example.document, example.processor)
    )
    fitting = [f"preset {name}" for name in preset_names() if _fits(name, pipeline, signs, days)]
    keys = (
        f"data_date_offset {example.processor.data_date_offset + days} and due {ran + days:+d}d"
        f" {example.processor.due.at:%H:%M} for {example.processor.name}, and so on"
    )
    return (
        f"pipeline {pipeline.name}: {entries} of {entries} entries in {documents} documents of past days were completed"
        f" {_relative(ran + days)}, where this configuration expects them {_relative(ran)}: {said}. So the documents"
        f" are named after {'the date of the data' if days > 0 else 'the day on which the processors run'};"
        f" {' or '.join((*fitting, keys)) if fitting else keys} reads them so"
    )


def _relative(days: int) -> str:
    return {0: "on the document's own date", 1: "on the day after the document's date"}.get(
        days, f"{days} days after the document's date"
    )


def _fits(preset: str, pipeline: PipelineConfig, signs: list[_Sign], days: int) -> bool:
    """Whether the preset expects all these processors `days` away from where this configuration does."""
    other = load(preset=preset, environ={}).config.pipelines.get(pipeline.name)
    if other is None:
        return False
    theirs = {name: processor for phase in other.phases.values() for name, processor in phase.processors.items()}
    return all(
        found is not None
        and found.due.days - sign.processor.due.days == days
        and found.data_date_offset - sign.processor.data_date_offset == days
        for sign in signs
        for found in (theirs.get(sign.processor.name),)
    )
