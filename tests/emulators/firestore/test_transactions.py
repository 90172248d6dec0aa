"""Optimistic transactions: nobody waits, and who has read what has changed starts again.

(Google's emulator locks instead, so the conformance tests cannot show this.)
"""

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core.exceptions import Aborted, InvalidArgument
from google.cloud import firestore
from google.cloud.firestore import FieldFilter

from exporter.emulators.firestore import FirestoreServer, close
from exporter.emulators.firestore.transactions import Transactions


def _begun(client: firestore.Client) -> firestore.Transaction:
    transaction = client.transaction(max_attempts=1)
    transaction._begin()  # noqa: SLF001 - step by step
    return transaction


def _commit(transaction: firestore.Transaction) -> None:
    transaction._commit()  # noqa: SLF001 - step by step


def test_a_document_that_changed_since_it_was_read_aborts_the_commit(
    server: FirestoreServer, client: firestore.Client
) -> None:
    document = client.document("a/b")
    server.put("a/b", {"n": 1})
    transaction = _begun(client)
    document.get(transaction=transaction)

    server.put("a/b", {"n": 100})
    transaction.update(document, {"n": 2})

    with pytest.raises(Aborted, match="a/b was changed since the transaction read it"):
        _commit(transaction)
    assert server.get("a/b") == {"n": 100}


@pytest.mark.parametrize(
    "change",
    [
        lambda server: server.put("a/missing", {"n": 1}),
        lambda server: server.delete("a/b"),
        lambda server: (server.put("a/b", {"n": 9}), server.put("a/b", {"n": 1})),
    ],
    ids=["created", "deleted", "changed and changed back"],
)
def test_any_change_of_what_was_read_counts(
    server: FirestoreServer, client: firestore.Client, change: Callable[[FirestoreServer], object]
) -> None:
    server.put("a/b", {"n": 1})
    transaction = _begun(client)
    list(client.get_all([client.document("a/b"), client.document("a/missing")], transaction=transaction))

    change(server)
    transaction.set(client.document("a/other"), {"n": 1})

    with pytest.raises(Aborted):
        _commit(transaction)


@pytest.mark.parametrize(
    "change",
    [
        lambda server: server.put("a/other", {"n": 1}),
        lambda server: server.put("a/b", {"n": 1}),
        lambda server: server.put("q/unmatched", {"status": "failed"}),
        lambda server: server.put("other/q", {"status": "running"}),
    ],
    ids=["another document", "the same content again", "no result", "another collection"],
)
def test_documents_that_were_not_read_or_changed_cause_no_conflict(
    server: FirestoreServer, client: firestore.Client, change: Callable[[FirestoreServer], object]
) -> None:
    server.put("a/b", {"n": 1})
    running = client.collection("q").where(filter=FieldFilter("status", "==", "running"))
    transaction = _begun(client)
    client.document("a/b").get(transaction=transaction)
    list(running.stream(transaction=transaction))

    change(server)
    transaction.update(client.document("a/b"), {"n": 2})
    _commit(transaction)

    assert server.get("a/b") == {"n": 2}


@pytest.mark.parametrize(
    "change",
    [
        lambda server: server.put("q/new", {"status": "running"}),
        lambda server: server.put("q/there", {"status": "completed"}),
        lambda server: server.delete("q/there"),
    ],
    ids=["one more", "one less", "one deleted"],
)
@pytest.mark.parametrize("how", ["stream", "count"])
def test_a_query_whose_results_changed_aborts_the_commit(
    server: FirestoreServer, client: firestore.Client, how: str, change: Callable[[FirestoreServer], object]
) -> None:
    server.put("q/there", {"status": "running"})
    running = client.collection("q").where(filter=FieldFilter("status", "==", "running"))
    transaction = _begun(client)
    if how == "stream":
        list(running.stream(transaction=transaction))
    else:
        aggregation: Any = running.count(alias="all")
        aggregation.get(transaction=transaction)

    change(server)
    transaction.set(client.document("a/b"), {"n": 1})

    with pytest.raises(Aborted):
        _commit(transaction)


def test_all_reads_of_a_transaction_are_of_one_moment(server: FirestoreServer, client: firestore.Client) -> None:
    server.put_all({"a/1": {"n": 1}, "a/2": {"n": 1}, "a/3": {"n": 1}, "gone/1": {"n": 1}})
    transaction = client.transaction(read_only=True)
    transaction._begin()  # noqa: SLF001 - step by step
    server.put("a/3", {"n": 0})  # the snapshot is of the first read, not of the beginning
    first = client.document("a/1").get(transaction=transaction)
    server.put("a/2", {"n": 2})
    server.put("a/new", {"n": 2})
    server.delete("a/1")
    server.delete("gone/1")

    found = {snapshot.id: snapshot.get("n") for snapshot in client.collection("a").stream(transaction=transaction)}
    count = client.collection("a").count(alias="all").get(transaction=transaction)[0][0].value
    gone = [snapshot.id for snapshot in client.collection_group("gone").stream(transaction=transaction)]
    again = client.document("a/2").get(transaction=transaction)

    assert found == {"1": 1, "2": 1, "3": 0}
    assert (count, gone, again.get("n")) == (3, ["1"], 1)
    assert again.read_time == first.read_time


def test_a_read_only_transaction_is_never_aborted(server: FirestoreServer, client: firestore.Client) -> None:
    server.put("a/b", {"n": 1})
    transaction = client.transaction(read_only=True)
    transaction._begin()  # noqa: SLF001 - step by step
    client.document("a/b").get(transaction=transaction)
    server.put("a/b", {"n": 2})

    _commit(transaction)


def test_an_aborted_transaction_may_be_rolled_back(server: FirestoreServer, client: firestore.Client) -> None:
    document = client.document("a/b")

    @firestore.transactional
    def hopeless(transaction: firestore.Transaction) -> None:
        document.get(transaction=transaction)
        server.put("a/b", {"n": server.calls.total})
        transaction.set(document, {"n": -1})

    with pytest.raises(ValueError, match="Failed to commit transaction in 3 attempts"):
        hopeless(client.transaction(max_attempts=3))
    assert server.calls["Rollback"] == 1
    assert server.calls["BeginTransaction"] == 3


def test_a_transaction_that_fell_too_far_behind_is_aborted() -> None:
    with FirestoreServer(history=2) as server:
        client = server.client()
        reader, writer = _begun(client), _begun(client)
        for transaction in (reader, writer):
            client.document("a/b").get(transaction=transaction)
        for number in range(3):
            server.put(f"other/{number}", {})

        with pytest.raises(Aborted, match="too much has been written"):
            client.document("a/b").get(transaction=reader)
        with pytest.raises(Aborted, match="too much has been written"):
            _commit(writer)
        close(client)


def test_transactions_that_are_never_ended_do_not_accumulate(server: FirestoreServer) -> None:
    transactions = Transactions(server._store, most=2)  # noqa: SLF001 - spares a thousand calls
    oldest, _, newest = (transactions.begin(read_only=False) for _ in range(3))

    transactions.get(newest)
    with pytest.raises(Exception, match="is closed, has expired or never was"):
        transactions.get(oldest)


def test_a_reset_ends_open_transactions(server: FirestoreServer, client: firestore.Client) -> None:
    transaction = _begun(client)
    server.reset()

    with pytest.raises(InvalidArgument):
        _commit(transaction)
