"""Listeners: documents and queries that tell of their changes."""

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.cloud import firestore
from google.cloud.firestore import FieldFilter

from tests.conformance.listener import PATIENCE, Listenable, Listener


@pytest.fixture
def listen() -> Iterator[Callable[[Listenable], Listener]]:
    """Starts listeners, and stops them at the end."""
    listeners: list[Listener] = []

    def start(source: Listenable) -> Listener:
        listeners.append(Listener(source))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.watch.unsubscribe()


def test_a_listener_on_a_document_is_told_what_is_there(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    client.document("a/b").set({"n": 1})

    told = listen(client.document("a/b")).next()

    assert told.documents == {"b": {"n": 1}}
    assert told.changes == [("ADDED", "b")]


def test_a_listener_on_a_missing_document_is_told_so(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    told = listen(client.document("a/missing")).next()

    assert (told.documents, told.changes) == ({}, [])


def test_a_listener_on_a_document_follows_its_life(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    document = client.document("a/b")
    listener = listen(document)
    listener.next()

    document.set({"n": 1})
    assert listener.next().changes == [("ADDED", "b")]
    document.update({"n": 2})
    modified = listener.next()
    assert (modified.changes, modified.documents) == ([("MODIFIED", "b")], {"b": {"n": 2}})
    document.delete()
    removed = listener.next()
    assert (removed.changes, removed.documents) == ([("REMOVED", "b")], {})
    document.set({"n": 3})
    assert listener.next().changes == [("ADDED", "b")]


def test_a_listener_on_a_document_does_not_hear_of_others(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    listener = listen(client.document("a/b"))
    listener.next()

    client.document("a/other").set({"n": 1})
    client.document("a/b/c/d").set({"n": 1})
    client.document("a/b").set({"n": 2})

    assert listener.next().documents == {"b": {"n": 2}}


def test_a_listener_is_told_every_write_at_growing_times(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    document = client.document("a/b")
    listener = listen(document)
    listener.next()

    times = []
    for number in range(5):
        document.set({"n": number})
        told = listener.next()
        assert told.documents == {"b": {"n": number}}
        times.append(told.read_time)

    assert times == sorted(set(times))


def test_a_listener_on_a_collection_is_told_what_is_there_and_what_changes(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    collection = client.collection("a")
    collection.document("1").set({"n": 1})
    collection.document("2").set({"n": 2})
    listener = listen(collection)

    first = listener.next()
    assert (first.changes, [*first.documents]) == ([("ADDED", "1"), ("ADDED", "2")], ["1", "2"])
    collection.document("3").set({"n": 3})
    assert listener.next().changes == [("ADDED", "3")]
    collection.document("1").set({"n": 10})
    assert listener.next().changes == [("MODIFIED", "1")]
    collection.document("2").delete()
    last = listener.next()
    assert (last.changes, last.documents) == ([("REMOVED", "2")], {"1": {"n": 10}, "3": {"n": 3}})


def test_a_listener_on_an_empty_collection_is_told_so(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    told = listen(client.collection("nothing")).next()

    assert (told.documents, told.changes) == ({}, [])


def test_a_document_leaves_and_enters_a_query(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    document = client.document("a/b")
    document.set({"status": "running"})
    listener = listen(client.collection("a").where(filter=FieldFilter("status", "==", "running")))
    assert listener.next().changes == [("ADDED", "b")]

    document.update({"status": "completed"})
    assert listener.next().changes == [("REMOVED", "b")]
    document.update({"status": "running"})
    assert listener.next().changes == [("ADDED", "b")]
    document.delete()
    assert listener.next().changes == [("REMOVED", "b")]


def test_a_listener_with_a_limit_sees_documents_move_in_and_out(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    collection = client.collection("a")
    for number in (10, 20, 30):
        collection.document(str(number)).set({"n": number})
    listener = listen(collection.order_by("n").limit(2))
    assert [*listener.next().documents] == ["10", "20"]

    collection.document("15").set({"n": 15})
    told = listener.next()
    assert (told.changes, [*told.documents]) == ([("REMOVED", "20"), ("ADDED", "15")], ["10", "15"])
    collection.document("10").delete()
    told = listener.next()
    assert (told.changes, [*told.documents]) == ([("REMOVED", "10"), ("ADDED", "20")], ["15", "20"])


def test_what_is_written_together_is_told_together(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    listener = listen(client.collection("a"))
    listener.next()
    batch = client.batch()
    for number in range(3):
        batch.set(client.document(f"a/{number}"), {"n": number})

    batch.commit()

    assert listener.next().changes == [("ADDED", "0"), ("ADDED", "1"), ("ADDED", "2")]


def test_a_listener_with_an_order_has_its_documents_in_it(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    collection = client.collection("a")
    for identifier, number in (("x", 1), ("y", 3), ("z", 2)):
        collection.document(identifier).set({"n": number})

    # Ascending: the client puts a listener's documents into ascending order whatever the query says.
    told = listen(collection.order_by("n")).next()

    assert [*told.documents] == ["x", "z", "y"]


def test_a_listener_is_told_the_documents_times(client: firestore.Client) -> None:
    seen: queue.SimpleQueue[Any] = queue.SimpleQueue()
    document = client.document("a/b")
    document.set({"n": 1})
    document.set({"n": 2})

    watch = document.on_snapshot(lambda documents, _changes, _read_time: seen.put(documents[0]))
    told = seen.get(timeout=PATIENCE)
    watch.unsubscribe()

    now = document.get()
    assert (told.create_time, told.update_time) == (now.create_time, now.update_time)


def test_two_listeners_hear_the_same(client: firestore.Client, listen: Callable[[Listenable], Listener]) -> None:
    listeners = [listen(client.document("a/b")), listen(client.collection("a"))]
    for listener in listeners:
        listener.next()

    client.document("a/b").set({"n": 1})

    assert [listener.next().documents for listener in listeners] == [{"b": {"n": 1}}] * 2


def test_a_listener_that_stopped_hears_no_more(
    client: firestore.Client, listen: Callable[[Listenable], Listener]
) -> None:
    stopped, listening = listen(client.document("a/b")), listen(client.document("a/b"))
    stopped.next()
    listening.next()

    stopped.watch.unsubscribe()
    client.document("a/b").set({"n": 1})

    assert listening.next().changes == [("ADDED", "b")]
    assert not stopped.watch.is_active
    assert stopped.heard_all()
