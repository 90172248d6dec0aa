"""The BigQuery adapter against a stand-in for the REST API: calls that must end, closing, and dry runs."""

from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from exporter.config.resolved import CalendarConfig, TableRef, WarehouseLimits
from exporter.metrics.telemetry import Telemetry
from exporter.model import ErrorKind
from exporter.sources.bigquery import BigQueryWarehouse
from exporter.sources.ports import ContextRequest, Deadline, Estimate, SourceError
from exporter.sources.queries import CONTEXT
from testing.bigquery_rest import (
    HANG,
    QUOTA_EXCEEDED,
    BigQueryRest,
    Rows,
    Running,
    Slow,
    not_found,
)
from tests.sources.asking import (
    COUNTED,
    MIB,
    NEW_YORK,
    OFFENSE,
    PLAYERS,
    WINDOW,
    Clock,
    counts,
    refused,
    warehouse_at,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# --- ends in time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["jobs.insert", "jobs.getQueryResults", "jobs.get"])
def test_a_service_that_does_not_answer_is_a_time_out(
    server: BigQueryRest, warehouse: BigQueryWarehouse, call: str
) -> None:
    server.answer(Running())
    server.interfere(call, *[HANG] * 10)

    assert refused(warehouse, seconds=0.5).kind is ErrorKind.TIMEOUT


def test_a_job_that_does_not_end_is_cancelled(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(Running())

    error = refused(warehouse, seconds=0.5)

    assert error.kind is ErrorKind.TIMEOUT
    assert "collect.warehouse.timeout" in error.detail
    assert server.cancelled == [server.queries[0].job_id]


def test_a_job_is_cancelled_even_if_the_answer_to_its_creation_was_lost(
    server: BigQueryRest, warehouse: BigQueryWarehouse
) -> None:
    server.answer(Running())
    # Made after the client has given up waiting for the answer, and before its time is over.
    server.interfere("jobs.insert", *[Slow(2.2)] * 5)

    refused(warehouse, seconds=4)

    assert set(server.cancelled) == {server.queries[0].job_id}


def test_a_hanging_cancel_does_not_hold_up_the_answer(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(Running())
    server.interfere("jobs.cancel", HANG)

    assert refused(warehouse, seconds=0.3).kind is ErrorKind.TIMEOUT


def test_a_lost_answer_while_a_job_runs_does_not_cost_the_job(
    server: BigQueryRest, warehouse: BigQueryWarehouse
) -> None:
    server.interfere("jobs.getQueryResults", HANG)

    assert isinstance(counts(warehouse, seconds=2)[PLAYERS.name], dict)
    assert server.calls["jobs.insert"] == 1
    assert server.cancelled == []


def test_after_a_time_out_the_next_reading_is_answered(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(Running(), COUNTED)
    refused(warehouse, seconds=0.3)

    assert isinstance(counts(warehouse)[PLAYERS.name], dict)


def test_no_request_is_made_after_the_deadline(
    server: BigQueryRest, warehouse: BigQueryWarehouse, telemetry: Telemetry
) -> None:
    assert refused(warehouse, seconds=0).kind is ErrorKind.TIMEOUT
    assert server.calls == {}
    assert telemetry.total("jobs") == 0


def test_an_address_without_a_server_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with warehouse_at(f"http://127.0.0.1:{port}") as nowhere:
        error = refused(nowhere, seconds=5)

    assert error.kind is ErrorKind.UNREACHABLE
    assert "Connection refused" in error.detail
    assert "0x" not in error.detail


@pytest.fixture
def trickle() -> Iterator[str]:
    """The address of a server that sends its answer a byte at a time, for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stopping = threading.Event()

        def drip(connection: socket.socket, start: bytes) -> None:
            with connection, suppress(OSError):
                connection.sendall(start)
                while not stopping.wait(0.01):
                    connection.sendall(b"x")

        def serve() -> None:
            starts = cycle((b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{"))
            for start in starts:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=drip, args=(connection, start), daemon=True).start()

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        stopping.set()
        listener.shutdown(socket.SHUT_RDWR)
        server.join(10)


def test_a_service_whose_answer_never_ends_is_a_time_out_and_its_connections_are_shut(trickle: str) -> None:
    with warehouse_at(trickle) as warehouse:
        for _ in range(2):
            assert refused(warehouse, seconds=0.3).kind is ErrorKind.TIMEOUT

        for thread in threading.enumerate():
            if thread.name.startswith("bigquery"):
                thread.join(10)
                assert not thread.is_alive()


def test_closing_cancels_what_runs_and_ends_the_call(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(Running())

    def close() -> None:
        server.wait_for_call("jobs.getQueryResults")
        warehouse.close()

    closer = threading.Thread(target=close)
    closer.start()
    error = refused(warehouse, seconds=60)
    closer.join(10)

    assert error.kind is ErrorKind.UNREACHABLE
    assert error.detail.endswith(": the exporter is stopping")
    assert server.cancelled == [server.queries[0].job_id]


def test_after_closing_no_request_is_made(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    counts(warehouse)
    warehouse.close()
    warehouse.close()

    assert refused(warehouse).detail.endswith(": the exporter is stopping")
    assert len(server.queries) == 1


def test_a_service_that_hangs_does_not_hold_up_the_end(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.interfere("jobs.insert", HANG, HANG)
    server.interfere("jobs.cancel", HANG, HANG)

    def close() -> None:
        server.wait_for_call("jobs.insert")
        warehouse.close()

    closer = threading.Thread(target=close)
    closer.start()

    assert refused(warehouse, seconds=60).detail.endswith(": the exporter is stopping")
    closer.join(10)
    assert not closer.is_alive()


def test_without_credentials_the_error_says_where_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    warehouse = BigQueryWarehouse(
        project="p", limits=WarehouseLimits(2**30, 2**30), telemetry=Telemetry(), clock=Clock(), zone=NEW_YORK
    )

    error = refused(warehouse)
    warehouse.close()

    assert error.kind is ErrorKind.PERMISSION_DENIED
    assert "GOOGLE_APPLICATION_CREDENTIALS" in error.detail


def test_a_hanging_search_for_credentials_is_a_time_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    slow_file = tmp_path / "credentials"
    os.mkfifo(slow_file)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(slow_file))
    warehouse = BigQueryWarehouse(
        project="p", limits=WarehouseLimits(2**30, 2**30), telemetry=Telemetry(), clock=Clock(), zone=NEW_YORK
    )

    error = refused(warehouse, seconds=0.2)
    late = [thread for thread in threading.enumerate() if thread.name.startswith("bigquery")]
    slow_file.write_text(
        json.dumps({"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "t"})
    )
    for thread in late:
        thread.join(10)
    warehouse.close()

    assert error.kind is ErrorKind.TIMEOUT
    assert late
    assert not any(thread.is_alive() for thread in late)


# --- dry runs -----------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_every_table_would_cost_and_which_cannot_be_read(
    server: BigQueryRest, warehouse: BigQueryWarehouse, telemetry: Telemetry
) -> None:
    server.answer(not_found(f"p:{OFFENSE.name}"), when=OFFENSE.name)

    sizes = warehouse.dry_run_row_counts([PLAYERS, OFFENSE], WINDOW, Deadline(30))

    assert sizes[PLAYERS] == Estimate(3 * MIB, location="EU")
    error = sizes[OFFENSE]
    assert isinstance(error, SourceError)
    assert error.kind is ErrorKind.NOT_FOUND
    assert [query.dry_run for query in server.queries] == [True, True]
    assert telemetry.total("jobs") == 0
    assert telemetry.value("budget_remaining") == 2**30


def test_a_dry_run_of_the_context_names_what_it_is_about(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    calendar = CalendarConfig(TableRef("a.schedule", "game_date"), "COUNT(*)")
    server.answer(Rows(CONTEXT, [], bytes_processed=3 * MIB))

    sizes = warehouse.dry_run_context(ContextRequest(calendars={"nba": calendar}), WINDOW, Deadline(30))

    assert sizes == {"calendar of nba (table a.schedule)": Estimate(3 * MIB, location="EU")}
    assert len(server.queries) == 1


def test_dry_runs_stop_if_no_query_is_allowed(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(QUOTA_EXCEEDED)

    sizes = warehouse.dry_run_row_counts([PLAYERS, OFFENSE], WINDOW, Deadline(30))

    assert [error.kind for error in sizes.values() if isinstance(error, SourceError)] == [ErrorKind.QUOTA] * 2
    assert len(server.queries) == 1
