"""Every type of value comes back as it went in."""

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

import pytest
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from google.cloud import firestore
from google.cloud.firestore import GeoPoint

_VALUES: Final = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2**63 - 1,
    -(2**63),
    0.0,
    1.5,
    -1.5e300,
    5e-324,
    math.inf,
    -math.inf,
    "",
    "text",
    "ünï-日本-🏀\n\t\"'`\\",
    b"",
    b"\x00\xff bytes",
    datetime(2026, 2, 1, 15, 0, 48, tzinfo=UTC),
    datetime(2026, 2, 1, 15, 0, 48, 123456, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    GeoPoint(40.75, -73.99),
    [],
    [1, "two", None, {"three": 3.0}, b"four"],
    {},
    {"a": {"b": {"c": [1, {"d": None}]}}},
]


@pytest.mark.parametrize("value", _VALUES, ids=repr)
def test_a_value_comes_back_as_it_went_in(client: firestore.Client, value: object) -> None:
    client.document("a/b").set({"plain": value, "map": {"in": value}})

    found = client.document("a/b").get()

    assert found.to_dict() == {"plain": value, "map": {"in": value}}
    if not isinstance(value, datetime):
        assert type(found.get("plain")) is type(value)


def test_nan_comes_back(client: firestore.Client) -> None:
    client.document("a/b").set({"x": math.nan})

    assert math.isnan(client.document("a/b").get().get("x"))


def test_minus_zero_keeps_its_sign(client: firestore.Client) -> None:
    client.document("a/b").set({"x": -0.0})

    assert math.copysign(1, client.document("a/b").get().get("x")) == -1


def test_a_reference_comes_back(client: firestore.Client) -> None:
    target = client.document("other/document")
    client.document("a/b").set({"x": target})

    assert client.document("a/b").get().get("x") == target


def test_a_timestamp_of_another_zone_is_the_same_moment(client: firestore.Client) -> None:
    moment = datetime(2026, 2, 1, 10, 0, tzinfo=timezone(timedelta(hours=-5)))
    client.document("a/b").set({"x": moment})

    assert client.document("a/b").get().get("x") == datetime(2026, 2, 1, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize("place", ["plain", "nested"])
def test_a_timestamp_is_cut_to_microseconds(client: firestore.Client, place: str) -> None:
    moment = DatetimeWithNanoseconds(2026, 2, 1, nanosecond=123456789, tzinfo=UTC)
    client.document("a/b").set({"plain": moment, "nested": [{"y": moment}]})

    found = client.document("a/b").get().get(place)

    stored = found if place == "plain" else found[0]["y"]
    assert stored.timestamp_pb().nanos == 123456000
