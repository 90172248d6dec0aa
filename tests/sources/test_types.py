"""The table of places: every field that is read, fed with every type of value that Firestore has."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.cloud.firestore_v1.types import Value
from hypothesis import given

from exporter.config.fields import ENTRIES, FIELDS, Kind, names_of
from exporter.model import Entry, Record
from exporter.sources.documents import WIRE_TYPES, parse_document, parse_entry, parse_heartbeat, plain_fields
from exporter.sources.fields import ALLOWED, READERS, Fields, text
from testing.firestore_values import SCALARS, VALUES
from tools.records_page import records_markdown
from tools.types_page import types_markdown

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.config.fields import RecordField
    from exporter.model import UnusableField

YES = ("true", "yes", "y", "t", "on", "1")
NO = ("false", "no", "n", "f", "off", "0")
READS: dict[tuple[str, str], Callable[[str, Value], tuple[object, tuple[UnusableField, ...]]]] = {}
"""For each field: what a record that has this field alone makes of it, and what it could not use."""


def _reads(record: str, attribute: str | None, key: str) -> None:
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

    READS[record, key] = read


_reads(Record.DOCUMENTS, "triggered", "triggered")
_reads(Record.DOCUMENTS, "trigger_succeeded", "trigger_succeeded")
_reads(Record.DOCUMENTS, None, "trigger_pending")
_reads(Record.DOCUMENTS, "triggered_at", "triggered_at")
_reads(Record.DOCUMENTS, "trigger_reason", "trigger_reason")
_reads(Record.DOCUMENTS, "completed_count", "completed_count")
_reads(Record.DOCUMENTS, "written_mode", "mode")
_reads(Record.ENTRIES, "status", "status")
_reads(Record.ENTRIES, "completed_at", "completed_at")
_reads(Record.ENTRIES, "record_count", "record_count")
_reads(Record.ENTRIES, "incremental", "is_incremental")
_reads(Record.ENTRIES, "manual", "manual_override")
_reads(Record.ENTRIES, "correlation_id", "correlation_id")
_reads(Record.HEARTBEATS, "status", "status")
_reads(Record.HEARTBEATS, "beat_at", "last_heartbeat")
_reads(Record.HEARTBEATS, "data_date", "data_date")
_reads(Record.HEARTBEATS, "started_at", "started_at")
_reads(Record.HEARTBEATS, "error_message", "error_message")

OF_DOCUMENTS = [field for field in FIELDS if field.record in set(Record)]
NAMED = [(field, name) for field in OF_DOCUMENTS for name in field.names]


def test_the_table_of_places_is_complete_and_each_is_fed_with_every_type() -> None:
    assert set(READS) == {(field.record, field.key) for field in OF_DOCUMENTS}
    assert {field.kind for field in OF_DOCUMENTS} == set(ALLOWED) == set(READERS)
    assert set(SCALARS) == set(WIRE_TYPES)


@pytest.mark.parametrize(("field", "name"), NAMED, ids=lambda one: getattr(one, "key", one))
@given(value=VALUES)
def test_a_field_of_any_type_is_the_right_value_or_named_and_never_a_default(
    field: RecordField, name: str, value: Value
) -> None:
    found, malformed = READS[field.record, field.key](name, value)
    plain = plain_fields({"value": Value.pb(value)}, depth=0)["value"]

    if plain is None:
        assert malformed == ()
        assert found in {None, False}
    elif malformed:
        assert [(odd.name, odd.key) for odd in malformed] == [(name, field.key)]
        assert malformed[0].said
        # A word that means nothing is shown as it is.
        assert found is None or (field.kind is Kind.WORD and str(found) in str(plain).lower())
    elif found is not None:
        assert _right(field, found, plain), (found, plain)
    else:
        assert field.key == "trigger_pending"
        assert _told(plain) is not None


def _right(field: RecordField, found: object, plain: object) -> bool:
    """Whether what was read is what the value says, by a rule that is not the reader's own."""
    match found:
        case bool():
            told = _told(plain)
            if found and told is None and field.kind is Kind.HAPPENED:
                return isinstance(plain, datetime) or str(plain).strip()[:1].isdecimal()
            return found == told or (found and told is None and field.key == "manual_override")
        case int():
            return not isinstance(plain, bool) and found == (Decimal(plain) if isinstance(plain, str) else plain)
        case datetime():
            return found.tzinfo is UTC and _says(found, plain)
        case date():
            return f"{found:%Y%m%d}" in str(plain).replace("-", "").replace("/", "")
        case _:
            return str(found) in str(plain).lower() or str(found) in str(plain)


def _told(plain: object) -> bool | None:
    """What a value says as a flag."""
    if isinstance(plain, datetime):
        return None
    told = str(int(plain)) if isinstance(plain, int | float) and plain in {0, 1} else str(plain).strip().lower()
    return {**dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}.get(told)


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

    if isinstance(fields["p"], dict):
        assert (entry.malformed, entry) == ((), Entry())
    elif not entry.malformed:
        assert isinstance(fields["p"], bool | str | datetime)
        assert entry in [Entry(entry.status), Entry(completed_at=entry.completed_at)]
        assert entry != Entry()


@pytest.mark.parametrize(("name", "text"), [("types.md", types_markdown), ("records.md", records_markdown)])
def test_the_pages_of_types_and_records_are_the_tables(name: str, text: Callable[[], str]) -> None:
    page = Path(__file__).parents[2] / "docs" / name

    assert page.read_text(encoding="utf-8") == text(), "stale: run make docs"


def test_a_field_without_a_row_in_the_table_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        Fields(Record.ENTRIES, {"execution_id": "e"}, names_of(ENTRIES)).first(text, "execution_id")
