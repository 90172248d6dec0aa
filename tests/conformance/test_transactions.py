"""Transactions: what they see, what they leave, and what becomes of two at once.

Google's emulator locks what a transaction reads, so that a writer waits; ours lets the writer go and aborts the
transaction. Both are right (the documentation calls them pessimistic and optimistic): these tests look at what holds
for either, and where two write at once, only that is recorded.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core.exceptions import InvalidArgument, NotFound
from google.cloud import firestore
from google.cloud.firestore import FieldFilter, Increment


def test_what_a_transaction_writes_is_there_after_it(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"n": 1})

    @firestore.transactional
    def add(transaction: firestore.Transaction) -> int:
        before: int = document.get(transaction=transaction).get("n")
        transaction.update(document, {"n": before + 1})
        transaction.set(client.document("a/new"), {"n": before})
        return before

    assert add(client.transaction()) == 1
    assert document.get().to_dict() == {"n": 2}
    assert client.document("a/new").get().to_dict() == {"n": 1}


def test_what_a_transaction_raises_leaves_nothing_written(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"n": 1})

    @firestore.transactional
    def fail(transaction: firestore.Transaction) -> None:
        document.get(transaction=transaction)
        transaction.update(document, {"n": 2})
        raise LookupError("of the test")

    with pytest.raises(LookupError):
        fail(client.transaction())
    assert document.get().to_dict() == {"n": 1}


def test_a_write_that_cannot_be_leaves_the_whole_transaction_unwritten(client: firestore.Client) -> None:
    @firestore.transactional
    def fail(transaction: firestore.Transaction) -> None:
        transaction.set(client.document("a/new"), {"n": 1})
        transaction.update(client.document("a/missing"), {"n": 1})

    with pytest.raises(NotFound):
        fail(client.transaction())
    assert not client.document("a/new").get().exists


def test_a_transaction_reads_many_documents_missing_ones_and_queries(client: firestore.Client) -> None:
    client.document("a/1").set({"n": 1})
    client.document("a/2").set({"n": 2})

    @firestore.transactional
    def look(transaction: firestore.Transaction) -> tuple[list[bool], list[str], int]:
        wanted = [client.document("a/1"), client.document("a/missing")]
        found = sorted((snapshot.id, snapshot.exists) for snapshot in client.get_all(wanted, transaction=transaction))
        query = client.collection("a").where(filter=FieldFilter("n", ">", 1))
        ids = [snapshot.id for snapshot in query.stream(transaction=transaction)]
        count: int = client.collection("a").count().get(transaction=transaction)[0][0].value
        transaction.set(client.document("a/3"), {"n": 3})
        return [exists for _, exists in found], ids, count

    assert look(client.transaction()) == ([True, False], ["2"], 2)
    assert client.document("a/3").get().exists


def test_a_transaction_may_write_without_reading(client: firestore.Client) -> None:
    transaction = client.transaction()
    transaction._begin()  # noqa: SLF001 - step by step
    transaction.set(client.document("a/b"), {"n": Increment(1)})
    transaction._commit()  # noqa: SLF001 - as above

    assert client.document("a/b").get().to_dict() == {"n": 1}


def test_a_read_only_transaction_keeps_seeing_what_it_saw_first(
    client: firestore.Client, new_client: Callable[[], firestore.Client]
) -> None:
    document = client.document("a/b")
    document.set({"n": 1})
    transaction = client.transaction(read_only=True)
    transaction._begin()  # noqa: SLF001 - step by step

    before = document.get(transaction=transaction).to_dict()
    new_client().document("a/b").set({"n": 2})
    after = document.get(transaction=transaction).to_dict()
    transaction._commit()  # noqa: SLF001 - as above

    assert (before, after) == ({"n": 1}, {"n": 1})
    assert document.get().to_dict() == {"n": 2}


def test_a_read_only_transaction_takes_no_writes(client: firestore.Client) -> None:
    transaction = client.transaction(read_only=True)
    transaction._begin()  # noqa: SLF001 - step by step
    request = {
        "database": client._database_string,  # noqa: SLF001 - the client itself refuses to send this
        "transaction": transaction.id,
        "writes": [{"delete": client.document("a/b")._document_path}],  # noqa: SLF001 - as above
    }

    with pytest.raises(InvalidArgument):
        client._firestore_api.commit(request=request)  # noqa: SLF001 - as above


def test_a_transaction_that_was_rolled_back_wrote_nothing_and_is_over(client: firestore.Client) -> None:
    document = client.document("a/b")
    transaction = client.transaction()
    transaction._begin()  # noqa: SLF001 - step by step
    identifier = transaction.id
    transaction.set(document, {"n": 1})
    transaction._rollback()  # noqa: SLF001 - as above

    assert not document.get().exists
    request = {"database": client._database_string, "transaction": identifier}  # noqa: SLF001 - as above
    with pytest.raises(InvalidArgument):
        client._firestore_api.commit(request=request)  # noqa: SLF001 - as above
    client._firestore_api.rollback(request=request)  # noqa: SLF001 - as above


def test_a_committed_transaction_is_over(client: firestore.Client) -> None:
    transaction = client.transaction()
    transaction._begin()  # noqa: SLF001 - step by step
    identifier = transaction.id
    transaction._commit()  # noqa: SLF001 - as above

    request = {"database": client._database_string, "transaction": identifier}  # noqa: SLF001 - as above
    with pytest.raises(InvalidArgument):
        client._firestore_api.commit(request=request)  # noqa: SLF001 - as above


@pytest.mark.parametrize("method", ["commit", "rollback", "batch_get_documents"])
def test_a_transaction_that_never_was_is_refused(client: firestore.Client, method: str) -> None:
    request: dict[str, object] = {"database": client._database_string, "transaction": b"never was"}  # noqa: SLF001 - the client sends none
    if method == "batch_get_documents":
        request["documents"] = [client.document("a/b")._document_path]  # noqa: SLF001 - as above

    with pytest.raises(InvalidArgument):
        list(getattr(client._firestore_api, method)(request=request) or ())  # noqa: SLF001 - as above


def test_two_transactions_on_one_document_lose_no_update(
    new_client: Callable[[], firestore.Client], told: Callable[[str, object], None]
) -> None:
    clients = [new_client(), new_client()]
    clients[0].document("a/b").set({"n": 0})
    both_have_read = threading.Barrier(2, timeout=30)
    attempts: list[int] = []

    def add(client: firestore.Client) -> None:
        document = client.document("a/b")
        first = True

        @firestore.transactional
        def increment(transaction: firestore.Transaction) -> None:
            nonlocal first
            before: int = document.get(transaction=transaction).get("n")
            attempts.append(before)
            if first:
                first = False
                both_have_read.wait()
            transaction.update(document, {"n": before + 1})

        increment(client.transaction(max_attempts=10))

    with ThreadPoolExecutor(2) as threads:
        for running in [threads.submit(add, client) for client in clients]:
            running.result(timeout=60)

    left = clients[0].document("a/b").get().to_dict()
    # Which of the two is tried again, how often and with which error is for the server to decide.
    told("left", left)
    told("read first", attempts[:2])
    told("tried again", len(attempts) > 2)
    assert left == {"n": 2}
    assert attempts[:2] == [0, 0]
    assert len(attempts) > 2
