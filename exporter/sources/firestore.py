"""Completion documents and heartbeats from Firestore, through the generated client of google-cloud-firestore.

One RPC a reading, retried within the deadline by one layer. The generated client is used instead of the client built
on it, because that one loses a whole batch for one value that it cannot decode (`documents.py`), and its reconnection
pause cannot be set.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, TypeVar

import grpc
from google.api_core.gapic_v1.client_info import ClientInfo
from google.cloud.firestore_v1.services.firestore import FirestoreClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcTransport
from google.cloud.firestore_v1.types import (
    BatchGetDocumentsRequest,
    BatchGetDocumentsResponse,
    DocumentMask,
    ListCollectionIdsRequest,
    ListDocumentsRequest,
    RunAggregationQueryRequest,
    RunAggregationQueryResponse,
    RunQueryRequest,
    RunQueryResponse,
    StructuredAggregationQuery,
    StructuredQuery,
    Value,
)

from exporter import __version__
from exporter.model import ErrorKind
from exporter.sources import credentials as machine
from exporter.sources.calls import Calls, retry
from exporter.sources.documents import USUAL, parse_heartbeat, plain_fields, plain_time, read_document
from exporter.sources.endpoints import firestore_endpoint
from exporter.sources.errors import CallFailed, Fault, fault_of
from exporter.sources.fields import count, said
from exporter.sources.listening import DocumentListener
from exporter.sources.remedies import FIRESTORE_REMEDIES, source_error

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from google.auth.credentials import Credentials

    from exporter.config.resolved import CompletionConfig, HeartbeatsConfig
    from exporter.metrics.telemetry import Telemetry
    from exporter.model import Document, DocumentId, Heartbeat
    from exporter.sources.documents import WireDocument
    from exporter.sources.ports import ChangeReceiver, Deadline, HeartbeatId

    Found = tuple[WireDocument | None, datetime | None]

T = TypeVar("T")

_HOST: Final = "firestore.googleapis.com"
_SCOPES: Final = FirestoreGrpcTransport.AUTH_SCOPES
_CHANNEL_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
    # By default the pause grows to two minutes, and every call in it fails although the service is back.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)
_FIRST_PAUSE: Final = 0.2
_ENTRIES_PER_READ: Final = 1_000
"""How many index entries an aggregation reads for the price of one document: https://cloud.google.com/firestore/pricing"""
_COUNT: Final = "documents"
_MOST_COLLECTIONS: Final = 300
"""How many collections are listed: more are nobody's choice."""


class FirestoreStore:
    """Reads one database. The connection is made when it is first needed and kept until `close`.

    `endpoint` (host:port) is a local server without credentials and encryption; by default the one that
    FIRESTORE_EMULATOR_HOST names, or else Google's. `completions`, `heartbeats`: what the documents of each collection
    look like. Raises ConfigError if that variable cannot be used.
    """

    def __init__(
        self,
        *,
        project: str,
        database: str,
        telemetry: Telemetry,
        endpoint: str | None = None,
        completions: Mapping[str, CompletionConfig] | None = None,
        heartbeats: Mapping[str, HeartbeatsConfig] | None = None,
    ) -> None:
        self._path = f"projects/{project}/databases/{database}"
        self._place = f"project {project}, database {database}"
        self._telemetry = telemetry
        self._completions = completions or {}
        self._heartbeats = heartbeats or {}
        self._endpoint = endpoint or firestore_endpoint()
        self._metadata = [("google-cloud-resource-prefix", self._path)]
        if self._endpoint:
            self._metadata.append(("authorization", "Bearer owner"))
        self._calls = Calls("firestore")
        self._lock = threading.Lock()
        self._connected: FirestoreClient | None = None
        self._credentials: Credentials | None = None

    def documents(self, ids: Collection[DocumentId], deadline: Deadline) -> Mapping[DocumentId, Document]:
        """Read all these documents in one batch; one that is not there comes back with `exists` False.

        Raises SourceError.
        """
        paths = {wanted: self._document(wanted.collection, wanted.run_date.isoformat()) for wanted in ids}
        found = self._batch({wanted.collection for wanted in ids}, paths.values(), deadline)
        return {
            wanted: read_document(*found[path], self._completions.get(wanted.collection, USUAL))
            for wanted, path in paths.items()
        }

    def follow(self, ids: Collection[DocumentId], receiver: ChangeReceiver) -> DocumentListener:
        """Report every change of these documents to the receiver from now on, whether they exist yet or not."""
        collections = sorted({wanted.collection for wanted in ids})
        return DocumentListener(
            client=self._client,
            database=self._path,
            metadata=self._metadata,
            documents={self._document(wanted.collection, wanted.run_date.isoformat()): wanted for wanted in ids},
            shapes=self._completions,
            receiver=receiver,
            subject=f"Firestore listener on {', '.join(collections)} ({self._place})",
            reads=lambda changes: self._telemetry.add("document_reads", changes),
        )

    def heartbeats(self, ids: Collection[HeartbeatId], deadline: Deadline) -> Mapping[HeartbeatId, Heartbeat | None]:
        """Read all these heartbeats in one batch; None for one that is not there. Raises SourceError."""
        paths = {wanted: self._document(wanted.collection, wanted.document) for wanted in ids}
        found = self._batch({wanted.collection for wanted in ids}, paths.values(), deadline)
        messages = {wanted: found[path][0] for wanted, path in paths.items()}
        return {
            wanted: None if message is None else self._heartbeat(wanted, message)
            for wanted, message in messages.items()
        }

    def count(self, collection: str, deadline: Deadline) -> int:
        """Count the collection's documents by one aggregation. Raises SourceError."""
        above, _, name = f"{self._path}/documents/{collection}".rpartition("/")
        query = StructuredQuery(from_=[StructuredQuery.CollectionSelector(collection_id=name)])
        aggregation = StructuredAggregationQuery.Aggregation(
            alias=_COUNT, count=StructuredAggregationQuery.Aggregation.Count()
        )
        request = RunAggregationQueryRequest(
            parent=above,
            structured_aggregation_query=StructuredAggregationQuery(structured_query=query, aggregations=[aggregation]),
        )

        def attempt(client: FirestoreClient, seconds: float) -> int:
            answers = client.run_aggregation_query(request, retry=None, timeout=seconds, metadata=self._metadata)
            values = [
                plain_fields(answer.result.aggregate_fields, depth=0)[_COUNT]
                for answer in map(RunAggregationQueryResponse.pb, answers)
                if _COUNT in answer.result.aggregate_fields
            ]
            found = count(values[0]) if len(values) == 1 else None
            if found is None:
                what = ", ".join(map(said, values)) or "nothing"
                raise CallFailed(Fault(ErrorKind.INVALID, f"the answer to the aggregation has no count: {what}"))
            return found

        total = self._call(f"Firestore count of {collection} ({self._place})", attempt, deadline)
        self._telemetry.add("document_reads", max(1, -(-total // _ENTRIES_PER_READ)))
        return total

    def contents(self, paths: Collection[str], deadline: Deadline) -> Mapping[str, WireDocument | None]:
        """These documents (`collection/document`) as Firestore sent them; None for one that is not there.

        Raises SourceError.
        """
        full = {path: self._document(*path.rsplit("/", 1)) for path in paths}
        found = self._batch({path.rpartition("/")[0] for path in paths}, full.values(), deadline)
        return {path: found[name][0] for path, name in full.items()}

    def collections(self, above: str, deadline: Deadline) -> list[str]:
        """The ids of the collections below a document, or (empty) at the root. Raises SourceError."""
        parent = f"{self._path}/documents/{above}".rstrip("/")

        def attempt(client: FirestoreClient, seconds: float) -> list[str]:
            request = ListCollectionIdsRequest(parent=parent, page_size=_MOST_COLLECTIONS)
            found = client.list_collection_ids(request, retry=None, timeout=seconds, metadata=self._metadata)
            return list(found.collection_ids)

        return self._call(f"Firestore collections below {above or 'the root'} ({self._place})", attempt, deadline)

    def names(self, collection: str, most: int, deadline: Deadline) -> list[str]:
        """The ids of some documents of a collection, also of those that only hold collections. Raises SourceError."""
        above, _, name = f"{self._path}/documents/{collection}".rpartition("/")

        def attempt(client: FirestoreClient, seconds: float) -> list[str]:
            request = ListDocumentsRequest(
                parent=above, collection_id=name, page_size=most, show_missing=True, mask=DocumentMask()
            )
            found = client.list_documents(request, retry=None, timeout=seconds, metadata=self._metadata)
            return [document.name.rpartition("/")[2] for document in found.documents]

        listed = self._call(f"Firestore documents of {collection} ({self._place})", attempt, deadline)
        self._telemetry.add("document_reads", max(1, len(listed)))
        return listed

    def sample(self, collection: str, first: str, most: int, deadline: Deadline) -> dict[str, dict[str, object]]:
        """The fields of some documents of a collection by id, in the order of their ids, from `first` on.

        Raises SourceError.
        """
        # Ascending: the other direction would need an index.
        above, _, name = f"{self._path}/documents/{collection}".rpartition("/")
        query = StructuredQuery(from_=[StructuredQuery.CollectionSelector(collection_id=name)], limit=most)
        if first:
            query.where = StructuredQuery.Filter(
                field_filter=StructuredQuery.FieldFilter(
                    field=StructuredQuery.FieldReference(field_path="__name__"),
                    op=StructuredQuery.FieldFilter.Operator.GREATER_THAN_OR_EQUAL,
                    value=Value(reference_value=self._document(collection, first)),
                )
            )

        def attempt(client: FirestoreClient, seconds: float) -> dict[str, dict[str, object]]:
            request = RunQueryRequest(parent=above, structured_query=query)
            answers = client.run_query(request, retry=None, timeout=seconds, metadata=self._metadata)
            found = [answer.document for answer in map(RunQueryResponse.pb, answers) if answer.HasField("document")]
            self._telemetry.add("document_reads", max(1, len(found)))
            return {one.name.rpartition("/")[2]: plain_fields(one.fields, depth=2) for one in found}

        return self._call(f"Firestore sample of {collection} ({self._place})", attempt, deadline)

    def close(self) -> None:
        """Close the connection; calls that hang end with SourceError."""
        self._calls.close()
        # Without the lock: a call that is looking for credentials may hold it, and closes its connection itself.
        if self._connected is not None:
            self._connected.transport.close()

    def _heartbeat(self, key: HeartbeatId, message: WireDocument) -> Heartbeat:
        fields, config = plain_fields(message.fields), self._heartbeats.get(key.collection)
        if config is None:
            return parse_heartbeat(key.document, fields)
        return parse_heartbeat(key.document, fields, config.fields, config.statuses)

    def _document(self, collection: str, document: str) -> str:
        return f"{self._path}/documents/{collection}/{document}"

    def _batch(self, collections: Collection[str], paths: Collection[str], deadline: Deadline) -> Mapping[str, Found]:
        """Every document by its path, as a message (None for one that is not there), with its read time."""
        wanted = sorted(set(paths))
        if not wanted:
            return {}
        request = BatchGetDocumentsRequest(database=self._path, documents=wanted)

        def attempt(client: FirestoreClient, seconds: float) -> Mapping[str, Found]:
            found: dict[str, Found] = {}
            answers = client.batch_get_documents(request, retry=None, timeout=seconds, metadata=self._metadata)
            for answer in map(BatchGetDocumentsResponse.pb, answers):
                kind = answer.WhichOneof("result")
                if kind == "found":
                    found[answer.found.name] = answer.found, plain_time(answer.read_time)
                elif kind == "missing":
                    found[answer.missing] = None, plain_time(answer.read_time)
                # A missing document costs a read as well.
                self._telemetry.add("document_reads", kind is not None)
            unanswered = [path for path in wanted if path not in found]
            if unanswered:
                missing = unanswered[0].removeprefix(f"{self._path}/documents/")
                raise CallFailed(Fault(ErrorKind.INVALID, f"the answer to the batch leaves out {missing}"))
            return found

        return self._call(f"Firestore {', '.join(sorted(collections))} ({self._place})", attempt, deadline)

    def _call(self, subject: str, attempt: Callable[[FirestoreClient, float], T], deadline: Deadline) -> T:
        """Return what the attempt returns; it is retried within the deadline. Raises SourceError."""
        # Half of the time for each attempt, so that one lost answer does not use up all of it.
        longest = deadline.seconds / 2
        again = retry(deadline.remaining(), _FIRST_PAUSE)

        def attempts() -> T:
            return again(lambda: attempt(self._client(), min(longest, deadline.remaining())))()

        try:
            return self._calls.run(attempts, deadline.remaining())
        except Exception as error:
            raise source_error(subject, fault_of(error), FIRESTORE_REMEDIES) from error

    def _client(self) -> FirestoreClient:
        with self._lock:
            if self._connected is None:
                self._credentials = None if self._endpoint else machine.find(_SCOPES, self_signed=True)
                self._connected = _connect(self._endpoint, self._credentials)
            client = self._connected
        if self._calls.closed:
            client.transport.close()
        elif self._credentials is not None:
            machine.refresh(self._credentials)
        return client


def _connect(endpoint: str | None, credentials: Credentials | None) -> FirestoreClient:
    if endpoint:
        # A proxy of the environment is for addresses outside this machine.
        channel = grpc.insecure_channel(endpoint, options=(*_CHANNEL_OPTIONS, ("grpc.enable_http_proxy", 0)))
    else:
        channel = FirestoreGrpcTransport.create_channel(_HOST, credentials=credentials, options=_CHANNEL_OPTIONS)
    info = ClientInfo(user_agent=f"orchestration-exporter/{__version__}")
    return FirestoreClient(transport=FirestoreGrpcTransport(host=endpoint or _HOST, channel=channel, client_info=info))
