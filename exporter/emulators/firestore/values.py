"""Firestore values: conversion to and from Python's, their order, and which may be stored."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

from google.cloud.firestore import GeoPoint
from google.protobuf.timestamp_pb2 import Timestamp

from exporter.config.identifiers import is_reserved
from exporter.emulators.firestore.errors import invalid, unimplemented
from exporter.emulators.firestore.messages import Message, Value
from exporter.sources.documents import BSON_TYPES

SortKey: TypeAlias = tuple[int, object]

LOWEST_INTEGER: Final = -(2**63)
HIGHEST_INTEGER: Final = 2**63 - 1
_DEEPEST: Final = 20  # https://firebase.google.com/docs/firestore/quotas#limits
_LONGEST_NAME: Final = 1500  # bytes, the same page


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that points at a document; `name` is the document's full resource name."""

    name: str


def encode(value: object) -> Message:
    """A Python value as Firestore's. Raises TypeError or ValueError for one without a counterpart there."""
    for python_type, encoder in _ENCODERS:
        if isinstance(value, python_type):
            return encoder(value)
    raise TypeError(f"Firestore has no type for {value!r} ({type(value).__name__})")


def encode_fields(fields: Mapping[str, object], into: Message) -> None:
    """Write Python fields into a message's map of fields."""
    for key, value in fields.items():
        if not isinstance(key, str):
            raise TypeError(f"a field is named by a string, not by {key!r}")
        into[key].CopyFrom(encode(value))


def decode(value: Message) -> object:
    """A Firestore value as Python's: aware datetimes in UTC, `Reference` for references."""
    kind = value.WhichOneof("value_type")
    stored: object = getattr(value, kind)
    return _DECODERS[kind](stored) if kind in _DECODERS else stored


def decode_fields(fields: Message) -> dict[str, object]:
    """A message's map of fields as Python's."""
    return {key: decode(value) for key, value in fields.items()}


def _encode_array(value: Iterable[object]) -> Message:
    array = Value()
    array.array_value.SetInParent()
    array.array_value.values.extend(encode(item) for item in value)
    return array


def _encode_map(value: Mapping[str, object]) -> Message:
    encoded = Value()
    encoded.map_value.SetInParent()
    encode_fields(value, encoded.map_value.fields)
    return encoded


def timestamp(at: datetime) -> Timestamp:
    """An aware datetime as protobuf's; raises ValueError for one without a zone."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone")
    message = Timestamp()
    message.FromDatetime(at)
    return message


def moment(at: Timestamp) -> datetime:
    """Protobuf's timestamp as an aware datetime in UTC."""
    return at.ToDatetime(tzinfo=UTC)


_ENCODERS: Final[Sequence[tuple[type | tuple[type, ...], Callable[[Any], Message]]]] = [
    (type(None), lambda _: Value(null_value=0)),
    (bool, lambda value: Value(boolean_value=value)),  # before int, which a bool is too
    (int, lambda value: Value(integer_value=value)),
    (float, lambda value: Value(double_value=value)),
    (str, lambda value: Value(string_value=value)),
    (bytes, lambda value: Value(bytes_value=value)),
    (datetime, lambda value: Value(timestamp_value=timestamp(value))),
    (Reference, lambda value: Value(reference_value=value.name)),
    (GeoPoint, lambda value: Value(geo_point_value=value.to_protobuf())),
    ((list, tuple), _encode_array),
    (Mapping, _encode_map),
]
_DECODERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "null_value": lambda _: None,
    "timestamp_value": moment,
    "reference_value": Reference,
    "geo_point_value": lambda point: GeoPoint(point.latitude, point.longitude),
    "array_value": lambda array: [decode(item) for item in array.values],
    "map_value": lambda held: decode_fields(held.fields),
}


def _map_key(value: Message) -> object:
    return tuple((key, sort_key(item)) for key, item in sorted(value.map_value.fields.items()))


# The order of types that https://firebase.google.com/docs/firestore/manage-data/data-types#value_type_ordering gives.
# NaN has a rank of its own: it sorts before all numbers and no inequality with a number holds for it.
NULL_KEY: Final[SortKey] = (0, None)
NAN_KEY: Final[SortKey] = (2, None)
_REFERENCE: Final = 7
ARRAY_RANK: Final = 9
_KEYS: Final[Mapping[str, tuple[int, Callable[[Message], object]]]] = {
    "null_value": (0, lambda _: None),
    "boolean_value": (1, lambda value: value.boolean_value),
    "integer_value": (3, lambda value: value.integer_value),
    "double_value": (3, lambda value: value.double_value),
    "timestamp_value": (4, lambda value: (value.timestamp_value.seconds, value.timestamp_value.nanos)),
    "string_value": (5, lambda value: value.string_value),
    "bytes_value": (6, lambda value: value.bytes_value),
    "reference_value": (_REFERENCE, lambda value: tuple(value.reference_value.split("/"))),
    "geo_point_value": (8, lambda value: (value.geo_point_value.latitude, value.geo_point_value.longitude)),
    "array_value": (ARRAY_RANK, lambda value: tuple(sort_key(item) for item in value.array_value.values)),
    "map_value": (10, _map_key),
}


def sort_key(value: Message) -> SortKey:
    """The sort key of a value in Firestore's order. The first part is the type; equal keys mean equal values."""
    kind = value.WhichOneof("value_type")
    if kind not in _KEYS:
        raise unimplemented(f"a value of kind {kind or 'nothing'}")
    if kind == "double_value" and math.isnan(value.double_value):
        return NAN_KEY
    rank, part = _KEYS[kind]
    return rank, part(value)


def name_key(name: str) -> SortKey:
    """The sort key of a document's own name."""
    return _REFERENCE, tuple(name.split("/"))


def is_number(value: Message) -> bool:
    """An integer or a double."""
    return value.WhichOneof("value_type") in {"integer_value", "double_value"}


def tidy(fields: Message, depth: int = 0) -> None:
    """Change fields in place to what Firestore stores: cut timestamps to microseconds, refuse what it refuses."""
    for key, value in fields.items():
        if key == "__type__" and value.string_value == "__vector__":
            raise unimplemented("vector values")
        _check_field_name(key)
        _tidy_value(value, depth)


@lru_cache(maxsize=1024)
def _check_field_name(key: str) -> None:
    if not key or is_reserved(key):
        raise invalid(f"a field cannot be called {key!r}")
    if len(key.encode()) > _LONGEST_NAME:
        raise invalid(f"the field name {key[:80]!r}... has more than {_LONGEST_NAME} bytes")


def _tidy_value(value: Message, depth: int) -> None:
    kind = value.WhichOneof("value_type")
    if kind not in _KEYS:
        raise unimplemented(f"a value of kind {kind or 'nothing'}")
    if kind == "timestamp_value":
        value.timestamp_value.nanos -= value.timestamp_value.nanos % 1000
    elif kind == "map_value":
        _check_depth(depth)
        # What a MongoDB client wrote into a database of the Enterprise edition is one value, and no map of fields.
        if not (len(value.map_value.fields) == 1 and BSON_TYPES.keys() & value.map_value.fields):
            tidy(value.map_value.fields, depth + 1)
    elif kind == "array_value":
        _check_depth(depth)
        for item in value.array_value.values:
            if item.WhichOneof("value_type") == "array_value":
                raise invalid("an array cannot hold an array")
            _tidy_value(item, depth + 1)


def _check_depth(depth: int) -> None:
    if depth >= _DEEPEST:
        raise invalid(f"maps and arrays nest deeper than {_DEEPEST} levels")
