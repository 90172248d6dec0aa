"""Documents that are followed: what a listener tells, and what is concluded from it, on both servers."""

from __future__ import annotations

import os
import queue
import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from google.cloud.firestore_v1.types import ListenResponse

from exporter.memory.losses import watch
from exporter.metrics.telemetry import Telemetry
from exporter.model import LOST, DocumentId, ErrorKind, RemovalKind
from exporter.sources.errors import CallFailed
from exporter.sources.firestore import FirestoreStore
from exporter.sources.listening import _View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from google.cloud import firestore

    from exporter.model import Document, Watched
    from exporter.sources.ports import SourceError

PATIENCE: Final = 20.0
DAY: Final = datetime.now(UTC).date()
KEY: Final = DocumentId("phase3_completion", DAY)
OTHER: Final = DocumentId("phase4_completion", DAY)
PATH: Final = f"phase3_completion/{DAY}"
NAMES: Final = ("a", "b", "c", "d", "e")
STEPS: Final = 14
RECORDED_SEEDS: Final = 20
"""With how many seeds Google's emulator is asked; the local server answers fast enough for more."""
SEEDS: Final = int(os.environ.get("LOSS_HISTORIES", "50"))
"""`make losses` takes 200. Of 25 faults put into exporter/memory/losses.py the first 27 found all that 200 found."""


class Ear:
    """What a listener told, call by call."""

    def __init__(self) -> None:
        self.told: queue.SimpleQueue[tuple[Mapping[DocumentId, Document], bool]] = queue.SimpleQueue()
        self.errors: queue.SimpleQueue[SourceError] = queue.SimpleQueue()

    def changed(self, documents: Mapping[DocumentId, Document], *, first: bool) -> None:
        self.told.put((documents, first))

    def stream_broke(self, error: SourceError) -> None:
        self.errors.put(error)

    def next(self) -> tuple[Mapping[DocumentId, Document], bool]:
        """The next call."""
        return self.told.get(timeout=PATIENCE)

    def entries(self) -> tuple[set[str], bool]:
        """The names in the next version of the document, and whether it exists."""
        while True:
            documents, _ = self.next()
            if KEY in documents:
                return set(documents[KEY].entries), documents[KEY].exists


@pytest.fixture(name="telemetry")
def _telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture(name="store")
def _store(address: str, client: firestore.Client, telemetry: Telemetry) -> Iterator[FirestoreStore]:
    store = FirestoreStore(project=client.project, database="(default)", telemetry=telemetry, endpoint=address)
    yield store
    store.close()


@pytest.fixture(name="follow")
def _follow(store: FirestoreStore) -> Iterator[Callable[[Ear], Any]]:
    """Starts listeners, and stops them at the end."""
    followed = []

    def start(ear: Ear) -> Any:  # noqa: ANN401 - a Following, with its stream
        followed.append(store.follow([KEY, OTHER], ear))
        return followed[-1]

    yield start
    for following in followed:
        following.close()


# --- what is told -----------------------------------------------------------------------------------------------


def test_everything_is_told_at_first_missing_documents_as_missing(
    client: firestore.Client, follow: Callable[[Ear], Any]
) -> None:
    client.document(PATH).set({"a": {"record_count": 1}})
    ear = Ear()
    follow(ear)

    documents, first = ear.next()

    assert first
    assert {key: document.exists for key, document in documents.items()} == {KEY: True, OTHER: False}
    assert documents[KEY].read_time is not None


def test_every_version_of_a_document_is_told(client: firestore.Client, follow: Callable[[Ear], Any]) -> None:
    ear = Ear()
    follow(ear)
    ear.next()
    document = client.document(PATH)

    document.set({"a": {"record_count": 1}})
    document.set({"b": {"record_count": 1}}, merge=True)
    document.set({"c": {"record_count": 1}})
    document.delete()
    document.set({"a": {"record_count": 2}})

    told = [ear.entries() for _ in range(5)]
    assert told == [({"a"}, True), ({"a", "b"}, True), ({"c"}, True), (set(), False), ({"a"}, True)]


def test_a_value_that_cannot_be_used_does_not_end_it(client: firestore.Client, follow: Callable[[Ear], Any]) -> None:
    ear = Ear()
    follow(ear)
    ear.next()

    client.document(PATH).set({"a": client.document("x/y"), "b": {"record_count": [1, {"deep": 2}]}})
    client.document(PATH).set({"c": {"record_count": 1}}, merge=True)

    assert [ear.entries()[0], ear.entries()[0]] == [{"a", "b"}, {"a", "b", "c"}]


def test_a_stream_that_is_broken_is_reported_and_all_documents_again(
    client: firestore.Client, follow: Callable[[Ear], Any]
) -> None:
    client.document(PATH).set({"a": {"record_count": 1}})
    ear = Ear()
    following = follow(ear)
    ear.next()

    following.reopen()
    error = ear.errors.get(timeout=PATIENCE)
    documents, first = ear.next()

    assert "Firestore listener on phase3_completion, phase4_completion" in error.detail
    assert first
    assert set(documents[KEY].entries) == {"a"}


def test_a_listener_that_is_closed_tells_nothing_more(client: firestore.Client, follow: Callable[[Ear], Any]) -> None:
    ear = Ear()
    following = follow(ear)
    ear.next()
    following.close()
    following.close()

    client.document(PATH).set({"a": {"record_count": 1}})
    second = Ear()
    follow(second)
    second.next()

    assert ear.told.empty()
    assert ear.errors.empty()
    assert sum(thread.name == "firestore-listener" for thread in threading.enumerate()) <= 2


def test_changes_cost_a_read_each(client: firestore.Client, follow: Callable[[Ear], Any], telemetry: Telemetry) -> None:
    ear = Ear()
    follow(ear)
    ear.next()
    for number in range(3):
        client.document(PATH).set({"a": {"record_count": number}})
        ear.next()

    assert telemetry.total("document_reads") == 3


# --- what a server rarely sends ---------------------------------------------------------------------------------


def view() -> tuple[_View, list[tuple[Mapping[DocumentId, Document], bool]]]:
    told: list[tuple[Mapping[DocumentId, Document], bool]] = []

    def tell(documents: Mapping[DocumentId, Document], *, first: bool, changes: int) -> None:  # noqa: ARG001 - the cost
        told.append((documents, first))

    return _View({"documents/one": KEY}, {}, tell), told


def response(**parts: Any) -> Any:  # noqa: ANN401 - protobuf's own
    return ListenResponse.pb(ListenResponse(**parts))


CURRENT: Final = {"target_change": {"target_change_type": "CURRENT", "target_ids": [1]}}
CONSISTENT: Final = {"target_change": {"read_time": datetime(2026, 2, 1, tzinfo=UTC)}}
ONE: Final = {"document_change": {"document": {"name": "documents/one"}, "target_ids": [1]}}


@pytest.mark.parametrize(
    "message",
    [
        {"target_change": {"target_change_type": "RESET", "target_ids": [1]}},
        {"target_change": {"target_change_type": "REMOVE", "target_ids": [1], "cause": {"message": "too many"}}},
        {"filter": {"target_id": 1, "count": 2}},
    ],
)
def test_a_stream_that_can_no_longer_be_trusted_is_opened_again(message: Any) -> None:  # noqa: ANN401 - as above
    seen, _ = view()
    for part in (ONE, CURRENT, CONSISTENT):
        seen.take(response(**part))

    with pytest.raises(CallFailed):
        seen.take(response(**message))


@pytest.mark.parametrize(
    ("cause", "kind", "remedy"),
    [
        ({"code": 7, "message": "Missing or insufficient permissions."}, ErrorKind.PERMISSION_DENIED, ""),
        ({"code": 7, "message": "This requires billing to be enabled."}, ErrorKind.PERMISSION_DENIED, "billing"),
        ({"code": 8, "message": "Quota exceeded."}, ErrorKind.QUOTA, ""),
        ({"code": 14, "message": "away"}, ErrorKind.UNREACHABLE, ""),
        ({}, ErrorKind.UNREACHABLE, ""),
    ],
)
def test_a_target_that_is_removed_has_the_reason_of_its_cause(cause: Any, kind: ErrorKind, remedy: str) -> None:  # noqa: ANN401 - as above
    seen, _ = view()

    with pytest.raises(CallFailed) as caught:
        seen.take(
            response(target_change={"target_change_type": "REMOVE", "target_ids": [1], "cause": cause}),
        )

    assert caught.value.fault.kind is kind
    assert remedy in caught.value.fault.remedy
    assert caught.value.fault.message


def test_a_count_that_fits_and_what_nobody_asked_for_change_nothing() -> None:
    seen, told = view()
    stranger = {"document_change": {"document": {"name": "documents/two"}, "target_ids": [1]}}
    for part in (ONE, stranger, {"filter": {"target_id": 1, "count": 1}}, CURRENT, CONSISTENT, {}):
        seen.take(response(**part))

    assert [(set(documents), first) for documents, first in told] == [({KEY}, True)]


@pytest.mark.parametrize(
    "going",
    [
        {"document_delete": {"document": "documents/one", "removed_target_ids": [1]}},
        {"document_remove": {"document": "documents/one", "removed_target_ids": [1]}},
        {"document_change": {"document": {"name": "documents/one"}, "removed_target_ids": [1]}},
    ],
)
def test_a_document_goes_once_in_whatever_way_it_is_said(going: Any) -> None:  # noqa: ANN401 - as above
    seen, told = view()
    for part in (ONE, CURRENT, CONSISTENT, going, CONSISTENT, going, CONSISTENT):
        seen.take(response(**part))

    assert [{key: document.exists for key, document in documents.items()} for documents, _ in told] == [
        {KEY: True},
        {KEY: False},
        {},
    ]


# --- writers that lose each other's entries ---------------------------------------------------------------------


@dataclass
class Writers:
    """Writers of one document that know what each of their writes takes away, and how."""

    document: firestore.DocumentReference
    chance: random.Random
    exists: bool = False
    state: dict[str, dict[str, Any]] = field(default_factory=dict)
    copies: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    went: list[tuple[str, RemovalKind]] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    version: datetime | None = None
    telling: bool = False

    def step(self) -> None:
        """One write of one of the writers."""
        self.copies.append(dict(self.state))
        self.telling = False
        writes = (
            self._merge,
            self._merge,
            self._merge,
            self._blind,
            self._stale,
            self._stale,
            self.mark,
            self._by_hand,
        )
        rarely = (self._empty, self._delete, self._again)
        self.chance.choice((*writes, *writes, *rarely))()

    def _entry(self, *, manual: bool = False) -> dict[str, Any]:
        entry = {"completed_at": datetime.now(UTC), "record_count": self.chance.randrange(10**9)}
        return entry | ({"manual_override": True} if manual else {})

    def _write(self, after: dict[str, dict[str, Any]], result: Any) -> None:  # noqa: ANN401 - a WriteResult
        self.missing = (self.missing | set(self.state)) - set(after)
        self.state, self.exists, self.version = after, True, result.update_time

    def _gone(self, after: dict[str, dict[str, Any]], kind: RemovalKind) -> None:
        for name, entry in self.state.items():
            if name not in after:
                by_hand = entry.get("manual_override") and kind is not RemovalKind.RESET
                self.went.append((name, RemovalKind.EDITED if by_hand else kind))

    def _with(self, name: str, entry: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """A merge keeps the fields of the entry before that the new one does not have."""
        return {**self.state, name: {**self.state.get(name, {}), **entry}}

    def _merge(self) -> None:
        name = self.chance.choice(NAMES)
        entry = self._entry()
        self._write(self._with(name, entry), self.document.set({name: entry}, merge=True))

    def _blind(self) -> None:
        name = self.chance.choice(NAMES)
        after = {name: self._entry()}
        # Who registers for the second time and leaves nothing else is taken for the beginning of a rerun.
        self._gone(after, RemovalKind.RESET if name in self.state else RemovalKind.BLIND_OVERWRITE)
        self._write(after, self.document.set(after))

    def _stale(self) -> None:
        copies = [copy for copy in self.copies if copy]
        if not copies:
            return
        copy = self.chance.choice(copies[-5:])
        mine = {self.chance.choice(NAMES): self._entry()} if self.chance.random() < 0.7 else {}
        after = {**copy, **mine}
        stayed = any(after.get(name) == entry for name, entry in self.state.items())
        put_back = any(
            name in copy and self.state.get(name) != entry for name, entry in after.items() if name not in mine
        )
        if not stayed and not put_back:
            return  # all of the copy was written by this very writer: a blind overwrite, which has its own step
        self._gone(after, RemovalKind.STALE_WRITE)
        self._write(after, self.document.set({**after, "_triggered": True}))

    def mark(self) -> None:
        """A write of the orchestrator, which changes no entry."""
        result = self.document.set({"_triggered": self.chance.randrange(10**9)}, merge=True)
        self._write(dict(self.state), result)

    def _by_hand(self) -> None:
        mine = [name for name, entry in self.state.items() if entry.get("manual_override")]
        if not mine or len(self.state) == 1:
            self.telling = True
            name, entry = self.chance.choice(NAMES), self._entry(manual=True)
            self._write(self._with(name, entry), self.document.set({name: entry}, merge=True))
            return
        after = {name: entry for name, entry in self.state.items() if name != mine[0]}
        self.copies.clear()
        self._gone(after, RemovalKind.EDITED)
        self._write(after, self.document.set(after))
        self.missing.discard(mine[0])

    def _again(self) -> None:
        """The same message is delivered twice."""
        if self.state:
            name = self.chance.choice(list(self.state))
            self._write(dict(self.state), self.document.set({name: self.state[name]}, merge=True))

    def _empty(self) -> None:
        self._begin_again(self.document.set, {})

    def _delete(self) -> None:
        self._begin_again(self.document.delete)

    def _begin_again(self, write: Callable[..., Any], *arguments: Any) -> None:  # noqa: ANN401 - what it takes
        self._gone({}, RemovalKind.RESET)
        result = write(*arguments)
        self.exists = bool(arguments)
        self.state, self.missing, self.telling = {}, set(), True
        self.version = result.update_time if arguments else None
        self.copies.clear()


def _judged(seen: Watched) -> list[tuple[str, RemovalKind]]:
    return [(item.name, item.kind) for item in seen.removals if item.kind is not RemovalKind.REPLACED]


def _observed(before: dict[DocumentId, Watched], documents: Mapping[DocumentId, Document]) -> dict[DocumentId, Watched]:
    return {**before, **watch(before, documents, NAMES, datetime.now(UTC), longest_gap=timedelta(minutes=3))}


@pytest.mark.timeout(300)
def test_every_loss_that_the_listener_sees_is_judged_rightly_and_nothing_else_is_one(
    client: firestore.Client,
    follow: Callable[[Ear], Any],
    request: pytest.FixtureRequest,
    told: Callable[[str, Any], None],
) -> None:
    ear = Ear()
    follow(ear)
    documents, _ = ear.next()
    for seed in range(SEEDS if "local" in request.node.callspec.id else RECORDED_SEEDS):
        writers = Writers(client.document(PATH), random.Random(seed))  # noqa: S311 - a dice, no secret
        writers.document.delete()
        while not _is(documents.get(KEY), writers):
            documents, _ = ear.next()
        seen = _observed({}, documents)
        for _ in range(STEPS):
            writers.step()
        writers.mark()  # a version by which the end is known
        while not _is(documents.get(KEY), writers):
            documents, _ = ear.next()
            seen = _observed(seen, documents)

        judged = sorted(_judged(seen[KEY]))
        assert judged == sorted(writers.went), f"seed {seed}"
        if seed < RECORDED_SEEDS:
            told(f"seed {seed}", judged)


def _is(document: Document | None, writers: Writers) -> bool:
    return document is not None and (document.exists, document.update_time) == (writers.exists, writers.version)


@pytest.mark.timeout(300)
def test_polling_alone_never_calls_lost_what_is_not(
    client: firestore.Client,
    store: FirestoreStore,
    request: pytest.FixtureRequest,
    told: Callable[[str, Any], None],
) -> None:
    for seed in range(SEEDS // 2 if "local" in request.node.callspec.id else RECORDED_SEEDS // 2):
        writers = Writers(client.document(PATH), random.Random(seed))  # noqa: S311 - a dice, no secret
        writers.document.delete()
        seen: dict[DocumentId, Watched] = {}
        for _ in range(STEPS):
            writers.step()
            # Emptied and filled again, or registered by hand and taken away, between two readings: like a loss.
            if writers.telling or writers.chance.random() < 0.4:
                seen = _observed(seen, store.documents([KEY], _deadline()))
                assert set(seen[KEY].losses) <= writers.missing, f"seed {seed}"
        lost = {name: removal.kind for name, removal in sorted(seen[KEY].losses.items())} if seen else {}
        assert all(kind in LOST for kind in lost.values())
        if seed < RECORDED_SEEDS // 2:
            told(f"seed {seed}", lost)


def _deadline() -> Any:  # noqa: ANN401 - a Deadline
    from exporter.sources.ports import Deadline

    return Deadline(PATIENCE)
