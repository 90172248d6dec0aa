"""The Firestore adapter, its real client talking to the local server, or to one that answers nonsense."""

from __future__ import annotations

import json
import os
import socket
import threading
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from exporter.emulators.firestore import FirestoreServer, Reference
from exporter.metrics.telemetry import Telemetry
from exporter.model import Document, DocumentId, Entry, ErrorKind, Heartbeat, UnusableField
from exporter.sources.firestore import FirestoreStore
from exporter.sources.ports import Deadline, HeartbeatId, SourceError
from testing.waiting import until
from tests.integration.firestore_store import PHASE3, PROJECT, SUNDAY, read, refused, store_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
PLAYER = HeartbeatId("processor_heartbeats", "PlayerGameSummaryProcessor")


@pytest.fixture
def server() -> Iterator[FirestoreServer]:
    with FirestoreServer(project=PROJECT) as server:
        yield server


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def store(server: FirestoreServer, telemetry: Telemetry) -> Iterator[FirestoreStore]:
    with store_at(server.address, telemetry) as store:
        yield store


# --- what is there ------------------------------------------------------------------------------------------------


def test_documents_of_all_phases_are_one_batch(
    server: FirestoreServer, store: FirestoreStore, telemetry: Telemetry
) -> None:
    server.put(
        "phase3_completion/2026-02-01",
        {
            "player_game_summary": {"status": "success", "completed_at": NOON, "record_count": 212},
            "_triggered": True,
            "_mode": "overnight",
        },
    )
    server.put("phase4_completion/2026-01-31", {})
    absent = DocumentId("phase2_completion", SUNDAY)

    phase3, phase4, phase2 = read(store, PHASE3, DocumentId("phase4_completion", date(2026, 1, 31)), absent)

    assert phase3.exists
    assert phase3.entries == {"player_game_summary": Entry("success", NOON, 212)}
    assert (phase3.triggered, phase3.written_mode) == (True, "overnight")
    assert (phase4.exists, phase4.entries) == (True, {})
    assert phase2 == Document(exists=False, read_time=phase2.read_time)
    assert phase2.read_time is not None
    assert server.calls.by_method() == {"BatchGetDocuments": 1}
    assert telemetry.total("document_reads") == server.calls.documents_read == 3


def test_a_document_has_the_times_of_its_creation_and_of_its_last_write(
    server: FirestoreServer, store: FirestoreStore
) -> None:
    server.put("phase3_completion/2026-02-01", {})
    server.merge("phase3_completion/2026-02-01", {"a": {"status": "success"}})

    (document,) = read(store)

    assert document.create_time is not None
    assert document.update_time is not None
    assert document.create_time < document.update_time
    assert document.update_time.tzinfo is UTC


def test_a_value_that_means_nothing_here_spoils_neither_its_document_nor_the_batch(
    server: FirestoreServer, store: FirestoreStore
) -> None:
    elsewhere = Reference("projects/another-project/databases/(default)/documents/a/b")
    server.put(
        "phase3_completion/2026-02-01",
        {
            "bytes": {"status": b"success"},
            "odd": {"status": "success", "where": elsewhere, "what": [elsewhere, {"a": [1]}]},
            "reference": elsewhere,
            'it\'s "quoted"\nand broken': {"status": "success"},
            "nested": {"status": {"a": {"b": {"c": 1}}}},
        },
    )
    server.put("phase4_completion/2026-02-01", {"good": {"status": "success"}})

    phase3, phase4 = read(store, PHASE3, DocumentId("phase4_completion", SUNDAY))

    assert phase3.entries['it\'s "quoted"\nand broken'] == Entry("success")
    assert phase3.entries["odd"] == Entry("success")
    assert phase3.entries["reference"] == Entry(malformed=(UnusableField("entry", "reference"),))
    assert phase3.entries["bytes"] == Entry(malformed=(UnusableField("status", "bytes"),))
    assert phase3.entries["nested"] == Entry(malformed=(UnusableField("status", "map"),))
    assert phase4.entries == {"good": Entry("success")}


def test_a_document_of_ten_thousand_entries_is_read(server: FirestoreServer, store: FirestoreStore) -> None:
    server.put("phase3_completion/2026-02-01", {f"p{number}": {"status": "success"} for number in range(10_000)})

    (document,) = read(store)

    assert len(document.entries) == 10_000


def test_heartbeats_of_all_collections_are_one_batch(
    server: FirestoreServer, store: FirestoreStore, telemetry: Telemetry
) -> None:
    server.put(
        "processor_heartbeats/PlayerGameSummaryProcessor",
        {"status": "running", "last_heartbeat": NOON, "data_date": "2026-01-31", "started_at": NOON, "progress": 3},
    )
    server.put('mlb_heartbeats/O\'Neil "x"', {"status": "completed", "data_date": NOON})
    odd, absent = HeartbeatId("mlb_heartbeats", 'O\'Neil "x"'), HeartbeatId("mlb_heartbeats", "Absent")

    found = store.heartbeats([PLAYER, odd, absent], Deadline(30))

    assert found == {
        PLAYER: Heartbeat(PLAYER.document, "running", NOON, date(2026, 1, 31), NOON),
        odd: Heartbeat(
            odd.document,
            "completed",
            None,
            None,
            malformed=(UnusableField("data_date", "timestamp 2026-02-01T12:00:00Z"),),
        ),
        absent: None,
    }
    assert server.calls.by_method() == {"BatchGetDocuments": 1}
    assert telemetry.total("document_reads") == server.calls.documents_read == 3


@pytest.mark.parametrize("documents", [0, 1, 1_001])
def test_a_collection_is_counted_by_one_aggregation_that_costs_a_read_for_every_thousand(
    server: FirestoreServer, store: FirestoreStore, telemetry: Telemetry, documents: int
) -> None:
    server.put_all({f"processor_heartbeats/h{number}": {} for number in range(documents)})

    assert store.count("processor_heartbeats", Deadline(30)) == documents
    assert server.calls.by_method() == {"RunAggregationQuery": 1}
    assert telemetry.total("document_reads") == server.calls.documents_read


def test_without_parts_no_query_is_made(server: FirestoreServer, store: FirestoreStore) -> None:
    assert store.documents([], Deadline(30)) == {}
    assert store.heartbeats([], Deadline(30)) == {}
    assert server.calls.total == 0


def test_a_document_that_is_asked_for_twice_is_read_once(server: FirestoreServer, store: FirestoreStore) -> None:
    store.documents([PHASE3, PHASE3], Deadline(30))

    assert server.calls.documents_read == 1


def test_one_connection_is_kept(server: FirestoreServer, store: FirestoreStore) -> None:
    before = threading.active_count()
    for _ in range(20):
        read(store)

    assert server.calls["BatchGetDocuments"] == 20
    assert threading.active_count() <= before + 5


# --- what is not there --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind", "words", "calls"),
    [
        ("PERMISSION_DENIED", ErrorKind.PERMISSION_DENIED, "roles/datastore.viewer", 1),
        ("UNAUTHENTICATED", ErrorKind.PERMISSION_DENIED, "Google does not take the token", 1),
        ("NOT_FOUND", ErrorKind.NOT_FOUND, "check the project and the Firestore database", 1),
        ("FAILED_PRECONDITION", ErrorKind.INVALID, "native mode", 1),
        ("RESOURCE_EXHAUSTED", ErrorKind.QUOTA, "quotas", 1),
        ("UNAVAILABLE", ErrorKind.UNREACHABLE, "firestore.googleapis.com", 5),
        ("DEADLINE_EXCEEDED", ErrorKind.TIMEOUT, "timeout", 5),
    ],
)
def test_a_refusal_has_its_kind_names_the_thing_and_says_what_to_do(
    server: FirestoreServer, store: FirestoreStore, code: str, kind: ErrorKind, words: str, calls: int
) -> None:
    server.faults.fail(code, message="the service's own words")

    error = refused(store)

    assert error.kind is kind
    assert error.detail.startswith("Firestore phase3_completion (project nba-props-platform, database (default)): ")
    assert "the service's own words" in error.detail
    assert words in error.detail
    assert server.calls.total == calls


@pytest.mark.parametrize("code", ["UNAVAILABLE", "INTERNAL", "ABORTED", "DEADLINE_EXCEEDED"])
def test_a_failure_that_passes_is_not_noticed(server: FirestoreServer, store: FirestoreStore, code: str) -> None:
    server.put("phase3_completion/2026-02-01", {"a": {"status": "success"}})
    server.faults.fail(code, times=2)

    (document,) = read(store)

    assert document.exists
    assert server.calls["BatchGetDocuments"] == 3


def test_an_answer_that_got_lost_is_asked_for_again_within_the_deadline(
    server: FirestoreServer, store: FirestoreStore
) -> None:
    server.faults.hang(times=1)

    (document,) = read(store, seconds=4)

    assert not document.exists


@pytest.mark.parametrize("call", [read, lambda store, seconds: store.count("x", Deadline(seconds))])
def test_a_server_that_hangs_is_a_time_out(
    server: FirestoreServer, store: FirestoreStore, call: Callable[..., object]
) -> None:
    server.faults.hang()

    with pytest.raises(SourceError) as caught:
        call(store, seconds=0.3)

    assert caught.value.kind is ErrorKind.TIMEOUT


def test_a_server_that_is_slower_than_the_deadline_is_a_time_out(
    server: FirestoreServer, store: FirestoreStore
) -> None:
    server.faults.delay(5)

    assert refused(store, seconds=0.3).kind is ErrorKind.TIMEOUT


def test_a_deadline_that_is_over_is_a_time_out(store: FirestoreStore) -> None:
    assert refused(store, seconds=0).kind is ErrorKind.TIMEOUT


def test_where_nothing_listens_it_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"

    with store_at(address) as store:
        error = refused(store, seconds=10)

    assert error.kind is ErrorKind.UNREACHABLE
    assert "Connection refused" in error.detail


def test_a_port_that_takes_connections_and_says_nothing_ends_with_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, store_at(f"127.0.0.1:{mute.getsockname()[1]}") as store:
        assert refused(store, seconds=0.5).kind in {ErrorKind.TIMEOUT, ErrorKind.UNREACHABLE}


def test_a_server_that_comes_back_is_found_again(server: FirestoreServer, store: FirestoreStore) -> None:
    server.put("phase3_completion/2026-02-01", {"a": {"status": "success"}})
    read(store)

    server.stop()
    error = refused(store, seconds=5)
    server.start()

    def back() -> bool:
        with suppress(SourceError):
            return read(store)[0].exists
        return False

    assert error.kind is ErrorKind.UNREACHABLE
    assert until(back, "the server to be found again", seconds=30)


def test_closing_ends_a_call_that_hangs_and_refuses_later_ones(server: FirestoreServer, store: FirestoreStore) -> None:
    server.faults.hang()

    def close() -> None:
        until(lambda: server.calls.total, "the call")
        store.close()

    closer = threading.Thread(target=close)
    closer.start()
    error = refused(store, seconds=60)
    closer.join(10)

    assert error.kind is ErrorKind.UNREACHABLE
    assert error.detail.endswith(": the exporter is stopping")
    assert refused(store).detail.endswith(": the exporter is stopping")


def test_a_store_that_never_read_anything_closes() -> None:
    with store_at("127.0.0.1:1") as store:
        assert isinstance(store, FirestoreStore)


def test_the_usual_variable_points_at_a_local_server(server: FirestoreServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.address)

    with store_at(None) as store:
        read(store)

    assert server.calls["BatchGetDocuments"] == 1


def test_a_local_server_is_reached_past_any_proxy(
    server: FirestoreServer, store: FirestoreStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:1")

    assert not read(store)[0].exists
    assert server.calls.total == 1


def test_without_credentials_the_error_says_where_to_get_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))

    with store_at(None) as store:
        error = refused(store)

    assert error.kind is ErrorKind.PERMISSION_DENIED
    assert "GOOGLE_APPLICATION_CREDENTIALS" in error.detail


def test_a_search_for_credentials_that_ends_after_closing_comes_to_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slow_file = tmp_path / "credentials"
    os.mkfifo(slow_file)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(slow_file))

    with store_at(None) as store:
        error = refused(store, seconds=0.2)
    late = [thread for thread in threading.enumerate() if thread.name == "firestore"]
    slow_file.write_text(
        json.dumps({"type": "authorized_user", "client_id": "i", "client_secret": "s", "refresh_token": "t"})
    )
    for thread in late:
        thread.join(10)

    assert error.kind is ErrorKind.TIMEOUT
    assert late
    assert not any(thread.is_alive() for thread in late)
