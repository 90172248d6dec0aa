"""Open transactions: each reads as of its first read, and commits only if nothing that it read has changed since.

That is Firestore's optimistic concurrency mode: https://firebase.google.com/docs/firestore/transaction-data-contention
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from exporter.emulators.firestore.errors import CallError, invalid
from exporter.emulators.firestore.messages import Message
from exporter.emulators.firestore.store import Store, View

_ID: Final = b"transaction-"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The documents as of the commit of that number, read at that time."""

    number: int
    at: Timestamp


@dataclass(slots=True)
class Transaction:
    """One open transaction.

    Attributes:
        read_only: it accepts no writes and has no conflicts.
        snapshot: the commit as of which it reads, from its first read on.
        names: the documents that it asked for, missing ones included.
        queries: the queries that it made, to test whether a document is among their results.

    """

    read_only: bool
    snapshot: Snapshot | None = None
    names: set[str] = field(default_factory=set)
    queries: list[Callable[[Message], bool]] = field(default_factory=list)

    def read(self, document: Message | None) -> bool:
        """Whether the document, before or after a change, is a result of this transaction's queries."""
        return document is not None and any(selects(document) for selects in self.queries)


class Transactions:
    """The open transactions of a store; use it with the store's condition held.

    A transaction that is never ended stays until `most` younger ones are open.
    """

    def __init__(self, store: Store, most: int = 1000) -> None:
        self._store = store
        self._most = most
        self._open: dict[bytes, Transaction] = {}
        self._begun = 0

    def begin(self, *, read_only: bool) -> bytes:
        """Open one and return its id."""
        self._begun += 1
        identifier = _ID + str(self._begun).encode()
        self._open[identifier] = Transaction(read_only)
        if len(self._open) > self._most:
            del self._open[next(iter(self._open))]
        return identifier

    def get(self, identifier: bytes) -> Transaction:
        """An open transaction; raises CallError (INVALID_ARGUMENT) if it is none."""
        try:
            return self._open[identifier]
        except KeyError:
            raise invalid(f"the transaction {identifier!r} is closed, has expired or never was") from None

    def view(self, transaction: Transaction) -> tuple[View, Timestamp]:
        """The transaction's snapshot and its time. Raises CallError (ABORTED) if that is too long ago."""
        if transaction.snapshot is None:
            transaction.snapshot = Snapshot(self._store.number, self._store.read_time())
        view = self._store.view_at(transaction.snapshot.number)
        if view is None:
            raise _too_late()
        return view, transaction.snapshot.at

    def close(self, identifier: bytes) -> Transaction:
        """End the transaction, whatever follows. Raises CallError (INVALID_ARGUMENT) if it is not open."""
        transaction = self.get(identifier)
        del self._open[identifier]
        return transaction

    def roll_back(self, identifier: bytes) -> None:
        """End the transaction, if it has not ended yet; raises CallError (INVALID_ARGUMENT) if it never was."""
        number = identifier.removeprefix(_ID)
        if not (identifier.startswith(_ID) and number.isdigit() and int(number) <= self._begun):
            self.get(identifier)
        self._open.pop(identifier, None)

    def check(self, transaction: Transaction) -> None:
        """Raise CallError (ABORTED) if something that the transaction has read was changed since."""
        if transaction.read_only or transaction.snapshot is None:
            return
        since = self._store.since(transaction.snapshot.number)
        if since is None:
            raise _too_late()
        for commit in since:
            for name, change in commit.changes.items():
                if name in transaction.names or transaction.read(change.before) or transaction.read(change.after):
                    raise CallError(StatusCode.ABORTED, f"{name} was changed since the transaction read it: try again")

    def clear(self) -> None:
        """Close them all."""
        self._open.clear()


def _too_late() -> CallError:
    return CallError(StatusCode.ABORTED, "too much has been written since the transaction's first read")
