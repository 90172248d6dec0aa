"""Records with names and words of their own: what the configuration says of them decides how they are read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from google.cloud.firestore_v1.types import Document as WireDocument

from exporter.config.fields import DOCUMENTS, ENTRIES, HEARTBEATS, names_of, words_of
from exporter.config.resolved import CompletionConfig
from exporter.emulators.firestore import FirestoreServer
from exporter.metrics.telemetry import Telemetry
from exporter.model import Entry, UnusableField
from exporter.sources.documents import USUAL, parse_document, parse_entry, parse_heartbeat, read_document, read_entry
from exporter.sources.firestore import FirestoreStore
from exporter.sources.ports import Deadline

if TYPE_CHECKING:
    from collections.abc import Mapping


NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
OWN = CompletionConfig(
    entries="steps",
    metadata=("owner",),
    fields={**names_of(ENTRIES), "status": ("state",), "completed_at": ("finished", "ended"), "record_count": ()},
    statuses={**words_of(ENTRIES), "success": ("fertig",), "failed": ("kaputt",)},
    document_fields={**names_of(DOCUMENTS), "triggered": ("released",)},
)
FLAT = CompletionConfig(metadata=("owner",), document_fields={**names_of(DOCUMENTS), "triggered": ("released",)})


def test_an_entry_is_read_by_the_names_and_words_of_the_configuration() -> None:
    entry = parse_entry({"state": "FERTIG ", "ended": NOON, "status": "failed", "record_count": 3}, shape=OWN)

    assert entry == Entry("success", NOON)


def test_a_field_that_the_configuration_says_is_not_there_is_not_read() -> None:
    assert parse_entry({"state": "fertig", "record_count": "many"}, shape=OWN) == Entry("success")


@pytest.mark.parametrize("word", ["aborted", "queued", "success"])
def test_a_word_that_means_nothing_is_named_and_kept(word: str) -> None:
    entry = parse_entry({"state": word}, shape=OWN)

    assert entry.status == word
    assert entry.malformed == (UnusableField("state", f'text "{word}", which `statuses` does not name'),)
    assert entry.malformed[0].key == "status"


@pytest.mark.parametrize(
    "fields", [{"state": "failed"}, {"outcome": "Error "}, {"status": None, "result": "cancelled"}]
)
def test_a_failure_under_another_name_is_no_success_in_silence(fields: Mapping[str, object]) -> None:
    entry = parse_entry(fields)

    assert entry.status is None
    assert entry.failed_elsewhere
    assert [field.key for field in entry.malformed] == ["status"]
    assert "while there is no status: name this field in `fields.status`" in entry.malformed[0].said


@pytest.mark.parametrize(
    "fields", [{"status": "success", "error": "failed"}, {"status": 5, "state": "failed"}, {"note": "x"}]
)
def test_other_fields_are_not_looked_at_where_there_is_a_status_or_no_failure(fields: Mapping[str, object]) -> None:
    assert not parse_entry(fields).failed_elsewhere


def test_entries_in_a_map_are_told_from_the_fields_beside_it() -> None:
    document = parse_document(
        {"released": True, "orders": {"state": "kaputt"}, "steps": {"orders": {"state": "fertig"}, "_lock": {}}},
        shape=OWN,
    )

    assert document.entries == {"orders": Entry("success")}
    assert document.triggered


def test_a_document_without_the_map_has_no_entries_and_one_with_another_value_says_so() -> None:
    assert parse_document({"released": False}, shape=OWN).entries == {}

    odd = parse_document({"steps": "none yet"}, shape=OWN)

    assert (odd.entries, odd.malformed) == ({}, (UnusableField("steps", 'text "none yet"'),))


def test_metadata_and_named_fields_are_no_entries() -> None:
    document = parse_document({"owner": "data team", "released": True, "_x": 1, "orders": {}}, shape=FLAT)

    assert set(document.entries) == {"orders"}


def test_the_content_of_an_entry_in_a_map_is_read_again_as_it_was() -> None:
    fields: dict[str, object] = {"state": {"string_value": "fertig"}}
    steps = {"map_value": {"fields": {"orders": {"map_value": {"fields": fields}}}}}
    message = WireDocument(fields={"released": {"boolean_value": True}, "steps": steps})
    document = read_document(WireDocument.pb(message), NOON, OWN)

    assert set(document.contents) == {"released", "orders"}
    assert read_entry(document.contents["orders"], OWN) == document.entries["orders"] == Entry("success")


@pytest.mark.parametrize("shape", [USUAL, FLAT, OWN], ids=["usual", "own names", "in a map"])
def test_a_document_is_the_same_whether_its_unchanged_entries_are_decoded_again_or_not(shape: CompletionConfig) -> None:
    def wire(entries: dict[str, int], *, triggered: bool) -> WireDocument:
        fields: dict[str, object] = {
            name: {"map_value": {"fields": {"record_count": {"integer_value": number}}}}
            for name, number in entries.items()
        }
        if shape.entries:
            fields = {shape.entries: {"map_value": {"fields": fields}}}
        return WireDocument(fields={**fields, "_triggered": {"boolean_value": triggered}})

    earlier = WireDocument.pb(wire({"kept": 1, "changed": 2, "gone": 3}, triggered=False))
    message = WireDocument.pb(wire({"kept": 1, "changed": 4, "new": 3}, triggered=True))
    before = read_document(earlier, None, shape)

    after = read_document(message, NOON, shape, before)

    assert after == read_document(message, NOON, shape)
    assert set(after.entries) == {"kept", "changed", "new"}
    assert shape.entries or after.entries["kept"] is before.entries["kept"]


def test_a_heartbeat_is_read_by_the_names_and_words_of_the_configuration() -> None:
    names = {**names_of(HEARTBEATS), "last_heartbeat": ("seen",), "status": ("state",), "data_date": ()}
    words = {**words_of(HEARTBEATS), "running": ("busy",)}

    beat = parse_heartbeat("P", {"seen": NOON, "state": "Busy", "data_date": "2026-11-24"}, names, words)

    assert (beat.status, beat.beat_at, beat.data_date, beat.malformed) == ("running", NOON, None, ())
    assert parse_heartbeat("P", {"state": "asleep"}, names, words).malformed[0].key == "status"


def test_a_collection_below_a_document_is_counted_and_read() -> None:
    with FirestoreServer(project="p") as server:
        server.put("ops/prod/beats/a", {"n": 1})
        server.put("beats/b", {"n": 1})
        server.put("beats/c", {"n": 1})
        store = FirestoreStore(project="p", database="(default)", telemetry=Telemetry(), endpoint=server.address)
        try:
            assert store.count("ops/prod/beats", Deadline(5)) == 1
            assert store.contents(["ops/prod/beats/a"], Deadline(5))["ops/prod/beats/a"] is not None
        finally:
            store.close()
