"""Values to and from Python, and their order."""

import math
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from google.cloud.firestore import GeoPoint
from google.cloud.firestore_v1.order import Order
from hypothesis import given
from hypothesis import strategies as st

from exporter.emulators.firestore import Reference, values

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
    st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds it
    st.builds(lambda name: Reference(f"projects/p/databases/(default)/documents/a/{name}"), st.sampled_from("abc")),
    st.builds(GeoPoint, st.sampled_from([-1.0, 0.0, 1.5]), st.sampled_from([-1.0, 0.0, 1.5])),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
    ),
    max_leaves=6,
)


def _plain(value: object) -> object:
    """The value with NaN, which is unequal to itself, made comparable."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


@given(_VALUES)
def test_a_value_comes_back_as_it_went_in(value: object) -> None:
    assert _plain(values.decode(values.encode(value))) == _plain(value)


def test_a_tuple_is_a_list() -> None:
    assert values.decode(values.encode((1, ("a",)))) == [1, ["a"]]


@given(_VALUES, _VALUES)
def test_values_are_ordered_as_the_client_orders_them(one: object, other: object) -> None:
    left, right = values.encode(one), values.encode(other)
    keys: tuple[Any, Any] = values.sort_key(left), values.sort_key(right)

    compared = (keys[0] > keys[1]) - (keys[0] < keys[1])

    assert compared == Order.compare(left, right)
    assert (keys[0] == keys[1]) == (compared == 0)


def test_the_types_are_in_the_documented_order() -> None:
    ordered = [
        *(None, False, True, math.nan, -math.inf, -1, 0.5, 2, math.inf, datetime(2026, 2, 1, tzinfo=UTC), "A", "a"),
        *(b"", Reference("a/b"), GeoPoint(0, 0), [], [1], {}, {"a": 1}),
    ]

    keys: list[Any] = [values.sort_key(values.encode(value)) for value in ordered]

    assert all(earlier < later for earlier, later in pairwise(keys))
