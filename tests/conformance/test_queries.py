"""Filters and orders."""

from datetime import UTC, datetime
from typing import Final, TypeAlias

import pytest
from google.api_core.exceptions import InvalidArgument
from google.cloud import firestore
from google.cloud.firestore import And, FieldFilter, GeoPoint, Or, Query

Results: TypeAlias = firestore.CollectionReference | firestore.Query

# One document for each kind of value, by id, in the order that Firestore gives them.
_VALUES: Final[dict[str, object]] = {
    "null": None,
    "false": False,
    "true": True,
    "nan": float("nan"),
    "-inf": float("-inf"),
    "0": 0,
    "1": 1,
    "1.0": 1.0,
    "1.5": 1.5,
    "inf": float("inf"),
    "time": datetime(2026, 2, 1, tzinfo=UTC),
    "time later": datetime(2026, 2, 1, 0, 0, 0, 1, tzinfo=UTC),
    "text A": "A",
    "text a": "a",
    "text ab": "ab",
    "text é": "é",
    "bytes": b"a",
    "geo": GeoPoint(1, 2),
    "list": [1],
    "list longer": [1, 2],
    "map": {"a": 1},
    "map longer": {"a": 1, "b": 0},
    "map later": {"b": 0},
}
_ALL: Final = [*_VALUES]


@pytest.fixture
def values(client: firestore.Client) -> firestore.CollectionReference:
    """A collection of `_VALUES`, and one document without the field."""
    batch = client.batch()
    collection = client.collection("values")
    for identifier, value in _VALUES.items():
        batch.set(collection.document(identifier), {"v": value})
    batch.set(collection.document("without"), {"w": 1})
    batch.commit()
    return collection


def _ids(query: Results) -> list[str]:
    return [snapshot.id for snapshot in query.stream()]


def _between(first: str, last: str) -> list[str]:
    return _ALL[_ALL.index(first) : _ALL.index(last) + 1]


def test_without_an_order_documents_come_by_id(values: firestore.CollectionReference) -> None:
    assert _ids(values) == sorted([*_ALL, "without"])


def test_an_order_goes_by_type_and_then_by_value_and_leaves_out_what_has_no_such_field(
    values: firestore.CollectionReference,
) -> None:
    assert _ids(values.order_by("v")) == _ALL


def test_a_descending_order_is_the_reverse_down_to_the_ids(values: firestore.CollectionReference) -> None:
    assert _ids(values.order_by("v", direction=Query.DESCENDING)) == _ALL[::-1]


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        ("==", 1, ["1", "1.0"]),
        ("==", 1.0, ["1", "1.0"]),
        ("==", "a", ["text a"]),
        ("==", True, ["true"]),
        ("==", None, ["null"]),
        ("==", float("nan"), ["nan"]),
        ("==", b"a", ["bytes"]),
        ("==", GeoPoint(1, 2), ["geo"]),
        ("==", datetime(2026, 2, 1, tzinfo=UTC), ["time"]),
        ("==", [1, 2], ["list longer"]),
        ("==", [1.0], ["list"]),
        ("==", {"a": 1}, ["map"]),
        ("==", "nothing", []),
        ("<", 1, ["-inf", "0"]),
        ("<=", 1, ["-inf", "0", "1", "1.0"]),
        (">", 1, ["1.5", "inf"]),
        (">=", 1, ["1", "1.0", "1.5", "inf"]),
        (">", "A", ["text a", "text ab", "text é"]),
        ("<=", "ab", ["text A", "text a", "text ab"]),
        (">", datetime(2026, 2, 1, tzinfo=UTC), ["time later"]),
        ("<", True, ["false"]),
        (">", [1], ["list longer"]),
        (">", {"a": 1}, ["map longer", "map later"]),
        ("!=", 1, ["false", "true", "nan", "-inf", "0", *_between("1.5", "map later")]),
        ("!=", None, _between("false", "map later")),
        ("!=", float("nan"), ["false", "true", *_between("-inf", "map later")]),
        ("in", [1, "ab", True, "nothing"], ["true", "1", "1.0", "text ab"]),
        ("in", [None, "ab"], ["text ab"]),
        ("in", [[1], {"a": 1}], ["list", "map"]),
        ("not-in", [1, "ab"], [i for i in _between("false", "map later") if i not in ("1", "1.0", "text ab")]),
        ("not-in", [None, 1], []),
        ("array_contains", 1, ["list", "list longer"]),
        ("array_contains", 2, ["list longer"]),
        ("array_contains", 1.0, ["list", "list longer"]),
        ("array_contains", 3, []),
        ("array_contains_any", [2, 3], ["list longer"]),
    ],
    ids=repr,
)
def test_a_filter_keeps_what_it_says(
    values: firestore.CollectionReference, operator: str, value: object, expected: list[str]
) -> None:
    query = values.where(filter=FieldFilter("v", operator, value))

    assert sorted(_ids(query)) == sorted(expected)


@pytest.mark.parametrize("operator", ["<", "<=", ">", ">=", "!="])
def test_an_inequality_orders_by_its_field(values: firestore.CollectionReference, operator: str) -> None:
    found = _ids(values.where(filter=FieldFilter("v", operator, 1)))

    assert found == [identifier for identifier in _ALL if identifier in found]


def test_a_reference_is_compared(client: firestore.Client) -> None:
    for name in ("x", "y"):
        client.document(f"a/{name}").set({"to": client.document(f"targets/{name}")})

    equal = client.collection("a").where(filter=FieldFilter("to", "==", client.document("targets/x")))
    greater = client.collection("a").where(filter=FieldFilter("to", ">", client.document("targets/x")))

    assert (_ids(equal), _ids(greater)) == (["x"], ["y"])


def test_a_filter_reaches_into_maps(values: firestore.CollectionReference) -> None:
    assert sorted(_ids(values.where(filter=FieldFilter("v.a", "==", 1)))) == ["map", "map longer"]
    assert _ids(values.order_by("v.b")) == ["map later", "map longer"]


def test_a_filter_on_a_field_with_an_odd_name_works(client: firestore.Client) -> None:
    client.document("a/x").set({"odd `name`": {"with.dot": 1}})
    client.document("a/y").set({"odd `name`": {"with.dot": 2}})
    path = client.field_path("odd `name`", "with.dot")

    assert _ids(client.collection("a").where(filter=FieldFilter(path, "==", 2))) == ["y"]
    assert _ids(client.collection("a").order_by(path, direction=Query.DESCENDING)) == ["y", "x"]


@pytest.fixture
def heartbeats(client: firestore.Client) -> firestore.CollectionReference:
    """Some documents with more than one field."""
    collection = client.collection("processor_heartbeats")
    for identifier, status, progress, labels in [
        ("a", "running", 10, ["x"]),
        ("b", "running", 90, ["x", "y"]),
        ("c", "completed", 100, ["y"]),
        ("d", "failed", 10, []),
    ]:
        collection.document(identifier).set({"status": status, "progress": progress, "labels": labels})
    return collection


def test_filters_are_combined_by_and(heartbeats: firestore.CollectionReference) -> None:
    one, other = FieldFilter("status", "==", "running"), FieldFilter("progress", ">", 50)

    assert _ids(heartbeats.where(filter=one).where(filter=other)) == ["b"]
    assert _ids(heartbeats.where(filter=And([one, other]))) == ["b"]


def test_filters_are_combined_by_or_and_nested(heartbeats: firestore.CollectionReference) -> None:
    failed, full = FieldFilter("status", "==", "failed"), FieldFilter("progress", "==", 100)
    running, labelled = FieldFilter("status", "==", "running"), FieldFilter("labels", "array_contains", "y")

    assert _ids(heartbeats.where(filter=Or([failed, full]))) == ["c", "d"]
    assert _ids(heartbeats.where(filter=Or([failed, And([running, labelled])]))) == ["b", "d"]


def test_an_or_with_an_inequality_leaves_out_what_lacks_its_field(client: firestore.Client) -> None:
    client.document("a/x").set({"n": 2})
    client.document("a/y").set({"m": 1})
    client.document("a/z").set({"m": 1, "n": 0})

    query = client.collection("a").where(filter=Or([FieldFilter("n", ">", 1), FieldFilter("m", "==", 1)]))

    assert _ids(query) == ["z", "x"]


def test_a_range_is_two_inequalities(heartbeats: firestore.CollectionReference) -> None:
    query = heartbeats.where(filter=FieldFilter("progress", ">", 10)).where(filter=FieldFilter("progress", "<", 100))

    assert _ids(query) == ["b"]


def test_orders_are_applied_one_after_the_other(heartbeats: firestore.CollectionReference) -> None:
    assert _ids(heartbeats.order_by("progress").order_by("status")) == ["d", "a", "b", "c"]
    assert _ids(heartbeats.order_by("progress", direction=Query.DESCENDING).order_by("status")) == ["c", "b", "d", "a"]


def test_the_id_breaks_ties_in_the_direction_of_the_last_order(heartbeats: firestore.CollectionReference) -> None:
    assert _ids(heartbeats.order_by("progress"))[:2] == ["a", "d"]
    assert _ids(heartbeats.order_by("progress", direction=Query.DESCENDING))[2:] == ["d", "a"]


def test_documents_are_found_by_their_own_name(heartbeats: firestore.CollectionReference) -> None:
    def named(operator: str, value: object) -> list[str]:
        return _ids(heartbeats.where(filter=FieldFilter("__name__", operator, value)))

    assert named("==", heartbeats.document("b")) == ["b"]
    assert named(">", heartbeats.document("b")) == ["c", "d"]
    assert named("in", [heartbeats.document(name) for name in ("a", "d", "missing")]) == ["a", "d"]


def test_a_query_sees_its_own_collection_alone(client: firestore.Client) -> None:
    for path in ("a/x", "a/x/a/deep", "b/y/a/other", "ab/z"):
        client.document(path).set({"n": 1})

    assert _ids(client.collection("a")) == ["x"]
    assert _ids(client.collection("a/x/a")) == ["deep"]


def test_a_collection_group_is_every_collection_of_that_id(client: firestore.Client) -> None:
    for path in ("a/x", "a/x/a/deep", "b/y/a/other", "ab/z"):
        client.document(path).set({"n": 1})

    found = [snapshot.reference.path for snapshot in client.collection_group("a").stream()]

    assert found == ["a/x", "a/x/a/deep", "b/y/a/other"]


def test_no_results_is_an_empty_answer(client: firestore.Client) -> None:
    assert _ids(client.collection("nothing")) == []


def test_a_query_follows_the_documents(heartbeats: firestore.CollectionReference) -> None:
    running = heartbeats.where(filter=FieldFilter("status", "==", "running"))

    heartbeats.document("a").update({"status": "completed"})
    heartbeats.document("d").set({"status": "running"})
    heartbeats.document("b").delete()

    assert _ids(running) == ["d"]


@pytest.mark.parametrize(
    ("operator", "value"),
    [("in", []), ("not-in", []), ("array_contains_any", []), ("in", [*range(31)]), ("not-in", [*range(11)])],
    ids=["in nothing", "not in nothing", "contains any of nothing", "in 31", "not in 11"],
)
def test_too_few_or_too_many_alternatives_are_refused(
    heartbeats: firestore.CollectionReference, operator: str, value: list[int]
) -> None:
    with pytest.raises(InvalidArgument):
        _ids(heartbeats.where(filter=FieldFilter("progress", operator, value)))


def test_thirty_alternatives_are_fine(heartbeats: firestore.CollectionReference) -> None:
    assert _ids(heartbeats.where(filter=FieldFilter("progress", "in", [*range(30)]))) == ["a", "d"]


def test_two_negations_are_refused(heartbeats: firestore.CollectionReference) -> None:
    query = heartbeats.where(filter=FieldFilter("progress", "!=", 1)).where(filter=FieldFilter("progress", "!=", 2))

    with pytest.raises(InvalidArgument):
        _ids(query)


def test_a_name_is_compared_with_references_alone(client: firestore.Client) -> None:
    request = {
        "parent": f"{client._database_string}/documents",  # noqa: SLF001 - the client itself sends no such query
        "structured_query": {
            "from_": [{"collection_id": "a"}],
            "where": {
                "field_filter": {"field": {"field_path": "__name__"}, "op": "EQUAL", "value": {"string_value": "x"}}
            },
        },
    }

    with pytest.raises(InvalidArgument):
        list(client._firestore_api.run_query(request=request))  # noqa: SLF001 - as above
