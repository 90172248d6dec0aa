"""Columns of types that nobody expects, through the real BigQuery client: read, or refused by name and unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from exporter.cli.connect import connect_report
from exporter.cli.exits import UNKNOWN
from exporter.config.load import load
from exporter.config.resolved import (
    CalendarConfig,
    CoverageConfig,
    PhaseLogConfig,
    RunHistoryConfig,
    TableRef,
)
from exporter.incidents.loading import load_tables, reset
from exporter.model import ErrorKind, RowCount
from exporter.sources.ports import ContextRequest, Deadline, RunHistoryRequest, SourceError, Window
from testing.local_tables import NEW_YORK, NOON, make_table
from testing.real_day import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.cloud import bigquery

    from exporter.incidents.local import LocalSources
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.bigquery import BigQueryWarehouse

DATE_TYPES = ("DATE", "DATETIME", "TIMESTAMP")
PLACES = ("rows", "calendar", "run history", "phase log", "coverage")
# Clocks go forward on 8 March and back on 1 November 2026: days of 23 and of 25 hours.
DAYS = (date(2026, 2, 1), date(2026, 3, 8), date(2026, 11, 1))
WRITTEN = "2026-02-01T12:00:00Z"
COLUMNS = {
    "written": "TIMESTAMP",
    "processor_name": "STRING",
    "run_id": "STRING",
    "phase": "STRING",
    "status": "STRING",
    "started_at": "TIMESTAMP",
    "backfill_mode": "BOOL",
    "failure_category": "STRING",
    "phase_name": "STRING",
    "good": "BOOL",
}
ROW = {
    "written": WRITTEN,
    "processor_name": "P",
    "phase": "phase_3",
    "status": "success",
    "started_at": WRITTEN,
    "backfill_mode": False,
    "phase_name": "a_to_b",
    "good": True,
}


@pytest.fixture(name="client")
def _client(client: bigquery.Client) -> bigquery.Client:
    client.create_dataset("odd")
    return client


def make(
    client: bigquery.Client,
    kind: str,
    rows: Sequence[Mapping[str, object]] = (),
    *,
    name: str = "rows",
    columns: Mapping[str, str] | None = None,
) -> TableRef:
    """A table whose date column `day` has this type; `columns` change the types of others."""
    types = {"day": kind, **COLUMNS, **(columns or {})}
    make_table(client, f"odd.{name}", types, rows)
    return TableRef(f"odd.{name}", "day", "written")


def at(kind: str, day: date, *, last: bool = False) -> str:
    """The first moment of a local day, or its last second, as a column of this type has it."""
    local = datetime.combine(day + timedelta(days=1) if last else day, datetime.min.time())
    if kind == "DATE":
        return day.isoformat()
    if kind == "DATETIME":
        return (local - timedelta(seconds=last)).isoformat()
    return (local.replace(tzinfo=NEW_YORK).astimezone(UTC) - timedelta(seconds=last)).isoformat()


def asked(place: str, table: TableRef) -> ContextRequest:
    match place:
        case "calendar":
            return ContextRequest(calendars={"nba": CalendarConfig(table, "COUNT(*)", "good")})
        case "run history":
            return ContextRequest(
                run_history={"nba": RunHistoryRequest(RunHistoryConfig(table, str(table.write_time_column)), ("P",))}
            )
        case "phase log":
            return ContextRequest(phase_log={"nba": PhaseLogConfig(table, ("a_to_b",), 0)})
        case _:
            check = CoverageConfig("good", table, 0, "good", "good", {"bad": "NOT good"}, 0.9, 0.9, 0.8)
            return ContextRequest(coverage={("nba", "good"): check})


def read(warehouse: BigQueryWarehouse, place: str, table: TableRef, window: Window) -> Any:  # noqa: ANN401 - of each place its own
    """Rows by date, as this place counts them, or the error."""
    if place == "rows":
        counted = warehouse.row_counts([table], window, Deadline(30))[table]
        return counted if isinstance(counted, SourceError) else {day: found.rows for day, found in counted.items()}
    answer = warehouse.context(asked(place, table), window, Deadline(30))
    answers: list[Any] = [answer.units, answer.runs, answer.phase_log, answer.coverage]
    (found,) = (found for part in answers for found in part.values())
    if isinstance(found, SourceError):
        return found
    if isinstance(found, tuple):
        days = [run.data_date for run in found]
        return {day: days.count(day) for day in (window.first + timedelta(days=n) for n in range(3))}
    return {
        key[0] if isinstance(key, tuple) else key: value if isinstance(value, int) else value.rows
        for key, value in found.items()
    }


@pytest.mark.parametrize("kind", DATE_TYPES)
@pytest.mark.parametrize("place", PLACES)
def test_a_date_column_of_any_of_three_types_has_whole_local_days(
    client: bigquery.Client, warehouse: BigQueryWarehouse, telemetry: Telemetry, place: str, kind: str
) -> None:
    around = [day + timedelta(days=shift) for day in DAYS for shift in (-2, -1, 0, 1)]
    rows = [
        {**ROW, "day": at(kind, day, last=last), "run_id": f"{day} {last}"} for day in around for last in (False, True)
    ]
    table = make(client, kind, rows)
    jobs = []
    for day in DAYS:
        days = [day - timedelta(days=2), day - timedelta(days=1), day]
        before = telemetry.total("jobs")

        assert read(warehouse, place, table, Window(days[0], days[2])) == dict.fromkeys(days, 2)
        jobs.append(telemetry.total("jobs") - before)
    assert jobs == [1 if kind == "DATE" else 2, 1, 1]


@pytest.mark.parametrize("kind", ["STRING", "INT64", "TIME", "BOOL", "FLOAT64"])
@pytest.mark.parametrize("place", PLACES)
def test_a_date_column_of_another_type_is_unknown_and_named_with_its_type_and_remedy(
    client: bigquery.Client, warehouse: BigQueryWarehouse, place: str, kind: str
) -> None:
    table = make(client, kind)

    for _ in range(2):
        error = read(warehouse, place, table, Window(DAYS[0], DAYS[0]))
        assert isinstance(error, SourceError)
        assert error.kind is ErrorKind.INVALID
        for words in ("table odd.rows", f"date_column day is {kind}", "configure another column"):
            assert words in error.detail


def test_tables_of_all_types_are_read_beside_each_other_and_a_bad_one_spoils_only_itself(
    client: bigquery.Client, warehouse: BigQueryWarehouse, telemetry: Telemetry
) -> None:
    day = DAYS[0]
    tables = {
        kind: make(client, kind, [{**ROW, "day": at(kind, day, last=True)}], name=kind.lower()) for kind in DATE_TYPES
    }
    bad = make(client, "STRING", name="bad")
    gone = TableRef("odd.gone", "day", "written")
    window = Window(day, day)

    found = warehouse.row_counts([*tables.values(), bad, gone], window, Deadline(30))

    assert [found[table] for table in tables.values()] == [{day: RowCount(1, NOON)}] * 3
    assert isinstance(found[bad], SourceError)
    assert isinstance(found[gone], SourceError)
    before = telemetry.total("jobs")
    warehouse.row_counts(list(tables.values()), window, Deadline(30))
    assert telemetry.total("jobs") - before == 1


# The local BigQuery compares other pairs of types too, which BigQuery refuses.
@pytest.mark.parametrize(("before", "after"), [("DATE", "DATETIME"), ("DATE", "TIMESTAMP"), ("DATETIME", "DATE")])
def test_a_table_created_again_with_another_type_is_read_at_once(
    client: bigquery.Client, warehouse: BigQueryWarehouse, before: str, after: str
) -> None:
    day = DAYS[0]
    window = Window(day, day)
    table = make(client, before, [{**ROW, "day": at(before, day, last=True)}])
    assert read(warehouse, "rows", table, window) == {day: 1}
    client.delete_table(f"{PROJECT}.odd.rows")
    make(client, after, [{**ROW, "day": at(after, day, last=last)} for last in (False, True)])

    assert read(warehouse, "rows", table, window) == {day: 2}


@pytest.mark.parametrize(("kind", "value"), [("INT64", "7"), ("STRING", "7"), ("FLOAT64", 7.0), ("DATE", "2026-02-01")])
def test_a_run_id_of_any_type_makes_one_run_of_its_statuses(
    client: bigquery.Client, warehouse: BigQueryWarehouse, kind: str, value: object
) -> None:
    rows = [{**ROW, "day": "2026-02-01", "run_id": value, "status": status} for status in ("running", "success")]
    table = make(client, "DATE", rows, columns={"run_id": kind})

    answer = warehouse.context(asked("run history", table), Window(DAYS[0], DAYS[0]), Deadline(30))

    runs = answer.runs["nba"]
    assert isinstance(runs, tuple)
    assert [run.status for run in runs] == ["success"]


@pytest.mark.parametrize(("category", "jobs"), [("upstream_failure", 1), (None, 2)])
def test_why_a_run_failed_is_read_where_the_history_has_a_column_for_it(
    client: bigquery.Client, warehouse: BigQueryWarehouse, telemetry: Telemetry, category: str | None, jobs: int
) -> None:
    row = {**ROW, "day": "2026-02-01", "run_id": "r", "status": "failed", "failure_category": category}
    types = {"day": "DATE", **COLUMNS}
    if category is None:
        del row["failure_category"], types["failure_category"]
    make_table(client, "odd.rows", types, [row])
    request = asked("run history", TableRef("odd.rows", "day", "written"))

    read_twice = [warehouse.context(request, Window(DAYS[0], DAYS[0]), Deadline(30)).runs["nba"] for _ in range(2)]

    for runs in read_twice:
        assert isinstance(runs, tuple)
        assert [run.category for run in runs] == [category]
    # That the column is not there is asked once, and then known.
    assert telemetry.total("jobs") == jobs + 1


@pytest.mark.parametrize(
    ("kind", "started", "finished", "unusable"),
    [
        ("TIMESTAMP", WRITTEN, NOON, ()),
        ("DATETIME", "2026-02-01T07:00:00", NOON, ()),
        ("DATE", "2026-02-01", None, ("started_at", "written")),
    ],
)
def test_the_times_of_a_run_are_read_from_their_types_or_named(
    client: bigquery.Client,
    warehouse: BigQueryWarehouse,
    kind: str,
    started: str,
    finished: datetime | None,
    unusable: tuple[str, ...],
) -> None:
    row = {**ROW, "day": "2026-02-01", "run_id": "r", "started_at": started, "written": started}
    table = make(client, "DATE", [row], columns={"started_at": kind, "written": kind})

    (run,) = warehouse.context(asked("run history", table), Window(DAYS[0], DAYS[0]), Deadline(30)).runs["nba"]  # type: ignore[misc]  # runs, or the test fails

    assert (run.started_at, run.finished_at) == (finished, finished)
    assert tuple(field.name for field in run.unusable) == unusable


@pytest.mark.parametrize(
    ("units", "found"),
    [
        *(("COUNT(*)", 2), ("COUNT(n)", 0), ("SUM(m)", 3), ("SUM(CAST(m AS FLOAT64))", 3), ("IFNULL(SUM(n), 0)", 0)),
        *(("SUM(n)", "null"), ("AVG(m)", 'text "1.5"'), ("MAX(day)", 'text "2026-02-01"'), ("-COUNT(*)", 'text "-2"')),
        ("LOGICAL_AND(good)", 'text "true"'),
    ],
)
def test_units_are_a_whole_number_or_the_calendar_is_unknown_with_the_date_and_the_value(
    client: bigquery.Client, warehouse: BigQueryWarehouse, units: str, found: int | str
) -> None:
    day = DAYS[0]
    rows = [{**ROW, "day": day.isoformat(), "m": number} for number in (1, 2)]
    table = make(client, "DATE", rows, columns={"n": "INT64", "m": "INT64"})
    request = ContextRequest(calendars={"nba": CalendarConfig(table, units)})

    read = warehouse.context(request, Window(day, day), Deadline(30)).units["nba"]

    if isinstance(read, SourceError):
        assert f"calendar of nba (table odd.rows): its units on {day} are {found}; let the calendar's" in read.detail
    else:
        assert read == {day: found}


@pytest.mark.parametrize("column", ["processor_name", "phase", "status", "phase_name", "good"])
@pytest.mark.parametrize("kind", ["INT64", "DATE", "STRING", "BOOL"])
def test_a_column_of_another_type_is_read_as_what_it_is_or_makes_its_part_unknown(
    client: bigquery.Client, warehouse: BigQueryWarehouse, column: str, kind: str
) -> None:
    place = {"phase_name": "phase log", "good": "coverage"}.get(column, "run history")
    table = make(client, "DATE", columns={column: kind})

    found = read(warehouse, place, table, Window(DAYS[0], DAYS[0]))

    assert isinstance(found, SourceError) is (COLUMNS[column] != kind)


def test_config_check_tells_a_date_column_of_another_type_and_takes_those_that_can_be_read(
    local: LocalSources, client: bigquery.Client
) -> None:
    reset(client)
    load_tables(client, local.definitions, {})
    for name, kind in (("player_game_summary", "STRING"), ("team_offense_game_summary", "TIMESTAMP")):
        client.delete_table(f"{PROJECT}.nba_analytics.{name}")
        columns = dict.fromkeys(("game_id", "player_lookup", "team_abbr"), "STRING")
        columns |= {"game_date": kind, "processed_at": "TIMESTAMP", "is_dnp": "BOOL", "minutes_played": "NUMERIC"}
        make_table(client, f"nba_analytics.{name}", columns)
    loaded = load(preset="nba", environ={})

    text, code = connect_report(loaded, lambda found, telemetry: local.open(found.config, telemetry), NOON)

    lines = {line.split(":")[0]: line for line in text.splitlines()}
    assert code == UNKNOWN
    assert "date_column game_date is STRING" in lines["FAILED  rows of table nba_analytics.player_game_summary"]
    assert "ok      rows of table nba_analytics.team_offense_game_summary" in text
