"""Rounds against the local Firestore: what fails, what is tried again, what is counted, and what is deleted."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from google.api_core.exceptions import Aborted, PermissionDenied
from google.cloud import firestore

from exporter.emulators.firestore import FirestoreServer
from exporter.probe.connection import connect
from exporter.probe.measure import Plan, Remains, Scratch, measure, reason
from exporter.probe.strategies import Meeting, Strategy
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.probe.connection import Connection
    from exporter.probe.outcome import Outcome

COLLECTION = "orchestration_exporter_probe"
SECONDS = 5.0


@pytest.fixture(name="running", scope="module")
def _running() -> Iterator[FirestoreServer]:
    with FirestoreServer() as running:
        yield running


@pytest.fixture(name="server")
def _server(running: FirestoreServer) -> FirestoreServer:
    running.reset()
    return running


@pytest.fixture(name="connection")
def _connection(server: FirestoreServer) -> Iterator[Connection]:
    connection = connect(server.project, "(default)", server.address, SECONDS)
    yield connection
    connection.close()


PLAN = Plan(
    run="run",
    strategies=(Strategy.MERGE,),
    writers=3,
    rounds=1,
    attempts=5,
    seconds=SECONDS,
    now=datetime(2026, 2, 1, 15, 0, tzinfo=UTC),
)


def probed(connection: Connection, plan: Plan, stopping: threading.Event | None = None) -> list[Outcome]:
    """What the plan gives."""
    with Scratch(connection.client, COLLECTION, Remains()) as scratch:
        return list(measure(plan, connection, scratch, stopping or threading.Event(), lambda _: None))


def plan_of(strategy: Strategy) -> Plan:
    """One round of three writers."""
    return replace(PLAN, strategies=(strategy,))


def test_a_conflict_of_a_transaction_is_a_run_of_it_that_was_done_again(
    connection: Connection, server: FirestoreServer
) -> None:
    (outcome,) = probed(connection, plan_of(Strategy.TRANSACTION))

    assert (outcome.written, outcome.left, outcome.errors) == (3, 3, {})
    # All three have read before the first of them writes, so two have to come again.
    assert outcome.conflicts >= 2
    assert outcome.retries == outcome.conflicts == server.calls["BeginTransaction"] - 3


def test_a_transaction_that_runs_out_of_attempts_is_given_up_and_not_lost(connection: Connection) -> None:
    (outcome,) = probed(connection, replace(plan_of(Strategy.TRANSACTION), attempts=1))

    assert (outcome.written, outcome.left, outcome.lost) == (1, 1, 0)
    assert (outcome.conflicts, outcome.retries, outcome.errors) == (2, 0, {"ABORTED at its last attempt": 2})


def test_a_plain_write_that_was_aborted_is_tried_again(connection: Connection, server: FirestoreServer) -> None:
    with connection.api.counted() as tally:
        server.faults.fail("ABORTED", method="Commit", times=2)
        connection.client.document(f"{COLLECTION}/one").set({"n": 1})

    assert (tally.failed, tally.aborted, tally.retries) == (2, 2, 2)
    assert server.get(f"{COLLECTION}/one") == {"n": 1}


def test_a_transient_error_is_a_retry_and_no_conflict(connection: Connection, server: FirestoreServer) -> None:
    with connection.api.counted() as tally:
        server.faults.fail("UNAVAILABLE", method="BatchGetDocuments", times=1)
        connection.client.document(f"{COLLECTION}/one").get()

    assert (tally.failed, tally.aborted, tally.retries) == (1, 0, 1)


def test_a_conflict_while_a_transaction_reads_is_not_tried_again_inside_it(
    connection: Connection, server: FirestoreServer
) -> None:
    @firestore.transactional
    def read(transaction: firestore.Transaction) -> None:
        server.faults.fail("ABORTED", method="BatchGetDocuments", times=1)
        connection.client.document(f"{COLLECTION}/one").get(transaction=transaction)

    with connection.api.counted() as tally, pytest.raises(Aborted) as raised:
        read(connection.client.transaction())

    assert (tally.failed, tally.aborted, tally.retries) == (1, 1, 0)
    assert reason(raised.value) == "ABORTED while it read"


def test_calls_outside_a_count_are_made(connection: Connection, server: FirestoreServer) -> None:
    server.faults.fail("UNAVAILABLE", method="Commit", times=1)

    connection.client.document(f"{COLLECTION}/one").set({"n": 1})

    assert server.get(f"{COLLECTION}/one") == {"n": 1}


def test_a_writer_that_cannot_read_keeps_nobody_waiting(connection: Connection, server: FirestoreServer) -> None:
    server.faults.fail("PERMISSION_DENIED", method="BatchGetDocuments", times=1, message="not yours")

    (outcome,) = probed(connection, plan_of(Strategy.SET))

    assert (outcome.written, outcome.left, outcome.lost, outcome.errors) == (2, 1, 1, {"not yours": 1})


def test_a_transaction_that_cannot_begin_says_why_and_not_that_it_cannot_be_rolled_back(
    connection: Connection, server: FirestoreServer
) -> None:
    server.faults.fail("PERMISSION_DENIED", method="BeginTransaction", message="not yours")

    (outcome,) = probed(connection, plan_of(Strategy.TRANSACTION))

    assert (outcome.written, outcome.errors) == (0, {"not yours": 3})


def test_a_transaction_whose_calls_hang_is_given_up_in_bounded_time(server: FirestoreServer) -> None:
    impatient = connect(server.project, "(default)", server.address, 0.5)
    server.faults.hang(method="BeginTransaction")

    with closing(impatient):
        # The library's own limit for this call is a minute, and there are three writers and five attempts.
        (outcome,) = probed(impatient, plan_of(Strategy.TRANSACTION))

    assert (outcome.written, sum(outcome.errors.values())) == (0, 3)
    assert server.calls["BeginTransaction"] == 3


def test_a_round_that_cannot_be_prepared_ends_the_probe(connection: Connection, server: FirestoreServer) -> None:
    server.faults.fail("PERMISSION_DENIED", method="Commit", times=1)

    with pytest.raises(PermissionDenied):
        probed(connection, plan_of(Strategy.MERGE))

    assert server.documents() == {}


def test_nothing_begins_once_it_is_told_to_stop(connection: Connection, server: FirestoreServer) -> None:
    stopping = threading.Event()
    stopping.set()

    assert probed(connection, PLAN, stopping) == []
    assert server.calls.total == 0


def test_a_round_that_was_under_way_when_it_was_told_to_stop_does_not_count(
    connection: Connection, server: FirestoreServer
) -> None:
    stopping = threading.Event()
    plan = replace(PLAN, strategies=(Strategy.MERGE, Strategy.TRANSACTION))
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if "transaction" in text:
            server.faults.hang(method="BeginTransaction")
            threading.Thread(target=stop_once_they_wait).start()

    def stop_once_they_wait() -> None:
        until(lambda: server.faults.holding == 3, "all writers to wait")
        stopping.set()
        server.faults.clear()

    with Scratch(connection.client, COLLECTION, Remains()) as scratch:
        outcomes = list(measure(plan, connection, scratch, stopping, say))

    assert [outcome.strategy for outcome in outcomes] == [Strategy.MERGE]
    assert said == ["merge: 1 x 3 writers ...", "transaction: 1 x 3 writers ..."]
    assert server.documents() == {}


def test_only_scratch_documents_are_deleted(connection: Connection, server: FirestoreServer) -> None:
    server.put(f"{COLLECTION}/of-another-run", {"n": 1})
    remains = Remains()

    def fail(scratch: Scratch) -> None:
        scratch.document("one").set({"n": 1})
        scratch.document("one").set({"n": 2})
        scratch.document("never-written")
        raise LookupError("of the test")

    with pytest.raises(LookupError), Scratch(connection.client, COLLECTION, remains) as scratch:
        fail(scratch)

    assert set(server.documents()) == {f"{COLLECTION}/of-another-run"}
    assert remains == Remains()


def test_scratch_deletes_more_than_one_batch_takes(connection: Connection, server: FirestoreServer) -> None:
    with Scratch(connection.client, COLLECTION, Remains()) as scratch:
        for number in range(501):
            scratch.document(str(number))
        scratch.document("500").set({"n": 1})

    assert server.documents() == {}
    assert server.calls["Commit"] == 3


def test_documents_that_could_not_be_deleted_are_reported_with_the_reason(
    connection: Connection, server: FirestoreServer
) -> None:
    remains = Remains()

    with Scratch(connection.client, COLLECTION, remains) as scratch:
        scratch.document("one").set({"n": 1})
        server.faults.fail("PERMISSION_DENIED", method="Commit", message="not yours any more")

    assert remains == Remains(("one",), "not yours any more")


def test_a_meeting_is_waited_for_once() -> None:
    meeting = Meeting(threading.Barrier(1))

    meeting()
    waited = meeting.seconds
    meeting()

    assert meeting.seconds == waited


def test_writers_that_wait_too_long_are_given_up(connection: Connection, server: FirestoreServer) -> None:
    server.faults.delay(0.3, method="BatchGetDocuments", times=1)

    (outcome,) = probed(connection, replace(plan_of(Strategy.SET), seconds=0.01))

    assert sum(outcome.errors.values()) == 3
    assert outcome.written == 0
