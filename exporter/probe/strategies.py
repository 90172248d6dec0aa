"""The ways to write a processor's entry: two that lose entries, and four that cannot."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from google.cloud import firestore

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping

    from google.cloud.firestore import DocumentReference, Transaction


class Strategy(StrEnum):
    """How a processor that has completed writes its entry."""

    SET = "set"
    BLIND_SET = "blind-set"
    MERGE = "merge"
    UPDATE = "update"
    TRANSACTION = "transaction"
    DOCUMENT_PER_PROCESSOR = "document-per-processor"


class StoppedError(Exception):
    """The probe was told to stop while a writer was at work."""


class Meeting:
    """Waits until all writers have arrived, and measures for how many seconds. Only the first wait counts."""

    def __init__(self, barrier: threading.Barrier) -> None:
        self._barrier = barrier
        self._met = False
        self.seconds = 0.0

    def __call__(self) -> None:
        """Wait for the others. Raises threading.BrokenBarrierError if they do not arrive in time."""
        if self._met:
            return
        self._met = True
        before = time.perf_counter()
        self._barrier.wait()
        self.seconds = time.perf_counter() - before


@dataclass(frozen=True, slots=True)
class Turn:
    """One writer's part in a round.

    Attributes:
        shared: the document that all writers of the round share.
        own: the document that is this writer's alone.
        name: the writer's name, the key of its entry.
        entry: what it writes.
        meet: waits for all writers to be about to write.
        check: raises StoppedError if the probe is to stop.
        attempts: how often a transaction is tried.

    """

    client: firestore.Client
    shared: DocumentReference
    own: DocumentReference
    name: str
    entry: dict[str, object]
    meet: Meeting
    check: Callable[[], None]
    attempts: int


def _set(turn: Turn) -> None:
    fields = turn.shared.get().to_dict() or {}
    turn.meet()
    turn.shared.set({**fields, turn.name: turn.entry})


def _blind_set(turn: Turn) -> None:
    turn.meet()
    turn.shared.set({turn.name: turn.entry})


def _merge(turn: Turn) -> None:
    turn.meet()
    turn.shared.set({turn.name: turn.entry}, merge=True)


def _update(turn: Turn) -> None:
    turn.meet()
    turn.shared.update({turn.name: turn.entry})


def _transaction(turn: Turn) -> None:
    @firestore.transactional
    def add(transaction: Transaction) -> None:
        turn.check()
        fields = turn.shared.get(transaction=transaction).to_dict() or {}
        turn.meet()
        transaction.set(turn.shared, {**fields, turn.name: turn.entry})

    add(turn.client.transaction(max_attempts=turn.attempts))


def _document_per_processor(turn: Turn) -> None:
    turn.meet()
    turn.own.set(turn.entry)


WRITES: Final[Mapping[Strategy, Callable[[Turn], None]]] = MappingProxyType(
    {
        Strategy.SET: _set,
        Strategy.BLIND_SET: _blind_set,
        Strategy.MERGE: _merge,
        Strategy.UPDATE: _update,
        Strategy.TRANSACTION: _transaction,
        Strategy.DOCUMENT_PER_PROCESSOR: _document_per_processor,
    }
)
"""The action of a writer. It returns when the write is acknowledged, and raises what the client raises."""
