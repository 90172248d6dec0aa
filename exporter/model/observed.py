"""What was observed: `Document`, `Heartbeat`, `RowCount`, `Run`, `CoverageCounts`; together a `Snapshot`.

Each stands inside a `Reading` that says when it was read or why it could not be.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, timedelta

    from exporter.config.resolved import TableRef

T = TypeVar("T")


class ErrorKind(StrEnum):
    """The closed set of reasons for which a source gives no value."""

    UNREACHABLE = "unreachable"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"
    INVALID = "invalid"
    TIMEOUT = "timeout"
    QUOTA = "quota"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the last attempt to read something gave nothing; `detail` names the thing and what to do."""

    kind: ErrorKind
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """A value and when it was read, or the failure that stands in its place.

    A failed attempt keeps the last good value; `max_age` after it was read it stops counting as known.
    """

    value: T | None = None
    read_at: datetime | None = None
    failure: Failure | None = None
    max_age: timedelta | None = None

    def known(self, now: datetime) -> T | None:
        """The value while it is fresh enough to conclude from, else None."""
        if self.value is None or self.read_at is None:
            return None
        if self.max_age is not None and now - self.read_at > self.max_age:
            return None
        return self.value


@dataclass(frozen=True, slots=True)
class Entry:
    """A processor's entry in a completion document, read as tolerantly as it was written.

    `malformed` names the fields (or `entry` for the whole) that were there and could not be used.
    """

    status: str | None = None
    completed_at: datetime | None = None
    record_count: int | None = None
    incremental: bool = False
    manual: bool = False
    correlation_id: str | None = None
    malformed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A completion document: its entries by processor name, and its own metadata. `exists` False: there is none."""

    exists: bool = True
    entries: Mapping[str, Entry] = field(default_factory=dict)
    completed_count: int | None = None
    triggered: bool = False
    triggered_at: datetime | None = None
    trigger_succeeded: bool | None = None
    trigger_reason: str | None = None
    written_mode: str | None = None
    malformed: tuple[str, ...] = ()
    create_time: datetime | None = None
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class DocumentId:
    """A completion document: its collection and the date that names it."""

    collection: str
    run_date: date


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A heartbeat document. `beat_at` is the last beat; `data_date` None: none written, or not a date."""

    document: str
    status: str | None
    beat_at: datetime | None
    data_date: date | None
    started_at: datetime | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class RowCount:
    """Rows of one date in a table and the time the newest of them was written."""

    rows: int
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One run in the run history, all rows of its `run_id` reduced to one (success wins)."""

    processor: str
    run_id: str
    status: str
    data_date: date
    phase: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    backfill: bool = False


@dataclass(frozen=True, slots=True)
class CoverageCounts:
    """Rows of one date: in all, eligible, covered, and in each named bucket of excluded rows."""

    rows: int
    eligible: int
    covered: int
    excluded: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Loss:
    """An entry that was seen in a document and is gone while the document lives on."""

    entry: Entry
    last_seen_at: datetime
    missed_at: datetime


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything observed, keyed as the plan asked for it. A key that is absent was never read: unknown."""

    documents: Reading[Mapping[DocumentId, Document]] = field(default_factory=Reading)
    losses: Mapping[DocumentId, Mapping[str, Loss]] = field(default_factory=dict)
    heartbeats: Mapping[str, Reading[Mapping[str, Heartbeat | None]]] = field(default_factory=dict)
    heartbeat_documents: Mapping[str, Reading[int]] = field(default_factory=dict)
    rows: Mapping[TableRef, Reading[Mapping[date, RowCount]]] = field(default_factory=dict)
    units: Mapping[str, Reading[Mapping[date, int]]] = field(default_factory=dict)
    runs: Mapping[str, Reading[tuple[Run, ...]]] = field(default_factory=dict)
    phase_log: Mapping[str, Reading[Mapping[tuple[date, str], int]]] = field(default_factory=dict)
    coverage: Mapping[tuple[str, str], Reading[Mapping[date, CoverageCounts]]] = field(default_factory=dict)
