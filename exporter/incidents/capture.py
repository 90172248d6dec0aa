"""Writes what the sources hold for a run date as an incident file that replays to the same verdicts.

It reads raw documents and grouped rows through Google's clients, besides the exporter's own reading, which gives the
expected verdicts. Of the tables it takes only the columns that the exporter's queries name, so no player is in it,
and equal rows become one group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collect.once import collect_once
from exporter.config.load import load
from exporter.incidents.incident import dump_incident, one_line
from exporter.incidents.portable import PROJECT, Names, portable
from exporter.incidents.rows import SECONDS, TooManyRowsError, capture_rows, definition_fields
from exporter.incidents.sayable import Notes, document
from exporter.messages.secrets import HIDDEN, Masked, masked, masked_data, masked_record
from exporter.metrics.telemetry import Telemetry
from exporter.present.status import phase_key, processor_key
from exporter.reconcile.plan import reading_plan
from exporter.sources.factory import firestore_of
from exporter.sources.ports import Deadline, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, datetime

    from exporter.config.load import Loaded
    from exporter.config.resolved import Config
    from exporter.model import Report
    from exporter.reconcile.plan import ReadingPlan
    from exporter.sources.ports import Sources

Fields = dict[str, Any]


class CaptureError(Exception):
    """The day cannot be captured. The message names the source, its answer and the remedy."""


def capture(
    loaded: Loaded,
    open_sources: Callable[[Loaded, Telemetry], Sources],
    run_date: date,
    now: datetime,
    title: str = "",
) -> Masked:
    """The incident file of this run date, as of `now`, without secrets. Raises CaptureError if a source fails."""
    config = loaded.config
    plan = reading_plan(config, now)
    report = collect_once(loaded, open_sources, lambda: now).report
    notes = Notes()
    try:
        documents = _documents(config, plan, notes)
        tables = capture_rows(config, plan, now, notes)
    except SourceError as error:
        raise CaptureError(f"{run_date}: a source cannot be read: {error.detail}") from error
    except TooManyRowsError as error:
        raise CaptureError(str(error)) from error
    base = load(preset=loaded.presets, environ={}).config.project if loaded.presets else PROJECT
    names = Names(loaded, tables.names, base)
    presets, overlay = portable(loaded, names, run_date)
    definitions = {names.table(name): definition_fields(found) for name, found in sorted(tables.definitions.items())}
    content = dump_incident(
        {
            "title": str(masked(title)) or f"Captured: {', '.join(config.pipelines)}, run date {run_date}",
            "source": f"captured at {now:%Y-%m-%dT%H:%M:%SZ}",
            "preset": presets[0] if len(presets) == 1 else presets or None,
            "config": masked_data(overlay),
            **({"tables": definitions} if definitions else {}),
            "clock": now.replace(microsecond=0),
            "firestore": {path: _shown(fields, path, names, notes) for path, fields in documents.items()},
            "bigquery": {
                names.table(name): [_shown(group, f"table {name}", names, notes) for group in groups]
                for name, groups in sorted(tables.rows.items())
            },
            "absent": [names.table(name) for name in tables.absent],
            "expect": _expectations(report),
        }
    )
    return Masked("".join(f"# Not as it was: {masked(names.data(note))}\n" for note in notes) + content)


def _shown(fields: Fields, place: str, names: Names, notes: Notes) -> Fields:
    """A document or row on one line without secrets, which occur only in texts that no verdict needs."""
    shown = masked_record(fields)
    if shown != fields:
        notes.add(place, f"what looks like a secret became {HIDDEN}")
    return one_line(names.data(shown))


def _documents(config: Config, plan: ReadingPlan, notes: Notes) -> dict[str, Fields]:
    paths = [f"{key.collection}/{key.run_date}" for key in plan.documents]
    for pipeline, documents in plan.heartbeats.items():
        heartbeats = config.pipelines[pipeline].heartbeats
        paths += [f"{heartbeats.collection}/{name}" for name in documents] if heartbeats else []
    store = firestore_of(config, Telemetry())
    try:
        found = store.contents(list(dict.fromkeys(paths)), Deadline(SECONDS))
    finally:
        store.close()
    return {
        path: document(message.fields, path, notes) for path, message in sorted(found.items()) if message is not None
    }


def _expectations(report: Report) -> Fields:
    processors = {processor_key(processor): processor for processor in report.processors}
    return {
        "verdicts": {key: str(processor.verdict) for key, processor in processors.items()},
        "phases": {
            phase_key(phase): one_line(
                {
                    name: str(value) if name == "trigger_state" else value
                    for name in ("expected", "registered", "trigger_state")
                    if (value := getattr(phase, name)) is not None
                }
            )
            for phase in report.phases
        },
        "deltas": {
            key: processor.record_count_delta
            for key, processor in processors.items()
            if processor.record_count_delta is not None
        },
    }
