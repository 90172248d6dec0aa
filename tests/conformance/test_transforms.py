"""What the server computes: server time, increments, maxima and minima, unions and removals."""

import math
from datetime import timedelta

import pytest
from google.cloud import firestore
from google.cloud.firestore import SERVER_TIMESTAMP, ArrayRemove, ArrayUnion, Increment, Maximum, Minimum

_NAN = float("nan")


def test_the_server_timestamp_is_the_time_of_the_write(client: firestore.Client) -> None:
    document = client.document("a/b")

    written = document.set({"at": SERVER_TIMESTAMP, "deep": {"at": SERVER_TIMESTAMP}, "x": 1}).update_time

    found = document.get()
    assert found.get("at") == found.get("deep.at")
    assert abs(found.get("at") - written) < timedelta(seconds=5)
    assert found.get("x") == 1


def test_the_server_timestamp_has_milliseconds(client: firestore.Client) -> None:
    document = client.document("a/b")

    for _ in range(3):
        document.set({"at": SERVER_TIMESTAMP})
        assert document.get().get("at").microsecond % 1000 == 0


@pytest.mark.parametrize("transform", [ArrayUnion([1]), ArrayRemove([3]), Increment(0), Maximum(1), Minimum(1)])
def test_a_transform_that_changes_nothing_keeps_the_update_time(client: firestore.Client, transform: object) -> None:
    document = client.document("a/b")
    stored = [1, 2] if isinstance(transform, ArrayUnion | ArrayRemove) else 1
    written = document.set({"x": stored}).update_time

    document.update({"x": transform})

    assert document.get().update_time == written


def test_a_merge_and_an_update_take_the_server_timestamp_too(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": 1})

    document.set({"merged": SERVER_TIMESTAMP}, merge=True)
    document.update({"deep.updated": SERVER_TIMESTAMP})

    found = document.get()
    assert found.get("x") == 1
    assert found.get("merged") <= found.get("deep.updated")


@pytest.mark.parametrize(
    ("stored", "transform", "expected"),
    [
        (1, Increment(2), 3),
        (1, Increment(0.5), 1.5),
        (1.5, Increment(1), 2.5),
        (5, Increment(-7), -2),
        ("text", Increment(5), 5),
        (None, Increment(5), 5),
        (2**63 - 1, Increment(5), 2**63 - 1),
        (-(2**63), Increment(-5), -(2**63)),
        (3, Maximum(5), 5),
        (5, Maximum(3), 5),
        (3, Maximum(3.0), 3),
        (3, Maximum(3.5), 3.5),
        ("text", Maximum(1), 1),
        (3, Minimum(5), 3),
        (5, Minimum(3), 3),
        (3, Minimum(2.5), 2.5),
        ("text", Minimum(1), 1),
        ([1, 2], ArrayUnion([2, 3]), [1, 2, 3]),
        ([1, 1], ArrayUnion([1.0, 3, 3]), [1, 1, 3]),
        ([{"a": 1}], ArrayUnion([{"a": 1}, {"a": 2}]), [{"a": 1}, {"a": 2}]),
        ("text", ArrayUnion([1]), [1]),
        ([1, 2, 2.0, None, 3], ArrayRemove([2, None]), [1, 3]),
        ([1, 2], ArrayRemove([3]), [1, 2]),
        ("text", ArrayRemove([1]), []),
    ],
)
def test_a_transform_computes_from_what_is_stored(
    client: firestore.Client, stored: object, transform: object, expected: object
) -> None:
    document = client.document("a/b")
    document.set({"x": stored, "other": 1})

    document.update({"x": transform})

    found = document.get()
    assert found.to_dict() == {"x": expected, "other": 1}
    assert type(found.get("x")) is type(expected)


@pytest.mark.parametrize(
    ("transform", "expected"),
    [(Increment(5), 5), (Maximum(5), 5), (Minimum(5), 5), (ArrayUnion([1, 1]), [1]), (ArrayRemove([1]), [])],
)
def test_a_transform_of_a_missing_field_creates_it(
    client: firestore.Client, transform: object, expected: object
) -> None:
    document = client.document("a/b")

    document.set({"deep": {"x": transform}})

    assert document.get().to_dict() == {"deep": {"x": expected}}


@pytest.mark.parametrize("transform", [Minimum(_NAN), Maximum(_NAN), Increment(_NAN)])
def test_a_number_and_nan_make_nan(client: firestore.Client, transform: object) -> None:
    document = client.document("a/b")
    document.set({"x": 3})

    document.update({"x": transform})

    assert math.isnan(document.get().get("x"))


def test_nan_is_in_a_list_once(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": [_NAN]})

    document.update({"x": ArrayUnion([_NAN])})
    assert len(document.get().get("x")) == 1

    document.update({"x": ArrayRemove([_NAN])})
    assert document.get().to_dict() == {"x": []}


def test_a_write_tells_what_its_transforms_made(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"count": 1})

    result = document.update({"a_at": SERVER_TIMESTAMP, "count": Increment(2), "list": ArrayUnion([1])})

    kinds = {transformed._pb.WhichOneof("value_type"): transformed for transformed in result.transform_results}  # noqa: SLF001 - the only way to a oneof
    assert kinds.keys() == {"timestamp_value", "integer_value", "null_value"}
    assert kinds["integer_value"].integer_value == 3


def test_transforms_alone_create_a_document(client: firestore.Client) -> None:
    client.document("a/b").set({"count": Increment(1)})

    assert client.document("a/b").get().to_dict() == {"count": 1}
