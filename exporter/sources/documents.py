"""Decodes completion documents and heartbeats: usable fields are used, the others are named and counted.

`read_...` take what Firestore sends, from a poll or a listener alike. `parse_...` take plain values of any type and
nesting, and never raise. A null counts as an absent field. A field that is there and cannot be used is listed in
`malformed`, so that a wrong field differs from an absent one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from google.cloud.firestore_v1.types import Value
from google.protobuf.message import DecodeError

from exporter.model import Document, Entry, Heartbeat, Record
from exporter.sources.fields import Fields, anything, count, day, flag, label, moment, text, unusable, word
from exporter.sources.values import plain_fields, plain_time

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exporter.sources.values import WireDocument


def parse_document(
    fields: Mapping[str, object], create_time: datetime | None = None, update_time: datetime | None = None
) -> Document:
    """A completion document: every key that does not begin with `_` is a processor's entry."""
    read = Fields(Record.DOCUMENTS, fields)
    # `_trigger_pending` decides nothing; an unusable one shows that the writer of these fields has a fault.
    read.first(flag, "_trigger_pending")
    return Document(
        entries={name: parse_entry(value, name) for name, value in fields.items() if not name.startswith("_")},
        completed_count=read.first(count, "_completed_count"),
        triggered=read.flag("_triggered"),
        triggered_at=read.first(moment, "_triggered_at"),
        trigger_succeeded=read.first(flag, "_trigger_succeeded"),
        trigger_reason=read.first(text, "_trigger_reason"),
        written_mode=read.first(word, "_mode"),
        malformed=read.malformed,
        create_time=create_time,
        update_time=update_time,
    )


def parse_entry(value: object, processor: str = "") -> Entry:
    """A processor's entry, also one made by hand (`timestamp`, `records_processed`, `manual_override`)."""
    if not isinstance(value, dict):
        return Entry(malformed=(unusable("entry", value, processor),))
    read = Fields(Record.ENTRIES, value)
    return Entry(
        status=read.first(word, "status"),
        completed_at=read.first(moment, "completed_at", "timestamp"),
        record_count=read.first(count, "record_count", "records_processed"),
        incremental=read.flag("is_incremental"),
        manual=read.first(anything, "manual_override") is True,
        correlation_id=read.first(label, "correlation_id"),
        malformed=read.malformed,
    )


def parse_heartbeat(document: str, fields: Mapping[str, object]) -> Heartbeat:
    """A heartbeat.

    Merge writes leave fields of the previous run behind (`completed_at`, `duration_seconds`), so only those are read
    that every beat writes.
    """
    read = Fields(Record.HEARTBEATS, fields)
    return Heartbeat(
        document=document,
        status=read.first(word, "status"),
        beat_at=read.first(moment, "last_heartbeat", "updated_at"),
        data_date=read.first(day, "data_date"),
        started_at=read.first(moment, "started_at"),
        error_message=read.first(text, "error_message"),
        malformed=read.malformed,
    )


def read_document(message: WireDocument | None, read_time: datetime | None) -> Document:
    """A completion document as Firestore sent it at `read_time` of its own clock; None: there is no document."""
    if message is None:
        return Document(exists=False, read_time=read_time)
    document = parse_document(
        plain_fields(message.fields), plain_time(message.create_time), plain_time(message.update_time)
    )
    contents = {name: value.SerializeToString(deterministic=True) for name, value in message.fields.items()}
    return replace(document, read_time=read_time, contents=contents)


def read_entry(content: bytes) -> Entry:
    """A processor's entry from its serialized `Value`. Raises ValueError for bytes that are none."""
    try:
        value = Value.pb(Value.deserialize(content))
    except DecodeError as error:
        raise ValueError(f"not a Firestore value: {error}") from error
    return parse_entry(plain_fields({"entry": value})["entry"])
