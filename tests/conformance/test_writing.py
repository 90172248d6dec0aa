"""Writing documents: set, merge, update, create, delete."""

from typing import Any, Final

import pytest
from google.api_core.exceptions import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from google.cloud import firestore
from google.cloud.firestore import DELETE_FIELD

_ODD_KEYS: Final = [
    *("a.b", "with space", "2026", "a/b", "ünï-日本-🏀", "new\nline", "tab\t"),
    *('quo"te', "quo'te", "tick`", "`", "back\\slash"),
]


def test_set_replaces_the_whole_document(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"first": {"status": "success"}, "second": 2})

    document.set({"third": 3})

    assert document.get().to_dict() == {"third": 3}


def test_a_merge_goes_into_maps_and_keeps_the_rest(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"first": {"status": "running", "count": 1}, "second": 2})

    document.set({"first": {"status": "success"}, "third": {"x": 3}}, merge=True)

    assert document.get().to_dict() == {"first": {"status": "success", "count": 1}, "second": 2, "third": {"x": 3}}


def test_a_merge_replaces_lists_whole(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"list": [1, 2, 3]})

    document.set({"list": [4]}, merge=True)

    assert document.get().to_dict() == {"list": [4]}


def test_a_merge_creates_a_missing_document(client: firestore.Client) -> None:
    client.document("a/b").set({"x": {"y": 1}}, merge=True)

    assert client.document("a/b").get().to_dict() == {"x": {"y": 1}}


def test_a_merge_of_nothing_creates_a_document_and_changes_none(client: firestore.Client) -> None:
    client.document("a/there").set({"x": 1})

    client.document("a/there").set({}, merge=True)
    client.document("a/new").set({}, merge=True)

    assert client.document("a/there").get().to_dict() == {"x": 1}
    assert client.document("a/new").get().exists


def test_a_merge_of_named_fields_writes_those_alone(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": {"a": 1, "b": 1}, "y": 1})
    fields: Any = ["x.a", "y"]  # a list works and is documented; the annotation says bool

    document.set({"x": {"a": 2}, "y": 2}, merge=fields)

    assert document.get().to_dict() == {"x": {"a": 2, "b": 1}, "y": 2}


def test_an_empty_map_in_a_merge_replaces_the_map(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": {"a": 1}})

    document.set({"x": {}}, merge=True)

    assert document.get().to_dict() == {"x": {}}


def test_an_update_of_a_dotted_path_touches_that_field_alone(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": {"a": 1, "b": {"c": 1, "d": 1}}, "y": 1})

    document.update({"x.b.c": 2, "z.new.deep": 3})

    assert document.get().to_dict() == {"x": {"a": 1, "b": {"c": 2, "d": 1}}, "y": 1, "z": {"new": {"deep": 3}}}


def test_an_update_of_a_map_replaces_the_map(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": {"a": 1, "b": 1}})

    document.update({"x": {"c": 1}})

    assert document.get().to_dict() == {"x": {"c": 1}}


def test_an_update_through_a_value_that_is_no_map_makes_it_one(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": "not a map"})

    document.update({"x.y.z": 1})

    assert document.get().to_dict() == {"x": {"y": {"z": 1}}}


def test_an_update_of_a_missing_document_is_refused(client: firestore.Client) -> None:
    with pytest.raises(NotFound):
        client.document("a/missing").update({"x": 1})

    assert not client.document("a/missing").get().exists


@pytest.mark.parametrize("key", _ODD_KEYS)
def test_a_field_may_have_an_odd_name(client: firestore.Client, key: str) -> None:
    document = client.document("a/b")

    document.set({key: {key: 1}, "other": 1})
    assert document.get().to_dict() == {key: {key: 1}, "other": 1}

    document.update({client.field_path(key, key): 2})
    assert document.get().to_dict() == {key: {key: 2}, "other": 1}

    document.set({key: {"new": 3}}, merge=True)
    assert document.get().to_dict() == {key: {key: 2, "new": 3}, "other": 1}

    document.update({client.field_path(key, key): DELETE_FIELD})
    assert document.get().to_dict() == {key: {"new": 3}, "other": 1}


def test_a_field_is_deleted_by_update(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": 1, "y": {"a": 1, "b": 2}})

    document.update({"x": DELETE_FIELD, "y.a": DELETE_FIELD})

    assert document.get().to_dict() == {"y": {"b": 2}}


def test_a_field_is_deleted_by_merge(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": 1, "y": {"a": 1, "b": 2}})

    document.set({"x": DELETE_FIELD, "y": {"a": DELETE_FIELD}}, merge=True)

    assert document.get().to_dict() == {"y": {"b": 2}}


def test_deleting_the_last_field_of_a_map_leaves_the_map(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": {"a": 1}})

    document.update({"x.a": DELETE_FIELD})

    assert document.get().to_dict() == {"x": {}}


def test_deleting_a_field_that_is_not_there_changes_nothing(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": 1})

    document.update({"y": DELETE_FIELD, "z.a.b": DELETE_FIELD, "x.a": DELETE_FIELD})

    assert document.get().to_dict() == {"x": 1}


def test_create_takes_only_what_is_not_there(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.create({"x": 1})

    with pytest.raises(AlreadyExists):
        document.create({"x": 2})

    assert document.get().to_dict() == {"x": 1}


def test_add_finds_an_id(client: firestore.Client) -> None:
    _, reference = client.collection("a").add({"x": 1})

    assert reference.get().to_dict() == {"x": 1}


def test_a_deleted_document_is_gone_and_deleting_it_again_is_no_error(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": 1})

    document.delete()
    document.delete()

    assert not document.get().exists


def test_a_delete_may_require_the_document(client: firestore.Client) -> None:
    with pytest.raises(NotFound):
        client.document("a/missing").delete(option=client.write_option(exists=True))


def test_an_update_may_require_the_version_that_was_read(client: firestore.Client) -> None:
    document = client.document("a/b")
    first = document.set({"x": 1}).update_time

    second = document.update({"x": 2}, option=client.write_option(last_update_time=first)).update_time
    with pytest.raises(FailedPrecondition):
        document.update({"x": 3}, option=client.write_option(last_update_time=first))

    assert document.get().to_dict() == {"x": 2}
    assert document.get().update_time == second


def test_a_delete_may_require_the_version_that_was_read(client: firestore.Client) -> None:
    document = client.document("a/b")
    first = document.set({"x": 1}).update_time
    second = document.set({"x": 2}).update_time

    with pytest.raises(FailedPrecondition):
        document.delete(option=client.write_option(last_update_time=first))
    document.delete(option=client.write_option(last_update_time=second))

    assert not document.get().exists


def test_no_version_of_a_missing_document_can_be_required(client: firestore.Client) -> None:
    seen = client.document("a/b").set({"x": 1}).update_time

    with pytest.raises(FailedPrecondition):
        client.document("a/missing").update({"x": 1}, option=client.write_option(last_update_time=seen))


@pytest.mark.parametrize("fields", [{"__reserved__": 1}, {"map": {"__reserved__": 1}}, {"list": [{"__reserved__": 1}]}])
def test_a_reserved_field_name_is_refused(client: firestore.Client, fields: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        client.document("a/b").set(fields)


def test_a_list_in_a_list_is_refused_but_not_one_in_a_map_in_a_list(client: firestore.Client) -> None:
    with pytest.raises(InvalidArgument):
        client.document("a/b").set({"x": [[1]]})

    client.document("a/b").set({"x": [{"y": [1]}]})
    assert client.document("a/b").get().to_dict() == {"x": [{"y": [1]}]}


def test_maps_nest_up_to_20_levels(client: firestore.Client) -> None:
    fields: dict[str, object] = {"leaf": 1}
    for _ in range(20):
        fields = {"map": fields}
    client.document("a/b").set(fields)

    with pytest.raises(InvalidArgument):
        client.document("a/b").set({"map": fields})


def test_a_document_of_more_than_a_mebibyte_is_refused(client: firestore.Client) -> None:
    client.document("a/b").set({"x": "x" * 1_000_000})

    with pytest.raises(InvalidArgument):
        client.document("a/b").set({"x": "x" * 1_048_577})


def test_a_field_name_longer_than_1500_bytes_is_refused(client: firestore.Client) -> None:
    with pytest.raises(InvalidArgument):
        client.document("a/b").set({"k" * 1501: 1})


def test_a_refused_write_changes_nothing(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"x": 1})
    before = document.get().update_time

    with pytest.raises(InvalidArgument):
        document.set({"x": [[1]]})

    assert document.get().to_dict() == {"x": 1}
    assert document.get().update_time == before
