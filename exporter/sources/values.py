"""Firestore's wire values as plain ones, without the client library's decoder.

That decoder raises for one value that it does not like (a reference into another database, a map that looks like a
vector), and with it the whole batch of documents is lost. Here such a value becomes `UNUSABLE` and the rest stays. Only
what a completion document or a heartbeat can mean is decoded: scalars, and maps down to an entry's fields.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message
    from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCALARS: Final = frozenset({"boolean_value", "integer_value", "double_value", "string_value"})


class Unusable(Enum):
    """The type of `UNUSABLE`."""

    UNUSABLE = "unusable"


UNUSABLE: Final[Literal[Unusable.UNUSABLE]] = Unusable.UNUSABLE
"""Stands for a value that is there and means nothing to a completion document or a heartbeat."""


class WireDocument(Protocol):
    """A document as it comes over the wire."""

    @property
    def fields(self) -> Mapping[str, Message]:
        """The values by field name."""

    @property
    def create_time(self) -> Timestamp:
        """When it was created."""

    @property
    def update_time(self) -> Timestamp:
        """When it was last written."""


def plain_fields(fields: Mapping[str, Message], depth: int = 1) -> dict[str, object]:
    """A document's fields; maps are followed `depth` levels down, what lies deeper is `UNUSABLE`."""
    return {name: _plain(value, depth) for name, value in fields.items()}


def plain_time(timestamp: Timestamp) -> datetime | None:
    """A moment in UTC, to the microsecond; None where it is no moment that a calendar has."""
    try:
        return _EPOCH + timedelta(seconds=timestamp.seconds, microseconds=timestamp.nanos // 1000)
    except OverflowError:
        return None


def _plain(value: Message, depth: int) -> object:
    kind = value.WhichOneof("value_type")
    if kind is None:
        return UNUSABLE
    if kind == "null_value":
        return None
    content = getattr(value, kind)
    if kind in _SCALARS:
        return content
    if kind == "timestamp_value":
        return plain_time(content) or UNUSABLE
    if kind == "map_value" and depth:
        return plain_fields(content.fields, depth - 1)
    return UNUSABLE
