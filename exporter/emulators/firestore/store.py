"""The documents, and the last commits to them.

One condition guards everything: hold it to read or to write. It is notified after every commit. Documents are never
changed in place, so they may be sent after the condition is released. The kept commits are for transactions, which
read the documents as of their first read, and for listeners, which continue from their last position.
"""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp

from exporter.emulators.firestore import names, values, writes
from exporter.emulators.firestore.messages import Message

_NONE: Final[Mapping[str, Message | None]] = {}


@dataclass(frozen=True, slots=True)
class Change:
    """One document before and after a commit; None if it did not exist."""

    before: Message | None
    after: Message | None


@dataclass(frozen=True, slots=True)
class Commit:
    """The changes of one commit, by document name. `number` counts commits from 1."""

    number: int
    at: Timestamp
    changes: Mapping[str, Change]


class View:
    """The documents as of one commit: the current ones, with later changes undone."""

    def __init__(
        self, collections: Mapping[str, Mapping[str, Message]], earlier: Mapping[str, Message | None] = _NONE
    ) -> None:
        self._collections = collections
        self._earlier = earlier

    def get(self, name: str) -> Message | None:
        """The document of that full name."""
        if name in self._earlier:
            return self._earlier[name]
        return self._collections.get(names.collection_of(name), {}).get(name)

    def collection(self, name: str) -> Iterator[Message]:
        """All documents of a collection, in no order."""
        for key, document in self._collections.get(name, {}).items():
            if key not in self._earlier:
                yield document
        for key, earlier in self._earlier.items():
            if earlier is not None and names.collection_of(key) == name:
                yield earlier

    def size(self, name: str) -> int:
        """How many documents a collection has."""
        return sum(1 for _ in self.collection(name)) if self._earlier else len(self._collections.get(name, {}))

    def collections(self, under: str) -> list[str]:
        """The full names of all collections, at any depth, below a document or a database's root."""
        below = f"{under}/"
        found = {name for name in self._collections if name.startswith(below)}
        found.update(
            names.collection_of(document.name)
            for document in self._earlier.values()
            if document is not None and document.name.startswith(below)
        )
        return sorted(found)


class Store:
    """All documents of all projects, in memory.

    Attributes:
        changed: the condition that guards the store.
        identity: tells this store's commit numbers from those of another.

    """

    def __init__(self, changed: threading.Condition, clock: Callable[[], datetime], history: int) -> None:
        self.changed = changed
        self.identity = uuid.uuid4().hex
        self._clock = clock
        self._collections: dict[str, dict[str, Message]] = {}
        self._history: deque[Commit] = deque(maxlen=history)
        self._number = 0
        self._last: datetime | None = None

    @property
    def number(self) -> int:
        """The number of the last commit."""
        return self._number

    def read_time(self) -> Timestamp:
        """The read time of a read now: the clock's time, but never before the last commit."""
        now = self._clock()
        return values.timestamp(now if self._last is None else max(now, self._last))

    def view(self) -> View:
        """The current documents."""
        return View(self._collections)

    def view_at(self, number: int) -> View | None:
        """The documents as of an earlier commit, or None if too much has happened since."""
        since = self.since(number)
        if since is None:
            return None
        earlier: dict[str, Message | None] = {}
        for commit in since:
            for name, change in commit.changes.items():
                earlier.setdefault(name, change.before)
        return View(self._collections, earlier)

    def names(self) -> list[str]:
        """The full names of all documents."""
        return [name for documents in self._collections.values() for name in documents]

    def since(self, number: int) -> Sequence[Commit] | None:
        """The commits after that number, oldest first, or None if they are no longer all known."""
        missing = self._number - number
        if missing < 0 or missing > len(self._history):
            return None
        return [self._history[index] for index in range(len(self._history) - missing, len(self._history))]

    def commit(self, requested: Iterable[Message]) -> tuple[Timestamp, list[Message]]:
        """Apply all writes in their order, or none; returns the commit's time and each write's WriteResult.

        Raises CallError if one of the writes is not possible.
        """
        with self.changed:
            moment = self._next_moment()
            at = values.timestamp(moment)
            staged: dict[str, Message | None] = {}
            results: list[tuple[str, Message]] = []
            current = self.view()
            for write in requested:
                name = writes.target(write)
                outcome = writes.apply(write, name, staged[name] if name in staged else current.get(name), at)
                staged[name] = outcome.document
                results.append((name, outcome.result))
            for name, result in results:
                writes.tell_time(result, staged[name])
            self._last = moment
            self._install(at, {name: Change(current.get(name), document) for name, document in staged.items()})
            return at, [result for _, result in results]

    def put(self, documents: Iterable[Message]) -> None:
        """Store documents, given with their names and fields, in one commit, each in the place of what was there.

        Raises CallError if one of them cannot be.
        """
        with self.changed:
            moment = self._next_moment()
            at = values.timestamp(moment)
            current = self.view()
            changes: dict[str, Change] = {}
            for document in documents:
                name = document.name
                names.check_document(name)
                before = current.get(name)
                changes[name] = Change(before, writes.finished(document, before, at))
            self._last = moment
            self._install(at, changes)

    def forget_time(self) -> None:
        """Let the next commit have the clock's time, also if it is earlier than that of the last one."""
        self._last = None

    def _next_moment(self) -> datetime:
        now = self._clock()
        if self._last is None or now > self._last:
            return now
        return self._last + timedelta(microseconds=1)

    def _install(self, at: Timestamp, changes: Mapping[str, Change]) -> None:
        real = {name: change for name, change in changes.items() if change.after is not change.before}
        if not real:
            return
        for name, change in real.items():
            self._put(name, change.after)
        self._number += 1
        self._history.append(Commit(self._number, at, real))
        self.changed.notify_all()

    def _put(self, name: str, document: Message | None) -> None:
        home = names.collection_of(name)
        if document is not None:
            self._collections.setdefault(home, {})[name] = document
            return
        siblings = self._collections[home]
        del siblings[name]
        if not siblings:
            del self._collections[home]
