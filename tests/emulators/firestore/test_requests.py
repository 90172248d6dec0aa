"""Requests that the client would not send: each is refused with a message that says what is wrong."""

from typing import Any

import pytest
from google.api_core.exceptions import InvalidArgument, MethodNotImplemented, ServiceUnavailable
from google.cloud import firestore

from exporter.emulators.firestore import FirestoreServer
from exporter.emulators.firestore.messages import Message

_DATABASE = "projects/local-project/databases/(default)"
_ROOT = f"{_DATABASE}/documents"
_EQUAL = {"field": {"field_path": "n"}, "op": "EQUAL", "value": {"integer_value": 1}}


def _send(client: firestore.Client, method: str, **fields: object) -> Message:
    api: Any = client._firestore_api  # noqa: SLF001 - the generated client, which sends anything
    answer = getattr(api, method)(request=fields, retry=None)
    return list(answer) if hasattr(answer, "__next__") else answer


def _where(client: firestore.Client, where: dict[str, object]) -> None:
    query = {"from_": [{"collection_id": "a"}], "where": where}
    _send(client, "run_query", parent=_ROOT, structured_query=query)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({}, "a filter is empty"),
        ({"composite_filter": {"op": "AND", "filters": [{}]}}, "a filter is empty"),
        ({"composite_filter": {"op": "OR"}}, "a composite filter OR has 0 parts"),
        ({"composite_filter": {"filters": [{"field_filter": _EQUAL}]}}, "filter OPERATOR_UNSPECIFIED has 1 parts"),
        ({"field_filter": {**_EQUAL, "op": 0}}, "a filter on n has no operator"),
        ({"field_filter": {**_EQUAL, "op": "IN"}}, "IN takes a list of at least one value"),
        ({"field_filter": {**_EQUAL, "field": {"field_path": "1"}}}, "'1' is no field path"),
        ({"unary_filter": {"field": {"field_path": "n"}}}, "a filter has the unary operator OPERATOR_UNSPECIFIED"),
    ],
)
def test_a_malformed_filter_is_refused(client: firestore.Client, where: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidArgument, match=message):
        _where(client, where)


def test_a_comparison_with_no_value_is_refused(client: firestore.Client) -> None:
    with pytest.raises(MethodNotImplemented, match="a value of kind nothing"):
        _where(client, {"field_filter": {**_EQUAL, "value": {}}})


@pytest.mark.parametrize(
    ("aggregations", "message"),
    [
        ([], "a query takes 1 to 5 aggregations, this one has 0"),
        ([{"count": {}}] * 6, "a query takes 1 to 5 aggregations, this one has 6"),
        ([{"alias": "x", "count": {}}, {"alias": "x", "count": {}}], "two aggregations are called x"),
        ([{"alias": "x", "count": {"up_to": 0}}], "x counts up to 0: expected at least 1"),
    ],
)
def test_a_malformed_aggregation_is_refused(
    client: firestore.Client, aggregations: list[dict[str, object]], message: str
) -> None:
    query = {"structured_query": {"from_": [{"collection_id": "a"}]}, "aggregations": aggregations}

    with pytest.raises(InvalidArgument, match=message):
        _send(client, "run_aggregation_query", parent=_ROOT, structured_aggregation_query=query)


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ({"set_to_server_value": 0}, "x: the server value is not specified"),
        ({"increment": {"string_value": "1"}}, "x: increment takes a number"),
        ({"maximum": {}}, "x: maximum takes a number"),
    ],
)
def test_a_malformed_transform_is_refused(client: firestore.Client, transform: dict[str, object], message: str) -> None:
    write = {"update": {"name": f"{_ROOT}/a/b"}, "update_transforms": [{"field_path": "x", **transform}]}

    with pytest.raises(InvalidArgument, match=message):
        _send(client, "commit", database=_DATABASE, writes=[write])


def test_a_transform_of_no_kind_is_refused(client: firestore.Client) -> None:
    write = {"update": {"name": f"{_ROOT}/a/b"}, "update_transforms": [{"field_path": "x"}]}

    with pytest.raises(MethodNotImplemented, match="the transform nothing"):
        _send(client, "commit", database=_DATABASE, writes=[write])


def test_a_write_of_no_kind_is_refused(client: firestore.Client) -> None:
    with pytest.raises(InvalidArgument, match="a write has no operation"):
        _send(client, "commit", database=_DATABASE, writes=[{}])


@pytest.mark.parametrize("method", ["commit", "begin_transaction", "batch_get_documents"])
def test_a_name_that_is_no_database_is_refused(client: firestore.Client, method: str) -> None:
    with pytest.raises(InvalidArgument, match="'nonsense' names no database: expected projects/PROJECT/databases/"):
        _send(client, method, database="nonsense")


def test_a_document_of_another_database_is_refused(client: firestore.Client) -> None:
    elsewhere = "projects/another/databases/(default)/documents/a/b"

    with pytest.raises(InvalidArgument, match="is not in projects/local-project"):
        _send(client, "batch_get_documents", database=_DATABASE, documents=[elsewhere])
    with pytest.raises(InvalidArgument, match="is not in projects/local-project"):
        _send(client, "commit", database=_DATABASE, writes=[{"delete": elsewhere}])


def test_a_parent_that_is_no_document_is_refused(client: firestore.Client) -> None:
    with pytest.raises(InvalidArgument, match="names no document"):
        _send(client, "list_collection_ids", parent=f"{_ROOT}/a")


def test_a_batch_that_writes_a_document_twice_is_refused(client: firestore.Client) -> None:
    write = {"delete": f"{_ROOT}/a/b"}

    with pytest.raises(InvalidArgument, match="a batch writes each document once at most"):
        _send(client, "batch_write", database=_DATABASE, writes=[write, write])


def test_a_batch_write_has_a_status_for_each_write(client: firestore.Client) -> None:
    writes = [
        {"update": {"name": f"{_ROOT}/a/new", "fields": {"n": {"integer_value": 1}}}},
        {"delete": f"{_ROOT}/a/missing", "current_document": {"exists": True}},
    ]

    answer = _send(client, "batch_write", database=_DATABASE, writes=writes)

    assert [status.code for status in answer.status] == [0, 5]
    assert answer.status[1].message == f"no document to update: {_ROOT}/a/missing"
    assert [bool(result.update_time) for result in answer.write_results] == [True, False]


def test_missing_documents_are_listed_only_on_request(server: FirestoreServer, client: firestore.Client) -> None:
    server.put_all({"a/there": {"n": 1, "m": 2}, "a/ghost/b/c": {}})

    def listed(**fields: object) -> list[Any]:
        return [*_send(client, "list_documents", parent=_ROOT, collection_id="a", **fields)]

    assert [document.name for document in listed()] == [f"{_ROOT}/a/there"]
    assert [document.name for document in listed(show_missing=True)] == [f"{_ROOT}/a/ghost", f"{_ROOT}/a/there"]
    assert [[*document.fields] for document in listed(mask={"field_paths": ["m"]})] == [["m"]]


def test_a_call_to_a_server_that_is_stopping_is_turned_away(server: FirestoreServer, client: firestore.Client) -> None:
    server.faults.stopping(now=True)
    with pytest.raises(ServiceUnavailable, match="the server is stopping"):
        client.document("a/b").get(retry=None)

    server.faults.stopping(now=False)
    assert not client.document("a/b").get().exists


def test_a_document_in_a_transaction_is_read_by_its_full_name(
    server: FirestoreServer, client: firestore.Client
) -> None:
    server.put("a/b", {"n": 1})
    transaction = _send(client, "begin_transaction", database=_DATABASE).transaction
    name = f"{_ROOT}/a/b"

    first = _send(client, "get_document", name=name, transaction=transaction)
    server.put("a/b", {"n": 2})
    second = _send(client, "get_document", name=name, transaction=transaction)

    assert first == second
    assert server.calls.documents_read == 2
