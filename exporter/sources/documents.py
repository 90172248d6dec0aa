"""Decodes completion documents and heartbeats, from Firestore's wire values to `Document`, `Entry` and `Heartbeat`.

`read_...` take what Firestore sends, from a poll or a listener alike. `parse_...` take plain values of any type and
nesting, and never raise. Usable fields are used, the others are named and counted: a null counts as an absent field; a
field that is there and cannot be used is listed in `malformed`, so that a wrong field differs from an absent one.

The client library's own decoder is not used. It raises for a single value that it cannot decode (a reference into
another database, a map that looks like a vector), and then the whole batch of documents is lost. Here such a value
becomes `Unusable` and the others are kept. Only what completion documents and heartbeats use is decoded: scalars, and
maps down to an entry's fields.

A database of the Enterprise edition can hold values of a MongoDB client. Types that Firestore lacks come as a map with
one reserved key (https://cloud.google.com/firestore/mongodb-compatibility/docs/supported-data-types-drivers). Numbers
and moments among them are decoded, the others are unusable.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, Protocol

from google.cloud.firestore_v1.types import Value
from google.protobuf.message import DecodeError

from exporter.config.fields import HEARTBEATS, RUNNING, SUCCESS, meaning_of, names_of, words_of
from exporter.config.resolved import CompletionConfig
from exporter.model import HOLDER, Document, Entry, Heartbeat, Record
from exporter.sources.fields import (
    EPOCH,
    Fields,
    Unusable,
    anything,
    count,
    day,
    flag,
    happened,
    label,
    moment,
    text,
    unusable,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

    from exporter.model import UnusableField
    from exporter.sources.fields import Names

USUAL: Final = CompletionConfig()
HEARTBEAT_NAMES: Final = names_of(HEARTBEATS)
HEARTBEAT_WORDS: Final = words_of(HEARTBEATS)
"""What documents and heartbeats look like where the configuration does not say otherwise."""


class WireDocument(Protocol):
    """A document as Firestore sends it."""

    @property
    def fields(self) -> Mapping[str, Message]:
        """The values by field name."""

    @property
    def create_time(self) -> Timestamp:
        """When it was created."""

    @property
    def update_time(self) -> Timestamp:
        """When it was last written."""


def parse_document(
    fields: Mapping[str, object],
    create_time: datetime | None = None,
    update_time: datetime | None = None,
    shape: CompletionConfig = USUAL,
) -> Document:
    """A completion document: its entries, and its own fields beside them."""
    read = Fields(Record.DOCUMENTS, fields, shape.document_fields)
    # `trigger_pending` decides nothing; an unusable one shows that the writer of these fields has a fault.
    read.first(flag, "trigger_pending")
    entries, odd = _entries(fields, shape)
    return Document(
        entries={name: parse_entry(value, name, shape) for name, value in entries.items() if shape.is_entry(name)},
        completed_count=read.first(count, "completed_count"),
        triggered=read.flag("triggered", happened),
        triggered_at=read.first(moment, "triggered_at") or _when(fields, shape.document_fields["triggered"]),
        trigger_succeeded=read.first(flag, "trigger_succeeded"),
        trigger_reason=read.first(text, "trigger_reason"),
        written_mode=read.first(word, "mode"),
        malformed=(*read.malformed, *odd),
        create_time=create_time,
        update_time=update_time,
    )


def _when(fields: Mapping[str, object], names: Iterable[str]) -> datetime | None:
    """The moment in the first of these fields that holds one and is read as true."""
    return next((moment(value) for name in names if (value := fields.get(name)) and happened(value)), None)


def _entries(
    fields: Mapping[str, object], shape: CompletionConfig
) -> tuple[Mapping[str, object], tuple[UnusableField, ...]]:
    """The map that holds the entries, and the field that should hold them if it is no map."""
    if shape.entries is None:
        return fields, ()
    match fields.get(shape.entries):
        case None:
            return {}, ()
        case dict() as entries:
            return entries, ()
        case value:
            return {}, (unusable(shape.entries, value, key=HOLDER),)


def parse_entry(value: object, processor: str = "", shape: CompletionConfig = USUAL) -> Entry:
    """A processor's entry, also one made by hand (by default `timestamp`, `records_processed`, `manual_override`)."""
    if not isinstance(value, dict):
        return _short_entry(value, shape) or Entry(malformed=(unusable("entry", value, processor),))
    read = Fields(Record.ENTRIES, value, shape.fields)
    return Entry(
        status=read.status(shape.statuses),
        completed_at=read.first(moment, "completed_at"),
        record_count=read.first(count, "record_count"),
        incremental=read.flag("is_incremental"),
        manual=read.first(anything, "manual_override") is True,
        correlation_id=read.first(label, "correlation_id"),
        failed_elsewhere=read.failed_elsewhere(shape.statuses),
        malformed=read.malformed,
    )


def _short_entry(value: object, shape: CompletionConfig) -> Entry | None:
    """An entry that is no map, but says what one of its fields would: a status, whether it is done, or since when."""
    status = meaning_of((word(value) or ""), shape.statuses)
    if status is None and isinstance(value, bool | str) and (done := flag(value)) is not None:
        status = SUCCESS if done else RUNNING
    if status:
        return Entry(status)
    completed_at = moment(value) if isinstance(value, datetime | str) else None
    return Entry(completed_at=completed_at) if completed_at else None


def parse_heartbeat(
    document: str, fields: Mapping[str, object], names: Names = HEARTBEAT_NAMES, words: Names = HEARTBEAT_WORDS
) -> Heartbeat:
    """A heartbeat.

    Merge writes leave fields of the previous run behind (`completed_at`, `duration_seconds`), so only those are read
    that every beat writes.
    """
    read = Fields(Record.HEARTBEATS, fields, names)
    return Heartbeat(
        document=document,
        status=read.status(words),
        beat_at=read.first(moment, "last_heartbeat"),
        data_date=read.first(day, "data_date"),
        started_at=read.first(moment, "started_at"),
        error_message=read.first(text, "error_message"),
        malformed=read.malformed,
    )


def read_document(
    message: WireDocument | None,
    read_time: datetime | None,
    shape: CompletionConfig = USUAL,
    before: Document | None = None,
) -> Document:
    """A completion document as Firestore sent it at `read_time` of its own clock; None: there is no document.

    `before`: an earlier state of it, whose entries are not decoded again where they are fields with the same content.
    """
    if message is None:
        return Document(exists=False, read_time=read_time)
    contents = {name: value.SerializeToString(deterministic=True) for name, value in _values(message, shape)}
    known = before.entries if before and shape.entries is None else {}
    same = {name: entry for name, entry in known.items() if before and before.contents.get(name) == contents.get(name)}
    fields = {name: value for name, value in message.fields.items() if name not in same}
    depth = 1 if shape.entries is None else 2
    document = parse_document(
        plain_fields(fields, depth), plain_time(message.create_time), plain_time(message.update_time), shape
    )
    return replace(document, entries={**document.entries, **same}, read_time=read_time, contents=contents)


def _values(message: WireDocument, shape: CompletionConfig) -> Iterator[tuple[str, Any]]:
    """The values of the document's own fields, and of its entries."""
    for name, value in message.fields.items():
        if name != shape.entries:
            yield name, value
    holder: Any = message.fields.get(shape.entries) if shape.entries else None
    if holder is not None:
        yield from holder.map_value.fields.items()


def read_entry(content: bytes, shape: CompletionConfig = USUAL) -> Entry:
    """A processor's entry from its serialized `Value`. Raises ValueError for bytes that are none."""
    try:
        value = Value.pb(Value.deserialize(content))
    except DecodeError as error:
        raise ValueError(f"not a Firestore value: {error}") from error
    return parse_entry(plain_fields({"entry": value})["entry"], shape=shape)


def plain_fields(fields: Mapping[str, Message], depth: int = 1) -> dict[str, object]:
    """A document's fields. Maps are decoded `depth` levels down; deeper values are `Unusable`."""
    return {name: _plain(value, depth) for name, value in fields.items()}


def plain_time(timestamp: Timestamp) -> datetime | None:
    """A moment in UTC, to the microsecond; None for a moment that no calendar has."""
    try:
        return EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)
    except OverflowError:
        return None


def _plain(value: Any, depth: int) -> object:  # noqa: ANN401 - a protobuf message, whose classes are made at run time
    kind = value.WhichOneof("value_type")
    if kind is None:
        return Unusable("a value of a type that this build does not know")
    content = getattr(value, kind)
    if kind == "map_value":
        name, *others = content.fields or ("",)
        if not others and name in BSON_TYPES:
            return _bson(name, content.fields[name])
        return plain_fields(content.fields, depth - 1) if depth else Unusable("map")
    return WIRE_TYPES[kind](content)


def _bson(name: str, value: Any) -> object:  # noqa: ANN401 - as above
    what, read = BSON_TYPES[name]
    usable = read(value) if read else None
    return Unusable(f"BSON {what}") if usable is None else usable


def _int32(value: Any) -> object:  # noqa: ANN401 - as above
    return value.integer_value if value.WhichOneof("value_type") == "integer_value" else None


def _decimal128(value: Any) -> object:  # noqa: ANN401 - as above
    try:
        number = Decimal(value.string_value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _bson_timestamp(value: Any) -> object:  # noqa: ANN401 - as above
    seconds = _int32(value.map_value.fields["seconds"]) if "seconds" in value.map_value.fields else None
    return EPOCH + timedelta(seconds=seconds) if isinstance(seconds, int) and 0 <= seconds < 2**32 else None


WIRE_TYPES: Final[Mapping[str, Callable[[Any], object]]] = {
    "null_value": lambda _: None,
    "boolean_value": lambda value: value,
    "integer_value": lambda value: value,
    "double_value": lambda value: value,
    "string_value": lambda value: value,
    "timestamp_value": lambda value: plain_time(value) or Unusable("timestamp that no calendar has"),
    "bytes_value": lambda _: Unusable("bytes"),
    "reference_value": lambda _: Unusable("reference"),
    "geo_point_value": lambda _: Unusable("geo point"),
    "array_value": lambda _: Unusable("array"),
}
"""How each type of value except a map is decoded. A type that a later Firestore adds is not known."""

BSON_TYPES: Final[Mapping[str, tuple[str, Callable[[Any], object] | None]]] = {
    "__int__": ("Int32", _int32),
    "__decimal128__": ("Decimal128", _decimal128),
    "__request_timestamp__": ("Timestamp", _bson_timestamp),
    "__oid__": ("ObjectId", None),
    "__regex__": ("regular expression", None),
    "__binary__": ("binary data", None),
    "__min__": ("MinKey", None),
    "__max__": ("MaxKey", None),
}
"""The reserved keys of BSON types: what each is called, and how it is read (None: it means nothing here)."""
