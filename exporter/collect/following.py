"""Following the documents with a listener: what it tells goes into the memory at once, and is concluded from soon.

Polling stays beside it as the safety net: it goes on while the listener is down, and it notices one that fell deaf.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from exporter.metrics.telemetry import Telemetry
    from exporter.model import Document, DocumentId
    from exporter.sources.ports import CompletionStore, Following, SourceError

log = structlog.get_logger(__name__)

CONNECTED: Final = "listener_connected"
LAST_EVENT: Final = "listener_last_event"
EVENTS: Final = "listener_events"
GAPS: Final = "listener_gaps"


class Taker(Protocol):
    """Who takes what a follower heard."""

    def take(self, documents: Mapping[DocumentId, Document], now: datetime) -> None:
        """Remember these documents as they now are."""

    def lose(self) -> None:
        """Note that changes go unseen from now on."""


class Follower:
    """Keeps one listener on the documents of interest, and hands on what it tells."""

    def __init__(
        self, completions: CompletionStore, taker: Taker, telemetry: Telemetry, clock: Callable[[], datetime]
    ) -> None:
        """Nothing is followed before the first `follow`."""
        self._completions = completions
        self._taker = taker
        self._telemetry = telemetry
        self._clock = clock
        self._lock = threading.Lock()
        self._current: _Hearing | None = None
        self._stopped = False
        self._heard: dict[DocumentId, datetime | None] = {}
        self._unheard: frozenset[DocumentId] = frozenset()

    def follow(self, wanted: Collection[DocumentId]) -> None:
        """Follow these documents from now on. The old listener stays until the new one has reported all of them."""
        with self._lock:
            current = self._current
            if self._stopped or not wanted or (current and set(current.following.documents) == set(wanted)):
                return
            if current is None:
                # First, because a listener can have told something before this goes on.
                self._telemetry.set(CONNECTED, 0)
            hearing = _Hearing(self, before=current)
            hearing.following = self._completions.follow(wanted, hearing)
            self._current = hearing

    def compare(self, polled: Mapping[DocumentId, Document]) -> None:
        """Compare a polled reading with what the listener reported, and replace one that missed a change twice."""
        with self._lock:
            current = self._current
            if current is None or not current.connected:
                self._unheard = frozenset()
                return
            behind = frozenset(
                key
                for key, document in polled.items()
                if document.update_time is not None
                and key in self._heard
                and ((heard := self._heard[key]) is None or heard < document.update_time)
            )
            deaf, self._unheard = behind & self._unheard, behind
        if deaf:
            names = ", ".join(sorted(f"{key.collection}/{key.run_date}" for key in deaf))
            log.warning("the listener missed changes that a reading showed, opening it again", documents=names)
            current.following.reopen()

    def stop(self) -> None:
        """Follow nothing any more."""
        with self._lock:
            self._stopped = True
            ended, self._current = _chain(self._current), None
            # Not 0: where nobody is to listen, nobody fails to.
            self._telemetry.drop(CONNECTED, LAST_EVENT)
        if ended:
            self._taker.lose()
        for hearing in ended:
            hearing.following.close()

    def hear(self, hearing: _Hearing, documents: Mapping[DocumentId, Document], *, first: bool) -> None:
        """Take what a listener told, if it is still one that counts."""
        with self._lock:
            if hearing not in _chain(self._current):
                return
            replaced = _chain(hearing.before) if first else ()
            hearing.before = None if first else hearing.before
            hearing.connected = True
            self._heard.update({key: document.update_time for key, document in documents.items()})
            now = self._clock()
            # Under the lock, so that no word of another listener, or of the end, can come in between.
            self._telemetry.set(CONNECTED, 1)
            self._telemetry.set(LAST_EVENT, now.timestamp())
        for other in replaced:
            other.following.close()
        self._telemetry.add(EVENTS, len(documents))
        self._taker.take(documents, now)

    def unhear(self, hearing: _Hearing, error: SourceError) -> None:
        """Note that a listener lost its stream."""
        with self._lock:
            connected, hearing.connected = hearing.connected, False
            listening = _chain(self._current)
            if hearing not in listening or not connected:
                return
            still_heard = any(other.connected for other in listening)
            if not still_heard:
                self._telemetry.set(CONNECTED, 0)
        log.warning("the listener lost its stream", reason=error.kind, detail=error.detail)
        if not still_heard:
            self._telemetry.add(GAPS)
            self._taker.lose()


class _Hearing:
    """Receives one listener's reports. It replaces the listener `before` once it has received all documents."""

    def __init__(self, follower: Follower, before: _Hearing | None) -> None:
        self.following: Following
        self.before = before
        self.connected = False
        self._follower = follower

    def heard(self, documents: Mapping[DocumentId, Document], *, first: bool) -> None:
        self._follower.hear(self, documents, first=first)

    def unheard(self, error: SourceError) -> None:
        self._follower.unhear(self, error)


def _chain(hearing: _Hearing | None) -> tuple[_Hearing, ...]:
    """A listener, the one that it is to replace, and so on."""
    return () if hearing is None else (hearing, *_chain(hearing.before))
