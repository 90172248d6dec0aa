"""Follows the completion documents with a listener. Changes are remembered at once and reported soon after.

Polling goes on beside the listener as a safety net: it covers the time while the listener is down, and it notices a
listener that misses changes.
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
DOWN_SINCE: Final = "listener_down_since"
LAST_EVENT: Final = "listener_last_event"
EVENTS: Final = "listener_events"
GAPS: Final = "listener_gaps"


class ChangeStore(Protocol):
    """Stores the changes that a follower received."""

    def take(self, documents: Mapping[DocumentId, Document], now: datetime) -> None:
        """Remember these documents as they now are."""

    def begin_gap(self) -> None:
        """Note that changes go unseen from now on."""


class Follower:
    """Keeps one listener on the documents of interest, and stores what it reports."""

    def __init__(
        self, completions: CompletionStore, store: ChangeStore, telemetry: Telemetry, clock: Callable[[], datetime]
    ) -> None:
        """Follows nothing before the first call of `follow`."""
        self._completions = completions
        self._store = store
        self._telemetry = telemetry
        self._clock = clock
        self._lock = threading.Lock()
        self._current: _Listener | None = None
        self._stopped = False
        self._reported: dict[DocumentId, datetime | None] = {}
        self._behind: frozenset[DocumentId] = frozenset()

    def follow(self, wanted: Collection[DocumentId]) -> None:
        """Follow these documents from now on. The old listener stays until the new one has reported all of them."""
        with self._lock:
            current = self._current
            if self._stopped or not wanted or (current and set(current.following.documents) == set(wanted)):
                return
            if current is None:
                # Set it first: the listener can report before `follow` returns.
                self._lost()
            listener = _Listener(self, before=current)
            listener.following = self._completions.follow(wanted, listener)
            self._current = listener

    def compare(self, polled: Mapping[DocumentId, Document]) -> None:
        """Compare a polled reading with what the listener reported, and replace one that missed a change twice."""
        with self._lock:
            current = self._current
            if current is None or not current.connected:
                self._behind = frozenset()
                return
            behind = frozenset(
                key
                for key, document in polled.items()
                if document.update_time is not None
                and key in self._reported
                and ((reported := self._reported[key]) is None or reported < document.update_time)
            )
            missed, self._behind = behind & self._behind, behind
        if missed:
            names = ", ".join(sorted(f"{key.collection}/{key.run_date}" for key in missed))
            log.warning("the listener missed changes that a reading showed, opening it again", documents=names)
            current.following.reopen()

    def _lost(self) -> None:
        self._telemetry.set(CONNECTED, 0)
        self._telemetry.set(DOWN_SINCE, self._clock().timestamp())

    def stop(self) -> None:
        """Stop following."""
        with self._lock:
            self._stopped = True
            ended, self._current = _chain(self._current), None
            # Drop the sample instead of setting 0: no listener is wanted any more, so no alert may fire.
            self._telemetry.drop(CONNECTED, DOWN_SINCE, LAST_EVENT)
        if ended:
            self._store.begin_gap()
        for listener in ended:
            listener.following.close()

    def received(self, listener: _Listener, documents: Mapping[DocumentId, Document], *, first: bool) -> None:
        """Store what a listener reported, unless it was replaced or ended meanwhile."""
        with self._lock:
            if listener not in _chain(self._current):
                return
            replaced = _chain(listener.before) if first else ()
            listener.before = None if first else listener.before
            listener.connected = True
            self._reported.update({key: document.update_time for key, document in documents.items()})
            now = self._clock()
            # Set them under the lock, so that neither another listener nor `stop` can change them in between.
            self._telemetry.set(CONNECTED, 1)
            self._telemetry.drop(DOWN_SINCE)
            self._telemetry.set(LAST_EVENT, now.timestamp())
        for other in replaced:
            other.following.close()
        self._telemetry.add(EVENTS, len(documents))
        self._store.take(documents, now)

    def stream_broke(self, listener: _Listener, error: SourceError) -> None:
        """Note that a listener lost its stream."""
        with self._lock:
            connected, listener.connected = listener.connected, False
            listening = _chain(self._current)
            if listener not in listening or not connected:
                return
            still_connected = any(other.connected for other in listening)
            if not still_connected:
                self._lost()
        log.warning("the listener lost its stream", reason=error.kind, detail=error.detail)
        if not still_connected:
            self._telemetry.add(GAPS)
            self._store.begin_gap()


class _Listener:
    """Receives one listener's reports. It replaces the listener `before` once it has received all documents."""

    def __init__(self, follower: Follower, before: _Listener | None) -> None:
        self.following: Following
        self.before = before
        self.connected = False
        self._follower = follower

    def changed(self, documents: Mapping[DocumentId, Document], *, first: bool) -> None:
        self._follower.received(self, documents, first=first)

    def stream_broke(self, error: SourceError) -> None:
        self._follower.stream_broke(self, error)


def _chain(listener: _Listener | None) -> tuple[_Listener, ...]:
    """A listener, the one that it is to replace, and so on."""
    return () if listener is None else (listener, *_chain(listener.before))
