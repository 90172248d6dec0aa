"""What is written together, and the times that a document carries."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.api_core.exceptions import AlreadyExists, InvalidArgument, NotFound
from google.cloud import firestore
from google.cloud.firestore_v1.bulk_writer import BulkWriteFailure, BulkWriter
from google.cloud.firestore_v1.types import WriteResult


def _time(result: WriteResult) -> datetime:
    """A write's time; the client makes a datetime of what is annotated as protobuf's timestamp."""
    time: Any = result.update_time
    assert isinstance(time, datetime)
    return time


def test_a_new_documents_times_are_those_of_its_write(client: firestore.Client) -> None:
    document = client.document("a/b")

    written = _time(document.set({"x": 1}))

    snapshot = document.get()
    assert snapshot.create_time == snapshot.update_time == written
    assert abs(written - datetime.now(UTC)) < timedelta(minutes=1)


def test_set_without_merge_keeps_the_create_time(client: firestore.Client) -> None:
    document = client.document("a/b")
    created = _time(document.set({"x": 1}))

    updated = _time(document.set({"y": 2}))

    snapshot = document.get()
    assert (snapshot.create_time, snapshot.update_time) == (created, updated)
    assert updated > created


def test_a_document_created_again_has_a_new_create_time(client: firestore.Client) -> None:
    document = client.document("a/b")
    first = _time(document.set({"x": 1}))
    document.delete()

    second = _time(document.set({"x": 1}))

    assert document.get().create_time == second > first


@pytest.mark.parametrize("again", ["set", "merge", "update"])
def test_a_write_that_changes_nothing_keeps_the_update_time(client: firestore.Client, again: str) -> None:
    document = client.document("a/b")
    fields = {"x": 1, "y": {"z": [1, float("nan")]}}
    written = _time(document.set(fields))

    result = document.update(fields) if again == "update" else document.set(fields, merge=again == "merge")

    assert result.update_time == written
    assert document.get().update_time == written


def test_a_value_of_another_type_is_a_change(client: firestore.Client) -> None:
    document = client.document("a/b")
    written = _time(document.set({"x": 1}))

    assert _time(document.set({"x": 1.0})) > written


def test_update_times_only_grow(client: firestore.Client) -> None:
    document = client.document("a/b")

    times = [_time(document.set({"x": number})) for number in range(10)]

    assert times == sorted(set(times))


def test_all_writes_of_a_batch_carry_one_time(client: firestore.Client) -> None:
    batch = client.batch()
    batch.set(client.document("a/1"), {"x": 1})
    batch.set(client.document("a/2"), {"x": 2})
    results = batch.commit()

    times = {client.document(path).get().update_time for path in ("a/1", "a/2")}

    assert times == {result.update_time for result in results} == {batch.commit_time}


def test_a_batch_applies_as_a_whole_or_not_at_all(client: firestore.Client) -> None:
    client.document("a/there").set({"x": 1})
    client.document("a/other").set({"x": 1})
    batch = client.batch()
    batch.set(client.document("a/new"), {"x": 1})
    batch.update(client.document("a/there"), {"x": 2})
    batch.create(client.document("a/other"), {"x": 3})

    with pytest.raises(AlreadyExists):
        batch.commit()

    assert not client.document("a/new").get().exists
    assert client.document("a/there").get().to_dict() == {"x": 1}


def test_a_batch_with_one_bad_write_changes_nothing(client: firestore.Client) -> None:
    batch = client.batch()
    batch.set(client.document("a/good"), {"x": 1})
    batch.set(client.document("a/bad"), {"__x__": 1})

    with pytest.raises(InvalidArgument):
        batch.commit()

    assert not client.document("a/good").get().exists


def test_later_writes_of_a_batch_see_the_earlier(client: firestore.Client) -> None:
    document = client.document("a/b")
    batch = client.batch()
    batch.set(document, {"x": 1})
    batch.update(document, {"y": 2})
    batch.update(document, {"x": firestore.Increment(10)})
    batch.commit()

    assert document.get().to_dict() == {"x": 11, "y": 2}


def test_a_batch_may_delete_what_it_has_written(client: firestore.Client) -> None:
    document = client.document("a/b")
    batch = client.batch()
    batch.set(document, {"x": 1})
    batch.delete(document)
    results = batch.commit()

    assert not document.get().exists
    # Every write tells of its document as the whole batch leaves it.
    assert [result._pb.HasField("update_time") for result in results] == [False, False]  # noqa: SLF001 - the only way to ask


def test_a_document_deleted_and_created_again_in_one_batch_is_new(client: firestore.Client) -> None:
    document = client.document("a/b")
    first = _time(document.set({"x": 1}))
    batch = client.batch()
    batch.delete(document)
    batch.set(document, {"x": 1})
    batch.commit()

    assert document.get().create_time > first


def test_an_empty_batch_is_nothing(client: firestore.Client) -> None:
    batch = client.batch()

    assert list(batch.commit()) == []
    assert batch.commit_time is None


def test_a_batch_may_have_more_than_500_writes(client: firestore.Client) -> None:
    batch = client.batch()
    for number in range(501):
        batch.set(client.document(f"a/{number}"), {"n": number})

    assert len(batch.commit()) == 501
    assert client.collection("a").count().get()[0][0].value == 501


def test_a_bulk_writer_writes_each_document_for_itself(client: firestore.Client) -> None:
    client.document("a/there").set({"x": 1})
    failures: list[int] = []

    def give_up(failure: BulkWriteFailure, _: BulkWriter) -> bool:
        failures.append(failure.code)
        return False

    writer = client.bulk_writer()
    writer.on_write_error(give_up)

    writer.set(client.document("a/new"), {"x": 1})
    writer.create(client.document("a/there"), {"x": 2})
    writer.delete(client.document("a/gone"))
    writer.close()

    assert client.document("a/new").get().to_dict() == {"x": 1}
    assert client.document("a/there").get().to_dict() == {"x": 1}
    assert failures == [6]  # ALREADY_EXISTS


def test_a_batch_that_updates_a_missing_document_writes_nothing(client: firestore.Client) -> None:
    batch = client.batch()
    batch.update(client.document("a/missing"), {"x": 1})
    batch.set(client.document("a/new"), {"x": 1})

    with pytest.raises(NotFound):
        batch.commit()

    assert list(client.collection("a").stream()) == []
