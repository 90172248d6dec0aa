"""Listeners that lose their stream, miss too much, or listen to more than one thing."""

import queue
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.cloud import firestore
from google.cloud.firestore import FieldFilter

from exporter.emulators.firestore import FirestoreServer, close
from exporter.emulators.firestore.messages import ListenRequest, ListenResponse, Message
from tests.conformance.listener import PATIENCE, Listener, wait_for

_DATABASE = "projects/local-project/databases/(default)"


@pytest.fixture
def listen() -> Iterator[Callable[[Any], Listener]]:
    """Starts listeners, and stops them at the end."""
    listeners: list[Listener] = []

    def start(source: Any) -> Listener:  # noqa: ANN401 - whatever has on_snapshot
        listeners.append(Listener(source))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.watch.unsubscribe()


def _broken(server: FirestoreServer) -> None:
    """Break the open streams and wait until the clients have come back."""
    opened = server.calls["Listen"]
    server.faults.break_streams()
    wait_for(lambda: server.calls["Listen"] == opened + 1)


def test_a_listener_whose_stream_breaks_hears_what_it_missed_and_nothing_twice(
    server: FirestoreServer, client: firestore.Client, listen: Callable[[Any], Listener]
) -> None:
    server.put_all({"a/kept": {"n": 1}, "a/changed": {"n": 1}, "a/deleted": {"n": 1}})
    listener = listen(client.collection("a"))
    listener.next()

    server.faults.unreachable()
    server.put_all({"a/changed": {"n": 2}, "a/new": {"n": 1}})
    server.delete("a/deleted")
    server.faults.clear()

    heard = listener.next()
    assert sorted(heard.changes) == [("ADDED", "new"), ("MODIFIED", "changed"), ("REMOVED", "deleted")]
    assert heard.documents == {"kept": {"n": 1}, "changed": {"n": 2}, "new": {"n": 1}}


def test_a_listener_that_comes_back_reads_only_what_changed(
    server: FirestoreServer, client: firestore.Client, listen: Callable[[Any], Listener]
) -> None:
    server.put_all({f"a/{number}": {"n": number} for number in range(50)})
    listener = listen(client.collection("a"))
    listener.next()
    assert server.calls.documents_read == 50

    _broken(server)
    server.put("a/0", {"n": 100})

    assert listener.next().changes == [("MODIFIED", "0")]
    assert server.calls.documents_read == 51


def test_a_listener_on_a_missing_document_comes_back(
    server: FirestoreServer, client: firestore.Client, listen: Callable[[Any], Listener]
) -> None:
    listener = listen(client.document("a/b"))
    listener.next()

    _broken(server)
    server.put("a/b", {"n": 1})

    assert listener.next().changes == [("ADDED", "b")]


def test_a_listener_with_a_limit_comes_back(
    server: FirestoreServer, client: firestore.Client, listen: Callable[[Any], Listener]
) -> None:
    server.put_all({f"a/{number}": {"n": number} for number in range(1, 5)})
    listener = listen(client.collection("a").order_by("n").limit(2))
    listener.next()

    server.faults.unreachable()
    server.put("a/0", {"n": 0})
    server.delete("a/1")
    server.faults.clear()

    heard = listener.next()
    assert sorted(heard.changes) == [("ADDED", "0"), ("REMOVED", "1")]
    assert [*heard.documents] == ["0", "2"]


def test_a_listener_that_missed_too_much_gets_all_documents_again() -> None:
    with FirestoreServer(history=2) as server:
        server.put_all({"a/kept": {"n": 1}, "a/changed": {"n": 1}, "a/deleted": {"n": 1}})
        client = server.client()
        listener = Listener(client.collection("a"))
        listener.next()

        server.faults.unreachable()
        server.put("a/changed", {"n": 2})
        server.put("a/new", {"n": 1})
        server.delete("a/deleted")
        server.faults.clear()

        heard = listener.next()
        assert sorted(heard.changes) == [("ADDED", "new"), ("MODIFIED", "changed"), ("REMOVED", "deleted")]
        assert heard.documents == {"kept": {"n": 1}, "changed": {"n": 2}, "new": {"n": 1}}
        listener.watch.unsubscribe()
        close(client)


def test_an_open_stream_that_fell_behind_gets_all_documents_again() -> None:
    with FirestoreServer(history=2) as server:
        server.put_all({"a/1": {"n": 1}, "a/2": {"n": 1}})
        client = server.client()
        listeners = [Listener(client.collection("a")), Listener(client.collection("a").order_by("n").limit(1))]
        for listener in listeners:
            listener.next()

        with server._store.changed:  # noqa: SLF001 - keeps the streams from looking in between
            for number in range(3, 7):
                server.put(f"a/{number}", {"n": -number})
            server.delete("a/1")

        assert sorted(listeners[0].next().changes) == [
            *(("ADDED", str(number)) for number in range(3, 7)),
            ("REMOVED", "1"),
        ]
        assert listeners[1].next().documents == {"6": {"n": -6}}
        for listener in listeners:
            listener.watch.unsubscribe()
        close(client)


def test_every_commit_is_a_snapshot_of_its_own(
    server: FirestoreServer, client: firestore.Client, listen: Callable[[Any], Listener]
) -> None:
    listener = listen(client.document("a/b"))
    listener.next()

    with server._store.changed:  # noqa: SLF001 - keeps the stream from looking in between
        for number in range(3):
            server.put("a/b", {"n": number})

    assert [listener.next().documents["b"] for _ in range(3)] == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_a_listener_with_cursors_hears_what_is_between_them(
    server: FirestoreServer, client: firestore.Client, listen: Callable[[Any], Listener]
) -> None:
    listener = listen(client.collection("a").order_by("n").start_at({"n": 10}).end_before({"n": 20}))
    listener.next()

    server.put_all({"a/below": {"n": 9}, "a/in": {"n": 10}, "a/above": {"n": 20}})
    assert listener.next().changes == [("ADDED", "in")]
    server.put("a/below", {"n": 15})
    assert listener.next().changes == [("ADDED", "below")]


def test_a_listener_with_a_projection_gets_its_fields(
    server: FirestoreServer, client: firestore.Client, listen: Callable[[Any], Listener]
) -> None:
    server.put("a/b", {"n": 1, "m": 2})

    assert listen(client.collection("a").select(["n"])).next().documents == {"b": {"n": 1}}


def test_a_listener_on_a_collection_group_hears_of_all_its_collections(
    server: FirestoreServer, client: firestore.Client, listen: Callable[[Any], Listener]
) -> None:
    server.put("a/b/events/1", {"n": 1})
    listener = listen(client.collection_group("events").where(filter=FieldFilter("n", ">", 0)))
    assert listener.next().changes == [("ADDED", "1")]

    server.put("events/2", {"n": 2})
    assert listener.next().changes == [("ADDED", "2")]


def test_a_reset_is_told_as_deletions(
    server: FirestoreServer, client: firestore.Client, listen: Callable[[Any], Listener]
) -> None:
    server.put("a/b", {"n": 1})
    listener = listen(client.collection("a"))
    listener.next()

    server.reset()

    assert listener.next().changes == [("REMOVED", "b")]


class _Stream:
    """The protocol itself, as the client does not use it."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._requests: queue.SimpleQueue[Message] = queue.SimpleQueue()
        listen: Any = channel.stream_stream(
            "/google.firestore.v1.Firestore/Listen",
            request_serializer=ListenRequest.SerializeToString,
            response_deserializer=ListenResponse.FromString,
        )
        self.call = listen(iter(self._requests.get, None), timeout=PATIENCE)

    def send(self, **fields: object) -> None:
        self._requests.put(ListenRequest(database=_DATABASE, **fields))

    def end(self) -> None:
        self._requests.put(None)

    def next(self) -> str:
        """The next response, in short."""
        return _in_short(next(self.call))

    def until_consistent(self) -> list[str]:
        """The responses up to the next consistent snapshot."""
        heard = [self.next()]
        while heard[-1] != "consistent":
            heard.append(self.next())
        return heard


def _in_short(response: Message) -> str:
    kind = response.WhichOneof("response_type")
    answer = getattr(response, kind)
    if kind == "target_change":
        name: str = answer.TargetChangeType.Name(answer.target_change_type)
        return " ".join([name, *map(str, answer.target_ids)]) if answer.target_ids else "consistent"
    if kind == "document_delete":
        return f"deleted {answer.document.rpartition('/')[2]} {[*answer.removed_target_ids]}"
    return f"changed {answer.document.name.rpartition('/')[2]} {[*answer.target_ids]} {[*answer.removed_target_ids]}"


@pytest.fixture
def stream(server: FirestoreServer) -> Iterator[_Stream]:
    """An open stream without targets."""
    with grpc.insecure_channel(server.address) as channel:
        opened = _Stream(channel)
        yield opened
        opened.call.cancel()
        opened.end()


def _documents(number: int, *paths: str, **rest: object) -> dict[str, object]:
    names = [f"{_DATABASE}/documents/{path}" for path in paths]
    return {"target_id": number, "documents": {"documents": names}, **rest}


def _query(number: int, collection: str) -> dict[str, object]:
    query = {"from_": [{"collection_id": collection}]}
    return {"target_id": number, "query": {"parent": f"{_DATABASE}/documents", "structured_query": query}}


def test_one_stream_may_have_several_targets(server: FirestoreServer, stream: _Stream) -> None:
    stream.send(add_target=_documents(1, "a/x", "a/y"))
    assert stream.until_consistent() == ["ADD 1", "deleted x [1]", "deleted y [1]", "CURRENT 1", "consistent"]

    stream.send(add_target=_query(2, "a"))
    assert stream.until_consistent() == ["ADD 2", "CURRENT 2", "consistent"]

    server.put("a/x", {"n": 1})
    assert stream.until_consistent() == ["changed x [1] []", "changed x [2] []", "consistent"]

    stream.send(remove_target=1)
    assert stream.next() == "REMOVE 1"
    server.put("b/unheard", {"n": 1})
    server.put("a/x", {"n": 2})
    assert stream.until_consistent() == ["changed x [2] []", "consistent"]


def test_removing_an_unknown_target_does_nothing(stream: _Stream) -> None:
    stream.send(remove_target=9)
    stream.send(add_target=_query(2, "a"))

    assert stream.until_consistent() == ["ADD 2", "CURRENT 2", "consistent"]


@pytest.mark.parametrize("token", [b"junk", b"\xff\xfe", b"another-store:1"])
def test_an_unknown_resume_token_resets_the_target(server: FirestoreServer, stream: _Stream, token: bytes) -> None:
    server.put("a/x", {"n": 1})

    stream.send(add_target=_documents(1, "a/x", resume_token=token))

    assert stream.until_consistent() == ["ADD 1", "RESET 1", "changed x [1] []", "CURRENT 1", "consistent"]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([_documents(1, "a/x"), _documents(1, "a/y")], "the stream has a target 1 already"),
        ([_documents(1, "a")], "names no document"),
        ([{"target_id": 1}], "add_target has neither documents nor a query"),
    ],
)
def test_an_impossible_target_ends_the_stream(stream: _Stream, targets: list[dict[str, object]], message: str) -> None:
    for target in targets:
        stream.send(add_target=target)

    with pytest.raises(grpc.RpcError) as error:
        list(stream.call)
    answer: Any = error.value
    assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in answer.details()


def test_a_client_that_hangs_up_ends_the_stream(stream: _Stream) -> None:
    stream.send(add_target=_query(1, "a"))
    stream.until_consistent()

    stream.end()

    assert list(stream.call) == []
    assert stream.call.code() is grpc.StatusCode.OK


def test_a_client_that_hangs_up_at_once_is_still_answered(stream: _Stream) -> None:
    stream.send(add_target=_query(1, "a"))
    stream.end()

    assert [_in_short(response) for response in stream.call] == ["ADD 1", "CURRENT 1", "consistent"]


def test_a_stream_may_be_broken_with_any_code(server: FirestoreServer, stream: _Stream) -> None:
    stream.send(add_target=_query(1, "a"))
    stream.until_consistent()

    server.faults.break_streams("PERMISSION_DENIED")

    with pytest.raises(grpc.RpcError) as error:
        list(stream.call)
    answer: Any = error.value
    assert answer.code() is grpc.StatusCode.PERMISSION_DENIED
