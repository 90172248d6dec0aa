"""A pytest plugin that breaks the local Firestore in four places, to prove that the tests compare its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from grpc import StatusCode

from exporter.emulators.firestore import errors, targets
from exporter.emulators.firestore.messages import Document, Message
from exporter.emulators.firestore.service import FirestoreService

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_configure() -> None:
    """Break it before any server is started, for the rest of the process."""
    batch_get_documents, run_query, changed = (
        FirestoreService.batch_get_documents,
        FirestoreService.run_query,
        targets._changed,  # noqa: SLF001 - the place to break
    )
    call_error = errors.CallError.__init__

    def in_reverse(self: FirestoreService, request: Message) -> Iterator[Message]:
        return iter([*run_query(self, request)][::-1])

    def without_the_third(self: FirestoreService, request: Message) -> Iterator[Message]:
        return iter([*batch_get_documents(self, request)][:2])

    def without_fields(number: int, document: Message) -> Message:
        bare = Document(name=document.name, create_time=document.create_time, update_time=document.update_time)
        response: Message = changed(number, bare)
        return response

    def with_another_code(self: errors.CallError, code: StatusCode, message: str) -> None:
        call_error(self, StatusCode.FAILED_PRECONDITION if code is StatusCode.NOT_FOUND else code, message)

    broken: list[tuple[Any, str, Any]] = [
        (FirestoreService, "run_query", in_reverse),
        (FirestoreService, "batch_get_documents", without_the_third),
        (targets, "_changed", without_fields),
        (errors.CallError, "__init__", with_another_code),
    ]
    for owner, name, wrong in broken:
        setattr(owner, name, wrong)
