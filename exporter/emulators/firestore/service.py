"""The RPCs of google.firestore.v1.Firestore: requests in, responses out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from google.protobuf.empty_pb2 import Empty
from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from exporter.emulators.firestore import fields, names, writes
from exporter.emulators.firestore.calls import Calls
from exporter.emulators.firestore.errors import CallError, invalid, unimplemented
from exporter.emulators.firestore.messages import (
    BatchGetDocumentsResponse,
    BatchWriteResponse,
    BeginTransactionResponse,
    CommitResponse,
    Document,
    ListCollectionIdsResponse,
    ListDocumentsResponse,
    Message,
    RunAggregationQueryResponse,
    RunQueryResponse,
    WriteResult,
)
from exporter.emulators.firestore.query import Query, compile_query
from exporter.emulators.firestore.store import Store, View
from exporter.emulators.firestore.transactions import Transaction, Transactions

_PAGE: Final = 300  # entries, where the request does not say
_COUNTED_PER_READ: Final = 1000
_MOST_AGGREGATIONS: Final = 5


@dataclass(frozen=True, slots=True)
class _Reading:
    """The documents as one request sees them. A transaction remembers what it has read."""

    view: View
    at: Timestamp
    transaction: Transaction | None

    def document(self, name: str) -> Message | None:
        if self.transaction is not None:
            self.transaction.names.add(name)
        return self.view.get(name)

    def query(self, parent: str, structured_query: Message) -> Query:
        query = compile_query(parent, structured_query)
        if self.transaction is not None:
            self.transaction.queries.append(query.selects)
        return query


class FirestoreService:
    """Answers requests from a store. Every method may raise CallError."""

    def __init__(self, store: Store, transactions: Transactions, calls: Calls) -> None:
        self._store = store
        self._transactions = transactions
        self._calls = calls

    def get_document(self, request: Message) -> Message:
        """One document; NOT_FOUND if it is missing."""
        names.check_document(request.name)
        with self._store.changed:
            document = self._reading(request.transaction).document(request.name)
        self._calls.read(1)
        if document is None:
            raise CallError(StatusCode.NOT_FOUND, f"there is no document {request.name}")
        return _masked(request, document)

    def batch_get_documents(self, request: Message) -> Iterator[Message]:
        """Documents by name, each once, found or missing."""
        _check_inside(request.database, request.documents)
        with self._store.changed:
            reading = self._reading(request.transaction)
            found = {name: reading.document(name) for name in request.documents}
        self._calls.read(len(found))
        for name, document in found.items():
            if document is None:
                yield BatchGetDocumentsResponse(missing=name, read_time=reading.at)
            else:
                yield BatchGetDocumentsResponse(found=_masked(request, document), read_time=reading.at)

    def run_query(self, request: Message) -> Iterator[Message]:
        """The results of a query; one response without a document if there are none."""
        with self._store.changed:
            reading = self._reading(request.transaction)
            query = reading.query(request.parent, request.structured_query)
            results = query.results(reading.view)
        self._calls.read(max(1, query.offset + len(results)))
        for document in results:
            yield RunQueryResponse(document=query.projected(document), read_time=reading.at)
        if not results:
            yield RunQueryResponse(read_time=reading.at)

    def run_aggregation_query(self, request: Message) -> Iterator[Message]:
        """Counts of a query's results."""
        asked = request.structured_aggregation_query
        ceilings = _ceilings(asked.aggregations)
        with self._store.changed:
            reading = self._reading(request.transaction)
            total = reading.query(request.parent, asked.structured_query).count(reading.view)
        counts = {alias: total if most is None else min(total, most) for alias, most in ceilings.items()}
        self._calls.read(max(1, -(-max(counts.values()) // _COUNTED_PER_READ)))
        yield RunAggregationQueryResponse(
            result={"aggregate_fields": {alias: {"integer_value": count} for alias, count in counts.items()}},
            read_time=reading.at,
        )

    def list_documents(self, request: Message) -> Message:
        """One page of a collection, by name; `show_missing` adds missing documents with collections of their own."""
        names.check_parent(request.parent)
        if not request.collection_id:
            raise unimplemented("ListDocuments without a collection_id")
        home = f"{request.parent}/{request.collection_id}"
        with self._store.changed:
            view = self._store.view()
            listed = {document.name for document in view.collection(home)}
            if request.show_missing:
                listed.update(f"{home}/{_next_segment(home, below)}" for below in view.collections(home))
            page, token = _page(listed, request)
            found = [(name, view.get(name)) for name in page]
        self._calls.read(len(found))
        return ListDocumentsResponse(
            documents=[Document(name=name) if known is None else _masked(request, known) for name, known in found],
            next_page_token=token,
        )

    def list_collection_ids(self, request: Message) -> Message:
        """One page of the ids of a document's or the root's own collections, by name."""
        names.check_parent(request.parent)
        with self._store.changed:
            below = self._store.view().collections(request.parent)
        page, token = _page({_next_segment(request.parent, name) for name in below}, request)
        return ListCollectionIdsResponse(collection_ids=page, next_page_token=token)

    def begin_transaction(self, request: Message) -> Message:
        """A new transaction's id."""
        names.check_database(request.database)
        with self._store.changed:
            identifier = self._transactions.begin(read_only=request.options.HasField("read_only"))
        return BeginTransactionResponse(transaction=identifier)

    def rollback(self, request: Message) -> Message:
        """End a transaction."""
        names.check_database(request.database)
        with self._store.changed:
            self._transactions.roll_back(request.transaction)
        return Empty()

    def commit(self, request: Message) -> Message:
        """Apply all writes or none, and end the transaction; ABORTED if something that it read has changed."""
        _check_inside(request.database, map(writes.target, request.writes))
        with self._store.changed:
            if request.transaction:
                transaction = self._transactions.close(request.transaction)
                if transaction.read_only and request.writes:
                    raise invalid("a read-only transaction cannot write")
                self._transactions.check(transaction)
            at, results = self._store.commit(request.writes)
        return CommitResponse(write_results=results, commit_time=at if results else None)

    def batch_write(self, request: Message) -> Message:
        """Apply each write by itself; each gets its own status."""
        targets = [writes.target(write) for write in request.writes]
        _check_inside(request.database, targets)
        if len(set(targets)) < len(targets):
            raise invalid("a batch writes each document once at most")
        response = BatchWriteResponse()
        for write in request.writes:
            try:
                _, results = self._store.commit([write])
                response.write_results.extend(results)
                response.status.add()
            except CallError as error:
                response.write_results.append(WriteResult())
                response.status.add(code=error.code.value[0], message=error.message)
        return response

    def _reading(self, transaction_id: bytes) -> _Reading:
        if not transaction_id:
            return _Reading(self._store.view(), self._store.read_time(), None)
        transaction = self._transactions.get(transaction_id)
        view, at = self._transactions.view(transaction)
        return _Reading(view, at, transaction)


def _check_inside(database: str, documents: Iterable[str]) -> None:
    names.check_database(database)
    for name in documents:
        names.check_document(name)
        if not name.startswith(f"{database}/documents/"):
            raise invalid(f"{name} is not in {database}")


def _masked(request: Message, document: Message) -> Message:
    if not request.HasField("mask"):
        return document
    return fields.project(document, fields.parse_all(request.mask))


def _ceilings(aggregations: Message) -> dict[str, int | None]:
    """How far to count, by the aggregation's name; None counts all."""
    if not 1 <= len(aggregations) <= _MOST_AGGREGATIONS:
        raise invalid(f"a query takes 1 to {_MOST_AGGREGATIONS} aggregations, this one has {len(aggregations)}")
    ceilings: dict[str, int | None] = {}
    unnamed = 0
    for aggregation in aggregations:
        alias = aggregation.alias
        if not alias:
            unnamed += 1
            alias = f"field_{unnamed}"
        if alias in ceilings:
            raise invalid(f"two aggregations are called {alias}")
        ceilings[alias] = aggregation.count.up_to.value if aggregation.count.HasField("up_to") else None
        if aggregation.count.HasField("up_to") and aggregation.count.up_to.value <= 0:
            raise invalid(f"{alias} counts up to {aggregation.count.up_to.value}: expected at least 1")
    return ceilings


def _next_segment(above: str, name: str) -> str:
    return name[len(above) + 1 :].partition("/")[0]


def _page(entries: Iterable[str], request: Message) -> tuple[list[str], str]:
    """The entries after the request's page token, and the next page's token (empty on the last page)."""
    rest = sorted(entry for entry in entries if entry > request.page_token)
    page = rest[: request.page_size or _PAGE]
    return page, page[-1] if len(rest) > len(page) else ""
