"""`config check --connect` compares the names that the configuration looks for with what is there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from exporter.cli.connect import connect_report
from exporter.config.load import load
from exporter.emulators.firestore import FirestoreServer
from exporter.sources.factory import opener
from testing.bigquery_rest import BigQueryRest, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DONE = datetime(2026, 11, 24, 4, tzinfo=UTC)
DATED = {"date_column": "day"}
BEAT = {"last_heartbeat": DONE, "status": "completed", "data_date": "2026-11-23"}
SHOP = {
    "project": "shop",
    "timezone": "UTC",
    "calendar": {"table": "d.days", "date_column": "day", "units": "COUNT(*)"},
    "pipelines": {
        "shop": {
            "heartbeats": {"collection": "beats"},
            "phases": {
                "load": {
                    "collection": "ingest_done",
                    "processors": {
                        "orders": {
                            "due": "+1d 06:00",
                            "heartbeats": ["OrdersLoader"],
                            "table": {"name": "d.o", **DATED},
                        },
                        "events": {
                            "due": "+1d 06:00",
                            "heartbeats": ["EventsLoader"],
                            "table": {"name": "d.e", **DATED},
                        },
                    },
                }
            },
        }
    },
}


@pytest.fixture(name="firestore")
def _firestore(monkeypatch: pytest.MonkeyPatch) -> Iterator[FirestoreServer]:
    with FirestoreServer(project="shop") as server, BigQueryRest() as bigquery:
        bigquery.answer(Rows(bytes_processed=2**20, accuracy="PRECISE"))
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.address)
        monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", bigquery.address)
        yield server


def misread(overlay: Mapping[str, object] | None = None) -> tuple[list[str], int]:
    """What does not fit, without the word that begins each line."""
    pipeline = {**SHOP["pipelines"]["shop"], **(overlay or {})}  # type: ignore[index]  # of the mapping above
    loaded = load(overlay={**SHOP, "pipelines": {"shop": pipeline}}, environ={})
    text, code = connect_report(loaded, opener(lambda: NOW), NOW)
    return [line.partition(": ")[2] for line in text.splitlines() if line.startswith("MISREAD")], code


def put(firestore: FirestoreServer, **entries: object) -> None:
    firestore.put("ingest_done/2026-11-23", entries)


def beat(firestore: FirestoreServer, *names: str, **fields: object) -> None:
    for name in names or ("OrdersLoader", "EventsLoader"):
        firestore.put(
            f"beats/{name}", fields or {"last_heartbeat": DONE, "status": "completed", "data_date": "2026-11-23"}
        )


def test_records_that_fit_are_not_spoken_of(firestore: FirestoreServer) -> None:
    entry = {"status": "success", "completed_at": DONE, "record_count": 3}
    put(firestore, orders=entry, events=entry)
    beat(firestore)

    assert misread() == ([], 0)


def test_a_collection_that_is_not_there_is_named_with_the_one_that_is(firestore: FirestoreServer) -> None:
    firestore.put("ingest_dne/2026-11-23", {"orders": {}})
    beat(firestore)

    said, code = misread()

    assert said == ["holds no document for these dates (2026-11-21 to 2026-11-25); near: `ingest_dne`"]
    assert code == 1


def test_fields_of_entries_with_other_names_are_named_with_the_key_to_write(firestore: FirestoreServer) -> None:
    put(firestore, orders={"state": "ok", "finished_at": DONE, "rows": 3}, events={"state": "failed", "rows": 0})
    beat(firestore)

    said, code = misread()

    what = "collection ingest_done: entries carry"
    assert said == [
        f"{what} `state`, not `status` (2 of 2 have state: failed (1), ok (1)): set `completion.fields.status: state`",
        (
            f"{what} `finished_at`, not `completed_at` or `timestamp` (1 of 2 have finished_at):"
            " set `completion.fields.completed_at: finished_at`"
        ),
        (
            f"{what} `rows`, not `record_count` or `records_processed` (2 of 2 have rows):"
            " set `completion.fields.record_count: rows`"
        ),
    ]
    assert code == 1


def test_words_that_mean_nothing_are_named_with_the_keys_to_write(firestore: FirestoreServer) -> None:
    put(firestore, orders={"status": "Fertig"}, events={"status": "kaputt"})
    beat(firestore)

    said, _ = misread()

    (line,) = said
    assert line.startswith(
        "collection ingest_done: entries say `fertig` (1), `kaputt` (1), which no word of `completion."
    )
    assert "name them in `completion.statuses.success` or `completion.statuses.partial` or" in line


def test_entries_in_a_map_are_found_where_they_are(firestore: FirestoreServer) -> None:
    put(firestore, steps={"orders": {"state": "ok"}, "events": {"state": "ok"}})
    beat(firestore)

    assert misread()[0] == [
        "collection ingest_done: the entries are in the map `steps`: set `completion.entries: steps`",
        (
            "collection ingest_done: entries carry `state`, not `status` (2 of 2 have state: ok (2)):"
            " set `completion.fields.status: state`"
        ),
    ]
    assert misread({"completion": {"entries": "steps", "fields": {"status": "state"}}})[0] == []


def test_entries_of_other_names_are_named_with_the_ones_that_are_there(firestore: FirestoreServer) -> None:
    put(firestore, OrderLoad={"status": "ok"}, EventLoad={"status": "ok"})
    beat(firestore)

    assert misread()[0] == [
        "collection ingest_done: 0 of 2 processors have an entry in 1 documents; near: `OrderLoad`, `EventLoad`"
    ]

    put(firestore, order={"status": "ok"}, events={"status": "ok"})

    assert misread()[0] == ["collection ingest_done: no entry of `orders` in 1 documents (did you mean order?)"]


def test_heartbeats_of_other_ids_are_counted_and_the_nearest_named(firestore: FirestoreServer) -> None:
    put(firestore, orders={"status": "ok"}, events={"status": "ok"})
    beat(firestore, "Orders-Loader", "Billing")

    said, code = misread()

    assert said == ["collection beats: 0 of 2 heartbeat ids exist; near: `Orders-Loader`"]
    assert code == 1


def test_heartbeats_without_date_and_status_say_so_with_what_to_write(firestore: FirestoreServer) -> None:
    put(firestore, orders={"status": "ok"}, events={"status": "ok"})
    beat(firestore, seen=DONE)

    said, _ = misread()

    assert said == [
        (
            "collection beats: heartbeats carry `seen`, not `last_heartbeat` or `updated_at` (2 of 2 have seen):"
            " set `heartbeats.fields.last_heartbeat: seen`"
        ),
        (
            "collection beats: heartbeats carry no `data_date`: set `heartbeats.fields.data_date: []`, and they are"
            " judged by their time"
        ),
        (
            "collection beats: heartbeats carry no `status`: set `heartbeats.fields.status: []`, and they are running"
            " while they are fresh"
        ),
    ]
    own = {"collection": "beats", "fields": {"last_heartbeat": "seen", "data_date": [], "status": []}}
    assert misread({"heartbeats": own}) == ([], 0)


def test_names_that_are_near_none_are_told_what_is_there(firestore: FirestoreServer) -> None:
    put(firestore, a={"status": "ok"}, b={"status": "ok"})
    beat(firestore)

    assert misread()[0] == [
        "collection ingest_done: 0 of 2 processors have an entry in 1 documents; there are `a`, `b`"
    ]


def test_where_nobody_may_list_what_is_there_nothing_is_said_of_it(firestore: FirestoreServer) -> None:
    put(firestore, orders={"state": "ok"})
    firestore.faults.fail("PERMISSION_DENIED", method="RunQuery")

    assert misread()[0] == []
