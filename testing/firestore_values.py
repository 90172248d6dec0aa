"""Values of every type that Firestore has, as they come over the wire."""

from __future__ import annotations

from google.cloud.firestore_v1.types import Value
from hypothesis import strategies as st

_SECONDS = st.integers(min_value=-(2**34), max_value=2**34)
_INTEGERS = st.integers(min_value=-(2**63), max_value=2**63 - 1) | st.sampled_from([20260201, 1769947200])
_TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "true", "2026-02-01", "20260201", "2026-02-01T12:00:00Z", "1769947200", "success", "5", "NaN"]
)


def _map(**fields: Value) -> Value:
    return Value(map_value={"fields": fields})


def _reserved(key: str, values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return values.map(lambda value: _map(**{key: value}))


SCALARS: dict[str, st.SearchStrategy[Value]] = {
    "null_value": st.just(Value(null_value=0)),
    "boolean_value": st.builds(Value, boolean_value=st.booleans()),
    "integer_value": st.builds(Value, integer_value=_INTEGERS),
    "double_value": st.builds(Value, double_value=st.floats() | _INTEGERS.map(float)),
    "string_value": st.builds(Value, string_value=_TEXTS),
    "timestamp_value": _SECONDS.map(lambda seconds: Value(timestamp_value={"seconds": seconds})),
    "bytes_value": st.builds(Value, bytes_value=st.binary(max_size=4)),
    "reference_value": st.builds(Value, reference_value=_TEXTS),
    "geo_point_value": st.just(Value(geo_point_value={"latitude": 1})),
    "array_value": st.just(Value(array_value={"values": [{"integer_value": 1}]})),
}
_ANY_SCALAR = st.one_of(*SCALARS.values())
_BSON = st.one_of(
    *(_reserved(key, _ANY_SCALAR) for key in ("__int__", "__decimal128__", "__oid__", "__binary__", "__min__")),
    *(_reserved(key, _ANY_SCALAR) for key in ("__max__", "__regex__", "__request_timestamp__")),
    _reserved("__int__", SCALARS["integer_value"]),
    _reserved("__decimal128__", st.decimals().map(lambda number: Value(string_value=str(number)))),
    _reserved(
        "__request_timestamp__",
        SCALARS["integer_value"].map(lambda seconds: _map(seconds=seconds, increment=Value(integer_value=1))),
    ),
)
VALUES = st.one_of(_ANY_SCALAR, _BSON, st.builds(lambda inner: _map(a=inner), _ANY_SCALAR))
