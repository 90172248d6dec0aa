"""Reading documents by name, and listing them."""

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core.exceptions import InvalidArgument, NotFound
from google.cloud import firestore


def test_a_document_reads_as_it_was_set(client: firestore.Client) -> None:
    document = client.document("phase3_completion/2026-02-01")

    document.set({"player_game_summary": {"status": "success", "record_count": 212}, "_triggered": False})

    assert document.get().to_dict() == {
        "player_game_summary": {"status": "success", "record_count": 212},
        "_triggered": False,
    }


def test_a_missing_document_is_told_apart_and_has_no_times(client: firestore.Client) -> None:
    snapshot = client.document("phase3_completion/None").get()

    assert not snapshot.exists
    assert snapshot.to_dict() is None
    assert (snapshot.create_time, snapshot.update_time) == (None, None)


def test_a_read_tells_when_it_was(client: firestore.Client) -> None:
    written = client.document("a/b").set({"x": 1}).update_time

    for path in ("a/b", "a/missing"):
        read_time = client.document(path).get().read_time
        assert read_time >= written
        assert abs(read_time - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_document_without_fields_exists(client: firestore.Client) -> None:
    client.document("a/empty").set({})

    snapshot = client.document("a/empty").get()

    assert snapshot.exists
    assert snapshot.to_dict() == {}


def test_many_documents_are_read_in_one_call_found_or_missing(client: firestore.Client) -> None:
    client.document("a/1").set({"n": 1})
    client.document("b/2").set({"n": 2})
    wanted = [client.document(path) for path in ("a/1", "a/missing", "b/2")]

    snapshots = {snapshot.reference.path: snapshot.to_dict() for snapshot in client.get_all(wanted)}

    assert snapshots == {"a/1": {"n": 1}, "a/missing": None, "b/2": {"n": 2}}


def test_a_document_asked_for_twice_comes_once(client: firestore.Client) -> None:
    client.document("a/1").set({"n": 1})

    snapshots = list(client.get_all([client.document("a/1"), client.document("a/1")]))

    assert [snapshot.to_dict() for snapshot in snapshots] == [{"n": 1}]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (["a"], {"a": {"b": 1, "c": 2}}),
        (["a.b"], {"a": {"b": 1}}),
        (["a.b", "d"], {"a": {"b": 1}, "d": 3}),
        (["missing"], {}),
        (["a.missing", "d.e"], {}),
        (["`odd key`.x"], {"odd key": {"x": 4}}),
    ],
)
def test_a_mask_selects_fields(client: firestore.Client, mask: list[str], expected: dict[str, object]) -> None:
    document = client.document("a/masked")
    document.set({"a": {"b": 1, "c": 2}, "d": 3, "odd key": {"x": 4, "y": 5}})

    assert document.get(field_paths=mask).to_dict() == expected
    assert next(client.get_all([document], field_paths=mask)).to_dict() == expected


@pytest.mark.parametrize(
    "identifier", ["2026-02-01", "None", "with space", "dot.ted", 'quo"te', "new\nline", "ünï-日本", "`", "\\", "_x"]
)
def test_a_document_id_may_be_odd(client: firestore.Client, identifier: str) -> None:
    document = client.collection("odd ids").document(identifier)
    document.set({"n": 1})

    assert document.get().to_dict() == {"n": 1}
    assert [found.id for found in client.collection("odd ids").stream()] == [identifier]


@pytest.mark.parametrize("path", ["a/__reserved__", "__reserved__/a", "a/..", "a/."])
def test_a_reserved_id_is_refused(client: firestore.Client, path: str) -> None:
    with pytest.raises(InvalidArgument):
        client.document(path).set({"n": 1})


def test_an_id_longer_than_1500_bytes_is_refused(client: firestore.Client) -> None:
    client.document("a/" + "é" * 750).set({"n": 1})

    with pytest.raises(InvalidArgument):
        client.document("a/" + "é" * 751).set({"n": 1})


def test_a_subcollection_does_not_need_its_parent(client: firestore.Client) -> None:
    client.document("a/ghost/b/c").set({"n": 1})

    assert client.document("a/ghost/b/c").get().exists
    assert not client.document("a/ghost").get().exists
    assert list(client.collection("a").stream()) == []


def test_deleting_a_document_leaves_its_subcollections(client: firestore.Client) -> None:
    client.document("a/b").set({"n": 1})
    client.document("a/b/c/d").set({"n": 2})

    client.document("a/b").delete()

    assert client.document("a/b/c/d").get().to_dict() == {"n": 2}


def test_a_collection_lists_its_documents_and_the_missing_parents_of_others(client: firestore.Client) -> None:
    for path in ("a/2", "a/1", "a/ghost/b/c", "other/x"):
        client.document(path).set({"n": 1})

    assert [reference.id for reference in client.collection("a").list_documents()] == ["1", "2", "ghost"]


def test_a_long_list_of_documents_comes_in_pages(client: firestore.Client) -> None:
    batch = client.batch()
    for number in range(25):
        batch.set(client.document(f"a/{number:02}"), {"n": number})
    batch.commit()

    listed = [reference.id for reference in client.collection("a").list_documents(page_size=10)]

    assert listed == [f"{number:02}" for number in range(25)]


def test_the_collections_of_the_root_and_of_a_document_are_listed(client: firestore.Client) -> None:
    for path in ("b/1", "a/1", "a/1/sub/x", "a/1/other/x", "ghost/1/sub/x"):
        client.document(path).set({"n": 1})

    assert [collection.id for collection in client.collections()] == ["a", "b", "ghost"]
    assert [collection.id for collection in client.document("a/1").collections()] == ["other", "sub"]


def test_one_document_by_its_full_name_is_found_or_refused(client: firestore.Client) -> None:
    document = client.document("a/b")
    document.set({"n": 1})
    api = client._firestore_api  # noqa: SLF001 - the client's own methods never send GetDocument

    assert api.get_document(request={"name": document._document_path}).fields["n"].integer_value == 1  # noqa: SLF001 - as above
    with pytest.raises(NotFound):
        api.get_document(request={"name": client.document("a/missing")._document_path})  # noqa: SLF001 - as above


def test_a_name_that_is_no_document_is_refused(client: firestore.Client) -> None:
    api = client._firestore_api  # noqa: SLF001 - the client's own methods send no such name
    for name in ("nonsense", f"projects/{client.project}/databases/(default)/documents/a"):
        with pytest.raises(InvalidArgument):
            list(api.batch_get_documents(request={"database": client._database_string, "documents": [name]}))  # noqa: SLF001 - as above
