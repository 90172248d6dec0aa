"""What a capture says of any value: the file can be read, and what the exporter makes of it is the same."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from google.cloud.firestore_v1.types import Document as WireDocument
from google.cloud.firestore_v1.types import Value
from hypothesis import given
from hypothesis import strategies as st

from exporter.emulators.firestore import FirestoreServer
from exporter.incidents.incident import dump_incident, one_line, parse_incident
from exporter.incidents.kinds import parse_kind
from exporter.incidents.sayable import Notes, cell, document, window
from exporter.incidents.tables import expand_rows, read_definitions
from exporter.metrics.telemetry import Telemetry
from exporter.sources.documents import BSON_TYPES, plain_fields
from exporter.sources.fields import Unusable
from exporter.sources.firestore import FirestoreStore
from exporter.sources.ports import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping

NEW_YORK = ZoneInfo("America/New_York")
PATH = "phase3_completion/2026-02-01"
ELSEWHERE = "projects/elsewhere/databases/other/documents/a/b"

SCALARS: Mapping[str, st.SearchStrategy[Any]] = {
    "null_value": st.just(0),
    "boolean_value": st.booleans(),
    "integer_value": st.integers(-(2**63), 2**63 - 1),
    "double_value": st.floats(),
    "timestamp_value": st.builds(
        lambda seconds, nanos: {"seconds": seconds, "nanos": nanos},
        st.integers(-62135596800, 253402300799),
        st.integers(0, 999_999_999),
    ),
    "string_value": st.text(max_size=20),
    "bytes_value": st.binary(max_size=20),
    "reference_value": st.just(ELSEWHERE),
    "geo_point_value": st.just({"latitude": 1.5, "longitude": -2.0}),
}
"""Every kind of value but arrays and maps, which hold others."""


def scalar(kind: str) -> st.SearchStrategy[Any]:
    return SCALARS[kind].map(lambda content: Value(**{kind: content}))


BSON = st.sampled_from(sorted(BSON_TYPES)).flatmap(
    lambda key: st.one_of(*map(scalar, SCALARS)).map(lambda value: Value(map_value={"fields": {key: value}}))
)
VECTORS = st.just(
    Value(
        map_value={
            "fields": {
                "__type__": Value(string_value="__vector__"),
                "value": Value(array_value={"values": [Value(double_value=1.0)]}),
            }
        }
    )
)
ATOMS = st.one_of(*map(scalar, SCALARS), BSON, VECTORS, st.just(Value()))
NAMES = st.text(max_size=8) | st.sampled_from(["__id__", "__type__", "<<", "=", "1", "null", "2026-02-01", "x" * 1501])
VALUES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: Value(array_value={"values": items})),
        st.dictionaries(NAMES, inner, max_size=3).map(lambda fields: Value(map_value={"fields": fields})),
    ),
    max_leaves=6,
)


def alike(value: object) -> object:
    """A value as the exporter takes it; which of the unusable ones it is makes no difference to a verdict."""
    if isinstance(value, Unusable):
        return "unusable"
    if isinstance(value, dict):
        return {name: alike(inner) for name, inner in value.items()}
    return repr(value)


def without_reserved(value: object) -> object:
    """Without the fields that no local Firestore can hold."""
    if not isinstance(value, dict):
        return value
    return {
        name: without_reserved(inner)
        for name, inner in value.items()
        if name and len(name.encode()) <= 1500 and not (name.startswith("__") and name.endswith("__"))
    }


def replayed(fields: Mapping[str, Any]) -> tuple[dict[str, object], str]:
    """What the exporter reads of these fields in a replay of their capture, and the file."""
    notes = Notes()
    content = {
        "title": "Captured",
        "clock": datetime(2026, 2, 1, tzinfo=UTC),
        "firestore": {PATH: one_line(document(fields, PATH, notes))},
    }
    text = "".join(f"# {note}\n" for note in notes) + dump_incident(content)
    store = FirestoreStore(project=SERVER.project, database="(default)", telemetry=Telemetry(), endpoint=SERVER.address)
    try:
        SERVER.put(PATH, parse_incident(text, "captured").firestore[PATH])
        found = store.contents([PATH], Deadline(30))[PATH]
    finally:
        store.close()
    assert found is not None
    return plain_fields(found.fields), text


SERVER = FirestoreServer(project="test-project")


@pytest.fixture(autouse=True, scope="module")
def _server() -> Any:  # noqa: ANN401 - a fixture's generator
    with SERVER:
        yield


@given(fields=st.dictionaries(NAMES, VALUES, max_size=3))
def test_any_document_is_read_in_a_replay_as_it_was(fields: Mapping[str, Any]) -> None:
    wire = WireDocument.pb(WireDocument(fields=fields)).fields

    found, _ = replayed(wire)

    assert alike(found) == alike(without_reserved(plain_fields(wire)))


@pytest.mark.parametrize("kind", ["reference_value", "geo_point_value"])
def test_what_yaml_has_no_form_for_is_named_at_its_place(kind: str) -> None:
    odd = Value(**{kind: ELSEWHERE if kind == "reference_value" else {"latitude": 1.0}})
    fields = {"entry": Value(map_value={"fields": {"status": odd}}), "list": Value(array_value={"values": [odd]})}

    _, text = replayed(WireDocument.pb(WireDocument(fields=fields)).fields)

    assert f'# {PATH} "entry" "status": {kind.removesuffix("_value").replace("_", " ")}' in text
    assert f'# {PATH} "list"[0]: ' in text
    assert "elsewhere" not in text


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=12),
    st.just("{n} of {n}"),
    st.sampled_from(["2026-02-01", "2026-02-01T12:00:00.123456789012Z", "1769947200000000"]),
    st.decimals(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(),
    st.binary(max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.builds(object),
)
"""What the real client makes of every BigQuery type, STRUCT, RANGE, JSON and INTERVAL included."""
TYPES = (
    *("STRING", "BYTES", "INT64", "FLOAT64", "NUMERIC", "BOOL", "DATE", "DATETIME", "TIME", "TIMESTAMP", "INTERVAL"),
    *("JSON", "GEOGRAPHY", "ARRAY<INT64>", "STRUCT<a INT64, b STRING>", "ARRAY<STRUCT<a JSON>>"),
)
NESTED = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from("ab{}"), inner, max_size=2)),
).map(json.dumps)
"""What TO_JSON_STRING gives."""


@given(value=st.one_of(CELLS, NESTED), kind=st.sampled_from(TYPES))
def test_any_cell_becomes_one_that_the_local_table_takes_or_is_named(value: object, kind: str) -> None:
    definitions = read_definitions({"d.t": {"partition": "day", "columns": {"day": "DATE", "x": kind}}})
    notes = Notes()

    said = cell(value, parse_kind(kind), "table d.t x", notes)

    text = dump_incident({"title": "t", "clock": datetime(2026, 2, 1, tzinfo=UTC), "bigquery": {"d.t": [{"x": said}]}})
    rows = expand_rows(definitions, parse_incident(text, "captured").bigquery)
    assert len(rows["d.t"]) == 1
    assert all(note.startswith("table d.t x: ") and note.isprintable() for note in notes)
    if said is None:
        assert value is None or notes


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        (Decimal(24), "NUMERIC", 24),
        (Decimal("24.5"), "NUMERIC", 24.5),
        (Decimal("0.12345678901234567890123"), "NUMERIC", "0.12345678901234567890123"),
        (datetime(2026, 2, 1, 7), "DATETIME", datetime(2026, 2, 1, 7)),  # noqa: DTZ001 - a local time
        (datetime(2026, 2, 1, 12, tzinfo=UTC), "TIMESTAMP", datetime(2026, 2, 1, 12, tzinfo=UTC)),
        ("2026-02-01T12:00:00.123456789012Z", "TIMESTAMP", datetime(2026, 2, 1, 12, 0, 0, 123456, tzinfo=UTC)),
        (time(1, 2), "TIME", "01:02:00"),
        (b"\x00", "BYTES", b"\x00"),
        ('{"a": [1, null]}', "JSON", {"a": [1, None]}),
        ("[1, 2]", "ARRAY<INT64>", [1, 2]),
        ('{"a": "9007199254740993"}', "STRUCT<a INT64>", {"a": "9007199254740993"}),
        (float("nan"), "FLOAT64", None),
    ],
)
def test_a_cell_keeps_its_value(value: object, kind: str, said: object) -> None:
    assert cell(value, parse_kind(kind), "x", Notes()) == said


def test_a_window_of_instants_begins_and_ends_with_the_pipelines_days() -> None:
    first, after = date(2026, 3, 7), date(2026, 3, 9)
    midnight = time()

    assert window("DATE", first, after - timedelta(days=1), NEW_YORK) == (first, after)
    assert window("DATETIME", first, after - timedelta(days=1), NEW_YORK) == (
        datetime.combine(first, midnight),
        datetime.combine(after, midnight),
    )
    found = window("TIMESTAMP", first, after - timedelta(days=1), NEW_YORK)
    assert [moment.astimezone(UTC).hour for moment in found if isinstance(moment, datetime)] == [5, 4]
