"""Tables dated by an expression, and tables whose rows are of weeks or months, through the real BigQuery client."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from exporter.config.periods import parse_period
from exporter.config.resolved import TableRef
from exporter.model import ErrorKind
from exporter.sources.ports import Deadline, SourceError, Window
from testing.local_tables import make_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from google.cloud import bigquery

    from exporter.sources.bigquery import BigQueryWarehouse

A_DAY = timedelta(days=1)
# Clocks go back on this Sunday in New York.
SUNDAY = date(2026, 11, 1)
WINDOW = Window(SUNDAY - A_DAY, SUNDAY + A_DAY)


def made(client: bigquery.Client, columns: Mapping[str, str], rows: Sequence[Mapping[str, object]]) -> None:
    client.create_dataset("dated")
    make_table(client, "dated.rows", columns, rows)


def counted(warehouse: BigQueryWarehouse, table: TableRef, window: Window = WINDOW) -> Any:  # noqa: ANN401 - or the error
    found = warehouse.row_counts([table], window, Deadline(30))[table]
    return found if isinstance(found, SourceError) else {day: row.rows for day, row in found.items() if row.rows}


@pytest.mark.parametrize(
    ("expression", "days"),
    [
        # In UTC, as BigQuery reads a TIMESTAMP without a zone.
        ("DATE(event_ts)", {SUNDAY: 1, SUNDAY + A_DAY: 2}),
        # A TIMESTAMP and a DATETIME are taken in the configured zone, as those of a column.
        ("TIMESTAMP_SUB(event_ts, INTERVAL 0 HOUR)", {SUNDAY: 2, SUNDAY + A_DAY: 1}),
        ("DATETIME(event_ts, 'America/New_York')", {SUNDAY: 2, SUNDAY + A_DAY: 1}),
        ("event.day", {SUNDAY - A_DAY: 3}),
    ],
)
def test_an_expression_gives_the_date_of_a_row(
    client: bigquery.Client, warehouse: BigQueryWarehouse, expression: str, days: Mapping[date, int]
) -> None:
    event = {"day": str(SUNDAY - A_DAY)}
    times = ("2026-11-01T12:00:00Z", "2026-11-02T04:59:59Z", "2026-11-02T05:00:00Z")
    schema = {"event_ts": "TIMESTAMP", "event": "STRUCT<day DATE>"}
    client.create_dataset("dated")
    # The clients' schema has no short form of a STRUCT.
    columns = ", ".join(f"{name} {kind}" for name, kind in schema.items())
    client.query(f"CREATE TABLE dated.rows ({columns})").result()  # made up here
    rows = [{"event_ts": at, "event": event} for at in times]
    assert client.insert_rows_json(f"{client.project}.dated.rows", rows) == []

    assert counted(warehouse, TableRef("dated.rows", expression)) == days


def test_an_expression_that_gives_no_date_is_named_with_its_type(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    made(client, {"day": "DATE"}, [{"day": "2026-11-01"}])

    error = counted(warehouse, TableRef("dated.rows", "CAST(day AS STRING)"))

    assert isinstance(error, SourceError)
    assert error.kind is ErrorKind.INVALID
    assert "its date_column CAST(day AS STRING) is STRING" in error.detail


DAYS = [SUNDAY + A_DAY * number for number in range(-40, 41)]


@pytest.mark.parametrize("kind", ["DATE", "DATETIME", "TIMESTAMP"])
@pytest.mark.parametrize(
    ("period", "reach", "expected"),
    [
        ("week", 7, {date(2026, 10, 26): 7, date(2026, 11, 2): 7}),
        ("week", 12, {date(2026, 10, 19): 7, date(2026, 10, 26): 7, date(2026, 11, 2): 7}),
        ("week(sunday)", 7, {date(2026, 10, 25): 7, date(2026, 11, 1): 7}),
        ("week(saturday)", 7, {date(2026, 10, 24): 7, date(2026, 10, 31): 7}),
        ("month", 31, {date(2026, 10, 1): 31, date(2026, 11, 1): 30}),
    ],
)
def test_the_rows_of_a_week_or_month_are_counted_on_its_first_day_and_only_if_all_of_it_is_read(
    client: bigquery.Client,
    warehouse: BigQueryWarehouse,
    kind: str,
    period: str,
    reach: int,
    expected: Mapping[date, int],
) -> None:
    noon = {"DATE": "", "DATETIME": "T12:00:00", "TIMESTAMP": "T17:00:00Z"}[kind]
    made(client, {"day": kind}, [{"day": f"{day}{noon}"} for day in DAYS])
    table = TableRef("dated.rows", "day", period=parse_period(period), reach=reach)

    assert counted(warehouse, table) == expected


def test_a_week_without_rows_has_none(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    made(client, {"week": "DATE"}, [])
    table = TableRef("dated.rows", "week", period=parse_period("week"), reach=7)

    found = warehouse.row_counts([table], WINDOW, Deadline(30))[table]

    assert not isinstance(found, SourceError)
    assert {day: row.rows for day, row in found.items()} == {date(2026, 10, 26): 0, date(2026, 11, 2): 0}


def test_units_and_duplicates_are_those_of_the_whole_week(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    rows = [{"day": str(SUNDAY - A_DAY * ago), "cohort": cohort} for ago in (0, 6) for cohort in ("a", "b")]
    made(client, {"day": "DATE", "cohort": "STRING"}, rows)
    table = TableRef(
        "dated.rows", "day", key=("cohort",), units="COUNT(DISTINCT cohort)", period=parse_period("week"), reach=7
    )

    found = warehouse.row_counts([table], WINDOW, Deadline(30))[table]

    assert not isinstance(found, SourceError)
    week = found[date(2026, 10, 26)]
    assert (week.rows, week.units, week.duplicates) == (4, 2, 2)
