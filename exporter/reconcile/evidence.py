"""What the records hold about one processor's work for one run date: all that its verdict is decided by."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from exporter.config.fields import FAILED, PARTIAL, RUNNING, STATUS
from exporter.model import HeartbeatReport, HeartbeatState
from exporter.model.records import record
from exporter.reconcile.heartbeat import NEVER, past

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import date, datetime

    from exporter.config.resolved import ProcessorConfig
    from exporter.model import (
        Document,
        Doubt,
        Entry,
        Failure,
        Removal,
        RowCount,
        Run,
    )
    from exporter.reconcile.expectations import Obligation

CALENDAR, HALTS = "calendar", "halts"
DOCUMENT, HEARTBEAT, RUN_HISTORY = "completion document", "heartbeat", "run history"
"""The records of a piece of work apart from its table."""

PATIENCE: Final = timedelta(hours=1)
"""How long after its deadline a processor that runs, or may run, is only late; and a phase that has no trigger, whose
grace would say it, after its document was reset."""
_UNFINISHED: Final = frozenset({FAILED, RUNNING})
_NOT_WHOLE: Final = _UNFINISHED | {PARTIAL}


@record(frozen=True, slots=True)
class Neighbour:
    """The day before or after: the processor's entry in that day's document, and its rows for that day's data."""

    run_date: date
    data_date: date
    entry: Entry | None
    rows: RowCount | None


@record(frozen=True, slots=True)
class Evidence:
    """One processor, one run date. A value of None is unknown; `failures` and `doubts` say why, by record.

    Everything is of the obligation's own dates, except `neighbours`, `dates` and a heartbeat in the state
    `other_date`. `neighbours`: the days before and after; empty where they say nothing, because the work is registered
    with the number of its rows. `dates`: the rows of all dates that were read. `registered`: the result of
    `registered`, or, for a phase without documents, whether there are rows; `done`: whether the work is done, as its
    entry shows, or its rows where no entry is expected. `rows_failure`: the failure of the table, which `failures` has
    not. `nothing_owed`: why `units` is 0 although the calendar may have some; `left_out`: units of the data date that
    the calendar does not count. `row_bounds`: the fewest and the most rows that these units may have; None if not
    configured or not known. `newest_run`: the newest run that can have done the work. `again`: when the document was
    last reset, if it has no entry since, and by when what was done before must be registered again.

    Of the documents it holds what they say of this processor, and no more: as long as that is the same, so is the
    verdict, whatever else is written there.
    """

    obligation: Obligation
    now: datetime
    noun: str
    has_document: bool
    units: int | None
    document_known: bool
    document_read_at: datetime | None
    entry: Entry | None
    loss: Removal | None
    again: tuple[datetime, datetime] | None
    heartbeat: HeartbeatReport
    heartbeat_error: str | None
    rows: RowCount | None
    rows_read_at: datetime | None
    runs: tuple[Run, ...] | None
    newest_run: Run | None
    neighbours: tuple[Neighbour, ...]
    dates: Mapping[date, RowCount]
    nothing_owed: str | None
    halts_known: bool
    left_out: int
    row_bounds: tuple[int, float] | None
    registered: bool | None
    done: bool | None
    failures: Mapping[str, Failure | None]
    rows_failure: Failure | None
    doubts: Mapping[str, Doubt]
    calendar_doubt: str | None = None

    @property
    def due(self) -> bool:
        """The deadline of the rows has passed."""
        return self.now >= self.obligation.rows_owed_by

    def too_early(self, moment: datetime | None) -> bool:
        """Whether something that ended then cannot have done this work."""
        return too_early(moment, self.obligation)

    @property
    def has_table(self) -> bool:
        """Whether rows can say anything of this work at all."""
        return bool(self.obligation.processor.table.name)

    @property
    def end_unread(self) -> bool:
        """Whether only a heartbeat that was not read can say, where there is no table, that the work has ended."""
        beat = self.heartbeat
        unread = beat.state is HeartbeatState.UNKNOWN and beat.document is None
        return not self.has_table and unread and bool(self.obligation.processor.heartbeats)

    @property
    def done_before_asked(self) -> bool:
        """Whether all that was done may be of an earlier run than the one that must register, which still has time."""
        times = ((self.obligation.registers_from, self.obligation.due), self.again or (None, None))
        begun = max((start for start, end in times if start and end and self.now < end), default=None)
        if begun is None:
            return False
        ends = [run.finished_at for run in self.runs or () if run.status == "success" and not run.backfill]
        ends.append(self.rows.written_at if self.rows else None)
        ends.append(self.heartbeat.beat_at if self.heartbeat.state is HeartbeatState.COMPLETED else None)
        return not any(end >= begun for end in (past(end, self.now) for end in ends) if end is not None)

    @property
    def ran_to_register(self) -> bool:
        """Whether a run that registers, as a backfill does not, did this work, since when it must have."""
        since = (self.obligation.registers_from, self.again and self.again[0])
        begun = max((at for at in since if at is not None), default=NEVER)
        ends = [
            past(run.finished_at, self.now) for run in self.runs or () if run.status == "success" and not run.backfill
        ]
        return any(end is not None and end >= begun for end in ends)

    @property
    def by_entry(self) -> bool:
        """Whether an entry shows that the work is done. Where no entry is expected, rows show it."""
        return self.has_document and self.obligation.asked

    @property
    def covered(self) -> int | None:
        """Units that the rows cover; None if no expression counts them, or the expression gives no number."""
        return self.rows.units if self.rows else None

    @property
    def judged_by_number(self) -> bool:
        """The configuration says how many rows, or units, are right."""
        return self.bounded or self.obligation.processor.table.units is not None

    @property
    def bounded(self) -> bool:
        """The configuration says how many rows a unit has."""
        return self.obligation.processor.rows_per_unit is not None

    @property
    def rows_older_than_entry(self) -> bool:
        """Whether the table was last counted before the entry was written. Rows missing then prove nothing."""
        completed_at = past(self.entry.completed_at, self.now) if self.entry else None
        return completed_at is not None and self.rows_read_at is not None and self.rows_read_at < completed_at

    def document_older_than(self, moment: datetime | None) -> bool:
        """Whether the document was last read before that moment. An entry missing then proves nothing."""
        at = past(moment, self.now)
        return at is not None and self.document_read_at is not None and self.document_read_at < at

    @property
    def record_count_possible(self) -> bool | None:
        """False: a complete, non-incremental run cannot have registered this count over these rows.

        A count of 0 over existing rows is impossible, and so is a count above theirs (docs/verdicts.md, "Counts").
        None: unknown. Nobody knows of which of several tables a count is.
        """
        if self.obligation.processor.more or not self.has_table:
            return True
        entry, rows = self.entry, self.rows
        if entry is None or entry.record_count is None or rows is None:
            return None
        counted, registered = rows.rows, entry.record_count
        if not (registered == 0 < counted or counted < registered):
            return True
        if entry.incremental or entry.status not in {"success", None}:
            return True
        of_two_moments = self.rows_older_than_entry or self.document_older_than(rows.written_at)
        # An unreadable field may say that the run was incremental or incomplete.
        unsure = entry.incremental is None or any(field.key == STATUS for field in entry.malformed)
        return None if of_two_moments or unsure else False

    @property
    def heartbeat_unclear(self) -> bool:
        """Whether the heartbeat is of this work, but does not show whether the work is running.

        What last beat longer ago than `dead_after` does not run, whatever its status should mean. Nor does a heartbeat
        that shows nothing excuse, from `PATIENCE` after the deadline on, a table that is still empty, or an entry that
        is still missing.
        """
        if self.heartbeat.state is not HeartbeatState.UNKNOWN or self.heartbeat.over:
            return False
        if self.rows is not None or not self.has_table:
            deadline = self.obligation.due if self.rows and self.rows.rows else self.obligation.rows_owed_by
            if self.now >= deadline + PATIENCE:
                return False
        if HEARTBEAT in self.doubts:
            return True
        return self.heartbeat.status == "running" or any(field.key == STATUS for field in self.heartbeat.unusable)


def registered(document: Document | None, entry: Entry | None) -> bool | None:
    """Whether an entry is there and does not say `failed` or `running`. The orchestrator counts keys, not contents."""
    if document is None or (entry is not None and entry.failed_elsewhere):
        return None
    return entry is not None and entry.status not in _UNFINISHED


def countings(entries: Mapping[str, Entry], known: Container[str]) -> tuple[int, ...]:
    """Each number that the document's own count may have: writers differ in what they count.

    All entries or those of known names; of these, all, those that are a registration, or those that are not partial.
    """
    counted = Counter((name in known, entry.status) for name, entry in entries.items())
    found = {
        sum(number for (is_known, status), number in counted.items() if is_known >= only and status not in uncounted)
        for only in (False, True)
        for uncounted in (frozenset[str](), _UNFINISHED, _NOT_WHOLE)
    }
    return tuple(sorted(found))


def too_early(moment: datetime | None, obligation: Obligation) -> bool:
    """Whether something that ended then cannot have done this work, because the work's day was not over."""
    possible_from = obligation.dates.possible_from
    return moment is not None and possible_from is not None and moment < possible_from


def newest(runs: Sequence[Run], now: datetime) -> Run | None:
    """The run that started (or, where no start is known, finished) last."""
    if len(runs) == 1:
        return runs[0]
    return max(runs, key=lambda run: past(run.started_at, now) or past(run.finished_at, now) or NEVER, default=None)


def row_bounds(processor: ProcessorConfig, units: int | None, left_out: int) -> tuple[int, float] | None:
    """No rows are expected for units that do not count (a postponed game), but they may have some."""
    per_unit = processor.rows_per_unit
    if per_unit is None or units is None:
        return None
    most = math.inf if per_unit.maximum is None else round(per_unit.maximum * (units + left_out))
    return round(per_unit.minimum * units), most
