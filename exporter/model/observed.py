"""What was observed: `Document`, `Heartbeat`, `RowCount`, `Run`, `CoverageCounts`; together a `Snapshot`.

Each is the value of a `Reading`, which says when it was read, or why it could not be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from exporter.config.resolved import HaltsConfig, TableRef

T = TypeVar("T")

LIFETIME = timedelta(days=30)
"""The pipeline deletes a completion document this long after its date (docs/verdicts.md)."""

AHEAD = timedelta(minutes=2)
"""Clocks differ by at most this much. A moment further ahead of the clock has no meaningful age."""


class ErrorKind(StrEnum):
    """Every reason for which a source can give no value."""

    UNREACHABLE = "unreachable"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"
    INVALID = "invalid"
    TIMEOUT = "timeout"
    QUOTA = "quota"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the last attempt to read something failed; `detail` names it and says what to do."""

    kind: ErrorKind
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """A value and when it was read, and the failure of the last attempt, if it failed.

    A failed attempt keeps the last good value. The value is known until it is older than `max_age`. A value that was
    read in the future was read before the clock was set back, so its age is unknown and it does not count.
    """

    value: T | None = None
    read_at: datetime | None = None
    failure: Failure | None = None
    max_age: timedelta | None = None

    def known(self, now: datetime) -> T | None:
        """The value if it is fresh enough to conclude from, else None."""
        if self.value is None or self.read_at is None:
            return None
        if now < self.read_at - AHEAD:
            return None
        try:
            too_old = self.max_age is not None and now > self.read_at + self.max_age
        except OverflowError:
            # It is known until the last moment that there is.
            too_old = False
        return None if too_old else self.value


class Record(StrEnum):
    """The kinds of records whose fields are read, as the metric calls them."""

    DOCUMENTS = "documents"
    ENTRIES = "entries"
    HEARTBEATS = "heartbeats"
    ROWS = "rows"


HOLDER: Final = "entries"
"""The key of the field that holds the entries, where they are no fields of the document itself."""


@dataclass(frozen=True, slots=True)
class UnusableField:
    """A field or column that has a value which cannot be used. `said`: its type and value in words.

    `of`: the key by which it is read, where its name is another one (docs/records.md).
    """

    name: str
    said: str
    of: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """The key by which the field is read."""
        return self.of or self.name

    def __str__(self) -> str:
        return f"{self.name} ({self.said})"


@dataclass(frozen=True, slots=True)
class Entry:
    """A processor's entry in a completion document, read as tolerantly as it was written.

    `status`: what its word means, or a word that has no meaning. `incremental` None: its field cannot be used.
    `malformed`: the fields that cannot be used (or `entry` for the whole entry). `failed_elsewhere`: it has no status,
    and another field has a word for failure.
    """

    status: str | None = None
    completed_at: datetime | None = None
    record_count: int | None = None
    incremental: bool | None = False
    manual: bool = False
    correlation_id: str | None = None
    malformed: tuple[UnusableField, ...] = ()
    failed_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A completion document: its entries by processor name, and its own metadata. `exists` False: there is none.

    `triggered` None: its field cannot be used. `contents`: its entries and all its other fields as Firestore
    sends them (serialized `Value`s); `read_time`: the database's time of this state. Two readings of one state are
    equal.
    """

    exists: bool = True
    entries: Mapping[str, Entry] = field(default_factory=dict)
    completed_count: int | None = None
    triggered: bool | None = False
    triggered_at: datetime | None = None
    trigger_succeeded: bool | None = None
    trigger_reason: str | None = None
    written_mode: str | None = None
    malformed: tuple[UnusableField, ...] = ()
    create_time: datetime | None = None
    update_time: datetime | None = None
    read_time: datetime | None = field(default=None, compare=False)
    contents: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def unreadable(self) -> UnusableField | None:
        """The field that should hold the entries, if it is no map: then nobody knows who is registered."""
        return next((field for field in self.malformed if field.key == HOLDER), None)

    @property
    def undecided(self) -> tuple[UnusableField, ...]:
        """The fields that cannot be used, so that nobody knows whether it has triggered."""
        unread = {"triggered"} if self.triggered is None else set()
        if self.triggered and self.trigger_succeeded is None:
            unread.add("trigger_succeeded")
        return tuple(field for field in self.malformed if field.key in unread)


@dataclass(frozen=True, slots=True)
class DocumentId:
    """A completion document: its collection and the date that names it."""

    collection: str
    run_date: date


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A heartbeat document. `beat_at`: its last beat; `data_date` None: the field is missing or is no date.

    `malformed`: the fields that cannot be used.
    """

    document: str
    status: str | None
    beat_at: datetime | None
    data_date: date | None
    started_at: datetime | None = None
    error_message: str | None = None
    malformed: tuple[UnusableField, ...] = ()


@dataclass(frozen=True, slots=True)
class RowCount:
    """Rows of one date in a table and the time the newest of them was written.

    `units`: how many units they cover; `duplicates`: rows beyond the distinct keys; None: not configured, or unknown.
    `unusable`: a write time that cannot be used.
    """

    rows: int
    written_at: datetime | None = None
    units: int | None = None
    duplicates: int | None = None
    unusable: tuple[UnusableField, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """One run in the run history, all rows of its `run_id` reduced to one (success wins).

    `category`: why it failed, in the pipeline's own word. `unusable`: its times that cannot be used.
    """

    processor: str
    run_id: str
    status: str
    data_date: date
    phase: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    backfill: bool = False
    category: str | None = None
    unusable: tuple[UnusableField, ...] = ()

    @property
    def numbered(self) -> str:
        """Its id after the word `run`; nothing where the run history has none."""
        return f" {self.run_id}" if self.run_id else ""


@dataclass(frozen=True, slots=True)
class Halted:
    """The halted dates, each with its reason (empty if none is given), and when the newest row was written."""

    dates: Mapping[date, str]
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CoverageCounts:
    """Rows of one date: in all, eligible, covered, and in each named bucket of excluded rows."""

    rows: int
    eligible: int
    covered: int
    excluded: Mapping[str, int]


class RemovalKind(StrEnum):
    """How an entry that was seen was removed from its document (docs/losses.md)."""

    BLIND_OVERWRITE = "blind_overwrite"
    STALE_WRITE = "stale_write"
    UNEXPLAINED = "unexplained"
    RESET = "reset"
    EXPIRED = "expired"
    EDITED = "edited"
    UNWATCHED = "unwatched"
    REPLACED = "replaced"


LOST = frozenset({RemovalKind.BLIND_OVERWRITE, RemovalKind.STALE_WRITE, RemovalKind.UNEXPLAINED})
"""The kinds by which an entry is lost. By the others it was removed on purpose, or the cause cannot be known."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """An entry in a watched document. `content`: its value as Firestore sends it (a serialized `Value`).

    `written_at`: the document's update time when the entry came, if an earlier reading shows that it came alone.
    """

    entry: Entry
    content: bytes
    first_seen_at: datetime
    first_update_time: datetime | None
    written_at: datetime | None = None

    @property
    def at(self) -> datetime | None:
        """When it was written: the document's update time, if known, or else the entry's own time."""
        return self.written_at or self.entry.completed_at


@dataclass(frozen=True, slots=True)
class Removal:
    """An entry that was seen in a document and removed from it: what it was, and the write that removed it.

    `coincided`: the entries and metadata that came or changed in the same write. `ended_at`: when the removal stopped
    to matter, because the entry was restored or the document was reset.
    """

    name: str
    kind: RemovalKind
    sighting: Sighting
    last_seen_at: datetime
    missed_at: datetime
    seen_update_time: datetime | None = None
    missed_update_time: datetime | None = None
    coincided: tuple[str, ...] = ()
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Watched:
    """The memory of one document: its last state that was seen, and every entry that was removed from it."""

    exists: bool
    create_time: datetime | None
    update_time: datetime | None
    read_time: datetime | None
    first_seen_at: datetime
    seen_at: datetime
    entries: Mapping[str, Sighting] = field(default_factory=dict)
    metadata: Mapping[str, bytes] = field(default_factory=dict)
    removals: tuple[Removal, ...] = ()

    @property
    def losses(self) -> Mapping[str, Removal]:
        """The entries that are lost and not restored, by name."""
        return {removal.name: removal for removal in self.removals if removal.kind in LOST and removal.ended_at is None}


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which the documents were not followed: entries can have come and gone unseen."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class CalendarEnd:
    """The last date of any row of a calendar, even of rows that do not count; None: it has no row."""

    last: date | None


class Matter(StrEnum):
    """The kinds of values that are compared with earlier readings."""

    DOCUMENT = "document"
    HEARTBEAT = "heartbeat"
    ROWS = "rows"
    UNITS = "units"
    RUNS = "runs"
    PHASE_LOG = "phase_log"
    COVERAGE = "coverage"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A value of which readings found less than before. `found`: how much each reading `since` then found."""

    was: int
    seen_at: datetime
    since: datetime
    found: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything observed, by the keys of the reading plan. A key that is absent was never read: unknown.

    `doubts`: values that do not count because a reading found less than before, by matter and key; they are absent from
    the other fields. `followed_since`: since then every change of the documents was seen; None while they are only
    polled. `gaps`: earlier times in which they were not watched. `remembers`: whether earlier readings are remembered.
    """

    documents: Reading[Mapping[DocumentId, Document]] = field(default_factory=Reading)
    remembers: bool = True
    watched: Mapping[DocumentId, Watched] = field(default_factory=dict)
    followed_since: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    heartbeats: Mapping[str, Reading[Mapping[str, Heartbeat | None]]] = field(default_factory=dict)
    heartbeat_documents: Mapping[str, Reading[int]] = field(default_factory=dict)
    rows: Mapping[TableRef, Reading[Mapping[date, RowCount]]] = field(default_factory=dict)
    units: Mapping[str, Reading[Mapping[date, int]]] = field(default_factory=dict)
    calendars_end: Mapping[str, Reading[CalendarEnd]] = field(default_factory=dict)
    runs: Mapping[str, Reading[tuple[Run, ...]]] = field(default_factory=dict)
    phase_log: Mapping[str, Reading[Mapping[tuple[date, str], int]]] = field(default_factory=dict)
    coverage: Mapping[tuple[str, str], Reading[Mapping[date, CoverageCounts]]] = field(default_factory=dict)
    left_out: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    halts: Mapping[HaltsConfig, Reading[Halted]] = field(default_factory=dict)
    doubts: Mapping[tuple[Matter, object], Doubt] = field(default_factory=dict)
