"""Applies one write of a commit: the document before it, and the document after it or an error."""

from dataclasses import dataclass
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from grpc import StatusCode

from exporter.emulators.firestore import fields, names, transforms, values
from exporter.emulators.firestore.errors import CallError, invalid, unimplemented
from exporter.emulators.firestore.messages import Document, Message, WriteResult

_LARGEST_DOCUMENT: Final = 1024 * 1024  # bytes, https://firebase.google.com/docs/firestore/quotas#limits


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a write.

    Attributes:
        document: the document after the write: the very object before it if nothing changed, None if it is gone.
        result: the WriteResult for the client, without its time: later writes of the commit decide about that.

    """

    document: Message | None
    result: Message


def target(write: Message) -> str:
    """The name of the document that is written."""
    operation = write.WhichOneof("operation")
    if operation == "update":
        name: str = write.update.name
    elif operation == "delete":
        name = write.delete
    elif operation == "transform":
        raise unimplemented("Write.transform: transforms belong into update_transforms")
    else:
        raise invalid("a write has no operation")
    names.check_document(name)
    return name


def apply(write: Message, name: str, current: Message | None, at: Timestamp) -> Outcome:
    """Apply the write to its `target` as that document stands, at the commit's time.

    Raises CallError: NOT_FOUND, ALREADY_EXISTS or FAILED_PRECONDITION where a precondition does not hold,
    INVALID_ARGUMENT for content that Firestore does not store.
    """
    _check_precondition(write.current_document, name, current)
    if write.WhichOneof("operation") == "delete":
        return Outcome(None, WriteResult())

    changed = Document(name=name)
    if current is not None and write.HasField("update_mask"):
        changed.fields.MergeFrom(current.fields)
    _update(write, changed.fields)
    answers = [transforms.apply(transform, changed.fields, at) for transform in write.update_transforms]
    stored = finished(changed, current, at)
    return Outcome(stored, WriteResult(transform_results=answers))


def tell_time(result: Message, document: Message | None) -> None:
    """Set in a write's result when its document was last changed, after the whole commit."""
    if document is not None:
        result.update_time.CopyFrom(document.update_time)


def finished(changed: Message, current: Message | None, at: Timestamp) -> Message:
    """The document to store with this name and these fields: `changed` with its times, or `current` if equal.

    Raises CallError (INVALID_ARGUMENT) for content that Firestore does not store.
    """
    values.tidy(changed.fields)
    if changed.ByteSize() > _LARGEST_DOCUMENT:
        raise invalid(f"{changed.name} is larger than {_LARGEST_DOCUMENT} bytes")
    if current is not None and _same(current, changed):
        return current
    changed.create_time.CopyFrom(at if current is None else current.create_time)
    changed.update_time.CopyFrom(at)
    return changed


def _check_precondition(precondition: Message, name: str, current: Message | None) -> None:
    match precondition.WhichOneof("condition_type"):
        case "exists" if precondition.exists and current is None:
            raise CallError(StatusCode.NOT_FOUND, f"no document to update: {name}")
        case "exists" if not precondition.exists and current is not None:
            raise CallError(StatusCode.ALREADY_EXISTS, f"document already exists: {name}")
        case "update_time" if current is None or current.update_time != precondition.update_time:
            stored = "missing" if current is None else f"of {values.moment(current.update_time).isoformat()}"
            required = values.moment(precondition.update_time).isoformat()
            raise CallError(
                StatusCode.FAILED_PRECONDITION, f"{name} is {stored}, the write requires that of {required}"
            )


def _update(write: Message, stored: Message) -> None:
    if not write.HasField("update_mask"):
        stored.MergeFrom(write.update.fields)
        return
    for path in fields.parse_all(write.update_mask):
        value = fields.lookup(write.update.fields, path)
        if value is None:
            fields.remove(stored, path)
        else:
            fields.assign(stored, path, value)


def _same(before: Message, after: Message) -> bool:
    # Compare bytes instead of using `==`: here a NaN equals itself.
    return _content(before) == _content(after)


def _content(document: Message) -> bytes:
    content: bytes = Document(fields=document.fields).SerializeToString(deterministic=True)
    return content
