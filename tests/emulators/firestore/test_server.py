"""Starting, stopping, and putting documents in directly."""

import threading
from datetime import UTC, datetime
from typing import Final

import pytest
from google.api_core.exceptions import ServiceUnavailable
from google.cloud import firestore
from google.cloud.firestore import GeoPoint

from exporter.emulators.firestore import CallError, FirestoreServer, Reference, close
from tests.conformance.listener import PATIENCE, Listener, wait_for

_EVERY_TYPE: Final[dict[str, object]] = {
    "null": None,
    "bool": True,
    "int": 2**63 - 1,
    "float": 1.5,
    "text": 'quo"te\nünï',
    "bytes": b"\x00",
    "time": datetime(2026, 2, 1, 15, 0, 48, 123456, tzinfo=UTC),
    "place": GeoPoint(1, 2),
    "list": [1, {"a": "b"}, None],
    "map": {"odd key.": {"deep": [True]}},
    "empty": {},
}


def test_documents_put_in_directly_are_what_a_client_reads(server: FirestoreServer, client: firestore.Client) -> None:
    server.put("a/b", _EVERY_TYPE)

    assert client.document("a/b").get().to_dict() == _EVERY_TYPE
    assert server.get("a/b") == _EVERY_TYPE


def test_what_a_client_wrote_is_there_in_plain_values(server: FirestoreServer, client: firestore.Client) -> None:
    client.document("a/b").set({**_EVERY_TYPE, "to": client.document("c/d")})

    name = "projects/local-project/databases/(default)/documents/c/d"
    assert server.get("a/b") == {**_EVERY_TYPE, "to": Reference(name)}


def test_a_reference_put_in_directly_is_one_to_the_client(server: FirestoreServer, client: firestore.Client) -> None:
    server.put("a/b", {"to": Reference("projects/local-project/databases/(default)/documents/c/d")})

    assert client.document("a/b").get().get("to") == client.document("c/d")


def test_put_replaces_and_merge_merges(server: FirestoreServer) -> None:
    server.put("a/b", {"x": {"a": 1, "b`.": 2}, "y": 1})
    server.merge("a/b", {"x": {"b`.": 3, "c": {}}})
    assert server.get("a/b") == {"x": {"a": 1, "b`.": 3, "c": {}}, "y": 1}

    server.put("a/b", {"z": 1})
    assert server.get("a/b") == {"z": 1}


def test_merge_creates_and_delete_deletes_what_need_not_be_there(server: FirestoreServer) -> None:
    server.merge("a/b", {"x": 1})
    assert server.get("a/b") == {"x": 1}

    server.delete("a/b")
    server.delete("a/b")
    assert server.get("a/b") is None


def test_all_documents_are_listed_by_path(server: FirestoreServer) -> None:
    server.put_all({"b/1": {"n": 1}, "a/2": {"n": 2}, "a/2/sub/3": {"n": 3}})
    server.put("a/1", {"n": 4}, project="another")

    assert server.documents() == {"a/2": {"n": 2}, "a/2/sub/3": {"n": 3}, "b/1": {"n": 1}}
    assert [*server.documents()] == ["a/2", "a/2/sub/3", "b/1"]
    assert server.documents(project="another") == {"a/1": {"n": 4}}


def test_projects_do_not_see_each_other(server: FirestoreServer) -> None:
    server.put("a/b", {"n": 1}, project="one")
    client = server.client("other")

    assert not client.document("a/b").get().exists
    assert list(client.collection_group("a").stream()) == []
    assert server.get("a/b", project="one") == {"n": 1}
    assert server.get("a/b") is None
    close(client)


@pytest.mark.parametrize("path", ["a", "a/b/c", "/b", "a//b/c", ""])
def test_a_path_that_names_no_document_is_an_error_that_says_so(server: FirestoreServer, path: str) -> None:
    with pytest.raises(ValueError, match="is no document path: expected COLLECTION/ID"):
        server.put(path, {})


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"x": object()}, TypeError, "a/b: Firestore has no type for"),
        ({"x": {1: "a"}}, TypeError, "a/b: a field is named by a string, not by 1"),
        ({"x": 2**63}, ValueError, "a/b: .*out of range"),
        ({"x": datetime(2026, 2, 1)}, ValueError, "a/b: .*has no time zone"),  # noqa: DTZ001 - that is the point
        ({"__x__": 1}, CallError, "a field cannot be called '__x__'"),
        ({"": 1}, CallError, "a field cannot be called ''"),
        ({"x": [[1]]}, CallError, "an array cannot hold an array"),
    ],
)
def test_what_firestore_cannot_hold_is_an_error_that_says_why(
    server: FirestoreServer, fields: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        server.put("a/b", fields)
    assert server.documents() == {}


def test_one_bad_document_keeps_all_of_its_commit_out(server: FirestoreServer) -> None:
    with pytest.raises(CallError):
        server.put_all({"a/good": {"x": 1}, "a/bad": {"x": [[1]]}})

    assert server.documents() == {}


def test_a_reset_leaves_nothing(server: FirestoreServer, client: firestore.Client) -> None:
    server.put("a/b", {"n": 1})
    server.put("a/b", {"n": 1}, project="another")
    client.document("a/b").get()
    server.faults.fail("UNAVAILABLE")

    server.reset()

    assert server.documents() == server.documents(project="another") == {}
    assert not client.document("a/b").get().exists
    assert server.calls.by_method() == {"BatchGetDocuments": 1}


def test_an_address_in_use_is_an_error_that_names_it(server: FirestoreServer) -> None:
    port = int(server.address.rpartition(":")[2])

    with pytest.raises(OSError, match=f"cannot listen on {server.address}"):
        FirestoreServer(port=port).start()


def test_there_is_no_address_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="has no address before it is started"):
        _ = FirestoreServer().address


def test_a_server_starts_again_at_its_address_with_its_documents(
    server: FirestoreServer, client: firestore.Client
) -> None:
    address = server.address
    client.document("a/b").set({"n": 1})

    server.stop()
    with pytest.raises(ServiceUnavailable):
        client.document("a/b").get(retry=None)
    server.start()

    assert server.address == address
    assert client.document("a/b").get().to_dict() == {"n": 1}


def test_stopping_twice_is_stopping_once(server: FirestoreServer) -> None:
    server.stop()
    server.stop()


def test_a_stopped_server_leaves_no_thread_behind(server: FirestoreServer, client: firestore.Client) -> None:
    listener = Listener(client.collection("a"))
    listener.next()
    server.faults.hang(method="Commit")
    commit = threading.Thread(target=_failing_set, args=(client,))
    commit.start()
    wait_for(lambda: server.faults.holding == 1)

    server.stop()

    commit.join(PATIENCE)
    assert not commit.is_alive()
    for thread in _threads_of(server):
        thread.join(PATIENCE)
    assert _threads_of(server) == []
    server.start()  # the client's own threads end only once they have found the server again
    server.put("a/b", {})
    assert listener.next().changes == [("ADDED", "b")]
    listener.watch.unsubscribe()


def _threads_of(server: FirestoreServer) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(f"firestore-{id(server)}")]


def _failing_set(client: firestore.Client) -> None:
    with pytest.raises(ServiceUnavailable):
        client.document("a/b").set({"n": 1}, retry=None)


def test_the_environment_does_not_lead_the_client_astray(
    server: FirestoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    client = server.client("some-project")

    client.document("a/b").set({"n": 1})

    assert server.get("a/b", project="some-project") == {"n": 1}
    close(client)


def test_a_large_collection_is_counted_in_one_call(server: FirestoreServer, client: firestore.Client) -> None:
    server.put_all({f"processor_heartbeats/{number}": {"status": "running"} for number in range(10_500)})

    counted = client.collection("processor_heartbeats").count(alias="all").get()[0][0].value

    assert counted == 10_500
    assert server.calls.by_method() == {"RunAggregationQuery": 1}
    assert server.calls.documents_read == 11
