"""What tests of listeners share."""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from google.cloud import firestore

Listenable: TypeAlias = firestore.DocumentReference | firestore.CollectionReference | firestore.Query

PATIENCE: Final = 20  # seconds to wait for what should come at once


@dataclass(frozen=True)
class Told:
    """One call of a listener: the documents there are, what changed since the last call, and as of when."""

    documents: dict[str, dict[str, Any]]
    changes: list[tuple[str, str]]
    read_time: datetime


class Listener:
    """What a listener was told, call by call."""

    def __init__(self, source: Listenable) -> None:
        self._told: queue.SimpleQueue[Told] = queue.SimpleQueue()
        self.watch = source.on_snapshot(self._tell)

    def _tell(self, documents: list[Any], changes: list[Any], read_time: datetime) -> None:
        fields = {document.id: document.to_dict() for document in documents}
        changed = [(change.type.name, change.document.id) for change in changes]
        self._told.put(Told(fields, changed, read_time))

    def next(self) -> Told:
        """The next call."""
        return self._told.get(timeout=PATIENCE)

    def heard_all(self) -> bool:
        """Whether there was no further call so far."""
        return self._told.empty()


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for what another thread is about to do."""
    tick = threading.Event()
    for _ in range(PATIENCE * 100):
        if condition():
            return
        tick.wait(0.01)
    raise AssertionError("it did not come")
