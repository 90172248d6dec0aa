"""What was concluded: `ProcessorReport`, `PhaseReport` and so on; together a `Report`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.config.care import NOBODY
from exporter.config.resolved import CompletionConfig
from exporter.model.records import record

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime, timedelta

    from exporter.config.care import Care
    from exporter.config.resolved import CoverageConfig
    from exporter.model.explained import Explanation, Hint, NextDue, Since
    from exporter.model.observed import CoverageCounts, Entry, Record, Removal, RemovalKind, UnusableField


class Verdict(StrEnum):
    """The conclusion about one processor's work for one run date; exactly one applies.

    They are tried in this order (docs/verdicts.md).
    """

    UNKNOWN = "unknown"
    NOT_EXPECTED = "not_expected"
    LOST_UPDATE = "lost_update"
    STALLED = "stalled"
    RUNNING = "running"
    FAILED = "failed"
    SKIPPED = "skipped"
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
    """The state of the trigger that a phase's completion document should set off."""

    NOT_EXPECTED = "not_expected"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    READY = "ready"
    STUCK = "stuck"
    BLOCKED = "blocked"
    TRIGGERED = "triggered"
    BYPASSED = "bypassed"


class HeartbeatState(StrEnum):
    """What a processor's heartbeat says about this run date's work.

    `superseded`: it still says `running`, but another record shows that the work finished after its last beat. The last
    write of a heartbeat can fail like any other write.
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
    """The record that shows whether a phase ran."""

    PHASE_LOG = "phase_log"
    RUN_HISTORY = "run_history"
    ROWS = "rows"
    NONE = "none"
    UNKNOWN = "unknown"


@record(frozen=True, slots=True)
class HeartbeatReport:
    """The processor's heartbeat for this data date, or its newest one if none is for this date.

    `unusable`: its fields that could not be used. `dated`: heartbeats say which date they are for. `over`: whatever it
    says, its last beat is too old for a processor that runs.
    """

    state: HeartbeatState
    document: str | None = None
    status: str | None = None
    beat_at: datetime | None = None
    data_date: date | None = None
    unusable: tuple[UnusableField, ...] = ()
    dated: bool = True
    over: bool = False


@record(frozen=True, slots=True)
class ProcessorReport:
    """One processor, one run date. None in a value means unknown (or, for bounds, not configured).

    `rows_due`: when its rows are judged at the latest. `units`: those of its data date that must have rows (each is
    called a `noun`); `table_units`: those that its rows cover. `too_few`, `too_many`: whether the rows are; None also
    if nothing says how many are right. `explanations`: why it is not registered, the likeliest first; empty unless its
    verdict raises that question. `failed_at`: when its newest run failed, if it did. `since`: since when the verdict's
    fault has been there; None if the verdict is no fault. `care`: who looks after the processor, and what runs it.
    """

    pipeline: str
    phase: str
    run_date: date
    processor: str
    data_date: date
    critical: bool
    due: datetime
    rows_due: datetime
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
    noun: str
    units: int | None
    table_units: int | None
    duplicate_rows: int | None
    too_few: bool | None
    too_many: bool | None
    record_count_possible: bool | None
    heartbeat: HeartbeatReport
    rows_read_at: datetime | None
    explanations: tuple[Explanation, ...] = ()
    failed_at: datetime | None = None
    since: Since | None = None
    care: Care = NOBODY

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
class Overwritten:
    """An entry that was lost and restored at `back_at`: a hint, never a verdict. `text` says all of it."""

    processor: str
    kind: RemovalKind
    last_seen_at: datetime
    missed_at: datetime
    back_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class PhaseReport:
    """One phase, one run date. `trigger_state` is None if the trigger is not judged.

    `registered` counts only expected processors, `entries` every entry of the document, `unexpected` entries whose name
    no processor of the phase has; `countings`: what `completed_count` may be. `removals`: entries that were removed;
    `overwritten`: those that were restored; `overwritten_lately`: the processors of those lost within the last hour.
    `watched` False: the document was never read. `document`: its full resource name. `written_at`: when it was last
    written. `since`: since when the trigger is stuck or blocked. `completion`: its form. `then`: the next phase's due.
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
    countings: tuple[int, ...]
    removals: tuple[Removal, ...]
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
    watched: bool
    processors: tuple[ProcessorReport, ...]
    overwritten: tuple[Overwritten, ...] = ()
    overwritten_lately: int = 0
    document: str | None = None
    written_at: datetime | None = None
    since: Since | None = None
    completion: CompletionConfig = field(default_factory=CompletionConfig)
    then: NextDue | None = None


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """A coverage check of one run date; None: unknown. `expected`: whether the calendar has units for its data date."""

    pipeline: str
    run_date: date
    data_date: date
    check: CoverageConfig
    counts: CoverageCounts | None
    expected: bool | None

    @property
    def share(self) -> float | None:
        """The share of eligible rows that is covered; None if it is unknown or no row is eligible."""
        counts = self.counts
        return counts.covered / counts.eligible if counts and counts.eligible else None

    @property
    def unclassified(self) -> int | None:
        """Rows that are neither eligible nor in a bucket of excluded ones. Buckets can overlap."""
        counts = self.counts
        return None if counts is None else max(0, counts.rows - counts.eligible - sum(counts.excluded.values()))


@dataclass(frozen=True, slots=True)
class PhaseLogReport:
    """Rows of one transition in the phase log for one run date, and how many the calendar's units lead to."""

    pipeline: str
    run_date: date
    transition: str
    rows: int | None
    expected: int | None


class CalendarDoubt(StrEnum):
    """Why a calendar may be wrong: it has no row at all, dates lost units, or it ended and work goes on.

    `ending`: it does not reach as far ahead as the configuration asks; what it says of its dates is right. `halts`: the
    second calendar is no longer written.
    """

    EMPTY = "empty"
    DROPPED = "dropped"
    ENDED = "ended"
    ENDING = "ending"
    HALTS = "halts"


@dataclass(frozen=True, slots=True)
class CalendarReport:
    """How far a calendar can be relied on. `last`: the last date with any row; `doubts`: the reasons, in words.

    `since`: since when each has been one, where that is known.
    """

    last: date | None
    doubts: Mapping[CalendarDoubt, str]
    since: Mapping[CalendarDoubt, Since] = field(default_factory=dict)

    @property
    def why_unknown(self) -> str | None:
        """Why the units of dates are unknown even if those dates lost none; None if they are known."""
        return self.doubts.get(CalendarDoubt.EMPTY) or self.doubts.get(CalendarDoubt.ENDED)


class Condition(StrEnum):
    """Faults that no verdict or trigger state shows.

    `reconcile/conditions.py` decides those of a pipeline, `collect/own.py` those of the exporter.
    """

    COUNT_INCONSISTENT = "count_inconsistent"
    COVERAGE_LOW = "coverage_low"
    COVERAGE_UNCLASSIFIED = "coverage_unclassified"
    HEARTBEATS_SILENT = "heartbeats_silent"
    COLLECTION_BLOATED = "collection_bloated"
    CALENDAR_DOUBTFUL = "calendar_doubtful"
    OVERWRITTEN = "overwritten"
    HEARTBEAT_STALE = "heartbeat_stale"
    RUNNING_PAST_DUE = "running_past_due"
    PHASE_LOG_EMPTY = "phase_log_empty"
    LISTENER_DOWN = "listener_down"
    LEDGER_FAILING = "ledger_failing"
    RELOAD_REFUSED = "reload_refused"


class Bound(StrEnum):
    """The two bounds that a configuration can set for a condition, the milder first."""

    WARN = "warn"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class ConditionReport:
    """Whether a condition holds for its subject, which has these labels; `holds` None: unknown.

    `bound`: the worst bound that is passed, if the condition has bounds and holds. `text`: what holds, in words; empty
    if the sentence leaves it out, as it does for rows that somebody still has to mark. `since`: since when it holds.
    """

    condition: Condition
    labels: Mapping[str, str]
    holds: bool | None
    bound: Bound | None = None
    text: str = ""
    since: Since | None = None


@dataclass(frozen=True, slots=True)
class PipelineReport:
    """One pipeline: its phases for every exposed run date, and the values that belong to no phase.

    `run_history_known` is None if the pipeline keeps no run history. `unusable`: the fields that could not be used, by
    kind of record; an unknown kind is left out. `calendar` None: the last date of the calendar is unknown.
    """

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
    run_history_known: bool | None
    last_run_at: datetime | None
    heartbeats_read_at: datetime | None = None
    heartbeats_counted_at: datetime | None = None
    documents_read_at: datetime | None = None
    unusable: Mapping[Record, tuple[str, ...]] = field(default_factory=dict)
    calendar: CalendarReport | None = None
    conditions: tuple[ConditionReport, ...] = ()
    next_due: NextDue | None = None

    @property
    def each_phase(self) -> list[PhaseReport]:
        """Each phase once, for its first run date. Every run date has all of its processors."""
        return list({phase.phase: phase for phase in reversed(self.phases)}.values())[::-1]

    @property
    def calendar_doubtful(self) -> Mapping[CalendarDoubt, bool]:
        """For every reason, whether it makes the calendar doubtful; empty if the calendar's last date is unknown."""
        return {} if self.calendar is None else {reason: reason in self.calendar.doubts for reason in CalendarDoubt}


@dataclass(frozen=True, slots=True)
class Report:
    """All conclusions of one moment.

    `remembers`: whether earlier readings are remembered. Without them a lost entry looks like one that never came.
    `every_state`: whether metrics have a series for every value of a state, or for the one that holds. `own`: the
    conditions of the exporter itself.
    """

    at: datetime
    timezone: str
    pipelines: tuple[PipelineReport, ...]
    remembers: bool = True
    every_state: bool = False
    own: tuple[ConditionReport, ...] = ()

    @property
    def phases(self) -> tuple[PhaseReport, ...]:
        """Every phase of every pipeline."""
        return tuple(phase for pipeline in self.pipelines for phase in pipeline.phases)

    @property
    def processors(self) -> tuple[ProcessorReport, ...]:
        """Every processor of every phase."""
        return tuple(processor for phase in self.phases for processor in phase.processors)

    @property
    def conditions(self) -> tuple[ConditionReport, ...]:
        """Every condition of every pipeline and of the exporter, including those that do not hold or are unknown."""
        of_pipelines = (condition for pipeline in self.pipelines for condition in pipeline.conditions)
        return (*of_pipelines, *self.own)
