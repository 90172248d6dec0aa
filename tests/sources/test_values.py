from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from google.cloud.firestore_v1.types import Document, Value
from google.protobuf.timestamp_pb2 import Timestamp

from exporter.sources.documents import WIRE_TYPES, plain_fields, plain_time
from exporter.sources.fields import Unusable

if TYPE_CHECKING:
    from collections.abc import Mapping

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
SPOKEN_OF = {"field_reference_value", "variable_reference_value", "function_value", "pipeline_value"}
"""Types that only the expressions of a query have, never a stored document."""


def plain(**values: Value) -> Mapping[str, object]:
    return plain_fields(Document.pb(Document(fields=values)).fields)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Value(null_value=0), None),
        (Value(boolean_value=False), False),
        (Value(integer_value=0), 0),
        (Value(double_value=1.5), 1.5),
        (Value(string_value=""), ""),
        (Value(timestamp_value=NOON), NOON),
        (Value(bytes_value=b"x"), Unusable("bytes")),
        (Value(geo_point_value={"latitude": 1}), Unusable("geo point")),
        (Value(reference_value="projects/another/databases/(default)/documents/a/b"), Unusable("reference")),
        (Value(array_value={"values": [{"integer_value": 1}]}), Unusable("array")),
        (Value(), Unusable("a value of a type that this build does not know")),
    ],
)
def test_a_scalar_is_decoded_and_other_types_are_unusable(value: Value, expected: object) -> None:
    assert plain(field=value) == {"field": expected}


def test_a_map_is_followed_down_to_an_entrys_fields() -> None:
    inner = Value(map_value={"fields": {"x": {"integer_value": 1}}})
    entry = Value(map_value={"fields": {"status": {"string_value": "success"}, "nested": inner}})

    assert plain(entry=entry) == {"entry": {"status": "success", "nested": Unusable("map")}}


def test_a_map_that_looks_like_a_vector_and_is_none_is_a_map() -> None:
    vector = Value(map_value={"fields": {"__type__": {"string_value": "__vector__"}}})

    assert plain(entry=vector) == {"entry": {"__type__": "__vector__"}}


def bson(key: str, **inner: object) -> Value:
    return Value(map_value={"fields": {key: inner}})


TIMESTAMP = {"fields": {"seconds": {"integer_value": int(NOON.timestamp())}, "increment": {"integer_value": 1}}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (bson("__int__", integer_value=212), 212),
        (bson("__decimal128__", string_value="212.50"), Decimal("212.5")),
        (bson("__request_timestamp__", map_value=TIMESTAMP), NOON),
        (bson("__int__", string_value="212"), Unusable("BSON Int32")),
        (bson("__decimal128__", string_value="NaN"), Unusable("BSON Decimal128")),
        (bson("__decimal128__", string_value="Infinity"), Unusable("BSON Decimal128")),
        (bson("__decimal128__", string_value="many"), Unusable("BSON Decimal128")),
        (bson("__request_timestamp__", map_value={}), Unusable("BSON Timestamp")),
        (bson("__request_timestamp__", integer_value=1), Unusable("BSON Timestamp")),
        (bson("__oid__", string_value="507f1f77bcf86cd799439011"), Unusable("BSON ObjectId")),
        (bson("__regex__", map_value={"fields": {}}), Unusable("BSON regular expression")),
        (bson("__binary__", bytes_value=b"\x80x"), Unusable("BSON binary data")),
        (bson("__min__", null_value=0), Unusable("BSON MinKey")),
        (bson("__max__", null_value=0), Unusable("BSON MaxKey")),
    ],
)
def test_a_type_of_bson_is_the_number_or_moment_that_it_is_or_is_named(value: Value, expected: object) -> None:
    entry = Value(map_value={"fields": {"record_count": value}})

    assert plain(field=value, entry=entry) == {"field": expected, "entry": {"record_count": expected}}


def test_every_type_of_value_that_firestore_has_is_known() -> None:
    types = {field.name for field in Value.pb(Value()).DESCRIPTOR.oneofs_by_name["value_type"].fields}

    assert types - SPOKEN_OF == {*WIRE_TYPES, "map_value"}


def test_a_time_keeps_its_microseconds_and_is_plain() -> None:
    moment = plain_time(Timestamp(seconds=int(NOON.timestamp()), nanos=123_456_789))

    assert moment == NOON.replace(microsecond=123_456)
    assert type(moment) is datetime


def test_a_moment_that_no_calendar_has_is_unusable() -> None:
    never = Timestamp(seconds=2**60)

    assert plain_time(never) is None
    assert plain(field=Value(timestamp_value=never)) == {"field": Unusable("timestamp that no calendar has")}
