"""The Firestore adapter and a server whose answers make no sense."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
import pytest
from google.cloud.firestore_v1.types import BatchGetDocumentsResponse, RunAggregationQueryResponse, Value
from hypothesis import given

from exporter.model import ErrorKind
from exporter.sources.documents import plain_fields
from exporter.sources.fields import said
from exporter.sources.ports import Deadline, SourceError
from testing.firestore_values import VALUES
from tests.integration.firestore_store import PROJECT, refused, store_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.sources.firestore import FirestoreStore


class _Raw(grpc.GenericRpcHandler):
    """Answers every call with these messages, whatever they are; an exception among them breaks the stream."""

    def __init__(self, messages: list[bytes | Exception]) -> None:
        self._messages = messages

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        assert handler_call_details.method

        def answer(_request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            for message in self._messages:
                if isinstance(message, Exception):
                    context.abort(grpc.StatusCode.UNAVAILABLE, str(message))
                else:
                    yield message

        return grpc.unary_stream_rpc_method_handler(answer)


@contextmanager
def answering(*fixed: bytes | Exception, messages: list[bytes | Exception] | None = None) -> Iterator[FirestoreStore]:
    """Someone who asks a server that answers with these messages, or with what is in the list at that time."""
    with ThreadPoolExecutor(4) as workers:
        server = grpc.server(workers, handlers=[_Raw(list(fixed) if messages is None else messages)])
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            with store_at(f"127.0.0.1:{port}") as store:
                yield store
        finally:
            server.stop(None).wait()


def found(name: str) -> bytes:
    path = f"projects/{PROJECT}/databases/(default)/documents/{name}"
    return bytes(BatchGetDocumentsResponse.serialize(BatchGetDocumentsResponse(found={"name": path})))


def test_a_document_that_the_answer_leaves_out_is_not_taken_for_absent() -> None:
    with answering(found("phase4_completion/2026-02-01"), b"") as store:
        error = refused(store)

    assert error.kind is ErrorKind.INVALID
    assert "leaves out phase3_completion/2026-02-01" in error.detail


def test_an_answer_that_cannot_be_decoded_is_invalid_and_not_asked_for_again() -> None:
    with answering(b"\x0a\x03\x0a\x01\xff") as store:
        error = refused(store)

    assert error.kind is ErrorKind.INVALID


def test_a_stream_that_breaks_in_the_middle_is_unreachable_in_the_end() -> None:
    with answering(found("phase3_completion/2026-02-01"), ConnectionError("broken")) as store:
        error = refused(store)

    assert error.kind is ErrorKind.UNREACHABLE


def counted(**fields: Value) -> bytes:
    answer = RunAggregationQueryResponse(result={"aggregate_fields": fields})
    return bytes(RunAggregationQueryResponse.serialize(answer))


@pytest.mark.parametrize("messages", [(), (counted(),), (counted(another=Value(integer_value=3)),)])
def test_an_aggregation_without_a_count_is_not_taken_for_zero(messages: tuple[bytes, ...]) -> None:
    with answering(*messages) as store, pytest.raises(SourceError, match="has no count: nothing") as caught:
        store.count("processor_heartbeats", Deadline(30))

    assert caught.value.kind is ErrorKind.INVALID


@pytest.fixture(name="answers", scope="module")
def _answers() -> Iterator[tuple[list[bytes | Exception], FirestoreStore]]:
    """What the server answers, to be changed, and who asks it."""
    messages: list[bytes | Exception] = []
    with answering(messages=messages) as store:
        yield messages, store


@given(value=VALUES)
def test_a_count_of_any_type_is_the_number_that_it_is_or_an_error_that_names_it(
    answers: tuple[list[bytes | Exception], FirestoreStore], value: Value
) -> None:
    messages, store = answers
    messages[:] = [counted(documents=value)]
    plain = plain_fields({"value": Value.pb(value)}, depth=0)["value"]

    found = counting(store)

    if isinstance(found, SourceError):
        assert found.kind is ErrorKind.INVALID
        assert said(plain) in found.detail
    else:
        assert not isinstance(plain, bool | str)
        assert found == plain


def counting(store: FirestoreStore) -> int | SourceError:
    try:
        return store.count("processor_heartbeats", Deadline(30))
    except SourceError as error:
        return error
