"""Decodes Firestore's wire values into plain ones, without the client library's decoder.

That decoder raises for a single value that it cannot decode (a reference into another database, a map that looks like a
vector), and then the whole batch of documents is lost. Here such a value becomes `Unusable` and the others are kept.
Only what completion documents and heartbeats use is decoded: scalars, and maps down to an entry's fields.

A database of the Enterprise edition can hold values of a MongoDB client. Types that Firestore lacks come as a map with
one reserved key (https://cloud.google.com/firestore/mongodb-compatibility/docs/supported-data-types-drivers). Numbers
and moments among them are decoded, the others are unusable.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Unusable:
    """A value of a type that no field of a completion document or a heartbeat has. `said`: its type in words."""

    said: str


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
