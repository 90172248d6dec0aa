"""A completion document from the message that Firestore sends, polled or told by a listener alike."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from google.cloud.firestore_v1.types import Value
from google.protobuf.message import DecodeError

from exporter.model import Document
from exporter.sources.documents import parse_document, parse_entry
from exporter.sources.values import plain_fields, plain_time

if TYPE_CHECKING:
    from datetime import datetime

    from exporter.model import Entry
    from exporter.sources.values import WireDocument


def read_document(message: WireDocument | None, read_time: datetime | None) -> Document:
    """A completion document as it came over the wire at that time of the database's; None: there is none."""
    if message is None:
        return Document(exists=False, read_time=read_time)
    document = parse_document(
        plain_fields(message.fields), plain_time(message.create_time), plain_time(message.update_time)
    )
    contents = {name: value.SerializeToString(deterministic=True) for name, value in message.fields.items()}
    return replace(document, read_time=read_time, contents=contents)


def read_entry(content: bytes) -> Entry:
    """A processor's entry from its serialized `Value`. Raises ValueError for bytes that are none."""
    try:
        value = Value.pb(Value.deserialize(content))
    except DecodeError as error:
        raise ValueError(f"not a Firestore value: {error}") from error
    return parse_entry(plain_fields({"entry": value})["entry"])
