"""A Firestore server inside this process, for the real client to talk to over loopback."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final, Self

import grpc
from google.cloud import firestore

from exporter.emulators.firestore import messages, names, values
from exporter.emulators.firestore.calls import Calls
from exporter.emulators.firestore.client import connect
from exporter.emulators.firestore.faults import Faults
from exporter.emulators.firestore.fields import FieldPath, render
from exporter.emulators.firestore.messages import Message
from exporter.emulators.firestore.rpc import FirestoreHandlers
from exporter.emulators.firestore.service import FirestoreService
from exporter.emulators.firestore.store import Store
from exporter.emulators.firestore.transactions import Transactions

_WORKERS: Final = 100  # an open listener and a call that hangs hold one each; they are started as they are needed
_OPTIONS: Final = [
    ("grpc.so_reuseport", 0),  # a port in use is an error, not a second server behind it
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
]


class FirestoreServer:
    """Firestore in memory, on its own loopback port. As a context manager it starts and stops.

    Arguments:
        clock: gives the aware time of writes and reads; by default the machine's. Commit times are strictly
            increasing in any case.
        host, port: where to listen; port 0 takes a free one, and a restart keeps it.
        project: the project of the documents of `put`, `get` and so on.
        history: how many commits are kept. A listener that missed more gets all documents again, a
            transaction is aborted.

    Attributes:
        faults: the faults of the next calls.
        calls: the counts of the calls so far.

    """

    def __init__(
        self,
        *,
        clock: Callable[[], datetime] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        project: str = "local-project",
        history: int = 10_000,
    ) -> None:
        changed = threading.Condition(threading.RLock())
        self.project = project
        self.faults = Faults(changed)
        self.calls = Calls()
        self._name = f"firestore-{id(self)}"
        self._host = host
        self._port = port
        self._store = Store(changed, clock or (lambda: datetime.now(UTC)), history)
        self._transactions = Transactions(self._store)
        self._running: tuple[grpc.Server, ThreadPoolExecutor] | None = None

    def start(self) -> Self:
        """Listen. Raises OSError if the address is not available."""
        workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix=self._name)
        service = FirestoreService(self._store, self._transactions, self.calls)
        handlers = FirestoreHandlers(self._store, service, self.faults, self.calls, self._name)
        server = grpc.server(workers, handlers=[handlers], options=_OPTIONS)
        try:
            self._port = server.add_insecure_port(f"{self._host}:{self._port}")
        except RuntimeError as error:
            workers.shutdown()
            raise OSError(f"the local Firestore cannot listen on {self._host}:{self._port}: {error}") from error
        self.faults.stopping(now=False)
        server.start()
        self._running = server, workers
        return self

    def stop(self, grace: float = 0.5) -> None:
        """Stop: listeners break, hanging calls are released, and other calls have `grace` seconds to finish."""
        if self._running is None:
            return
        server, workers = self._running
        self._running = None
        # Close the port first: a released listener reconnects at once, and one that reaches a closing server gets
        # CANCELLED, which its client takes for the end.
        stopped = server.stop(grace)
        self.faults.stopping(now=True)
        stopped.wait()
        workers.shutdown()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """`HOST:PORT`, as FIRESTORE_EMULATOR_HOST takes it; raises RuntimeError before the first start."""
        if not self._port:
            raise RuntimeError("the local Firestore has no address before it is started")
        return f"{self._host}:{self._port}"

    def client(self, project: str | None = None) -> firestore.Client:
        """A new real client connected to this server; `close` it with the function of that name."""
        return connect(self.address, project or self.project)

    def put(self, path: str, fields: Mapping[str, object], *, project: str | None = None) -> None:
        """Write a document as `set()` does: the earlier content is replaced.

        Raises ValueError for a path that names no document, TypeError for a value that Firestore has no type for, and
        CallError for content that Firestore refuses.
        """
        self.put_all({path: fields}, project=project)

    def put_all(self, documents: Mapping[str, Mapping[str, object]], *, project: str | None = None) -> None:
        """Write documents, by path, in one commit; raises as `put` does."""
        self._store.put(self._document(path, fields, project) for path, fields in documents.items())

    def merge(self, path: str, fields: Mapping[str, object], *, project: str | None = None) -> None:
        """Write into a document as `set(merge=True)` does: maps merge, others are replaced; raises as `put` does."""
        mask = {"field_paths": [render(leaf) for leaf in _leaves(fields)]}
        self._store.commit([messages.Write(update=self._document(path, fields, project), update_mask=mask)])

    def delete(self, path: str, *, project: str | None = None) -> None:
        """Delete a document, if it is there; raises ValueError for a path that names no document."""
        self._store.commit([messages.Write(delete=names.document_name(project or self.project, path))])

    def get(self, path: str, *, project: str | None = None) -> dict[str, object] | None:
        """A document's fields, or None if it is missing; raises ValueError for a path that names no document."""
        name = names.document_name(project or self.project, path)
        with self._store.changed:
            document = self._store.view().get(name)
        return None if document is None else values.decode_fields(document.fields)

    def documents(self, *, project: str | None = None) -> dict[str, dict[str, object]]:
        """All documents' fields, by path."""
        root = names.root(project or self.project)
        with self._store.changed:
            view = self._store.view()
            found = [document for home in view.collections(root) for document in view.collection(home)]
        found.sort(key=lambda document: values.name_key(document.name))
        return {names.document_path(document.name): values.decode_fields(document.fields) for document in found}

    def reset(self) -> None:
        """Delete all documents of all projects, close all transactions, lift all faults, count from zero.

        Times begin again at the clock's: it may have been set back for another day.
        """
        with self._store.changed:
            self._transactions.clear()
            self._store.commit(messages.Write(delete=name) for name in self._store.names())
            self._store.forget_time()
        self.faults.clear()
        self.calls.reset()

    def _document(self, path: str, fields: Mapping[str, object], project: str | None) -> Message:
        document = messages.Document(name=names.document_name(project or self.project, path))
        try:
            values.encode_fields(fields, document.fields)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{path}: {error}") from error
        return document


def _leaves(fields: Mapping[str, object], above: FieldPath = ()) -> Iterator[FieldPath]:
    for key, value in fields.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key)
