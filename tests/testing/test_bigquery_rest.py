from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
import requests
from google.api_core import exceptions
from google.cloud.bigquery import ArrayQueryParameter, QueryJobConfig, ScalarQueryParameter
from google.cloud.bigquery.retry import DEFAULT_RETRY

from exporter.emulators.bigquery.loopback import error_answer
from testing.bigquery_rest import (
    DROP,
    HANG,
    HTML,
    HTML_OK,
    QUOTA_EXCEEDED,
    TRUNCATED,
    BigQueryRest,
    Failed,
    Interference,
    Refused,
    Rows,
    Running,
    Slow,
    Without,
    access_denied,
    invalid_query,
    not_found,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.api_core.retry import Retry
    from google.cloud.bigquery.job import QueryJob

ONCE = DEFAULT_RETRY.with_predicate(lambda _: False)
AGAIN = DEFAULT_RETRY.with_delay(initial=0.01, maximum=0.01).with_timeout(10)


@pytest.fixture
def server() -> Iterator[BigQueryRest]:
    with BigQueryRest(long_poll=0.01) as server:
        server.answer(Rows({"n": "INT64"}, [[3]], bytes_processed=10))
        yield server


def start(
    server: BigQueryRest, sql: str = "SELECT 1", *, retry: Retry = ONCE, timeout: float = 10.0, **config: object
) -> QueryJob:
    return server.client().query(sql, job_config=QueryJobConfig(**config), timeout=timeout, retry=retry, job_retry=None)


def rows(job: QueryJob, *, retry: Retry = ONCE, timeout: float = 10.0) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in job.result(timeout=timeout, retry=retry, job_retry=None)]


def test_rows_come_back_as_the_types_of_their_columns(server: BigQueryRest) -> None:
    columns = {"d": "DATE", "t": "TIMESTAMP", "b": "BOOL", "f": "FLOAT64", "m": "NUMERIC", "s": "STRING"}
    moment = datetime(2026, 2, 1, 15, 0, 48, 123456, tzinfo=UTC)
    server.answer(
        Rows(
            columns | {"a": "ARRAY<STRING>"},
            [
                [date(2026, 1, 31), moment, True, 0.5, "24.5", "ü", ["x", "y"]],
                [None, None, None, None, None, None, []],
            ],
        )
    )

    assert rows(start(server)) == [
        (date(2026, 1, 31), moment, True, 0.5, Decimal("24.5"), "ü", ["x", "y"]),
        (None, None, None, None, None, None, []),
    ]


def test_a_query_is_recorded_with_its_parameters_limits_and_labels(server: BigQueryRest) -> None:
    job = start(
        server,
        "SELECT @n",
        query_parameters=[
            ArrayQueryParameter("dates", "DATE", [date(2026, 1, 30), date(2026, 1, 31)]),
            ScalarQueryParameter("since", "TIMESTAMP", datetime(2026, 2, 1, tzinfo=UTC)),
            ScalarQueryParameter("n", "INT64", 4),
            ScalarQueryParameter("name", "STRING", None),
        ],
        maximum_bytes_billed=1_000,
        job_timeout_ms=2_000,
        labels={"team": "data"},
    )

    query = server.queries[0]
    assert (query.job_id, query.project, query.location, query.sql) == (job.job_id, "test-project", None, "SELECT @n")
    assert query.parameters == {
        "dates": [date(2026, 1, 30), date(2026, 1, 31)],
        "since": datetime(2026, 2, 1, tzinfo=UTC),
        "n": 4,
        "name": None,
    }
    assert (query.maximum_bytes_billed, query.job_timeout_ms, query.labels) == (1_000, 2_000, {"team": "data"})
    assert not query.dry_run


def test_what_a_query_does_not_set_is_none(server: BigQueryRest) -> None:
    start(server)

    query = server.queries[0]
    assert (query.maximum_bytes_billed, query.job_timeout_ms, query.labels) == (None, None, {})


def test_calls_are_counted_by_name(server: BigQueryRest) -> None:
    rows(start(server))

    assert server.calls == {"jobs.insert": 1, "jobs.getQueryResults": 2}


def test_a_finished_job_says_what_it_processed_and_billed(server: BigQueryRest) -> None:
    server.answer(Rows(bytes_processed=10, bytes_billed=20))

    job = start(server)

    assert (job.total_bytes_processed, job.total_bytes_billed) == (10, 20)


def test_a_dry_run_estimates_and_leaves_no_job(server: BigQueryRest) -> None:
    job = start(server, dry_run=True, maximum_bytes_billed=1)

    assert (job.total_bytes_processed, job.total_bytes_billed) == (10, 0)
    assert server.queries[0].dry_run
    with pytest.raises(exceptions.NotFound, match="Not found: Job"):
        server.client().get_job(str(job.job_id), retry=ONCE)


def test_a_dry_run_fails_at_once(server: BigQueryRest) -> None:
    server.answer(not_found("p:d.t"))

    with pytest.raises(exceptions.NotFound):
        start(server, dry_run=True)


def test_a_query_over_its_limit_fails(server: BigQueryRest) -> None:
    job = start(server, maximum_bytes_billed=9)

    with pytest.raises(exceptions.GoogleAPICallError) as failed:
        rows(job)
    assert failed.value.errors[0]["reason"] == "bytesBilledLimitExceeded"
    assert rows(start(server, maximum_bytes_billed=10)) == [(3,)]


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (not_found("p:d.t"), exceptions.NotFound),
        (access_denied("p:d.t"), exceptions.Forbidden),
        (invalid_query(), exceptions.BadRequest),
        (Failed("quotaExceeded", "Quota exceeded"), exceptions.Forbidden),
    ],
)
def test_a_job_that_fails_tells_when_its_result_is_wanted(
    server: BigQueryRest, outcome: Failed, error: type[exceptions.GoogleAPICallError]
) -> None:
    server.answer(outcome)
    job = start(server)

    with pytest.raises(error) as failed:
        rows(job)

    assert failed.value.errors == [{"reason": outcome.reason, "message": outcome.message}]
    response = requests.get(f"{server.address}/bigquery/v2/projects/p/queries/{job.job_id}", timeout=10)
    assert response.json()["error"]["errors"][0]["reason"] == outcome.reason


def test_a_job_that_is_refused_tells_at_once(server: BigQueryRest) -> None:
    server.answer(QUOTA_EXCEEDED)

    with pytest.raises(exceptions.Forbidden) as refused:
        start(server)

    assert refused.value.errors[0]["reason"] == "quotaExceeded"


def test_outcomes_follow_one_another_and_the_last_one_stays(server: BigQueryRest) -> None:
    server.answer(Rows({"n": "INT64"}, [[1]]), Rows({"n": "INT64"}, [[2]]))

    assert [rows(start(server)) for _ in range(3)] == [[(1,)], [(2,)], [(2,)]]


def test_an_outcome_may_be_for_queries_of_one_table_only(server: BigQueryRest) -> None:
    server.answer(Refused(403, "accessDenied", "no"), when="secrets")

    assert rows(start(server, "SELECT 1 FROM open")) == [(3,)]
    with pytest.raises(exceptions.Forbidden):
        start(server, "SELECT 1 FROM secrets")


def test_a_query_that_nobody_expected_is_refused() -> None:
    with BigQueryRest() as server, pytest.raises(exceptions.BadRequest, match="told no answer"):
        start(server)


def test_a_running_job_runs_until_it_is_cancelled(server: BigQueryRest) -> None:
    server.answer(Running())
    job = start(server)

    with pytest.raises(TimeoutError):
        rows(job, timeout=0.2)
    assert job.state == "RUNNING"
    assert job.cancel(retry=ONCE, timeout=10)

    assert server.cancelled == [job.job_id]
    assert job.done(retry=ONCE, timeout=10)
    assert job.error_result == {
        "reason": "stopped",
        "message": "Job execution was cancelled: User requested cancellation",
    }


def test_a_finished_job_may_be_cancelled_to_no_effect(server: BigQueryRest) -> None:
    job = start(server)

    job.cancel(retry=ONCE, timeout=10)

    assert server.cancelled == [job.job_id]
    assert rows(job) == [(3,)]


def test_many_rows_come_in_pages(server: BigQueryRest) -> None:
    server.answer(Rows({"n": "INT64"}, [[number] for number in range(7)], page_size=3))

    assert rows(start(server)) == [(number,) for number in range(7)]


def test_a_query_in_one_call_brings_its_rows(server: BigQueryRest) -> None:
    job = server.client().query("SELECT 1", api_method="QUERY", retry=ONCE, job_retry=None, timeout=10)

    assert rows(job) == [(3,)]
    assert server.calls == {"jobs.query": 1, "jobs.get": 1}
    assert server.queries[0].sql == "SELECT 1"


@pytest.mark.parametrize("call", ["jobs.insert", "jobs.getQueryResults"])
@pytest.mark.parametrize("fault", [HTML, DROP, error_answer(500, "internalError", "Try again.")])
def test_a_passing_fault_passes(server: BigQueryRest, call: str, fault: Interference) -> None:
    server.interfere(call, fault, fault)

    assert rows(start(server, retry=AGAIN), retry=AGAIN) == [(3,)]
    assert server.calls[call] >= 3


@pytest.mark.parametrize("answer", [HTML_OK, TRUNCATED])
def test_an_answer_that_is_no_json_is_the_clients_to_find(server: BigQueryRest, answer: Interference) -> None:
    server.interfere("jobs.insert", answer)

    with pytest.raises(json.JSONDecodeError):
        start(server)


def test_a_call_that_hangs_is_not_answered(server: BigQueryRest) -> None:
    server.interfere("jobs.insert", HANG)

    with pytest.raises(requests.exceptions.ReadTimeout):
        start(server, timeout=0.05)
    assert server.wait_for_call("jobs.insert")


def test_a_slow_call_is_answered(server: BigQueryRest) -> None:
    server.interfere("jobs.insert", Slow(0.01))

    assert rows(start(server)) == [(3,)]


def test_an_answer_may_lack_fields(server: BigQueryRest) -> None:
    server.interfere("jobs.insert", Without(("statistics.query.totalBytesBilled", "configuration.nonesuch.x")))

    job = start(server)

    assert (job.total_bytes_processed, job.total_bytes_billed) == (10, None)


def test_waiting_for_a_call_that_nobody_makes_ends() -> None:
    with BigQueryRest() as server:
        assert not server.wait_for_call("jobs.insert", seconds=0.01)


def test_calls_of_no_query_are_not_spoken(server: BigQueryRest) -> None:
    with pytest.raises(exceptions.NotFound, match="does not speak GET"):
        server.client().get_table("p.d.t", retry=ONCE)


def test_stopping_lets_go_of_those_who_wait_for_a_running_job() -> None:
    with BigQueryRest(long_poll=600) as server:
        server.answer(Running())
        job = start(server)
        with requests.Session() as session, pytest.raises(requests.exceptions.ReadTimeout):
            session.get(f"{server.address}/bigquery/v2/projects/p/queries/{job.job_id}", timeout=0.05)
