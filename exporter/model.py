"""What was observed, and what was concluded: plain frozen data, no behaviour that touches the world.

Observed: `Document`, `Heartbeat`, `RowCount`, `Run`, `CoverageCounts`, each inside a `Reading` that says when it was
read or why it could not be; together a `Snapshot`. Concluded: `ProcessorReport`, `PhaseReport` and so on; together
a `Report`. All timestamps are aware datetimes in UTC; all dates are calendar dates of the pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, timedelta

    from exporter.config.resolved import CoverageConfig, TableRef

T = TypeVar("T")


class Verdict(StrEnum):
    """What the records together say of one processor's work for one run date; exactly one applies.

    The order is the order in which they are tried (docs/verdicts.md).
    """

    UNKNOWN = "unknown"
    NOT_EXPECTED = "not_expected"
    LOST_UPDATE = "lost_update"
    STALLED = "stalled"
    RUNNING = "running"
    FAILED = "failed"
    PHANTOM = "phantom"
    PARTIAL = "partial"
    DUPLICATED = "duplicated"
    COUNT_MISMATCH = "count_mismatch"
    OK = "ok"
    WRONG_DATE = "wrong_date"
    BACKFILL = "backfill"
    UNREGISTERED = "unregistered"
    MISSING = "missing"
    NOT_DUE = "not_due"


class TriggerState(StrEnum):
    """What became of the trigger that a phase's completion document should have set off."""

    NOT_EXPECTED = "not_expected"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    READY = "ready"
    STUCK = "stuck"
    BLOCKED = "blocked"
    TRIGGERED = "triggered"
    BYPASSED = "bypassed"


class HeartbeatState(StrEnum):
    """What a processor's heartbeat says of this run date's work.

    `superseded`: it still says `running`, but another record shows the work finished after its last beat (the
    heartbeat's own last write can fail like any other).
    """

    UNKNOWN = "unknown"
    ABSENT = "absent"
    OTHER_DATE = "other_date"
    RUNNING = "running"
    STALE = "stale"
    DEAD = "dead"
    SUPERSEDED = "superseded"
    COMPLETED = "completed"
    FAILED = "failed"


class LogSource(StrEnum):
    """Which record answered the question whether a phase ran."""

    PHASE_LOG = "phase_log"
    RUN_HISTORY = "run_history"
    ROWS = "rows"
    NONE = "none"
    UNKNOWN = "unknown"


class HintKind(StrEnum):
    """The kinds of evidence that a verdict can carry."""

    RECORD_COUNT = "record_count"
    ROWS_PER_UNIT = "rows_per_unit"
    NEIGHBOUR_DATE = "neighbour_date"
    HEARTBEAT = "heartbeat"
    RUN_HISTORY = "run_history"
    ENTRY = "entry"
    LOST = "lost"
    FRESHNESS = "freshness"
    CALENDAR = "calendar"
    TRIGGER = "trigger"


@dataclass(frozen=True, slots=True)
class Hint:
    """One short piece of evidence, in plain words."""

    kind: HintKind
    text: str


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


@dataclass(frozen=True, slots=True)
class HeartbeatReport:
    """The heartbeat that speaks for a processor, or the newest one if none speaks for this date."""

    state: HeartbeatState
    document: str | None = None
    status: str | None = None
    beat_at: datetime | None = None
    data_date: date | None = None


@dataclass(frozen=True, slots=True)
class ProcessorReport:
    """One processor, one run date. None in a value means unknown (or, for bounds, not fixed)."""

    pipeline: str
    phase: str
    run_date: date
    processor: str
    data_date: date
    critical: bool
    due: datetime
    expected: bool | None
    verdict: Verdict
    hints: tuple[Hint, ...]
    registered: bool | None
    entry: Entry | None
    table: str
    table_rows: int | None
    written_at: datetime | None
    rows_minimum: int | None
    rows_maximum: int | None
    record_count_possible: bool | None
    heartbeat: HeartbeatReport
    rows_read_at: datetime | None
    document_read_at: datetime | None

    @property
    def record_count(self) -> int | None:
        """Rows that the entry says its run wrote."""
        return self.entry.record_count if self.entry else None

    @property
    def record_count_delta(self) -> int | None:
        """Rows counted minus rows registered; None while either is unknown."""
        if self.table_rows is None or self.record_count is None:
            return None
        return self.table_rows - self.record_count


@dataclass(frozen=True, slots=True)
class PhaseReport:
    """One phase, one run date. `trigger_state` is None where the trigger is not judged.

    `registered` counts the expected processors only, `entries` every entry of the document, `unexpected` those whose
    name no processor of the phase has.
    """

    pipeline: str
    phase: str
    run_date: date
    mode: str
    modes: tuple[str, ...]
    expected: int | None
    registered: int | None
    unexpected: int | None
    entries: int | None
    completed_count: int | None
    malformed: int | None
    triggered: bool | None
    triggered_at: datetime | None
    trigger_state: TriggerState | None
    trigger_hints: tuple[Hint, ...]
    rule_met_at: datetime | None
    due: datetime | None
    run_history_processors: int | None
    log_source: LogSource
    has_document: bool
    processors: tuple[ProcessorReport, ...]


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """A coverage check of one run date; `counts` None: unknown."""

    pipeline: str
    run_date: date
    data_date: date
    check: CoverageConfig
    counts: CoverageCounts | None


@dataclass(frozen=True, slots=True)
class PhaseLogReport:
    """Rows of one transition in the phase log for one run date, and how many the calendar makes it owe."""

    pipeline: str
    run_date: date
    transition: str
    rows: int | None
    expected: int | None


@dataclass(frozen=True, slots=True)
class PipelineReport:
    """One pipeline: its phases for every exposed run date, and what belongs to no phase."""

    pipeline: str
    phases: tuple[PhaseReport, ...]
    coverage: tuple[CoverageReport, ...]
    phase_log: tuple[PhaseLogReport, ...]
    units: Mapping[date, int | None]
    heartbeat_documents: int | None
    heartbeat_documents_warn: int | None
    heartbeat_documents_critical: int | None
    heartbeat_stale_after: timedelta | None
    heartbeat_silent_after: timedelta | None
    heartbeats_known: bool
    last_heartbeat_at: datetime | None
    last_run_at: datetime | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything concluded at one moment."""

    at: datetime
    timezone: str
    pipelines: tuple[PipelineReport, ...]

    @property
    def phases(self) -> tuple[PhaseReport, ...]:
        """Every phase of every pipeline."""
        return tuple(phase for pipeline in self.pipelines for phase in pipeline.phases)

    @property
    def processors(self) -> tuple[ProcessorReport, ...]:
        """Every processor of every phase."""
        return tuple(processor for phase in self.phases for processor in phase.processors)
