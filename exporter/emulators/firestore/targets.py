"""The targets of a listener, and the messages that keep it up to date."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from exporter.emulators.firestore import names
from exporter.emulators.firestore.errors import invalid
from exporter.emulators.firestore.messages import ListenResponse, Message
from exporter.emulators.firestore.query import Query, compile_query
from exporter.emulators.firestore.store import Commit, View


class Target(Protocol):
    """A target of a listener. `resumable`: a commit alone shows what it changes for the target."""

    resumable: bool

    def initial(self, view: View, at: Timestamp) -> Iterable[Message]:
        """The messages with the whole state."""

    def after(self, commit: Commit) -> Iterable[Message]:
        """The messages for one commit."""

    def settled(self, view: View, at: Timestamp) -> Iterable[Message]:
        """The messages that remain after all commits up to this view were passed to `after`."""


def target(request: Message) -> Target:
    """The target of an add_target request. Raises CallError (INVALID_ARGUMENT) for one that Firestore refuses."""
    number: int = request.target_id
    match request.WhichOneof("target_type"):
        case "documents":
            for name in request.documents.documents:
                names.check_document(name)
            return DocumentsTarget(number, frozenset(request.documents.documents))
        case "query":
            query = compile_query(request.query.parent, request.query.structured_query)
            return WindowTarget(number, query) if query.windowed else QueryTarget(number, query)
        case _:
            raise invalid("add_target has neither documents nor a query")


class DocumentsTarget:
    """Documents by name, whether they exist or not."""

    resumable = True

    def __init__(self, number: int, documents: frozenset[str]) -> None:
        self._number = number
        self._documents = documents

    def initial(self, view: View, at: Timestamp) -> Iterator[Message]:
        """Every document, the missing ones as deleted."""
        for name in sorted(self._documents):
            document = view.get(name)
            yield _deleted(self._number, name, at) if document is None else _changed(self._number, document)

    def after(self, commit: Commit) -> Iterator[Message]:
        """Those of the documents that the commit changed."""
        for name in self._documents & commit.changes.keys():
            document = commit.changes[name].after
            yield _deleted(self._number, name, commit.at) if document is None else _changed(self._number, document)

    def settled(self, view: View, at: Timestamp) -> Iterable[Message]:  # noqa: ARG002 - the protocol's signature
        """Nothing more."""
        return ()


class QueryTarget:
    """The results of a query in which a document's position does not matter."""

    resumable = True

    def __init__(self, number: int, query: Query) -> None:
        self._number = number
        self._query = query

    def initial(self, view: View, at: Timestamp) -> Iterator[Message]:  # noqa: ARG002 - the protocol's signature
        """All results."""
        for document in self._query.results(view):
            yield _changed(self._number, self._query.projected(document))

    def after(self, commit: Commit) -> Iterator[Message]:
        """The results that the commit changed, and those that it ended."""
        for name, change in commit.changes.items():
            if change.after is not None and self._query.selects(change.after):
                yield _changed(self._number, self._query.projected(change.after))
            elif change.before is not None and self._query.selects(change.before):
                yield _gone(self._number, name, change.after, commit.at)

    def settled(self, view: View, at: Timestamp) -> Iterable[Message]:  # noqa: ARG002 - the protocol's signature
        """Nothing more."""
        return ()


class WindowTarget:
    """The results of a query with offset or limit, where one document's change moves others in or out."""

    resumable = False

    def __init__(self, number: int, query: Query) -> None:
        self._number = number
        self._query = query
        self._shown: dict[str, Message] = {}

    def initial(self, view: View, at: Timestamp) -> Iterator[Message]:
        """All results."""
        self._shown = {}
        yield from self.settled(view, at)

    def after(self, commit: Commit) -> Iterable[Message]:  # noqa: ARG002 - the protocol's signature
        """Nothing yet."""
        return ()

    def settled(self, view: View, at: Timestamp) -> Iterator[Message]:
        """The differences from what the client has."""
        before = self._shown
        self._shown = {document.name: document for document in self._query.results(view)}
        for name, document in before.items():
            if name not in self._shown:
                yield _gone(self._number, name, view.get(document.name), at)
        for name, document in self._shown.items():
            if before.get(name) is not document:
                yield _changed(self._number, self._query.projected(document))


def _changed(number: int, document: Message) -> Message:
    return ListenResponse(document_change={"document": document, "target_ids": [number]})


def _gone(number: int, name: str, document: Message | None, at: Timestamp) -> Message:
    if document is None:
        return _deleted(number, name, at)
    return ListenResponse(document_change={"document": document, "removed_target_ids": [number]})


def _deleted(number: int, name: str, at: Timestamp) -> Message:
    return ListenResponse(document_delete={"document": name, "removed_target_ids": [number], "read_time": at})
