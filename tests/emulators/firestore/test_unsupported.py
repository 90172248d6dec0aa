"""What the server does not do is refused by name, never ignored."""

import re
from datetime import UTC, datetime
from typing import Any, Final

import grpc
import pytest
from google.api_core.exceptions import MethodNotImplemented
from google.cloud import firestore
from google.cloud.firestore_v1.base_vector_query import DistanceMeasure
from google.cloud.firestore_v1.query_profile import ExplainOptions
from google.cloud.firestore_v1.vector import Vector

from exporter.emulators.firestore import FirestoreServer
from exporter.emulators.firestore.faults import METHODS
from exporter.emulators.firestore.messages import ListenRequest, ListenResponse

_TIME: Final = datetime(2026, 2, 1, tzinfo=UTC)


def test_a_read_of_the_past_is_refused(client: firestore.Client) -> None:
    with pytest.raises(MethodNotImplemented, match=r"BatchGetDocumentsRequest\.read_time"):
        client.document("a/b").get(read_time=_TIME)
    with pytest.raises(MethodNotImplemented, match=r"RunQueryRequest\.read_time"):
        list(client.collection("a").stream(read_time=_TIME))
    with pytest.raises(MethodNotImplemented, match=r"RunAggregationQueryRequest\.read_time"):
        client.collection("a").count().get(read_time=_TIME)
    with pytest.raises(MethodNotImplemented, match=r"ListDocumentsRequest\.read_time"):
        list(client.collection("a").list_documents(read_time=_TIME))


def test_sums_and_averages_are_refused(client: firestore.Client) -> None:
    for aggregation in ("sum", "avg"):
        query: Any = getattr(client.collection("a"), aggregation)("n")
        with pytest.raises(MethodNotImplemented, match=f"StructuredAggregationQuery.Aggregation.{aggregation}"):
            query.get()


def test_a_query_plan_is_refused(client: firestore.Client) -> None:
    with pytest.raises(MethodNotImplemented, match=r"RunQueryRequest\.explain_options"):
        list(client.collection("a").stream(explain_options=ExplainOptions(analyze=True)))


def test_vectors_are_refused(client: firestore.Client) -> None:
    with pytest.raises(MethodNotImplemented, match="vector values"):
        client.document("a/b").set({"v": Vector([1.0, 2.0])})
    nearest: Any = client.collection("a").order_by("n").find_nearest("v", Vector([1.0]), 1, DistanceMeasure.EUCLIDEAN)
    with pytest.raises(MethodNotImplemented, match=r"StructuredQuery\.find_nearest"):
        list(nearest.stream())


def _request(client: firestore.Client, method: str, **fields: object) -> object:
    """Send what the client itself would not, and exhaust the answer."""
    api: Any = client._firestore_api  # noqa: SLF001 - the generated client below
    answer = getattr(api, method)(request=fields, retry=None)
    return list(answer) if hasattr(answer, "__iter__") else answer


def _database(client: firestore.Client) -> str:
    name: str = client._database_string  # noqa: SLF001 - spares putting it together again
    return name


@pytest.mark.parametrize(
    ("method", "fields", "named"),
    [
        ("batch_get_documents", {"new_transaction": {}}, "BatchGetDocumentsRequest.new_transaction"),
        (
            "begin_transaction",
            {"options": {"read_only": {"read_time": _TIME}}},
            "TransactionOptions.ReadOnly.read_time",
        ),
        ("batch_write", {"labels": {"a": "b"}}, "BatchWriteRequest.labels"),
        ("commit", {"writes": [{"transform": {"document": "x"}}]}, "Write.transform"),
    ],
)
def test_a_field_of_a_request_that_is_not_known_is_refused(
    client: firestore.Client, method: str, fields: dict[str, object], named: str
) -> None:
    with pytest.raises(MethodNotImplemented, match=f"the local Firestore does not implement {re.escape(named)}"):
        _request(client, method, database=_database(client), **fields)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ({}, "does not name one collection"),
        ({"from_": [{"collection_id": "a"}, {"collection_id": "b"}]}, "does not name one collection"),
        ({"from_": [{"all_descendants": True}]}, "does not name one collection"),
    ],
)
def test_a_query_over_all_collections_is_refused(
    client: firestore.Client, query: dict[str, object], named: str
) -> None:
    with pytest.raises(MethodNotImplemented, match=named):
        _request(client, "run_query", parent=f"{_database(client)}/documents", structured_query=query)


def test_a_list_of_all_documents_of_all_collections_is_refused(client: firestore.Client) -> None:
    with pytest.raises(MethodNotImplemented, match="ListDocuments without a collection_id"):
        _request(client, "list_documents", parent=f"{_database(client)}/documents")


def test_a_value_of_an_unknown_kind_is_refused(client: firestore.Client) -> None:
    name = f"{_database(client)}/documents/a/b"
    for value in ({"field_reference_value": "x"}, {}):
        write = {"update": {"name": name, "fields": {"x": value}}}
        with pytest.raises(MethodNotImplemented, match="a value of kind"):
            _request(client, "commit", database=_database(client), writes=[write])


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_method_that_is_there_is_not_refused(server: FirestoreServer, method: str) -> None:
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.stream_stream(f"/google.firestore.v1.Firestore/{method}")
        with pytest.raises(grpc.RpcError) as error:
            list(call(iter([b""])))

    answer: Any = error.value
    assert answer.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "method", ["CreateDocument", "UpdateDocument", "DeleteDocument", "PartitionQuery", "ExecutePipeline", "Write"]
)
def test_a_method_that_is_not_there_is_refused_by_name(server: FirestoreServer, method: str) -> None:
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.stream_stream(f"/google.firestore.v1.Firestore/{method}")
        with pytest.raises(grpc.RpcError) as error:
            list(call(iter([b""])))

    answer: Any = error.value
    assert answer.code() is grpc.StatusCode.UNIMPLEMENTED
    assert answer.details() == f"the local Firestore does not implement the method {method}"


def test_another_service_is_refused_by_name(server: FirestoreServer) -> None:
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.unary_unary("/google.longrunning.Operations/ListOperations")
        with pytest.raises(grpc.RpcError) as error:
            call(b"")

    answer: Any = error.value
    assert answer.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "/google.longrunning.Operations/ListOperations" in answer.details()


def test_a_listener_that_wants_what_is_not_there_is_refused_by_name(server: FirestoreServer) -> None:
    request = ListenRequest(
        database="projects/p/databases/(default)", add_target={"target_id": 1, "once": True, "documents": {}}
    )
    with grpc.insecure_channel(server.address) as channel:
        call: Any = channel.stream_stream(
            "/google.firestore.v1.Firestore/Listen",
            request_serializer=ListenRequest.SerializeToString,
            response_deserializer=ListenResponse.FromString,
        )
        with pytest.raises(grpc.RpcError) as error:
            list(call(iter([request])))

    answer: Any = error.value
    assert (answer.code(), answer.details()) == (
        grpc.StatusCode.UNIMPLEMENTED,
        "the local Firestore does not implement Target.once",
    )
