"""Completion documents and heartbeats as they are found: what can be used is used, what cannot is named and counted.

Everything here takes plain values of any type, in any nesting, and never raises. A null is an absent field. What was
there and could not be used is listed as `malformed`, so that a document that lies is told apart from one that says
nothing.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, TypeVar

from exporter.model import Document, Entry, Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

T = TypeVar("T")

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LARGEST: Final = 2**63 - 1
"""Firestore's integers have 64 bits; a double can say more, and then says nonsense."""
_LONGEST_TEXT: Final = 300
"""Characters kept of a free text: enough to say what happened, whatever was dumped into the field."""


def parse_document(
    fields: Mapping[str, object], create_time: datetime | None = None, update_time: datetime | None = None
) -> Document:
    """A completion document: every key that does not begin with `_` is a processor's entry."""
    read = _Fields(fields)
    return Document(
        entries={name: parse_entry(value) for name, value in fields.items() if not name.startswith("_")},
        completed_count=read.first(_count, "_completed_count"),
        triggered=read.first(_flag, "_triggered") is True,
        triggered_at=read.first(parse_time, "_triggered_at"),
        trigger_succeeded=read.first(_flag, "_trigger_succeeded"),
        trigger_reason=read.first(_text, "_trigger_reason"),
        written_mode=read.first(_word, "_mode"),
        malformed=read.malformed,
        create_time=create_time,
        update_time=update_time,
    )


def parse_entry(value: object) -> Entry:
    """A processor's entry, also one made by hand (`timestamp`, `records_processed`, `manual_override`)."""
    if not isinstance(value, dict):
        return Entry(malformed=("entry",))
    read = _Fields(value)
    return Entry(
        status=read.first(_word, "status"),
        completed_at=read.first(parse_time, "completed_at", "timestamp"),
        record_count=read.first(_count, "record_count", "records_processed"),
        incremental=read.first(_flag, "is_incremental") is True,
        manual=value.get("manual_override") not in (None, False),
        correlation_id=read.first(_label, "correlation_id"),
        malformed=read.malformed,
    )


def parse_heartbeat(document: str, fields: Mapping[str, object]) -> tuple[Heartbeat, tuple[str, ...]]:
    """A heartbeat, and the names of its fields that were there and could not be used.

    Merge writes leave fields of the previous run behind (`completed_at`, `duration_seconds`), so only those are read
    that every beat writes.
    """
    read = _Fields(fields)
    heartbeat = Heartbeat(
        document=document,
        status=read.first(_word, "status"),
        beat_at=read.first(parse_time, "last_heartbeat", "updated_at"),
        data_date=read.first(_date, "data_date"),
        started_at=read.first(parse_time, "started_at"),
        error_message=read.first(_text, "error_message"),
    )
    return heartbeat, read.malformed


def unusable_fields(document: Document) -> int:
    """How many fields of the document and its entries were there and could not be used."""
    return len(document.malformed) + sum(len(entry.malformed) for entry in document.entries.values())


def parse_time(value: object) -> datetime | None:
    """A moment in UTC from a timestamp or an ISO 8601 string; without a zone it is taken as UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    try:
        moment = value.astimezone(UTC) if value.tzinfo else value
    except (OverflowError, ValueError):
        return None
    # Firestore's own subclass of datetime must not travel further: it compares and prints in its own way.
    return datetime.combine(moment.date(), moment.time(), UTC)


class _Fields:
    """Reads fields by name and remembers which were there and could not be used."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields
        self._malformed: list[str] = []

    @property
    def malformed(self) -> tuple[str, ...]:
        return tuple(self._malformed)

    def first(self, parse: Callable[[object], T | None], *names: str) -> T | None:
        """The first of these fields that can be used."""
        for name in names:
            value = self._fields.get(name)
            if value is None:
                continue
            parsed = parse(value)
            if parsed is not None:
                return parsed
            self._malformed.append(name)
        return None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(value: object) -> int | None:
    """A number of things: never negative, and a bool is no number."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST else None


def _text(value: object) -> str | None:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else None


def _word(value: object) -> str | None:
    text = _text(value)
    return (text.strip().lower() or None) if text is not None else None


def _label(value: object) -> str | None:
    """An identifier, which some writers store as a number."""
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _LARGEST):
        return str(value)
    return _text(value)


def _date(value: object) -> date | None:
    if not isinstance(value, str) or not _DATE.fullmatch(value.strip()):
        return None
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        return None
