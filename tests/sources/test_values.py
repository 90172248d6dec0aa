from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from google.cloud.firestore_v1.types import Document, Value
from google.protobuf.timestamp_pb2 import Timestamp

from exporter.sources.values import UNUSABLE, plain_fields, plain_time

if TYPE_CHECKING:
    from collections.abc import Mapping

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


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
        (Value(bytes_value=b"x"), UNUSABLE),
        (Value(geo_point_value={"latitude": 1}), UNUSABLE),
        (Value(reference_value="projects/another/databases/(default)/documents/a/b"), UNUSABLE),
        (Value(array_value={"values": [{"integer_value": 1}]}), UNUSABLE),
        (Value(), UNUSABLE),
    ],
)
def test_a_scalar_is_itself_and_what_cannot_mean_anything_is_unusable(value: Value, expected: object) -> None:
    assert plain(field=value) == {"field": expected}


def test_a_map_is_followed_down_to_an_entrys_fields() -> None:
    inner = Value(map_value={"fields": {"x": {"integer_value": 1}}})
    entry = Value(map_value={"fields": {"status": {"string_value": "success"}, "nested": inner}})

    assert plain(entry=entry) == {"entry": {"status": "success", "nested": UNUSABLE}}


def test_a_map_that_looks_like_a_vector_and_is_none_is_a_map() -> None:
    vector = Value(map_value={"fields": {"__type__": {"string_value": "__vector__"}}})

    assert plain(entry=vector) == {"entry": {"__type__": "__vector__"}}


def test_a_time_keeps_its_microseconds_and_is_plain() -> None:
    moment = plain_time(Timestamp(seconds=int(NOON.timestamp()), nanos=123_456_789))

    assert moment == NOON.replace(microsecond=123_456)
    assert type(moment) is datetime


def test_a_moment_that_no_calendar_has_is_unusable() -> None:
    never = Timestamp(seconds=2**60)

    assert plain_time(never) is None
    assert plain(field=Value(timestamp_value=never)) == {"field": UNUSABLE}
