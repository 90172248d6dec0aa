"""What the server counts."""

from google.cloud import firestore
from google.cloud.firestore import FieldFilter

from exporter.emulators.firestore import FirestoreServer


def test_calls_are_counted_by_method(server: FirestoreServer, client: firestore.Client) -> None:
    client.document("a/b").set({"n": 1})
    client.document("a/b").get()
    client.document("a/b").get()

    assert server.calls.by_method() == {"Commit": 1, "BatchGetDocuments": 2}
    assert server.calls["BatchGetDocuments"] == 2
    assert server.calls["RunQuery"] == 0
    assert server.calls.total == 3


def test_a_batch_read_costs_one_read_for_each_document_missing_or_not(
    server: FirestoreServer, client: firestore.Client
) -> None:
    server.put_all({"a/1": {}, "a/2": {}})

    list(client.get_all([client.document(f"a/{number}") for number in (1, 2, 3, 3)]))

    assert server.calls.documents_read == 3


def test_a_query_costs_its_results_and_what_it_skips_and_at_least_one(
    server: FirestoreServer, client: firestore.Client
) -> None:
    server.put_all({f"a/{number}": {"n": number} for number in range(10)})

    def cost(query: firestore.Query) -> int:
        server.calls.reset()
        list(query.stream())
        return server.calls.documents_read

    collection = client.collection("a")
    assert cost(collection.order_by("n")) == 10
    assert cost(collection.select([])) == 10
    assert cost(collection.limit(3)) == 3
    assert cost(collection.offset(4).limit(3)) == 7
    assert cost(collection.where(filter=FieldFilter("n", "==", 100))) == 1


def test_a_count_costs_one_read_for_a_thousand_documents(server: FirestoreServer, client: firestore.Client) -> None:
    def cost(documents: int) -> int:
        server.reset()
        server.put_all({f"a/{number}": {} for number in range(documents)})
        client.collection("a").count().get()
        return server.calls.documents_read

    assert [cost(documents) for documents in (0, 1, 1000, 1001)] == [1, 1, 1, 2]


def test_direct_access_counts_nothing(server: FirestoreServer) -> None:
    server.put("a/b", {"n": 1})
    server.get("a/b")
    server.documents()

    assert (server.calls.total, server.calls.documents_read) == (0, 0)


def test_a_call_that_fails_is_counted_and_reads_nothing(server: FirestoreServer, client: firestore.Client) -> None:
    server.faults.fail("UNAVAILABLE", times=1)

    client.document("a/b").get()

    assert server.calls["BatchGetDocuments"] == 2
    assert server.calls.documents_read == 1


def test_a_reset_counts_from_zero(server: FirestoreServer, client: firestore.Client) -> None:
    client.document("a/b").get()

    server.calls.reset()

    assert (server.calls.by_method(), server.calls.total, server.calls.documents_read) == ({}, 0, 0)
