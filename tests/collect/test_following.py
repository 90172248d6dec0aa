"""Keeping a listener on the documents: when it is replaced, when it is deaf, what its loss means."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.collect.collectors import Collectors
from exporter.metrics.telemetry import Telemetry
from exporter.model import Document, ErrorKind, Verdict
from exporter.sources.ports import SourceError, Sources
from testing.builders import DAY, ONE_DAY, PHASE3, PLAYER, entry, on
from testing.collecting import PHASE3_DOCUMENT, Scene, healthy
from testing.memory import MemoryFollowing, MemoryStore
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from exporter.model import DocumentId
    from exporter.sources.ports import ChangeReceiver

BROKEN = SourceError(ErrorKind.UNREACHABLE, "the stream was broken")


class Followed:
    """A healthy day whose documents are followed."""

    def __init__(self) -> None:
        self.scene: Scene = healthy()
        self.scene.collectors.stop()
        self.collectors = Collectors(
            self.scene.collectors.config,
            self.scene.memory.sources(),
            self.scene.telemetry,
            self.scene.clock,
            self.scene.reports.append,
            follow=True,
        )

    @property
    def listeners(self) -> list[MemoryFollowing]:
        return self.scene.memory.store.followings

    @property
    def connected(self) -> float | None:
        return self.scene.telemetry.value("listener_connected")

    def tell(self, listener: MemoryFollowing, *, first: bool = True, names: tuple[str, ...] = PHASE3) -> None:
        """Tell of the day's document with these entries, and that the others are not there."""
        documents = {key: Document(exists=False) for key in listener.documents} if first else {}
        entries = {name: entry("15:00:50", 12) for name in names}
        now = self.scene.clock()
        documents[PHASE3_DOCUMENT] = Document(entries=entries, update_time=now, read_time=now)
        listener.receiver.changed(documents, first=first)


@pytest.fixture(name="followed")
def _followed() -> Iterator[Followed]:
    followed = Followed()
    yield followed
    followed.collectors.stop()


def test_the_documents_of_the_plan_are_followed_once(followed: Followed) -> None:
    followed.collectors.run("completion")
    followed.collectors.run("completion")

    assert len(followed.listeners) == 1
    assert PHASE3_DOCUMENT in followed.listeners[0].documents
    assert followed.connected == 0


def test_a_deadline_that_passes_leads_to_a_report_without_a_reading(followed: Followed) -> None:
    followed.scene.clock.now = on("16:29:50")
    followed.collectors.run_all()
    (before,) = followed.scene.reports[-1].pipelines

    followed.scene.clock.now = on("16:30:01")

    until(lambda: followed.scene.reports[-1].at == on("16:30:01"), "the report of that moment")
    (after,) = followed.scene.reports[-1].pipelines
    assert before.next_due is not None
    assert before.next_due.due == on("16:30")
    assert after.next_due != before.next_due


def test_a_reported_change_leads_to_a_report_without_a_poll(followed: Followed) -> None:
    followed.collectors.run_all()
    followed.tell(followed.listeners[0])
    followed.scene.clock.now = on("18:00:01")

    followed.tell(followed.listeners[0], first=False, names=tuple(name for name in PHASE3 if name != PLAYER))

    until(lambda: followed.scene.verdicts()[PLAYER] is Verdict.LOST_UPDATE, "the report that follows")
    assert followed.connected == 1
    assert followed.collectors.snapshot.followed_since == on("18:00")


class Rest(threading.Event):
    """The end of the collectors, for which they wait while they rest: until `over`, however long they asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.over = threading.Event()
        self.asked: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout)
        self.over.wait()
        return self.is_set()


def test_changes_that_come_while_a_report_is_followed_by_a_rest_are_reported_together(followed: Followed) -> None:
    rest = followed.collectors._board.stopped = Rest()  # noqa: SLF001 - the only clock that the rest goes by
    followed.collectors.run_all()
    before = len(followed.scene.reports)
    followed.tell(followed.listeners[0])
    until(lambda: rest.asked, "the rest after the first report")

    followed.scene.clock.now = on("18:00:01")
    for _ in range(3):
        followed.tell(followed.listeners[0], first=False, names=tuple(name for name in PHASE3 if name != PLAYER))
    while_resting = len(followed.scene.reports)
    rest.over.set()

    until(lambda: followed.scene.verdicts()[PLAYER] is Verdict.LOST_UPDATE, "the report of all changes")
    assert (while_resting, len(followed.scene.reports)) == (before + 1, before + 2)
    every = followed.collectors.collectors["completion"].every.total_seconds()
    assert all(asked is not None and 0 <= asked <= every for asked in rest.asked)


def test_a_rest_is_as_many_times_as_long_as_the_report_took_and_ends_with_the_next_reading(followed: Followed) -> None:
    rest = followed.collectors._board.stopped = Rest()  # noqa: SLF001 - the only clock that the rest goes by
    rest.over.set()

    for took in (0.0, 0.5, 3600.0):
        followed.collectors._rest(took)  # noqa: SLF001 - without a report that takes so long

    assert rest.asked == [0, 49.5, 60]


def test_a_lost_stream_begins_a_gap_and_its_return_ends_it(followed: Followed) -> None:
    followed.collectors.run("completion")
    listener = followed.listeners[0]
    followed.tell(listener)
    listener.receiver.stream_broke(BROKEN)
    listener.receiver.stream_broke(BROKEN)
    lost = [followed.connected, followed.collectors.snapshot.followed_since]
    followed.scene.clock.now = on("18:05")

    followed.tell(listener)

    assert lost == [0, None]
    assert followed.scene.telemetry.total("listener_gaps") == 1
    assert [gap.end for gap in followed.collectors.snapshot.gaps] == [on("18:05")]


def test_on_the_next_day_a_new_listener_takes_over_without_a_gap(followed: Followed) -> None:
    followed.collectors.run("completion")
    old = followed.listeners[0]
    followed.tell(old)
    followed.scene.clock.now = on("18:00") + ONE_DAY
    followed.collectors.run("completion")
    kept = old.closed
    new = followed.listeners[1]
    followed.tell(new)

    assert (kept, old.closed, new.closed) == (False, True, False)
    assert {key.run_date for key in new.documents} > {DAY + ONE_DAY}
    assert followed.collectors.snapshot.gaps == ()


def test_a_listener_that_breaks_while_the_next_one_comes_leaves_a_gap_only_if_none_is_left(followed: Followed) -> None:
    followed.collectors.run("completion")
    old = followed.listeners[0]
    followed.tell(old)
    followed.scene.clock.now = on("18:00") + ONE_DAY
    followed.collectors.run("completion")
    new = followed.listeners[1]
    new.receiver.stream_broke(BROKEN)
    before = followed.scene.telemetry.total("listener_gaps")
    old.receiver.stream_broke(BROKEN)

    assert (before, followed.scene.telemetry.total("listener_gaps")) == (0, 1)


def test_a_listener_that_twice_missed_what_was_polled_is_opened_again(followed: Followed) -> None:
    followed.collectors.run("completion")
    listener = followed.listeners[0]
    followed.tell(listener)
    held = followed.scene.memory.store.held
    held[PHASE3_DOCUMENT] = replace(held[PHASE3_DOCUMENT], update_time=on("18:01"), read_time=on("18:01"))

    followed.collectors.run("completion")
    once = listener.reopened
    followed.collectors.run("completion")

    assert [once, listener.reopened] == [0, 1]


def test_reports_after_the_end_are_ignored(followed: Followed) -> None:
    followed.collectors.run("completion")
    listener = followed.listeners[0]
    followed.tell(listener)

    followed.collectors.stop()
    followed.tell(listener, first=False, names=())
    listener.receiver.stream_broke(BROKEN)

    assert listener.closed
    assert followed.scene.telemetry.total("listener_gaps") == 0


# --- what is said of the listener -------------------------------------------------------------------------------


def test_a_listener_is_unconnected_before_its_first_report_and_has_no_sample_after_the_end(followed: Followed) -> None:
    said = [followed.connected]
    followed.collectors.run("completion")
    said.append(followed.connected)
    followed.tell(followed.listeners[0])
    said.append(followed.connected)
    followed.collectors.stop()

    assert [*said, followed.connected] == [None, 0, 1, None]
    assert followed.scene.telemetry.value("listener_last_event") is None


class Eager(MemoryStore):
    """A store whose listeners tell all they have the moment that they are opened, each on a thread of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.tellers: list[threading.Thread] = []

    def follow(self, ids: Collection[DocumentId], receiver: ChangeReceiver) -> MemoryFollowing:
        found = {key: Document(exists=False) for key in ids}
        self.tellers.append(threading.Thread(target=receiver.changed, args=(found,), kwargs={"first": True}))
        self.tellers[-1].start()
        return super().follow(ids, receiver)


class Waiting(Telemetry):
    """Telemetry in which whoever says that nothing is connected comes after everybody who tells."""

    def __init__(self, store: Eager) -> None:
        super().__init__()
        self._store = store

    def set(self, value: str, amount: float) -> None:
        if (value, amount) == ("listener_connected", 0):
            for teller in self._store.tellers:
                teller.join()
        super().set(value, amount)


def test_a_listener_that_reports_at_once_stays_connected() -> None:
    scene = healthy()
    scene.collectors.stop()
    store = Eager()
    telemetry = Waiting(store)
    sources = Sources(store, scene.memory.warehouse)
    collectors = Collectors(scene.collectors.config, sources, telemetry, scene.clock, scene.reports.append, follow=True)

    collectors.run("completion")
    store.tellers[0].join()

    assert telemetry.value("listener_connected") == 1
    collectors.stop()


def test_reports_of_a_replaced_listener_are_ignored(followed: Followed) -> None:
    followed.collectors.run("completion")
    old = followed.listeners[0]
    followed.tell(old)
    followed.scene.clock.now = on("18:00") + ONE_DAY
    followed.collectors.run("completion")
    new = followed.listeners[1]
    followed.tell(new)
    new.receiver.stream_broke(BROKEN)

    followed.tell(old, first=False)
    old.receiver.stream_broke(BROKEN)

    assert followed.connected == 0
    assert followed.scene.telemetry.total("listener_gaps") == 1


def test_every_listener_that_another_one_replaces_is_closed(followed: Followed) -> None:
    followed.collectors.run("completion")
    followed.tell(followed.listeners[0])
    for days in (1, 2):
        followed.scene.clock.now = on("18:00") + days * ONE_DAY
        followed.collectors.run("completion")
    first, never_connected, last = followed.listeners
    kept = followed.connected

    followed.tell(last)

    assert (kept, followed.connected) == (1, 1)
    assert [first.closed, never_connected.closed, last.closed] == [True, True, False]
