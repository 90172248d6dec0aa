"""The fields of requests that this server supports. Others are refused by name: to ignore one would answer wrongly."""

from collections.abc import Mapping
from typing import Final

from google.protobuf.message import Message as ProtobufMessage

from exporter.emulators.firestore.errors import unimplemented
from exporter.emulators.firestore.messages import Message

_SUPPORTED: Final[Mapping[str, frozenset[str]]] = {
    "BatchGetDocumentsRequest": frozenset({"database", "documents", "mask", "transaction"}),
    "BatchWriteRequest": frozenset({"database", "writes"}),
    "BeginTransactionRequest": frozenset({"database", "options"}),
    "CommitRequest": frozenset({"database", "writes", "transaction"}),
    "GetDocumentRequest": frozenset({"name", "mask", "transaction"}),
    "ListCollectionIdsRequest": frozenset({"parent", "page_size", "page_token"}),
    "ListDocumentsRequest": frozenset({"parent", "collection_id", "page_size", "page_token", "mask", "show_missing"}),
    "ListenRequest": frozenset({"database", "add_target", "remove_target"}),
    "RollbackRequest": frozenset({"database", "transaction"}),
    "RunAggregationQueryRequest": frozenset({"parent", "structured_aggregation_query", "transaction"}),
    "RunQueryRequest": frozenset({"parent", "structured_query", "transaction"}),
    "StructuredAggregationQuery": frozenset({"structured_query", "aggregations"}),
    "StructuredAggregationQuery.Aggregation": frozenset({"alias", "count"}),
    "StructuredQuery": frozenset({"select", "from_", "where", "order_by", "start_at", "end_at", "offset", "limit"}),
    "Target": frozenset({"query", "documents", "resume_token", "target_id"}),
    "TransactionOptions.ReadOnly": frozenset(),
    # The earlier, failed transaction. Only a server with locks needs it, to keep the retry's place in the queue.
    "TransactionOptions.ReadWrite": frozenset({"retry_transaction"}),
    # A write's content is checked when it is applied.
    "Write": frozenset({"update", "delete", "transform", "update_mask", "update_transforms", "current_document"}),
}
_PACKAGE: Final = "google.firestore.v1."
_LEAVES: Final = frozenset({"Write", "Value"})


def check(message: Message) -> None:
    """Raise CallError (UNIMPLEMENTED) for a field of a request, at any depth, that this server does not support."""
    kind = message.DESCRIPTOR.full_name.removeprefix(_PACKAGE)
    known = _SUPPORTED.get(kind)
    for field, value in message.ListFields():
        if known is not None and field.name not in known:
            raise unimplemented(f"{kind}.{field.name.rstrip('_')}")
        if field.message_type is None or kind in _LEAVES:
            continue
        for part in [value] if isinstance(value, ProtobufMessage) else value:
            check(part)
