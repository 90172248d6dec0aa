"""The table of places: every field that is read, fed with every type of value that Firestore has."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.cloud.firestore_v1.types import Value
from hypothesis import given

from exporter.model import Entry, Record
from exporter.sources.documents import WIRE_TYPES, parse_document, parse_entry, parse_heartbeat, plain_fields
from exporter.sources.fields import ALLOWED, FIELDS, Field, Fields, text
from testing.firestore_values import SCALARS, VALUES
from tools.types_page import types_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.model import UnusableField

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
    assert set(SCALARS) == set(WIRE_TYPES)


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
        assert _right(field, found, plain), (found, plain)
    else:
        assert field.name == "_trigger_pending"
        assert isinstance(plain, bool)


def _right(field: Field, found: object, plain: object) -> bool:
    """Whether what was read is what the value says, by a rule that is not the reader's own."""
    match found:
        case bool():
            return found is plain or (found and field.name == "manual_override" and plain is not False)
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


@given(value=VALUES)
def test_an_entry_of_any_type_is_a_map_or_named_and_an_entry_all_the_same(value: Value) -> None:
    fields = plain_fields({"p": Value.pb(value)})

    entry = parse_document(fields).entries["p"]

    assert (entry.malformed == ()) is isinstance(fields["p"], dict)
    assert entry.malformed or entry == Entry()


def test_the_page_of_types_is_the_table() -> None:
    page = Path(__file__).parents[2] / "docs" / "types.md"

    assert page.read_text(encoding="utf-8") == types_markdown(), "stale: run make docs"


def test_a_field_without_a_row_in_the_table_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        Fields(Record.ENTRIES, {"execution_id": "e"}).first(text, "execution_id")
