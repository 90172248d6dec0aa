"""The gRPC layer around the service: decoding, counting, faults, and status codes for errors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import grpc
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # the package has no types
from grpc_status.rpc_status import to_status  # type: ignore[import-untyped] # the package has no types

from exporter.emulators.firestore import messages, supported
from exporter.emulators.firestore.errors import CallError, unimplemented
from exporter.emulators.firestore.listen import ListenStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.emulators.firestore.calls import Calls
    from exporter.emulators.firestore.faults import Faults
    from exporter.emulators.firestore.messages import Message
    from exporter.emulators.firestore.service import FirestoreService
    from exporter.emulators.firestore.store import Store

_SERVICE: Final = "/google.firestore.v1.Firestore/"


class FirestoreHandlers(grpc.GenericRpcHandler):
    """Answers every call that reaches the server."""

    def __init__(self, store: Store, service: FirestoreService, faults: Faults, calls: Calls, name: str) -> None:
        self._store = store
        self._faults = faults
        self._calls = calls
        self._name = name
        self._handlers: Mapping[str, grpc.RpcMethodHandler[Message, Message]] = {
            **{_SERVICE + method: self._unary(method, *how) for method, how in _unary_methods(service).items()},
            **{_SERVICE + method: self._streaming(method, *how) for method, how in _streaming_methods(service).items()},
            _SERVICE + "Listen": grpc.stream_stream_rpc_method_handler(
                self._listen, messages.ListenRequest.FromString, _serialize
            ),
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Message, Message]:
        """The handler of a method, or one that refuses an unknown method by name."""
        method: str = handler_call_details.method
        return self._handlers.get(method) or self._refusal(method.removeprefix(_SERVICE))

    @contextmanager
    def _call(self, method: str, context: grpc.ServicerContext) -> Iterator[None]:
        self._calls.called(method)
        try:
            self._faults.meet(method, context)
            yield
        except CallError as error:
            if error.details:
                context.abort_with_status(_status(error))
            context.abort(error.code, error.message)

    def _unary(
        self, method: str, request_class: Message, answer: Callable[[Message], Message]
    ) -> grpc.RpcMethodHandler[Message, Message]:
        def handle(request: Message, context: grpc.ServicerContext) -> Message:
            with self._call(method, context):
                supported.check(request)
                return answer(request)

        return grpc.unary_unary_rpc_method_handler(handle, request_class.FromString, _serialize)

    def _streaming(
        self, method: str, request_class: Message, answer: Callable[[Message], Iterator[Message]]
    ) -> grpc.RpcMethodHandler[Message, Message]:
        def handle(request: Message, context: grpc.ServicerContext) -> Iterator[Message]:
            with self._call(method, context):
                supported.check(request)
                yield from answer(request)

        return grpc.unary_stream_rpc_method_handler(handle, request_class.FromString, _serialize)

    def _listen(self, requests: Iterator[Message], context: grpc.ServicerContext) -> Iterator[Message]:
        with self._call("Listen", context):
            yield from ListenStream(self._store, self._faults, self._calls, context, self._name).responses(requests)

    def _refusal(self, method: str) -> grpc.RpcMethodHandler[Message, Message]:
        def handle(_: Iterator[Message], context: grpc.ServicerContext) -> Message:
            with self._call(method, context):
                raise unimplemented(f"the method {method}")

        # It accepts any number of requests, so it refuses streaming methods as well.
        return grpc.stream_unary_rpc_method_handler(handle)


def _unary_methods(service: FirestoreService) -> Mapping[str, tuple[Message, Callable[[Message], Message]]]:
    return {
        "GetDocument": (messages.GetDocumentRequest, service.get_document),
        "ListDocuments": (messages.ListDocumentsRequest, service.list_documents),
        "ListCollectionIds": (messages.ListCollectionIdsRequest, service.list_collection_ids),
        "BeginTransaction": (messages.BeginTransactionRequest, service.begin_transaction),
        "Rollback": (messages.RollbackRequest, service.rollback),
        "Commit": (messages.CommitRequest, service.commit),
        "BatchWrite": (messages.BatchWriteRequest, service.batch_write),
    }


def _streaming_methods(
    service: FirestoreService,
) -> Mapping[str, tuple[Message, Callable[[Message], Iterator[Message]]]]:
    return {
        "BatchGetDocuments": (messages.BatchGetDocumentsRequest, service.batch_get_documents),
        "RunQuery": (messages.RunQueryRequest, service.run_query),
        "RunAggregationQuery": (messages.RunAggregationQueryRequest, service.run_aggregation_query),
    }


def _status(error: CallError) -> grpc.Status:
    status = Status(code=error.code.value[0], message=error.message)
    for detail in error.details:
        status.details.add().Pack(detail)
    rich: grpc.Status = to_status(status)
    return rich


def _serialize(response: Message) -> bytes:
    payload: bytes = response.SerializeToString()
    return payload
