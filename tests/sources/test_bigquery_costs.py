"""What the BigQuery adapter's jobs cost, against a stand-in for the REST API: limits, and costs that nobody says."""

from __future__ import annotations

import socket
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.config.resolved import CalendarConfig, TableRef
from exporter.model import ErrorKind
from exporter.sources.ports import ContextRequest, Deadline, SourceError
from exporter.sources.queries import CONTEXT, ROW_COUNTS
from testing.bigquery_rest import (
    HANG,
    QUOTA_EXCEEDED,
    BigQueryRest,
    Failed,
    Outcome,
    Rows,
    Running,
    Without,
    invalid_query,
)
from tests.sources.asking import (
    COUNTED,
    MIB,
    NOON,
    WINDOW,
    Clock,
    counts,
    refused,
    warehouse_at,
)

if TYPE_CHECKING:
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.bigquery import BigQueryWarehouse

HIDDEN = replace(COUNTED, hides_cost=True, hides_estimate=True)

# --- limits -------------------------------------------------------------------------------------------------------


def test_the_table_that_exceeds_the_limit_of_a_job_alone_is_unknown_by_name_and_the_others_are_counted(
    server: BigQueryRest,
) -> None:
    tables = [TableRef(f"nba_x.t{number}", "day") for number in range(7)]
    server.answer(Rows(ROW_COUNTS, bytes_processed=5 * 2**30), when="`nba-props-platform.nba_x.t3`")
    with warehouse_at(server.address, job=100 * MIB) as warehouse:
        first = counts(warehouse, *tables)
        asked = len(server.queries)
        second = counts(warehouse, *tables)

    for found in (first, second):
        errors = {name: error for name, error in found.items() if isinstance(error, SourceError)}
        assert list(errors) == ["nba_x.t3"]
        assert errors["nba_x.t3"].kind is ErrorKind.BUDGET
        assert errors["nba_x.t3"].detail.startswith("table nba_x.t3: more than the 100 MiB that one job may bill")
        assert "5368709120 or higher required" in errors["nba_x.t3"].detail
        assert "maximum_bytes_billed" in errors["nba_x.t3"].detail
    # From then on one job for the others, and one for the table that is too large, which bills nothing.
    assert len(server.queries) - asked == 2
    assert server.cancelled == []


def test_a_calendar_that_exceeds_the_limit_of_a_job_is_unknown_by_name_and_the_coverage_is_read(
    server: BigQueryRest,
) -> None:
    calendars = {name: CalendarConfig(TableRef(f"nba_x.{name}", "day"), "COUNT(*)") for name in ("large", "small")}
    server.answer(Rows(CONTEXT))
    server.answer(Rows(CONTEXT, bytes_processed=5 * 2**30), when="`nba-props-platform.nba_x.large`")
    with warehouse_at(server.address, job=100 * MIB) as warehouse:
        answer = warehouse.context(ContextRequest(calendars=calendars), WINDOW, Deadline(30))

    error = answer.units["large"]
    assert isinstance(error, SourceError)
    assert error.detail.startswith("calendar of large (table nba_x.large): more than the 100 MiB")
    assert not isinstance(answer.units["small"], SourceError)


def test_a_job_above_the_rest_of_the_day_is_no_fault_of_a_table(server: BigQueryRest) -> None:
    server.answer(COUNTED, Rows(ROW_COUNTS, bytes_processed=90 * MIB))
    with warehouse_at(server.address, daily=100 * MIB, job=90 * MIB) as warehouse:
        counts(warehouse)
        error = refused(warehouse)

    assert error.kind is ErrorKind.BUDGET
    assert "80 MiB are left of today's 100 MiB, and this would bill more" in error.detail
    assert len(server.queries) == 2


# --- statistics that are not said ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unsaid:
    """A job that does not say what it billed, its dry run, and what of the day's budget it is counted as."""

    outcome: Outcome
    counted: int


UNSAID = {
    "the dry run is exact": Unsaid(replace(HIDDEN, accuracy="PRECISE", hides_estimate=False), 13 * MIB),
    "the dry run says nothing of how exact it is": Unsaid(replace(HIDDEN, hides_estimate=False), 13 * MIB),
    "the dry run is an upper bound": Unsaid(replace(HIDDEN, accuracy="UPPER_BOUND", hides_estimate=False), 13 * MIB),
    "the dry run is a lower bound": Unsaid(replace(HIDDEN, accuracy="LOWER_BOUND", hides_estimate=False), 512 * MIB),
    "the dry run does not know": Unsaid(replace(HIDDEN, accuracy="UNKNOWN", hides_estimate=False), 512 * MIB),
    "the dry run says nothing either": Unsaid(HIDDEN, 512 * MIB),
    "the job failed": Unsaid(invalid_query(), 0),
    "the job was refused": Unsaid(QUOTA_EXCEEDED, 0),
    "the service stopped the job": Unsaid(Failed("stopped", "Job execution was cancelled", 499), 512 * MIB),
    "the job never ends": Unsaid(Running(), 512 * MIB),
}


@pytest.mark.parametrize("place", UNSAID)
def test_an_unknown_cost_counts_as_the_estimate_or_the_bound(
    server: BigQueryRest, warehouse: BigQueryWarehouse, telemetry: Telemetry, place: str
) -> None:
    server.answer(UNSAID[place].outcome)

    with suppress(SourceError):
        counts(warehouse, seconds=0.5 if isinstance(UNSAID[place].outcome, Running) else 30)

    assert telemetry.value("budget_remaining") == 2**30 - UNSAID[place].counted


def test_hidden_costs_are_estimated_once_a_day_for_each_query(
    server: BigQueryRest, warehouse: BigQueryWarehouse, clock: Clock
) -> None:
    server.answer(replace(HIDDEN, hides_estimate=False))

    for _ in range(3):
        counts(warehouse)
    same_day = [query.dry_run for query in server.queries]
    clock.now = NOON + timedelta(days=1)
    counts(warehouse)

    assert same_day.count(True) == 1
    assert [query.dry_run for query in server.queries].count(True) == 2


def test_a_lost_jobs_bill_is_read_when_the_service_answers_again(
    server: BigQueryRest, warehouse: BigQueryWarehouse, telemetry: Telemetry
) -> None:
    server.interfere("jobs.insert", Without(("status", "statistics")))
    server.interfere("jobs.getQueryResults", *[HANG] * 5)
    refused(warehouse, seconds=0.3)
    while_lost = telemetry.value("budget_remaining")
    server.recover()

    counts(warehouse)

    assert while_lost == 2**30 - 512 * MIB
    assert telemetry.value("budget_remaining") == 2**30 - 2 * 20 * MIB
    assert telemetry.total("bytes_billed") == 2 * 20 * MIB


def test_a_lost_job_that_was_never_made_has_billed_nothing(
    server: BigQueryRest, warehouse: BigQueryWarehouse, telemetry: Telemetry
) -> None:
    server.interfere("jobs.insert", *[HANG] * 5)
    refused(warehouse, seconds=0.3)
    while_lost = telemetry.value("budget_remaining")
    server.recover()

    counts(warehouse)

    assert while_lost == 2**30 - 512 * MIB
    assert telemetry.value("budget_remaining") == 2**30 - 20 * MIB


def test_an_unreachable_service_bills_nothing(telemetry: Telemetry) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with warehouse_at(f"http://127.0.0.1:{nobody.getsockname()[1]}", telemetry) as warehouse:
            for _ in range(3):
                assert refused(warehouse, seconds=0.5).kind in {ErrorKind.UNREACHABLE, ErrorKind.TIMEOUT}

    assert telemetry.value("budget_remaining") == 2**30
