"""The table of places: every field that is read, fed with every type of value that Firestore has."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.cloud.firestore_v1.types import Value
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Record
from exporter.sources.documents import parse_document, parse_entry, parse_heartbeat
from exporter.sources.fields import ALLOWED, FIELDS, Field, Fields, text
from exporter.sources.values import WIRE_TYPES, plain_fields
from tools.types_page import types_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.model import UnusableField

_SECONDS = st.integers(min_value=-(2**34), max_value=2**34)
_INTEGERS = st.integers(min_value=-(2**63), max_value=2**63 - 1) | st.sampled_from([20260201, 1769947200])
_TEXTS = st.text(max_size=20) | st.sampled_from(
    ["", "true", "2026-02-01", "20260201", "2026-02-01T12:00:00Z", "1769947200", "success", "5", "NaN"]
)


def _map(**fields: Value) -> Value:
    return Value(map_value={"fields": fields})


def _reserved(key: str, values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return values.map(lambda value: _map(**{key: value}))


_SCALARS: dict[str, st.SearchStrategy[Value]] = {
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
_ANY_SCALAR = st.one_of(*_SCALARS.values())
_BSON = st.one_of(
    *(_reserved(key, _ANY_SCALAR) for key in ("__int__", "__decimal128__", "__oid__", "__binary__", "__min__")),
    *(_reserved(key, _ANY_SCALAR) for key in ("__max__", "__regex__", "__request_timestamp__")),
    _reserved("__int__", _SCALARS["integer_value"]),
    _reserved("__decimal128__", st.decimals().map(lambda number: Value(string_value=str(number)))),
    _reserved(
        "__request_timestamp__",
        _SCALARS["integer_value"].map(lambda seconds: _map(seconds=seconds, increment=Value(integer_value=1))),
    ),
)
VALUES = st.one_of(_ANY_SCALAR, _BSON, st.builds(lambda inner: _map(a=inner), _ANY_SCALAR))

READS: dict[tuple[Record, str], Callable[[Value], tuple[object, tuple[UnusableField, ...]]]] = {}
"""For each field: what a record that has this field alone makes of it, and what it could not use."""


def _reads(record: Record, attribute: str | None, *names: str) -> None:
    def read(name: str, value: Value) -> tuple[object, tuple[UnusableField, ...]]:
        fields = plain_fields({name: Value.pb(value)}, depth=0)
        match record:
            case Record.DOCUMENTS:
                found: object = parse_document(fields)
            case Record.ENTRIES:
                found = parse_entry(fields)
            case _:
                found = parse_heartbeat("P", fields)
        return getattr(found, attribute) if attribute else None, found.malformed  # type: ignore[attr-defined]  # all have it

    for name in names:
        READS[record, name] = lambda value, name=name: read(name, value)  # type: ignore[misc]  # a default that binds


_reads(Record.DOCUMENTS, "triggered", "_triggered")
_reads(Record.DOCUMENTS, "trigger_succeeded", "_trigger_succeeded")
_reads(Record.DOCUMENTS, None, "_trigger_pending")
_reads(Record.DOCUMENTS, "triggered_at", "_triggered_at")
_reads(Record.DOCUMENTS, "trigger_reason", "_trigger_reason")
_reads(Record.DOCUMENTS, "completed_count", "_completed_count")
_reads(Record.DOCUMENTS, "written_mode", "_mode")
_reads(Record.ENTRIES, "status", "status")
_reads(Record.ENTRIES, "completed_at", "completed_at", "timestamp")
_reads(Record.ENTRIES, "record_count", "record_count", "records_processed")
_reads(Record.ENTRIES, "incremental", "is_incremental")
_reads(Record.ENTRIES, "manual", "manual_override")
_reads(Record.ENTRIES, "correlation_id", "correlation_id")
_reads(Record.HEARTBEATS, "status", "status")
_reads(Record.HEARTBEATS, "beat_at", "last_heartbeat", "updated_at")
_reads(Record.HEARTBEATS, "data_date", "data_date")
_reads(Record.HEARTBEATS, "started_at", "started_at")
_reads(Record.HEARTBEATS, "error_message", "error_message")


def test_the_table_of_places_is_complete_and_each_is_fed_with_every_type() -> None:
    assert set(READS) == {(field.record, field.name) for field in FIELDS}
    assert {field.read for field in FIELDS} == set(ALLOWED)
    assert set(_SCALARS) == set(WIRE_TYPES)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: f"{field.record}.{field.name}")
@given(value=VALUES)
def test_a_field_of_any_type_is_the_right_value_or_named_and_never_a_default(field: Field, value: Value) -> None:
    found, malformed = READS[field.record, field.name](value)
    plain = plain_fields({"value": Value.pb(value)}, depth=0)["value"]

    if plain is None:
        assert malformed == ()
        assert found in {None, False}
    elif malformed:
        assert [odd.name for odd in malformed] == [field.name]
        assert malformed[0].said
        assert found is None
    elif found is not None:
        assert _right(found, plain), (found, plain)
    else:
        assert field.name == "_trigger_pending"
        assert isinstance(plain, bool)


def _right(found: object, plain: object) -> bool:
    """Whether what was read is what the value says, by a rule that is not the reader's own."""
    match found:
        case bool():
            return found is plain or (found and plain is not False and not isinstance(plain, bool))
        case int():
            return not isinstance(plain, bool | str) and found == plain
        case datetime():
            return found.tzinfo is UTC and _says(found, plain)
        case date():
            return f"{found:%Y%m%d}" in str(plain).replace("-", "")
        case _:
            return str(found) in str(plain).lower() or str(found) in str(plain)


def _says(found: datetime, plain: object) -> bool:
    if isinstance(plain, datetime):
        return found == plain
    if isinstance(plain, str) and not plain.strip().isdecimal():
        return found == datetime.fromisoformat(plain.strip())
    number = float(str(plain))
    return any(math.isclose(found.timestamp(), number / unit, abs_tol=1e-3) for unit in (1, 1e3, 1e6, 1e9))


def test_the_page_of_types_is_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "types.md"

    assert page.read_text(encoding="utf-8") == types_markdown(), "stale: run make docs"


def test_a_field_without_a_row_in_the_table_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        Fields(Record.ENTRIES, {"execution_id": "e"}).first(text, "execution_id")
