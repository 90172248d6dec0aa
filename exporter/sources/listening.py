"""A Firestore listener: one stream that reports every change of the followed completion documents.

It uses the RPC below the client library's `on_snapshot`, for three reasons: `on_snapshot` hides a lost connection
(`is_active` stays true) and with it every gap in which changes go unseen; it needs a stream for each document or query;
and one value that it cannot decode ends it. Here one target names all documents, a broken stream is reported at once,
and documents are decoded as in a poll.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog
from google.api_core.exceptions import from_grpc_status
from google.cloud.firestore_v1.types import ListenRequest, ListenResponse, Target, TargetChange

from exporter.model import Document, ErrorKind
from exporter.sources.documents import USUAL, plain_time, read_document
from exporter.sources.errors import STOPPING, CallFailed, Fault, fault_of
from exporter.sources.remedies import FIRESTORE_REMEDIES, source_error

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from google.cloud.firestore_v1.services.firestore import FirestoreClient

    from exporter.config.resolved import CompletionConfig
    from exporter.model import DocumentId
    from exporter.sources.ports import ChangeReceiver

log = structlog.get_logger(__name__)

FIRST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 5.0
"""Seconds between two attempts to open the stream; it doubles from the first to the longest."""

_TARGET: Final = 1
_ENDED: Final = Fault(ErrorKind.UNREACHABLE, "the stream ended", transient=True)
_CHANGE = TargetChange.TargetChangeType


class Stream(Protocol):
    """An open stream of `ListenResponse`s."""

    def __iter__(self) -> Iterator[Any]:
        """The responses, as they arrive."""

    def cancel(self) -> bool:
        """End the stream."""


class DocumentListener:
    """Follows documents on a thread of its own until it is closed, and reopens the stream whenever it breaks."""

    def __init__(  # noqa: PLR0913 - what it follows, and who is told
        self,
        *,
        client: Callable[[], FirestoreClient],
        database: str,
        metadata: Sequence[tuple[str, str]],
        documents: Mapping[str, DocumentId],
        shapes: Mapping[str, CompletionConfig],
        receiver: ChangeReceiver,
        subject: str,
        reads: Callable[[int], None],
    ) -> None:
        """Follow `documents` (by path); `shapes`: what those of each collection look like.

        `reads` receives the cost of the changes, `subject` names them in errors.
        """
        self._client = client
        self._database = database
        self._metadata = metadata
        self._documents = documents
        self._shapes = shapes
        self._receiver = receiver
        self._subject = subject
        self._reads = reads
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._stream: Stream | None = None
        self._thread = threading.Thread(target=self._run, name="firestore-listener", daemon=True)
        self._thread.start()

    @property
    def documents(self) -> Collection[DocumentId]:
        """The documents that are followed."""
        return self._documents.values()

    def close(self) -> None:
        """Stop following. After this returns, no new report begins; one that is being made may still end."""
        with self._lock:
            self._closed.set()
            stream = self._stream
        if stream is not None:
            stream.cancel()

    def reopen(self) -> None:
        """Break the stream, as a network fault would: it is opened again and reports all documents."""
        with self._lock:
            stream = self._stream
        if stream is not None:
            stream.cancel()

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._closed.is_set():
            view = _View(self._documents, self._shapes, self._tell)
            asking: queue.SimpleQueue[None] = queue.SimpleQueue()
            fault = _ENDED
            try:
                for message in self._open(asking):
                    view.take(ListenResponse.pb(message))
            except Exception as error:  # noqa: BLE001 - whatever breaks the stream, it is reported and opened again
                fault = fault_of(error)
            finally:
                asking.put(None)
            if self._closed.is_set():
                return
            if view.complete:
                pause = FIRST_PAUSE
            self._receiver.stream_broke(source_error(self._subject, fault, FIRESTORE_REMEDIES))
            self._closed.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _open(self, asking: queue.SimpleQueue[None]) -> Stream:
        target = Target(target_id=_TARGET, documents=Target.DocumentsTarget(documents=sorted(self._documents)))

        def requests() -> Iterator[ListenRequest]:
            yield ListenRequest(database=self._database, add_target=target)
            asking.get()  # what ends the requests ends the stream

        stream: Any = self._client().listen(requests(), retry=None, timeout=None, metadata=self._metadata)
        with self._lock:
            self._stream = stream
            if self._closed.is_set():
                stream.cancel()
                raise CallFailed(STOPPING)
        opened: Stream = stream
        return opened

    def _tell(self, documents: Mapping[DocumentId, Document], *, first: bool, changes: int) -> None:
        self._reads(changes)
        if not self._closed.is_set():
            self._receiver.changed(documents, first=first)


class _Teller(Protocol):
    def __call__(self, documents: Mapping[DocumentId, Document], *, first: bool, changes: int) -> None: ...


class _View:
    """The state of a stream: changes are reported once the stream says that they are consistent."""

    def __init__(
        self, documents: Mapping[str, DocumentId], shapes: Mapping[str, CompletionConfig], tell: _Teller
    ) -> None:
        self._documents = documents
        self._shapes = shapes
        self._tell = tell
        self._pending: dict[DocumentId, Document] = {}
        self._known: dict[DocumentId, Document] = {}
        self._changes = 0
        self._current = False
        self.complete = False

    def take(self, message: Any) -> None:  # noqa: ANN401 - a protobuf message, whose classes are made at run time
        """Process one response. Raises CallFailed if the stream can no longer be trusted."""
        match message.WhichOneof("response_type"):
            case "target_change":
                self._target_change(message.target_change)
            case "document_change":
                change = message.document_change
                gone = _TARGET in change.removed_target_ids
                self._changes += 1
                self._put(change.document.name, None if gone else change.document)
            case "document_delete":
                self._put(message.document_delete.document, None)
            case "document_remove":
                self._put(message.document_remove.document, None)
            case "filter":
                known = {**self._known, **self._pending}
                if message.filter.count != sum(document.exists for document in known.values()):
                    raise CallFailed(Fault(ErrorKind.INVALID, "the stream left out a change", transient=True))
            case _:
                pass  # a kind of response that this version of the protocol does not know

    def _put(self, path: str, message: Any) -> None:  # noqa: ANN401 - as above
        key = self._documents.get(path)
        if key is not None:
            before = self._known.get(key)
            self._pending[key] = read_document(message, None, self._shapes.get(key.collection, USUAL), before)

    def _target_change(self, change: Any) -> None:  # noqa: ANN401 - as above
        if change.target_change_type == _CHANGE.REMOVE:
            # The service ends a target with a status, for example when a permission was removed.
            cause = from_grpc_status(change.cause.code, change.cause.message or "the target was removed")
            raise CallFailed(fault_of(cause)) from cause
        if change.target_change_type == _CHANGE.RESET:
            raise CallFailed(Fault(ErrorKind.UNREACHABLE, "the stream begins again", transient=True))
        self._current = self._current or change.target_change_type == _CHANGE.CURRENT
        consistent = not change.target_ids and change.HasField("read_time")
        if self._current and consistent:
            self._hand_on(plain_time(change.read_time))

    def _hand_on(self, read_time: datetime | None) -> None:
        if not self.complete:
            # A document that the first answer does not mention does not exist.
            self._pending = {key: Document(exists=False) for key in self._documents.values()} | self._pending
        news = {
            key: replace(document, read_time=read_time)
            for key, document in self._pending.items()
            # Some servers report with every change that missing documents are still missing.
            if document.exists or key not in self._known or self._known[key].exists
        }
        self._known |= news
        changes, self._pending, self._changes = self._changes, {}, 0
        first, self.complete = not self.complete, True
        self._tell(news, first=first, changes=changes)
