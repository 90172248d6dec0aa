"""Types of columns: what names one, what a value of it becomes, and what the client's own columns are."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import pytest
from google.cloud.bigquery import SchemaField
from hypothesis import given
from hypothesis import strategies as st

from exporter.incidents.kinds import ARRAY, STRUCT, Kind, UnknownKindError, kind_of, parse_kind, type_text

if TYPE_CHECKING:
    from collections.abc import Mapping

SCALARS = (
    *("STRING", "BYTES", "INT64", "FLOAT64", "NUMERIC", "BOOL", "DATE", "DATETIME", "TIMESTAMP", "TIME", "INTERVAL"),
    *("JSON", "GEOGRAPHY"),
)


def _structs(inner: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    fields = st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=2)
    return fields.map(lambda found: Kind(STRUCT, tuple(found.items())))


def _arrays(inner: st.SearchStrategy[Kind]) -> st.SearchStrategy[Kind]:
    return inner.filter(lambda kind: kind.name != ARRAY).map(lambda kind: Kind(ARRAY, (("", kind),)))


ANY_KIND = st.recursive(
    st.sampled_from(SCALARS).map(Kind), lambda inner: st.one_of(_structs(inner), _arrays(inner)), max_leaves=4
)


@given(ANY_KIND)
def test_a_type_is_the_same_written_and_as_the_clients_column(kind: Kind) -> None:
    assert parse_kind(str(kind)) == kind
    assert kind_of(kind.column("x")) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [("string", "STRING"), ("array< struct<a int64,b\tString> >", "ARRAY<STRUCT<a INT64, b STRING>>")],
)
def test_capitals_and_spaces_make_no_difference(text: str, kind: str) -> None:
    assert str(parse_kind(text)) == kind


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("BIGNUMERIC", '"BIGNUMERIC": the local BigQuery has no BIGNUMERIC: write NUMERIC'),
        ("ARRAY<BIGNUMERIC>", '"ARRAY<BIGNUMERIC>": the local BigQuery has no BIGNUMERIC: write NUMERIC'),
        ("RANGE<DATE>", '"RANGE<DATE>": the local BigQuery has no RANGE: write two columns'),
        ("ARRAY<ARRAY<DATE>>", '"ARRAY<ARRAY<DATE>>": an ARRAY cannot hold an ARRAY: put a STRUCT between them'),
        (
            "DATETME",
            "must be one of STRING, BYTES, INT64, FLOAT64, NUMERIC, BOOL, DATE, DATETIME, TIMESTAMP, TIME, INTE",
        ),
        ("INT64 x", "must be one of"),
        ("STRUCT<a>", "must be one of"),
        ("STRUCT<a INT64", "must be one of"),
        ("ARRAY<INT64, DATE>", "must be one of"),
        ("NUMERIC(10, 2)", "must be one of"),
        ("ARRAY", "must be one of"),
        ("", "must be one of"),
    ],
)
def test_what_is_no_type_is_refused_with_what_to_write(text: str, message: str) -> None:
    with pytest.raises(UnknownKindError) as refused:
        parse_kind(text)

    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("kind", "value", "written"),
    [
        ("BYTES", b"\x00\xff", "AP8="),
        ("BYTES", "AP8=", "AP8="),
        ("DATETIME", datetime(2026, 2, 1, 7), "2026-02-01T07:00:00"),  # noqa: DTZ001 - a local time
        ("DATETIME", "2026-02-01 07:00:00.5", "2026-02-01T07:00:00.500000"),
        ("TIME", "07:00:00.5", "07:00:00.500000"),
        ("INTERVAL", "1-2 3 4:5:6", "1-2 3 4:5:6"),
        ("GEOGRAPHY", "POINT(1 2)", "POINT(1 2)"),
        ("JSON", {"a": [1, None, "x"]}, '{"a": [1, null, "x"]}'),
        ("ARRAY<DATE>", [date(2026, 2, 1), "2026-02-02"], ["2026-02-01", "2026-02-02"]),
        ("STRUCT<a INT64, b NUMERIC>", {"a": 1}, {"a": "1"}),
        ("ARRAY<STRUCT<at TIMESTAMP>>", [{"at": "2026-02-01T07:00:00Z"}], [{"at": "2026-02-01T07:00:00+00:00"}]),
        ("STRUCT<a INT64>", None, None),
    ],
)
def test_a_value_is_written_by_its_type(kind: str, value: object, written: object) -> None:
    assert parse_kind(kind).encoded(value) == written


@pytest.mark.parametrize(
    ("kind", "value", "what"),
    [
        ("BYTES", "not base64!", "bytes: !!binary, or text in base64"),
        ("DATETIME", datetime(2026, 2, 1, 7, tzinfo=UTC), "a local time without zone as in 2026-01-31T15:00:00"),
        ("DATETIME", date(2026, 2, 1), "a local time without zone as in 2026-01-31T15:00:00"),
        ("TIME", 25_200, "a time of day in quotes as in '15:00:00'"),
        ("TIME", time(7, tzinfo=UTC), "a time of day in quotes as in '15:00:00'"),
        ("INTERVAL", 5, "text as in '1-2 3 4:5:6'"),
        ("JSON", {"at": date(2026, 2, 1)}, "a value that JSON has"),
        ("JSON", float("nan"), "a value that JSON has"),
        ("ARRAY<STRING>", "a", "a list of values of its type"),
        ("ARRAY<STRING>", [1], "a list of values of its type"),
        ("STRUCT<a INT64>", {"b": 1}, "a mapping of its fields to values of their types"),
        ("STRUCT<a INT64>", [1], "a mapping of its fields to values of their types"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, value: object, what: str) -> None:
    parsed = parse_kind(kind)

    assert not parsed.takes(value)
    assert parsed.what == what


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (SchemaField("x", "BIGNUMERIC"), "BIGNUMERIC"),
        (SchemaField("x", "RANGE", range_element_type="DATE"), "RANGE"),
        (SchemaField("x", "RECORD", mode="REPEATED", fields=[SchemaField("y", "BIGNUMERIC")]), "ARRAY<STRUCT>"),
    ],
)
def test_a_column_that_the_local_bigquery_does_not_hold_has_no_type_here(column: SchemaField, text: str) -> None:
    assert kind_of(column) is None
    assert type_text(column) == text


OLDER: Mapping[str, str] = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}


@pytest.mark.parametrize(("older", "name"), OLDER.items())
def test_the_older_names_of_the_rest_api_are_read(older: str, name: str) -> None:
    assert kind_of(SchemaField("x", older)) == Kind(name)
