"""The writes that would restore missing registrations: printed, never carried out.

A lost entry is restored as it was last seen. An entry that was never written is made from the rows, if they are within
their bounds and no backfill wrote them. In every other case something else has to be mended before an entry is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from shlex import quote
from typing import TYPE_CHECKING, Any

from google.cloud.firestore_v1.types import Value
from google.protobuf.json_format import MessageToDict

from exporter.messages.secrets import HIDDEN, Masked, masked_data, masked_json
from exporter.model import LOST, Verdict
from exporter.present.status import stamp
from exporter.present.words import rows_judged, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from exporter.config.resolved import CompletionConfig
    from exporter.model import PhaseReport, ProcessorReport, Report

MADE_BY = "orchestration-exporter repair"
_HIDDEN_NOTE = f"{HIDDEN} replaces something that looks like a secret: put it back, or leave the field out."

WHY_NOT = {
    Verdict.WRONG_DATE: "its entry is in a neighbouring document: correct the date where it registers, then move it",
    Verdict.BACKFILL: "a backfill does not register, by design",
    Verdict.MISSING: "there are no rows: run it again, it registers by itself",
    Verdict.FAILED: "its run failed: run it again, it registers by itself",
    Verdict.STALLED: "its run hangs: end it and run it again",
    Verdict.UNKNOWN: "the records could not be read: repeat this when they can",
}
"""Verdicts that writing an entry would not mend, with the reason."""


@dataclass(frozen=True, slots=True)
class Write:
    """One entry to merge into a document. `fields`: in the REST API's form, without secrets.

    `entries`: the document's field that holds the entries; None: the document itself does.
    """

    document: str
    processor: str
    fields: Any
    because: str
    entries: str | None = None

    @property
    def path(self) -> str:
        """The path of the entry's field."""
        return ".".join(_field_path(name) for name in (self.entries, self.processor) if name)

    @property
    def content(self) -> Any:  # noqa: ANN401 - JSON
        """The document's fields that are written."""
        entry = {self.processor: self.fields}
        return entry if self.entries is None else {self.entries: {"mapValue": {"fields": entry}}}


@dataclass(frozen=True, slots=True)
class Left:
    """A missing registration that no write would mend."""

    processor: ProcessorReport
    because: str


def repairs(report: Report, run_date: date, processor: str | None = None) -> Iterator[Write | Left]:
    """For every missing registration of a run date, the write that would restore it, or why there is none."""
    for phase in report.phases:
        if phase.document is None or phase.run_date != run_date:
            continue
        for item in phase.processors:
            if processor in (None, item.processor) and item.expected is not False:
                yield from _repair(phase, item, phase.document, remembers=report.remembers)


def _repair(phase: PhaseReport, item: ProcessorReport, document: str, *, remembers: bool) -> Iterator[Write | Left]:
    lost = [
        removal
        for removal in phase.removals
        if removal.name == item.processor and removal.kind in LOST and removal.ended_at is None
    ]
    if item.verdict is Verdict.LOST_UPDATE and lost:
        value = Value.pb(Value.deserialize(lost[-1].sighting.content))
        because = f"lost ({lost[-1].kind}): as it was last seen at {stamp(lost[-1].last_seen_at)}"
        fields = masked_data(MessageToDict(value), names=True)
        yield Write(document, item.processor, fields, because, phase.completion.entries)
    elif item.verdict is Verdict.UNREGISTERED and (fault := _doubt(item)):
        yield Left(item, fault)
    elif item.verdict is Verdict.UNREGISTERED:
        seen = "never seen" if remembers else "not there now"
        because = f"{seen}: made from the {item.table_rows} rows of {item.data_date} in {item.table}"
        yield Write(document, item.processor, _made(item, phase.completion), because, phase.completion.entries)
    elif item.verdict in WHY_NOT and not item.registered:
        yield Left(item, WHY_NOT[item.verdict])


def _doubt(item: ProcessorReport) -> str | None:
    """Why no entry can be made from the rows."""
    if not item.table:
        return "it has no table, so nothing says how many rows it wrote: register it with what its run logged"
    if not item.table_rows or item.written_at is None:
        return (
            f"the rows of {item.data_date} in {item.table} could not be counted, or do not say when they were written"
        )
    if item.too_few or item.too_many:
        return f"the table has {rows_judged(item)}: mend the data first"
    return None


def _made(item: ProcessorReport, shape: CompletionConfig) -> Any:  # noqa: ANN401 - JSON
    """An entry as the pipeline writes it: with the first name of each field, and the first word for success."""
    values = {
        "status": {"stringValue": next(iter(shape.statuses["success"]), "success")},
        "completed_at": {"timestampValue": stamp(item.written_at)},
        "record_count": {"integerValue": str(item.table_rows)},
        "manual_override": {"booleanValue": True},
    }
    fields = {shape.fields[key][0]: value for key, value in values.items() if shape.fields[key]}
    fields["note"] = {"stringValue": f"registered by hand, as {MADE_BY} proposed"}
    return {"mapValue": {"fields": fields}}


def commit(writes: Sequence[Write]) -> dict[str, Any]:
    """The body of a `documents:commit` request that merges these entries and touches nothing else."""
    return {
        "writes": [
            {
                "update": {"name": write.document, "fields": write.content},
                "updateMask": {"fieldPaths": [write.path]},
            }
            for write in writes
        ]
    }


def _field_path(name: str) -> str:
    """A field's name as a path: quoted unless it is a simple one (the REST API's `DocumentMask`)."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]*", name):
        return name
    quoted = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{quoted}`"


def repair_text(found: Sequence[Write | Left]) -> Masked:
    """The writes, the reasons for them, and the command that carries them out."""
    writes = [item for item in found if isinstance(item, Write)]
    lines = []
    for item in found:
        if isinstance(item, Write):
            place = item.document.partition("/documents/")[2]
            lines += [f"{place}: restore {item.processor}", f"  because it was {item.because}"]
        else:
            place = f"{item.processor.pipeline} {item.processor.phase} {item.processor.run_date}"
            lines += [f"{place}: leave {item.processor.processor} ({item.processor.verdict})", f"  {item.because}"]
    if not writes:
        return Masked("\n".join([*map(shown, lines), "Nothing to write.", ""]))
    database = writes[0].document.partition("/documents/")[0]
    address = f"https://firestore.googleapis.com/v1/{database}/documents:commit"
    body = masked_json(commit(writes), indent=2)
    return Masked(
        "\n".join(
            [
                *map(shown, lines),
                "",
                *([_HIDDEN_NOTE, ""] if HIDDEN in body else []),
                "Nothing was written. These are the merge writes; to carry them out:",
                "",
                "curl -X POST -H 'Content-Type: application/json' \\",
                '  -H "Authorization: Bearer $(gcloud auth print-access-token)" \\',
                f"  {quote(shown(address))} --data @- <<'WRITES'",
                body,
                "WRITES",
                "",
            ]
        )
    )
