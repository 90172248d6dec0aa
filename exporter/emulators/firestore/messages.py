"""The protobuf message classes that google-cloud-firestore ships, under short names.

The client wraps every message in a proto-plus class; `.pb()` gives the plain protobuf class below it, which is what
goes over the wire. Those classes are made at run time and carry no types, hence the one alias
`Message`.
"""

from typing import Any, Final, TypeAlias

from google.cloud.firestore_v1 import types

Message: TypeAlias = Any
"""A protobuf message of the Firestore API (or one of its map and list fields)."""

BatchGetDocumentsRequest: Final = types.BatchGetDocumentsRequest.pb()
BatchGetDocumentsResponse: Final = types.BatchGetDocumentsResponse.pb()
BatchWriteRequest: Final = types.BatchWriteRequest.pb()
BatchWriteResponse: Final = types.BatchWriteResponse.pb()
BeginTransactionRequest: Final = types.BeginTransactionRequest.pb()
BeginTransactionResponse: Final = types.BeginTransactionResponse.pb()
CommitRequest: Final = types.CommitRequest.pb()
CommitResponse: Final = types.CommitResponse.pb()
Document: Final = types.Document.pb()
GetDocumentRequest: Final = types.GetDocumentRequest.pb()
ListCollectionIdsRequest: Final = types.ListCollectionIdsRequest.pb()
ListCollectionIdsResponse: Final = types.ListCollectionIdsResponse.pb()
ListDocumentsRequest: Final = types.ListDocumentsRequest.pb()
ListDocumentsResponse: Final = types.ListDocumentsResponse.pb()
ListenRequest: Final = types.ListenRequest.pb()
ListenResponse: Final = types.ListenResponse.pb()
RollbackRequest: Final = types.RollbackRequest.pb()
RunAggregationQueryRequest: Final = types.RunAggregationQueryRequest.pb()
RunAggregationQueryResponse: Final = types.RunAggregationQueryResponse.pb()
RunQueryRequest: Final = types.RunQueryRequest.pb()
RunQueryResponse: Final = types.RunQueryResponse.pb()
StructuredQuery: Final = types.StructuredQuery.pb()
TargetChange: Final = types.TargetChange.pb()
Value: Final = types.Value.pb()
Write: Final = types.Write.pb()
WriteResult: Final = types.WriteResult.pb()
