from __future__ import annotations

import http.client
import json
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests
from google.api_core import exceptions
from google.cloud.bigquery.retry import DEFAULT_RETRY

from exporter.emulators.bigquery.emulator import local_client
from exporter.emulators.bigquery.gate import BigQueryFault, BigQueryGate
from exporter.emulators.bigquery.loopback import Answer, Call, LoopbackServer
from testing.bigquery_rest import PROJECT, BigQueryRest, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.api_core.retry import Retry
    from google.cloud import bigquery

INSERT = "/bigquery/v2/projects/p/jobs"


@pytest.fixture
def upstream() -> Iterator[BigQueryRest]:
    with BigQueryRest() as server:
        server.answer(Rows({"n": "INT64"}, [[3]]))
        yield server


@pytest.fixture
def gate(upstream: BigQueryRest) -> Iterator[BigQueryGate]:
    with BigQueryGate(upstream.address) as gate:
        yield gate


@pytest.fixture
def client(gate: BigQueryGate) -> Iterator[bigquery.Client]:
    client = local_client(gate.address, PROJECT)
    yield client
    client.close()


ONCE = DEFAULT_RETRY.with_predicate(lambda _: False)
AGAIN = DEFAULT_RETRY.with_timeout(0.1)


def ask(client: bigquery.Client, *, retry: Retry = ONCE, timeout: float = 10.0) -> list[tuple[object, ...]]:
    job = client.query("SELECT 1", timeout=timeout, retry=retry, job_retry=None)
    return [tuple(row.values()) for row in job.result(timeout=10, retry=retry, job_retry=None)]


def post(gate: BigQueryGate) -> http.client.HTTPConnection:
    """A call whose answer is still to be read."""
    connection = http.client.HTTPConnection(urlsplit(gate.address).netloc, timeout=30)
    connection.request("POST", INSERT, b"{}")
    return connection


def test_without_a_fault_every_call_passes_and_is_counted(client: bigquery.Client, gate: BigQueryGate) -> None:
    rows = ask(client)

    assert rows == [(3,)]
    assert gate.fault is None
    assert gate.calls == {"jobs.insert": 1, "jobs.getQueryResults": 2}


def test_an_answer_passes_as_it_was_given() -> None:
    body = json.dumps({"a": "ü"}).encode()
    pot = LoopbackServer(lambda _: Answer(418, body, "text/teapot", {"X-Sort": "green"}))
    with pot, BigQueryGate(pot.address) as gate:
        connection = post(gate)
        response = connection.getresponse()
        content = response.read()
        connection.close()

    assert (response.status, content, response.headers["Content-Type"], response.headers["X-Sort"]) == (
        418,
        body,
        "text/teapot",
        "green",
    )


def test_a_request_passes_as_it_was_sent() -> None:
    calls: list[Call] = []

    def answer(call: Call) -> Answer:
        calls.append(call)
        return Answer(200, b"{}")

    with LoopbackServer(answer) as upstream, BigQueryGate(upstream.address) as gate:
        response = requests.post(f"{gate.address}{INSERT}?a=b", b"body", headers={"X-Label": "x"}, timeout=10)

    assert response.status_code == 200
    assert (calls[0].method, calls[0].target, calls[0].body) == ("POST", f"{INSERT}?a=b", b"body")
    assert calls[0].headers["X-Label"] == "x"


@pytest.mark.parametrize(
    ("fault", "error", "reason"),
    [
        (BigQueryFault.PERMISSION_DENIED, exceptions.Forbidden, "accessDenied"),
        (BigQueryFault.QUOTA, exceptions.Forbidden, "quotaExceeded"),
        (BigQueryFault.RATE_LIMIT, exceptions.Forbidden, "rateLimitExceeded"),
        (BigQueryFault.SERVER_ERROR, exceptions.ServiceUnavailable, "backendError"),
    ],
)
def test_a_refusal_reaches_the_client_as_bigquerys_own(
    client: bigquery.Client,
    gate: BigQueryGate,
    upstream: BigQueryRest,
    fault: BigQueryFault,
    error: type[exceptions.GoogleAPICallError],
    reason: str,
) -> None:
    gate.fault = fault

    with pytest.raises(error) as refused:
        ask(client)

    assert refused.value.errors[0]["reason"] == reason
    assert not upstream.calls


def test_a_used_up_quota_is_final_to_the_client(client: bigquery.Client, gate: BigQueryGate) -> None:
    gate.fault = BigQueryFault.QUOTA

    with pytest.raises(exceptions.Forbidden):
        ask(client, retry=AGAIN)


def test_an_exceeded_rate_is_tried_again_by_the_client(client: bigquery.Client, gate: BigQueryGate) -> None:
    gate.fault = BigQueryFault.RATE_LIMIT

    with pytest.raises(exceptions.RetryError):
        ask(client, retry=AGAIN)


def test_an_unreachable_server_hangs_up(client: bigquery.Client, gate: BigQueryGate, upstream: BigQueryRest) -> None:
    gate.fault = BigQueryFault.UNREACHABLE

    with pytest.raises(requests.exceptions.ConnectionError):
        ask(client)

    assert not upstream.calls


def test_a_server_that_is_gone_is_unreachable_through_the_gate() -> None:
    with LoopbackServer(lambda _: None) as upstream:
        address = upstream.address

    with BigQueryGate(address) as gate:
        connection = post(gate)
        with pytest.raises(http.client.RemoteDisconnected):
            connection.getresponse()
        connection.close()


def test_a_timeout_is_silence_until_the_caller_gives_up(client: bigquery.Client, gate: BigQueryGate) -> None:
    gate.fault = BigQueryFault.TIMEOUT

    with pytest.raises(requests.exceptions.ReadTimeout):
        ask(client, timeout=0.05)


def test_lifting_a_fault_lets_go_of_those_who_wait(client: bigquery.Client, gate: BigQueryGate) -> None:
    gate.fault = BigQueryFault.TIMEOUT
    connection = post(gate)
    wait_for_calls(gate, 1)

    gate.fault = None

    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()
    assert ask(client) == [(3,)]


def test_stopping_ends_calls_that_hang(upstream: BigQueryRest) -> None:
    with BigQueryGate(upstream.address) as gate:
        gate.fault = BigQueryFault.TIMEOUT
        connection = post(gate)
        wait_for_calls(gate, 1)

    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()


def test_stopping_ends_calls_that_the_server_behind_has_not_answered() -> None:
    entered = threading.Event()

    def hang(_: Call) -> None:
        entered.set()
        silent.stopping.wait()

    with LoopbackServer(hang) as silent:
        with BigQueryGate(silent.address) as gate:
            connection = post(gate)
            assert entered.wait(10)

        with pytest.raises((http.client.HTTPException, OSError)):
            connection.getresponse()
        connection.close()


def test_a_delayed_call_is_answered_all_the_same(client: bigquery.Client, gate: BigQueryGate) -> None:
    gate.delay = 0.01

    assert gate.delay == 0.01
    assert ask(client) == [(3,)]


def test_stopping_ends_a_delay(upstream: BigQueryRest) -> None:
    with BigQueryGate(upstream.address) as gate:
        gate.delay = 600.0
        connection = post(gate)
        wait_for_calls(gate, 1)

    with pytest.raises((http.client.HTTPException, OSError)):
        connection.getresponse()
    connection.close()
    assert not upstream.calls


def test_a_fault_may_be_named_as_the_incident_files_do(gate: BigQueryGate) -> None:
    for name in ("unreachable", "permission_denied", "timeout", "quota"):
        gate.fault = name
        assert gate.fault == BigQueryFault(name)


def wait_for_calls(gate: BigQueryGate, count: int) -> None:
    pause = threading.Event()
    for _ in range(1000):
        if gate.calls.total() >= count:
            return
        pause.wait(0.01)
    pytest.fail(f"the gate saw {gate.calls.total()} calls of {count}")
