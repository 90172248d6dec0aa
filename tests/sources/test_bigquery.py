"""The BigQuery adapter against a stand-in for the REST API: what it asks, what it costs, and what it is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.config.resolved import CalendarConfig, TableRef, WarehouseLimits
from exporter.emulators.bigquery.loopback import error_answer
from exporter.model import ErrorKind, RowCount
from exporter.sources.bigquery import BigQueryWarehouse
from exporter.sources.ports import ContextRequest, Deadline, SourceError, Window
from exporter.sources.queries import CONTEXT, ROW_COUNTS
from testing.bigquery_rest import (
    DROP,
    HTML,
    HTML_OK,
    NO_JOBS_PERMISSION,
    PROJECT,
    QUOTA_EXCEEDED,
    RATE_LIMITED,
    TRUNCATED,
    BigQueryRest,
    Failed,
    Interference,
    Rows,
    Slow,
    Without,
    access_denied,
    invalid_query,
    not_found,
)
from tests.sources.asking import (
    COUNTED,
    FRIDAY,
    MIB,
    NEW_YORK,
    NOON,
    OFFENSE,
    PLAYERS,
    SATURDAY,
    SUNDAY,
    WINDOW,
    WRITTEN,
    Clock,
    counts,
    outcome,
    refused,
    warehouse_at,
)

if TYPE_CHECKING:
    from exporter.metrics.telemetry import Telemetry


def test_rows_are_counted_by_one_job(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    found = counts(warehouse, PLAYERS, OFFENSE)

    assert found == {
        PLAYERS.name: {FRIDAY: RowCount(0), SATURDAY: RowCount(212, NOON), SUNDAY: RowCount(0)},
        OFFENSE.name: dict.fromkeys((FRIDAY, SATURDAY, SUNDAY), RowCount(0)),
    }
    assert server.calls["jobs.insert"] == 1
    assert server.calls["jobs.query"] == 0


def test_a_job_has_parameters_a_byte_limit_a_time_out_labels_and_a_place(
    server: BigQueryRest, warehouse: BigQueryWarehouse
) -> None:
    counts(warehouse)

    query = server.queries[0]
    assert query.project == PROJECT
    assert query.location == "EU"
    assert "`nba-props-platform.nba_analytics.player_game_summary`" in query.sql
    assert query.parameters == {"first": FRIDAY, "last": SUNDAY}
    assert query.maximum_bytes_billed == 2**29
    assert query.job_timeout_ms is not None
    assert 0 < query.job_timeout_ms <= 30_000
    assert query.labels == {"app": "orchestration-exporter", "collector": "row-counts"}
    assert query.job_id.startswith("orchestration-exporter-")
    assert not query.dry_run


def test_jobs_run_in_the_project_itself_and_anywhere_if_nothing_else_is_said(
    server: BigQueryRest, telemetry: Telemetry
) -> None:
    warehouse = BigQueryWarehouse(
        project="nba-props-platform",
        limits=WarehouseLimits(2**30, 2**30),
        telemetry=telemetry,
        clock=Clock(),
        zone=NEW_YORK,
        endpoint=server.address,
    )
    counts(warehouse)
    warehouse.close()

    assert (server.queries[0].project, server.queries[0].location) == ("nba-props-platform", None)


def test_the_context_is_a_job_with_a_label_of_its_own(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    row = {"part": 0, "day": SATURDAY, "units": "6", "counts": []}
    server.answer(Rows(CONTEXT, [[row.get(column) for column in CONTEXT]]))
    request = ContextRequest(calendars={"nba": CalendarConfig(TableRef("a.b", "game_date"), "COUNT(*)")})

    answer = warehouse.context(request, WINDOW, Deadline(30))

    assert answer.units == {"nba": {FRIDAY: 0, SATURDAY: 6, SUNDAY: 0}}
    assert answer.calendars_end == {"nba": SATURDAY}
    assert server.queries[0].labels["collector"] == "context"


def test_an_answer_of_many_pages_is_read_whole(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    days = [FRIDAY + timedelta(days=number) for number in range(100)]
    server.answer(Rows(ROW_COUNTS, [[0, day, 1, WRITTEN, None, None] for day in days], page_size=7))

    found = warehouse.row_counts([PLAYERS], Window(days[0], days[-1]), Deadline(30))

    assert found[PLAYERS] == dict.fromkeys(days, RowCount(1, NOON))


# --- what it costs ------------------------------------------------------------------------------------------------


def test_what_jobs_cost_is_counted(warehouse: BigQueryWarehouse, telemetry: Telemetry) -> None:
    counts(warehouse)
    counts(warehouse)

    assert telemetry.total("jobs") == 2
    assert telemetry.total("bytes_processed") == 6 * MIB
    assert telemetry.total("bytes_billed") == 40 * MIB
    assert telemetry.value("budget_remaining") == 2**30 - 40 * MIB


@pytest.mark.usefixtures("warehouse")
def test_the_budget_is_known_before_the_first_job(telemetry: Telemetry) -> None:
    assert telemetry.value("budget_remaining") == 2**30


def test_no_query_is_made_after_the_budget_is_used_up_until_the_next_utc_day(
    server: BigQueryRest, clock: Clock
) -> None:
    with warehouse_at(server.address, clock=clock, daily=35 * MIB) as warehouse:
        counts(warehouse)

        error = refused(warehouse)
        clock.now = NOON + timedelta(days=1)
        after_midnight = counts(warehouse)

    assert error.kind is ErrorKind.BUDGET
    assert "15 MiB are left of today's 35 MiB, and this costs at least 20 MiB" in error.detail
    assert "collect.warehouse.daily_budget" in error.detail
    assert isinstance(after_midnight[PLAYERS.name], dict)
    assert len(server.queries) == 2


def test_a_job_may_bill_no_more_than_the_day_has_left(server: BigQueryRest) -> None:
    with warehouse_at(server.address, daily=100 * MIB, job=90 * MIB) as warehouse:
        counts(warehouse)
        counts(warehouse)

    assert [query.maximum_bytes_billed for query in server.queries] == [90 * MIB, 80 * MIB]


def test_a_job_that_was_refused_costs_nothing(
    server: BigQueryRest, warehouse: BigQueryWarehouse, telemetry: Telemetry
) -> None:
    server.answer(QUOTA_EXCEEDED)

    refused(warehouse)

    assert telemetry.value("budget_remaining") == 2**30


# --- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outcome", "kind", "words"),
    [
        (not_found("p:nba_analytics.team_offense_game_summary"), ErrorKind.NOT_FOUND, "check its name"),
        (access_denied("p:nba_analytics.team_offense_game_summary"), ErrorKind.PERMISSION_DENIED, "dataViewer"),
        (invalid_query(), ErrorKind.INVALID, "check its columns"),
    ],
)
def test_a_table_that_cannot_be_read_loses_only_its_own_answer(
    server: BigQueryRest, warehouse: BigQueryWarehouse, outcome: Failed, kind: ErrorKind, words: str
) -> None:
    server.answer(Rows({"part": "INT64"}, [[1]]), when="SELECT 1 AS part")
    server.answer(outcome, when=OFFENSE.name)

    found = counts(warehouse, PLAYERS, OFFENSE)

    error = found[OFFENSE.name]
    assert isinstance(error, SourceError)
    assert error.kind is kind
    assert error.detail.startswith(f"table {OFFENSE.name}: ")
    assert words in error.detail
    assert found[PLAYERS.name] == {FRIDAY: RowCount(0), SATURDAY: RowCount(212, NOON), SUNDAY: RowCount(0)}


def test_a_table_whose_rows_may_be_hidden_is_unknown_by_name_and_the_others_are_counted(
    server: BigQueryRest, warehouse: BigQueryWarehouse
) -> None:
    server.answer(Rows({"part": "INT64"}, [[1]]), when="SELECT 1 AS part")
    server.answer(Rows(ROW_COUNTS, [[0, SATURDAY, 3, WRITTEN, None, None]], row_policies=True), when=OFFENSE.name)

    found = counts(warehouse, PLAYERS, OFFENSE)

    rows, hidden = found[PLAYERS.name], found[OFFENSE.name]
    assert isinstance(rows, dict)
    assert rows[SATURDAY].rows == 212
    assert isinstance(hidden, SourceError)
    assert hidden.kind is ErrorKind.PERMISSION_DENIED
    assert hidden.detail == (
        f"table {OFFENSE.name}: a row access policy was applied, so rows may be hidden:"
        " what was counted may be too little;"
        " read a table without policies, or drop them; `bq ls --row_access_policies DATASET.TABLE` shows them"
    )


def test_a_project_that_allows_no_jobs_costs_two_calls_a_reading_however_many_tables_there_are(
    server: BigQueryRest, warehouse: BigQueryWarehouse
) -> None:
    server.answer(NO_JOBS_PERMISSION)
    tables = [TableRef(f"nba_x.t{number}", "day") for number in range(50)]

    for _ in range(2):
        with pytest.raises(SourceError, match=r"roles/bigquery\.jobUser") as caught:
            warehouse.row_counts(tables, WINDOW, Deadline(30))
        assert caught.value.kind is ErrorKind.PERMISSION_DENIED

    assert server.calls == {"jobs.insert": 4}
    assert [query.sql for query in server.queries[1::2]] == ["SELECT 1 AS part"] * 2


def test_a_quota_that_is_used_up_is_not_asked_again(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(QUOTA_EXCEEDED)

    assert refused(warehouse).kind is ErrorKind.QUOTA
    assert server.calls == {"jobs.insert": 1}


def test_a_rate_limit_is_waited_out(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(RATE_LIMITED, COUNTED)

    assert isinstance(counts(warehouse)[PLAYERS.name], dict)


def test_a_job_that_the_service_stopped_is_a_time_out(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(Failed("stopped", "Job execution was cancelled: Job timed out after 10s", 499))

    assert refused(warehouse).kind is ErrorKind.TIMEOUT
    assert server.cancelled == []


# --- answers that are none ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["jobs.insert", "jobs.getQueryResults"])
@pytest.mark.parametrize("interference", [HTML, DROP, error_answer(503, "backendError", "Try again.")])
def test_a_call_that_fails_once_is_made_again(
    server: BigQueryRest, warehouse: BigQueryWarehouse, call: str, interference: Interference
) -> None:
    server.interfere(call, interference)

    assert isinstance(counts(warehouse)[PLAYERS.name], dict)
    assert server.calls["jobs.insert"] == 1 + (call == "jobs.insert")


def test_a_job_that_was_made_although_the_answer_got_lost_is_found_again(
    server: BigQueryRest, warehouse: BigQueryWarehouse
) -> None:
    # The first answer comes after the client has given it up; then the id is taken, by that very job.
    server.interfere("jobs.insert", Slow(1.45), Slow(0.4))

    found = counts(warehouse, seconds=3)

    assert isinstance(found[PLAYERS.name], dict)
    assert len(server.queries) == 2
    assert server.cancelled == []


@pytest.mark.parametrize("call", ["jobs.insert", "jobs.getQueryResults"])
@pytest.mark.parametrize("interference", [HTML_OK, TRUNCATED])
def test_an_answer_that_is_not_json_is_invalid_and_not_looked_for_in_the_tables(
    server: BigQueryRest, warehouse: BigQueryWarehouse, call: str, interference: Interference
) -> None:
    server.interfere(call, interference)

    error = refused(warehouse)

    assert error.kind is ErrorKind.INVALID
    assert "not JSON" in error.detail
    assert server.calls["jobs.insert"] == 1


@pytest.mark.parametrize(
    ("call", "fields"),
    [
        ("jobs.insert", ("jobReference",)),
        ("jobs.insert", ("configuration",)),
        ("jobs.getQueryResults", ("jobReference",)),
        ("jobs.getQueryResults", ("schema",)),
        ("jobs.getQueryResults", ("totalRows",)),
    ],
)
def test_an_answer_without_its_parts_is_an_answer_or_an_error_and_never_a_zero(
    server: BigQueryRest, warehouse: BigQueryWarehouse, call: str, fields: tuple[str, ...]
) -> None:
    server.interfere(call, *[Without(fields)] * 5)

    found = outcome(warehouse)

    if isinstance(found, SourceError):
        assert found.kind is ErrorKind.INVALID
    else:
        assert found == {FRIDAY: RowCount(0), SATURDAY: RowCount(212, NOON), SUNDAY: RowCount(0)}


@pytest.mark.parametrize(
    "rows",
    [
        Rows(ROW_COUNTS, [[7, SATURDAY, 212, WRITTEN, None, None]]),
        Rows({"day": "DATE", "counted": "INT64"}, [[SATURDAY, 212]]),
        Rows({**ROW_COUNTS, "day": "STRING"}, [[0, "someday", 212, WRITTEN, None, None]]),
        Rows({**ROW_COUNTS, "counted": "STRING"}, [[0, SATURDAY, "many", WRITTEN, None, None]]),
    ],
)
def test_inconsistent_rows_are_invalid(server: BigQueryRest, warehouse: BigQueryWarehouse, rows: Rows) -> None:
    server.answer(rows)

    error = outcome(warehouse)

    assert isinstance(error, SourceError)
    assert error.kind is ErrorKind.INVALID
