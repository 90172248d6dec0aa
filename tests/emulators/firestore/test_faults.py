"""Faults that a test or a replayed day orders."""

from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from google.api_core.exceptions import (
    DeadlineExceeded,
    GoogleAPICallError,
    PermissionDenied,
    ResourceExhausted,
    ServiceUnavailable,
)
from google.cloud import firestore
from grpc import StatusCode

from exporter.emulators.firestore import FirestoreServer
from tests.conformance.listener import PATIENCE, Listener, wait_for


def _get(client: firestore.Client) -> object:
    return client.document("a/b").get(retry=None, timeout=PATIENCE).to_dict()


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("PERMISSION_DENIED", PermissionDenied),
        ("UNAVAILABLE", ServiceUnavailable),
        ("DEADLINE_EXCEEDED", DeadlineExceeded),
        (StatusCode.RESOURCE_EXHAUSTED, ResourceExhausted),
    ],
)
def test_every_call_fails_with_the_ordered_code_until_the_fault_is_cleared(
    server: FirestoreServer, client: firestore.Client, code: str | StatusCode, error: type[GoogleAPICallError]
) -> None:
    server.put("a/b", {"n": 1})
    server.faults.fail(code, message="missing or insufficient permissions")

    for _ in range(2):
        with pytest.raises(error, match="missing or insufficient permissions"):
            _get(client)
    with pytest.raises(error):
        client.document("a/b").set({"n": 2}, retry=None)

    server.faults.clear()
    assert _get(client) == {"n": 1}


def test_a_fault_of_one_method_leaves_the_others_alone(server: FirestoreServer, client: firestore.Client) -> None:
    server.faults.fail("PERMISSION_DENIED", method="Commit")

    with pytest.raises(PermissionDenied):
        client.document("a/b").set({"n": 1})
    assert _get(client) is None

    server.faults.clear("Commit")
    client.document("a/b").set({"n": 1})
    assert _get(client) == {"n": 1}


def test_a_methods_own_fault_comes_before_that_of_all(server: FirestoreServer, client: firestore.Client) -> None:
    server.faults.fail("UNAVAILABLE")
    server.faults.fail("PERMISSION_DENIED", method="BatchGetDocuments", times=1)

    with pytest.raises(PermissionDenied):
        _get(client)
    with pytest.raises(ServiceUnavailable):
        _get(client)


def test_a_fault_may_meet_the_next_calls_only(server: FirestoreServer, client: firestore.Client) -> None:
    server.faults.fail("UNAVAILABLE", times=2)

    for _ in range(2):
        with pytest.raises(ServiceUnavailable):
            _get(client)
    assert _get(client) is None


def test_the_clients_own_retry_gets_over_a_short_fault(server: FirestoreServer, client: firestore.Client) -> None:
    server.put("a/b", {"n": 1})
    server.faults.fail("UNAVAILABLE", times=2)

    assert client.document("a/b").get().to_dict() == {"n": 1}
    assert server.calls["BatchGetDocuments"] == 3


def test_a_new_fault_takes_the_place_of_the_old(server: FirestoreServer, client: firestore.Client) -> None:
    server.faults.fail("UNAVAILABLE")
    server.faults.fail("PERMISSION_DENIED")

    with pytest.raises(PermissionDenied):
        _get(client)


def test_a_call_that_hangs_ends_with_its_deadline_and_writes_nothing(
    server: FirestoreServer, client: firestore.Client
) -> None:
    server.faults.hang()

    with pytest.raises(DeadlineExceeded):
        client.document("a/b").set({"n": 1}, retry=None, timeout=0.2)

    wait_for(lambda: server.faults.holding == 0)
    server.faults.clear()
    assert _get(client) is None


def test_a_call_that_hangs_goes_on_when_the_fault_is_cleared(server: FirestoreServer, client: firestore.Client) -> None:
    server.put("a/b", {"n": 1})
    server.faults.hang(times=1)

    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(_get, client)
        wait_for(lambda: server.faults.holding == 1)
        assert _get(client) == {"n": 1}
        assert not hanging.done()
        server.faults.clear()
        assert hanging.result(PATIENCE) == {"n": 1}


def test_a_call_that_hangs_is_let_go_when_another_fault_is_ordered(
    server: FirestoreServer, client: firestore.Client
) -> None:
    server.faults.hang()

    with ThreadPoolExecutor(1) as threads:
        hanging = threads.submit(_get, client)
        wait_for(lambda: server.faults.holding == 1)
        server.faults.fail("PERMISSION_DENIED", method="Commit")
        assert not hanging.done()
        server.faults.fail("PERMISSION_DENIED")
        assert hanging.result(PATIENCE) is None


def test_stopping_ends_a_call_that_hangs(server: FirestoreServer, client: firestore.Client) -> None:
    server.faults.hang()

    with ThreadPoolExecutor(4) as threads:
        hanging: list[Future[object]] = [threads.submit(_get, client) for _ in range(4)]
        wait_for(lambda: server.faults.holding == 4)
        server.stop()
        for call in hanging:
            assert isinstance(call.exception(PATIENCE), ServiceUnavailable)


def test_a_delayed_call_is_answered_after_all(server: FirestoreServer, client: firestore.Client) -> None:
    server.put("a/b", {"n": 1})
    server.faults.delay(0.01)

    assert _get(client) == {"n": 1}


def test_a_delay_beyond_the_deadline_is_a_time_out(server: FirestoreServer, client: firestore.Client) -> None:
    server.faults.delay(1000, times=1)

    with pytest.raises(DeadlineExceeded):
        client.document("a/b").get(retry=None, timeout=0.2)
    assert _get(client) is None


def test_a_failure_may_come_late(server: FirestoreServer, client: firestore.Client) -> None:
    server.faults.fail("PERMISSION_DENIED", after=0.01)

    with pytest.raises(PermissionDenied):
        _get(client)


def test_a_fault_meets_streams_of_results_too(server: FirestoreServer, client: firestore.Client) -> None:
    server.faults.fail("PERMISSION_DENIED", method="RunQuery")
    server.faults.fail("PERMISSION_DENIED", method="RunAggregationQuery")

    with pytest.raises(PermissionDenied):
        list(client.collection("a").stream(retry=None))
    with pytest.raises(PermissionDenied):
        client.collection("a").count().get(retry=None)


def test_an_unknown_code_or_method_is_an_error_that_lists_the_known(server: FirestoreServer) -> None:
    with pytest.raises(ValueError, match=r"'permission_denied' is no gRPC status code: .*PERMISSION_DENIED"):
        server.faults.fail("permission_denied")
    with pytest.raises(ValueError, match=r"'Get' is no method of the local Firestore: .*BatchGetDocuments"):
        server.faults.hang(method="Get")


def test_an_unreachable_server_breaks_listeners_which_go_on_where_they_were(
    server: FirestoreServer, client: firestore.Client
) -> None:
    server.put("a/1", {"n": 1})
    listener = Listener(client.collection("a"))
    assert listener.next().changes == [("ADDED", "1")]
    opened = server.calls["Listen"]

    server.faults.unreachable()
    with pytest.raises(ServiceUnavailable, match="failed to connect"):
        _get(client)
    wait_for(lambda: server.calls["Listen"] > opened)
    server.put("a/2", {"n": 2})
    server.faults.clear()

    assert listener.next().changes == [("ADDED", "2")]
    listener.watch.unsubscribe()
