"""Where BigQuery's jobs run: whoever looks for one or cancels it says so, or does not find it outside US and EU."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from exporter.metrics.telemetry import Telemetry
from exporter.model import ErrorKind
from exporter.sources.ports import SourceError
from testing.bigquery_rest import HANG, BigQueryRest, Running, Slow, Without
from tests.sources.asking import COUNTED, MIB, PLAYERS, counts, refused, warehouse_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.sources.bigquery import BigQueryWarehouse

REGION = "europe-west3"


@pytest.fixture
def server() -> Iterator[BigQueryRest]:
    with BigQueryRest(long_poll=0.05, location=REGION) as server:
        server.answer(COUNTED)
        yield server


def _ends(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    assert isinstance(counts(warehouse)[PLAYERS.name], dict)
    assert server.calls["jobs.getQueryResults"] >= 1


def _answer_to_the_start_is_lost(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    # The first answer comes after the client has given it up; then the id is taken, by that very job.
    server.interfere("jobs.insert", Slow(1.45), Slow(0.4))

    assert isinstance(counts(warehouse, seconds=3)[PLAYERS.name], dict)
    assert server.cancelled == []


def _never_ends(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(Running())

    assert refused(warehouse, seconds=0.5).kind is ErrorKind.TIMEOUT
    assert server.cancelled == [server.queries[0].job_id]


def _never_ends_and_the_answer_to_the_start_is_lost(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(Running())
    server.interfere("jobs.insert", *[Slow(1.2)] * 2)

    refused(warehouse, seconds=2)

    assert set(server.cancelled) == {server.queries[0].job_id}


def _the_exporter_stops(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.answer(Running())

    def close() -> None:
        server.wait_for_call("jobs.getQueryResults")
        warehouse.close()

    closer = threading.Thread(target=close)
    closer.start()
    refused(warehouse, seconds=60)
    closer.join(10)

    assert server.cancelled == [server.queries[0].job_id]


def _lost_and_asked_about_later(server: BigQueryRest, warehouse: BigQueryWarehouse) -> None:
    server.interfere("jobs.insert", Without(("status", "statistics")))
    server.interfere("jobs.getQueryResults", *[HANG] * 5)
    refused(warehouse, seconds=0.3)
    asked = server.calls["jobs.get"]
    server.recover()

    assert isinstance(counts(warehouse)[PLAYERS.name], dict)
    assert server.calls["jobs.get"] == asked + 1


PLACES: dict[str, Callable[[BigQueryRest, BigQueryWarehouse], None]] = {
    "results and their job": _ends,
    "a job whose start was not answered": _answer_to_the_start_is_lost,
    "cancelling a job that does not end": _never_ends,
    "cancelling a job whose start was not answered": _never_ends_and_the_answer_to_the_start_is_lost,
    "cancelling at the end of the exporter": _the_exporter_stops,
    "asking what a lost job billed": _lost_and_asked_about_later,
}


@pytest.mark.parametrize("configured", [REGION, None])
@pytest.mark.parametrize("place", PLACES)
def test_a_job_is_asked_about_where_it_runs(server: BigQueryRest, place: str, configured: str | None) -> None:
    with warehouse_at(server.address, location=configured) as warehouse:
        PLACES[place](server, warehouse)

    assert server.misplaced == []


def test_a_querys_location_is_learnt_from_its_job(server: BigQueryRest) -> None:
    with warehouse_at(server.address, location=None) as warehouse:
        counts(warehouse)
        server.answer(Running())
        server.interfere("jobs.insert", *[Slow(1.2)] * 2)
        with pytest.raises(SourceError):
            counts(warehouse, seconds=2)

    assert server.misplaced == []
    assert len(server.cancelled) == 1
    assert not any(query.dry_run for query in server.queries)


def test_a_job_with_an_unknown_location_stays_counted(server: BigQueryRest) -> None:
    telemetry = Telemetry()
    with warehouse_at(server.address, telemetry, location=None) as warehouse:
        server.interfere("jobs.insert", *[HANG] * 50)
        refused(warehouse, seconds=0.3)
        refused(warehouse, seconds=0.3)

        assert telemetry.value("budget_remaining") == 2**30 - 2 * 512 * MIB
