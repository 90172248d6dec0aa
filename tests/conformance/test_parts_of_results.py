"""Limits, offsets, cursors, projections and counts."""

from typing import Any, TypeAlias

import pytest
from google.api_core.exceptions import InvalidArgument
from google.cloud import firestore
from google.cloud.firestore import FieldFilter, Query

Results: TypeAlias = firestore.CollectionReference | firestore.Query


@pytest.fixture
def numbers(client: firestore.Client) -> firestore.CollectionReference:
    """Ten documents, `n` going up with the id and `half` in pairs."""
    batch = client.batch()
    collection = client.collection("numbers")
    for number in range(10):
        batch.set(collection.document(f"d{number}"), {"n": number, "half": number // 2, "map": {"a": number, "b": 0}})
    batch.commit()
    return collection


def _numbers(query: Results) -> list[int]:
    return [snapshot.get("n") for snapshot in query.stream()]


def test_a_limit_cuts_the_results(numbers: firestore.CollectionReference) -> None:
    assert _numbers(numbers.limit(3)) == [0, 1, 2]
    assert _numbers(numbers.order_by("n", direction=Query.DESCENDING).limit(3)) == [9, 8, 7]
    assert _numbers(numbers.limit(100)) == [*range(10)]


def test_a_limit_to_the_last_keeps_the_order(numbers: firestore.CollectionReference) -> None:
    assert [snapshot.get("n") for snapshot in numbers.order_by("n").limit_to_last(3).get()] == [7, 8, 9]


def test_an_offset_skips_results(numbers: firestore.CollectionReference) -> None:
    assert _numbers(numbers.offset(7)) == [7, 8, 9]
    assert _numbers(numbers.order_by("n").offset(2).limit(3)) == [2, 3, 4]
    assert _numbers(numbers.offset(10)) == []


@pytest.mark.parametrize("query", ["limit", "offset"])
def test_a_negative_part_is_refused(numbers: firestore.CollectionReference, query: str) -> None:
    with pytest.raises(InvalidArgument):
        _numbers(getattr(numbers, query)(-1))


@pytest.mark.parametrize(
    ("cursor", "ascending", "descending"),
    [
        ("start_at", [4, 5, 6, 7, 8, 9], [4, 3, 2, 1, 0]),
        ("start_after", [5, 6, 7, 8, 9], [3, 2, 1, 0]),
        ("end_at", [0, 1, 2, 3, 4], [9, 8, 7, 6, 5, 4]),
        ("end_before", [0, 1, 2, 3], [9, 8, 7, 6, 5]),
    ],
)
@pytest.mark.parametrize("by", ["value", "document"])
def test_a_cursor_bounds_the_results(
    numbers: firestore.CollectionReference, cursor: str, ascending: list[int], descending: list[int], by: str
) -> None:
    place = {"n": 4} if by == "value" else numbers.document("d4").get()

    assert _numbers(getattr(numbers.order_by("n"), cursor)(place)) == ascending
    assert _numbers(getattr(numbers.order_by("n", direction=Query.DESCENDING), cursor)(place)) == descending


def test_a_cursor_need_not_be_a_result(numbers: firestore.CollectionReference) -> None:
    assert _numbers(numbers.order_by("n").start_at({"n": 3.5}).end_at({"n": 6.5})) == [4, 5, 6]
    assert _numbers(numbers.order_by("n").start_at({"n": 100})) == []


def test_a_cursor_on_the_first_order_takes_all_its_ties(numbers: firestore.CollectionReference) -> None:
    query = numbers.order_by("half").order_by("n", direction=Query.DESCENDING)

    assert _numbers(query.start_at({"half": 3})) == [7, 6, 9, 8]
    assert _numbers(query.start_after({"half": 3})) == [9, 8]
    assert _numbers(query.start_at({"half": 3, "n": 6})) == [6, 9, 8]
    assert _numbers(query.end_before({"half": 1, "n": 2})) == [1, 0, 3]


def test_a_document_as_cursor_tells_ties_apart(numbers: firestore.CollectionReference) -> None:
    assert _numbers(numbers.order_by("half").start_after(numbers.document("d4").get()).limit(2)) == [5, 6]


def test_a_cursor_on_the_name_pages_through_a_collection(numbers: firestore.CollectionReference) -> None:
    pages = []
    last = None
    while True:
        query = numbers.order_by("__name__").limit(4)
        page = list((query if last is None else query.start_after(last)).stream())
        if not page:
            break
        pages.append([snapshot.get("n") for snapshot in page])
        last = page[-1]

    assert pages == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


def test_a_cursor_works_with_a_filter(numbers: firestore.CollectionReference) -> None:
    query = numbers.where(filter=FieldFilter("n", ">", 2)).order_by("n").start_after({"n": 4}).limit(2)

    assert _numbers(query) == [5, 6]


def test_a_cursor_with_more_values_than_orders_is_refused(client: firestore.Client) -> None:
    request = {
        "parent": f"{client._database_string}/documents",  # noqa: SLF001 - the client itself refuses such a cursor
        "structured_query": {"from_": [{"collection_id": "a"}], "start_at": {"values": [{"integer_value": 1}]}},
    }

    with pytest.raises(InvalidArgument):
        list(client._firestore_api.run_query(request=request))  # noqa: SLF001 - as above


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (["n"], {"n": 4}),
        (["n", "half"], {"n": 4, "half": 2}),
        (["map.a"], {"map": {"a": 4}}),
        (["map"], {"map": {"a": 4, "b": 0}}),
        (["missing"], {}),
        (["__name__"], {}),
        ([], {}),
    ],
    ids=repr,
)
def test_a_projection_returns_the_fields_it_names(
    numbers: firestore.CollectionReference, fields: list[str], expected: dict[str, object]
) -> None:
    found = {snapshot.id: snapshot for snapshot in numbers.select(fields).stream()}

    assert len(found) == 10
    assert found["d4"].to_dict() == expected
    assert found["d4"].update_time == numbers.document("d4").get().update_time


def test_a_projection_does_not_keep_a_filter_from_seeing_the_rest(numbers: firestore.CollectionReference) -> None:
    query = numbers.where(filter=FieldFilter("n", ">=", 8)).order_by("n").select(["half"])

    assert [snapshot.to_dict() for snapshot in query.stream()] == [{"half": 4}, {"half": 4}]


def _count(query: Results) -> int:
    aggregation: Any = query.count(alias="all")
    counted: int = aggregation.get()[0][0].value
    return counted


def test_a_collection_is_counted(numbers: firestore.CollectionReference) -> None:
    assert _count(numbers) == 10
    numbers.document("d0").delete()
    assert _count(numbers) == 9


def test_results_are_counted_with_filters_cursors_limits_and_offsets(numbers: firestore.CollectionReference) -> None:
    assert _count(numbers.where(filter=FieldFilter("half", "==", 2))) == 2
    assert _count(numbers.order_by("n").start_after({"n": 6})) == 3
    assert _count(numbers.limit(4)) == 4
    assert _count(numbers.order_by("missing")) == 0


def test_nothing_counts_as_zero(client: firestore.Client) -> None:
    assert _count(client.collection("nothing")) == 0


def test_a_count_may_stop_early_and_there_may_be_several(numbers: firestore.CollectionReference) -> None:
    client = numbers._client  # noqa: SLF001 - the client has no argument for up_to
    request = {
        "parent": f"{client._database_string}/documents",  # noqa: SLF001 - as above
        "structured_aggregation_query": {
            "structured_query": {"from_": [{"collection_id": "numbers"}]},
            "aggregations": [{"alias": "few", "count": {"up_to": 3}}, {"count": {"up_to": 100}}, {"count": {}}],
        },
    }

    answers = list(client._firestore_api.run_aggregation_query(request=request))  # noqa: SLF001 - as above

    counts = {alias: value.integer_value for alias, value in answers[-1].result.aggregate_fields.items()}
    assert counts == {"few": 3, "field_1": 10, "field_2": 10}
    assert answers[-1].read_time


def test_a_collection_group_is_counted(numbers: firestore.CollectionReference) -> None:
    numbers.document("d0").collection("numbers").document("deep").set({"n": 1})

    assert _count(numbers) == 10
    assert _count(numbers._client.collection_group("numbers")) == 11  # noqa: SLF001 - the fixture's client
