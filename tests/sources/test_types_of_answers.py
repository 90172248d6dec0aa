"""The table of places in BigQuery's answers: every column that is read, with every type and values of each type."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from google.cloud.bigquery.enums import StandardSqlTypeNames
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config.resolved import CalendarConfig, CoverageConfig, PhaseLogConfig, RunHistoryConfig, TableRef
from exporter.model import CoverageCounts, ErrorKind, RowCount, Run
from exporter.sources.errors import one_line
from exporter.sources.fields import EARLIEST, LATEST
from exporter.sources.ports import ContextRequest, Deadline, RunHistoryRequest, SourceError
from exporter.sources.queries import CONTEXT, ROW_COUNTS
from testing.bigquery_rest import BigQueryRest, Rows
from testing.bigquery_values import ARRAYS, PROMISED, TYPES
from tests.sources.asking import NEW_YORK, NOON, PLAYERS, SATURDAY, WINDOW, WRITTEN, counts, warehouse_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.sources.bigquery import BigQueryWarehouse

TABLE: Final = TableRef("a.b", "day", "written")
DAYS: Final = tuple(WINDOW.first + timedelta(days=number) for number in range(3))


@dataclass(frozen=True)
class Place:
    """What is read in one place: how, and a row that it can be read from, by column."""

    columns: Mapping[str, str]
    row: Mapping[str, object]
    read: Callable[[BigQueryWarehouse], Any]


def _context(field: str, key: object, request: ContextRequest) -> Callable[[BigQueryWarehouse], Any]:
    return lambda warehouse: getattr(warehouse.context(request, WINDOW, Deadline(30)), field)[key]


COVERAGE: Final = CoverageConfig("good", TABLE, 0, "good", "good", {"dnp": "NOT good"}, 0.9, 0.9, 0.8)
PLACES: Final[Mapping[str, Place]] = {
    "rows": Place(
        ROW_COUNTS,
        {"part": 0, "day": SATURDAY, "counted": 212, "written": WRITTEN, "units": "7", "duplicates": 2},
        lambda warehouse: counts(warehouse)[PLAYERS.name],
    ),
    "calendar": Place(
        CONTEXT,
        {"part": 0, "day": SATURDAY, "name": None, "units": "6", "counts": []},
        _context("units", "nba", ContextRequest(calendars={"nba": CalendarConfig(TABLE, "COUNT(*)")})),
    ),
    "run history": Place(
        CONTEXT,
        {
            "part": 0,
            "day": SATURDAY,
            "name": "P",
            "run": "r",
            "phase": "phase_3",
            "status": "success",
            "category": None,
            "started": WRITTEN,
            "finished": WRITTEN,
            "backfill": "false",
            "counts": [],
        },
        _context(
            "runs",
            "nba",
            ContextRequest(run_history={"nba": RunHistoryRequest(RunHistoryConfig(TABLE, "written"), ("P",))}),
        ),
    ),
    "phase log": Place(
        CONTEXT,
        {"part": 0, "day": SATURDAY, "name": "a_to_b", "counts": [2]},
        _context("phase_log", "nba", ContextRequest(phase_log={"nba": PhaseLogConfig(TABLE, ("a_to_b",), 0)})),
    ),
    "coverage": Place(
        CONTEXT,
        {"part": 0, "day": SATURDAY, "counts": [212, 118, 118, 94]},
        _context("coverage", ("nba", "good"), ContextRequest(coverage={("nba", "good"): COVERAGE})),
    ),
}
COLUMNS: Final = [(place, column) for place in ("rows", "run history") for column in PLACES[place].columns]
"""Every column of the two kinds of answer: their types are looked at in one place, whatever is read from them."""
EVERY: Final = {**TYPES, **ARRAYS}
AS_GOOD: Final = {"ARRAY<INT64>": "ARRAY<NUMERIC>"}
CAST: Final = [name for name, kind in TYPES.items() if kind.texts is not None]
YES: Final = ("true", "yes", "y", "t", "on", "1")
NO: Final = ("false", "no", "n", "f", "off", "0")
MOMENTS: Final = ("written", "started", "finished")
READ: Final = [(place, column) for place in PLACES for column in PLACES[place].row]


@pytest.fixture(name="asked", scope="module")
def _asked() -> Iterator[tuple[BigQueryRest, BigQueryWarehouse]]:
    """One server and one reader for all examples."""
    with BigQueryRest(long_poll=0.05) as server, warehouse_at(server.address, daily=2**60) as warehouse:
        yield server, warehouse


def answered(
    asked: tuple[BigQueryRest, BigQueryWarehouse], place: str, values: Mapping[str, object], **types: str
) -> Any:  # noqa: ANN401 - of each place its own
    """What the place makes of its row with these values instead, in columns of these types."""
    server, warehouse = asked
    columns = {**PLACES[place].columns, **types}
    row = {**PLACES[place].row, **values}
    server.answer(Rows(columns, [[row.get(column) for column in columns]]))
    try:
        return PLACES[place].read(warehouse)
    except SourceError as error:
        return error


def test_every_type_of_bigquery_and_every_promised_type_is_in_the_tables() -> None:
    names = {name.name for name in StandardSqlTypeNames} - {"TYPE_KIND_UNSPECIFIED", "ARRAY"}

    assert {name.partition("<")[0] for name in TYPES} == names
    assert set(PROMISED) == {*ROW_COUNTS.values(), *CONTEXT.values()}
    assert set().union(*(place.row for place in PLACES.values())) == {*ROW_COUNTS, *CONTEXT}


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize(("place", "column"), COLUMNS)
@settings(max_examples=2)
@given(data=st.data())
def test_a_column_of_another_type_makes_its_part_unknown_by_name_and_type_whatever_is_in_it(
    asked: tuple[BigQueryRest, BigQueryWarehouse], place: str, column: str, kind: str, data: st.DataObject
) -> None:
    promised = PLACES[place].columns[column]
    value = data.draw(EVERY[kind].cells)

    found = answered(asked, place, {column: value}, **{column: kind})

    if kind not in {promised, AS_GOOD.get(promised)}:
        assert isinstance(found, SourceError)
        assert found.kind is ErrorKind.INVALID
        named = kind.replace("RANGE<DATE>", "RANGE").replace("STRUCT<a INT64>", "STRUCT")
        assert f"the answer's column {column} is {named}, not {promised}" in found.detail


@pytest.mark.parametrize(("place", "column"), [found for found in READ if found[1] not in MOMENTS])
@settings(max_examples=50)
@given(data=st.data())
def test_any_value_of_the_promised_type_and_null_are_right_or_an_error_and_never_a_default(
    asked: tuple[BigQueryRest, BigQueryWarehouse], place: str, column: str, data: st.DataObject
) -> None:
    values = PROMISED[PLACES[place].columns[column]]
    # An array is never NULL in an answer: BigQuery makes an empty one of it.
    value = data.draw(values if column == "counts" else st.none() | values)

    found = answered(asked, place, {column: value})

    if isinstance(found, SourceError):
        assert not lawful(place, column, value)
    else:
        assert found == expected(place, {**PLACES[place].row, column: value})


def lawful(place: str, column: str, value: Any) -> bool:  # noqa: ANN401 - of each column its own
    """Whether this can be in an answer of BigQuery's to what is asked."""
    match column:
        case "part":
            return bool(value == 0)
        case "day":
            return value is not None
        case "counted" | "duplicates":
            return (value is None and column == "duplicates") or (value is not None and value >= 0)
        case "counts":
            wanted = {"phase log": 1, "coverage": 4}.get(place)
            return wanted is None or (len(value) == wanted and all(number >= 0 for number in value))
        case "units" if place != "rows":
            return unsigned(value).isdecimal() and int(value) < 2**63
        case _:
            return column != "backfill" or not value or value.strip().lower() in (*YES, *NO)


def unsigned(value: object) -> str:
    """A number's text without its plus."""
    return str(value).strip().removeprefix("+")


def expected(place: str, row: Mapping[str, Any]) -> object:
    """What the row says, by rules that are not the reader's own."""
    days = {day: day == row["day"] for day in DAYS}
    match place:
        case "rows":
            units = unsigned(row["units"])
            covered = int(units) if units.isdecimal() and int(units) < 2**63 else 0
            counted_rows = RowCount(row["counted"], NOON, covered or None, row["duplicates"])
            return {day: counted_rows if here else RowCount(0) for day, here in days.items()}
        case "calendar":
            counted = not row["name"]
            return {day: int(row["units"]) if here and counted else 0 for day, here in days.items()}
        case "phase log":
            known = row["name"] == "a_to_b"
            return {(day, "a_to_b"): row["counts"][0] if here and known else 0 for day, here in days.items()}
        case "coverage":
            total, eligible, covered, dnp = row["counts"]
            said = CoverageCounts(total, eligible, covered, {"dnp": dnp})
            nothing = CoverageCounts(0, 0, 0, {"dnp": 0})
            return {day: said if here else nothing for day, here in days.items()}
        case _:
            run = Run(
                processor=row["name"] or "",
                run_id=row["run"] or "",
                status=(row["status"] or "unknown").strip().lower(),
                data_date=row["day"],
                phase=row["phase"] or None,
                started_at=NOON,
                finished_at=NOON if (row["status"] or "").strip().lower() != "running" else None,
                backfill=(row["backfill"] or "").strip().lower() in YES,
                category=row["category"] or None,
            )
            return (run,) if row["name"] else ()


# --- moments and run ids, which are read as text --------------------------------------------------------------------


@pytest.mark.parametrize("kind", CAST)
@pytest.mark.parametrize(("place", "column"), [found for found in READ if found[1] in MOMENTS])
@settings(max_examples=15)
@given(data=st.data())
def test_a_moment_of_any_type_is_the_right_one_or_named(
    asked: tuple[BigQueryRest, BigQueryWarehouse], place: str, column: str, kind: str, data: st.DataObject
) -> None:
    texts = TYPES[kind].texts
    assert texts is not None
    told, value = data.draw(texts)

    found = answered(asked, place, {column: told})

    read = found[SATURDAY] if place == "rows" else found[0]
    moment = {"written": "written_at", "started": "started_at", "finished": "finished_at"}[column]
    name = {"written": "processed_at", "started": "started_at", "finished": "written"}[column]
    at = getattr(read, moment)
    assert [odd.name for odd in read.unusable] == ([] if at else [name])
    if at is None:
        assert one_line(told, 60) in read.unusable[0].said
    assert right_moment(kind, value, at)


def right_moment(kind: str, value: Any, at: datetime | None) -> bool:  # noqa: ANN401 - of each type its own
    """Whether a value of this type was read as what it is."""
    match kind:
        case "TIMESTAMP":
            return bool(at == value) or (at is None and not EARLIEST <= value <= LATEST)
        case "DATETIME":
            local = {value.replace(tzinfo=NEW_YORK, fold=fold).utcoffset() for fold in (0, 1)}
            return (
                (at is None) if len(local) > 1 or at is None else at.astimezone(NEW_YORK).replace(tzinfo=None) == value
            )
        case "DATE" | "TIME" | "BOOL" | "INTERVAL" | "RANGE<DATE>":
            return at is None
        case "STRING" | "BYTES" if at is not None and not str(value).strip().isdecimal():
            said = datetime.fromisoformat(value.strip())
            return at == (said if said.tzinfo else said.replace(tzinfo=NEW_YORK))
        case _:
            # A number since 1970, of a size that leaves no doubt.
            sizes = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}
            unit = 0 if at is None else sizes[len(str(int(float(value))))]
            return at is None or abs(at.timestamp() - float(value) / unit) < 1e-3


@pytest.mark.parametrize(("place", "column"), [found for found in READ if found[1] in MOMENTS])
def test_a_moment_that_is_null_is_unknown_and_nothing_is_unusable(
    asked: tuple[BigQueryRest, BigQueryWarehouse], place: str, column: str
) -> None:
    found = answered(asked, place, {column: None})

    read = found[SATURDAY] if place == "rows" else found[0]
    assert read.unusable == ()
    assert getattr(read, f"{column}_at") is None


@pytest.mark.parametrize("kind", CAST)
@settings(max_examples=10)
@given(data=st.data())
def test_a_run_id_of_any_type_is_the_text_that_it_has(
    asked: tuple[BigQueryRest, BigQueryWarehouse], kind: str, data: st.DataObject
) -> None:
    texts = TYPES[kind].texts
    assert texts is not None
    told, _ = data.draw(texts)

    (run,) = answered(asked, "run history", {"run": told})

    assert run.run_id == told


@pytest.mark.parametrize("kind", CAST)
@settings(max_examples=15)
@given(data=st.data())
def test_units_of_any_type_are_the_number_that_they_are_or_named(
    asked: tuple[BigQueryRest, BigQueryWarehouse], kind: str, data: st.DataObject
) -> None:
    texts = TYPES[kind].texts
    assert texts is not None
    told, value = data.draw(texts)

    found = answered(asked, "calendar", {"units": told})

    if isinstance(found, SourceError):
        assert f"its units on {SATURDAY} are " in found.detail
    else:
        assert float(found[SATURDAY]) == float(str(value))
        assert kind in {"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "STRING", "BYTES"}
