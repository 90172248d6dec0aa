"""Date columns: how each type is asked for, and how its type becomes known."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from exporter.config.resolved import TableRef
from exporter.model import ErrorKind, RowCount
from exporter.sources import dates, queries
from exporter.sources.dates import DateColumns, DateType
from exporter.sources.errors import CallFailed, Fault
from exporter.sources.ports import Deadline, SourceError, Window
from exporter.sources.queries import ROW_COUNTS, Query, row_count_part
from testing.bigquery_rest import BigQueryRest, Rows, invalid_query
from tests.sources.asking import COUNTED, NOON, OFFENSE, PLAYERS, SATURDAY, WINDOW, WRITTEN, counts

if TYPE_CHECKING:
    from exporter.sources.bigquery import BigQueryWarehouse

PART = row_count_part(PLAYERS, "p")


def known(kind: str, zone: str = "America/New_York") -> DateColumns:
    found = DateColumns(ZoneInfo(zone))
    found.learn([PART], lambda _: {"column_0": kind})
    return found


@pytest.mark.parametrize(
    ("kind", "day", "within", "bounds"),
    [
        ("DATE", "`game_date`", "`game_date` BETWEEN @first AND @last", [WINDOW.first, WINDOW.last]),
        (
            "DATETIME",
            "DATE(`game_date`)",
            "`game_date` >= @first_datetime AND `game_date` < @end_datetime",
            [datetime(2026, 1, 30), datetime(2026, 2, 2)],  # noqa: DTZ001 - a DATETIME has no zone
        ),
        (
            "TIMESTAMP",
            "DATE(`game_date`, 'America/New_York')",
            "`game_date` >= @first_timestamp AND `game_date` < @end_timestamp",
            [datetime(2026, 1, 30, 5, tzinfo=UTC), datetime(2026, 2, 2, 5, tzinfo=UTC)],
        ),
    ],
)
def test_each_type_is_selected_by_the_bare_column_and_grouped_by_the_local_date(
    kind: str, day: str, within: str, bounds: list[date]
) -> None:
    query = known(kind).union([PART], WINDOW)

    assert f"{day} AS day" in query.sql
    assert f"WHERE {within}\nGROUP BY {day}" in query.sql
    assert [(parameter.type, parameter.value) for parameter in query.parameters] == [(kind, bound) for bound in bounds]


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 8), "America/New_York", 23),
        (date(2026, 11, 1), "America/New_York", 25),
        (date(2026, 2, 1), "America/New_York", 24),
        # The clocks go forward at midnight: the day begins at one.
        (date(2026, 9, 6), "America/Santiago", 23),
        (date(2026, 2, 1), "UTC", 24),
    ],
)
def test_a_day_of_timestamps_is_as_long_as_its_clocks_make_it(day: date, zone: str, hours: int) -> None:
    begin, end = (parameter.value for parameter in known("TIMESTAMP", zone).union([PART], Window(day, day)).parameters)

    assert isinstance(begin, datetime)
    assert isinstance(end, datetime)
    assert (end - begin).total_seconds() == hours * 3600


def test_the_query_for_types_names_every_column_once_and_reads_no_row() -> None:
    asked: list[Query] = []

    def types_of(query: Query) -> dict[str, str]:
        asked.append(query)
        return {"column_0": "DATE", "column_1": "TIMESTAMP"}

    other = row_count_part(TableRef("a.b", "at"), "p")
    assert DateColumns(ZoneInfo("UTC")).learn([PART, other, PART], types_of) == (True, {})
    (query,) = asked
    assert query.sql == (
        "SELECT (SELECT ANY_VALUE(`game_date`) FROM `p.nba_analytics.player_game_summary` WHERE `game_date` IS NULL)"
        " AS column_0,\n(SELECT ANY_VALUE(`at`) FROM `p.a.b` WHERE `at` IS NULL) AS column_1"
    )


@pytest.mark.parametrize("answer", [{}, {"column_0": "DATE", "more": "DATE"}])
def test_an_answer_about_other_columns_is_ignored(answer: dict[str, str]) -> None:
    assert DateColumns(ZoneInfo("UTC")).learn([PART], lambda _: answer) == (False, {})


def test_types_that_cannot_be_asked_for_stay_as_they_were() -> None:
    columns = known("TIMESTAMP")

    def refuse(_: Query) -> dict[str, str]:
        raise CallFailed(Fault(ErrorKind.NOT_FOUND, "gone", of_request=True))

    assert columns.learn([PART], refuse) == (False, {})
    assert "@first_timestamp" in columns.union([PART], WINDOW).sql


@pytest.mark.parametrize("after", list(DateType))
@pytest.mark.parametrize("before", list(DateType))
def test_a_column_of_a_new_type_is_learnt_when_its_query_is_refused(
    server: BigQueryRest, warehouse: BigQueryWarehouse, before: DateType, after: DateType
) -> None:
    answers = {
        DateType.DATE: "BETWEEN @first",
        DateType.DATETIME: "@first_datetime",
        DateType.TIMESTAMP: "@first_timestamp",
    }
    for kind in (before, after):
        server.answer(invalid_query("No matching signature for operator >="))
        server.answer(COUNTED, when=answers[kind])
        server.answer(Rows({"column_0": kind}), when="ANY_VALUE")
        for other in set(answers) - {kind}:
            server.answer(invalid_query("No matching signature for operator >="), when=answers[other])

        assert counts(warehouse)[PLAYERS.name] == expected()
        jobs = server.calls["jobs.insert"]
        assert counts(warehouse)[PLAYERS.name] == expected()
        assert server.calls["jobs.insert"] == jobs + 1


def test_one_dry_run_tells_the_types_of_many_tables(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    tables = [TableRef(f"nba_x.t{number}", "at", "written") for number in range(50)]
    server.answer(invalid_query())
    server.answer(Rows(ROW_COUNTS, []), when="@first_timestamp")
    server.answer(Rows({f"column_{number}": "TIMESTAMP" for number in range(50)}), when="ANY_VALUE")

    found = warehouse.row_counts(tables, WINDOW, Deadline(30))

    assert not any(isinstance(value, SourceError) for value in found.values())
    assert [query.dry_run for query in server.queries] == [False, True, False]


def test_columns_that_are_dates_cost_no_call_of_their_own(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    for _ in range(2):
        counts(warehouse, PLAYERS, OFFENSE)

    assert [query.dry_run for query in server.queries] == [False, False]


@pytest.mark.parametrize(("older", "name"), [("INTEGER", "INT64"), ("BOOLEAN", "BOOL")])
def test_the_services_older_names_of_types_are_the_same_types(
    server: BigQueryRest, warehouse: BigQueryWarehouse, older: str, name: str
) -> None:
    columns = {column: kind.replace(name, older) for column, kind in ROW_COUNTS.items()}
    server.answer(Rows(columns, [[0, SATURDAY, 212, WRITTEN, None, None]]))

    assert counts(warehouse)[PLAYERS.name] == expected()


KEYS_OF_COLUMNS = {"write_time_column": "written_column", "finished_column": "written_column"}


def test_no_part_reads_a_column_that_the_table_of_columns_lacks() -> None:
    source = re.sub(r'"""[\s\S]*?"""|#.*', "", Path(queries.__file__).read_text(encoding="utf-8"))
    quoted = re.findall(r"(?:names|columns)(?:\.get\(|\[)[\"'](\w+)", source)
    keys = r"\w+_column|units|where|eligible|covered|excluded|key|halted|reason"
    configured = re.findall(rf"\b(?:table|calendar|check|halts)\.({keys})\b", source)

    keys_read = {KEYS_OF_COLUMNS.get(name, name) for name in configured}
    assert {*quoted, *keys_read, queries.CATEGORY} - {"timezone", "rows_per_unit"} == {
        column.name for column in queries.COLUMNS
    } - {"date_column"}
    assert "table.day_column" in Path(dates.__file__).read_text(encoding="utf-8")


def expected() -> dict[date, RowCount]:
    return {
        day: RowCount(212, NOON) if day == SATURDAY else RowCount(0) for day in (WINDOW.first, SATURDAY, WINDOW.last)
    }
