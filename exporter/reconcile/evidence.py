"""What the records hold about one processor's work for one run date: all that its verdict is decided by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config.fields import FAILED, RUNNING, STATUS
from exporter.model import HeartbeatReport, HeartbeatState
from exporter.reconcile.heartbeat import NEVER, past

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from exporter.config.resolved import ProcessorConfig
    from exporter.model import (
        Document,
        Doubt,
        Entry,
        Failure,
        Gap,
        Removal,
        RowCount,
        Run,
        Watched,
    )
    from exporter.reconcile.expectations import Obligation

CALENDAR, HALTS = "calendar", "halts"
DOCUMENT, HEARTBEAT, RUN_HISTORY = "completion document", "heartbeat", "run history"
"""The records of a piece of work apart from its table."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The day before or after: the processor's entry in that day's document, and its rows for that day's data."""

    run_date: date
    data_date: date
    entry: Entry | None
    rows: RowCount | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One processor, one run date. A value of None is unknown; `failures` and `doubts` say why, by record.

    Everything is of the obligation's own dates, except `neighbours`, `dates` and a heartbeat in the state
    `other_date`. `dates`: the rows of all dates that were read. `nothing_owed`: why `units` is 0 although the calendar
    may have some; `left_out`: units of the data date that the calendar does not count. `row_bounds`: the fewest and
    the most rows that these units may have; None if not configured or not known. `remembers`: whether earlier readings
    of the document are remembered. `newest_run`: the newest run that can have done the work.
    """

    obligation: Obligation
    now: datetime
    noun: str
    has_document: bool
    units: int | None
    document: Document | None
    document_read_at: datetime | None
    entry: Entry | None
    loss: Removal | None
    watched: Watched | None
    followed_since: datetime | None
    gaps: tuple[Gap, ...]
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
    failures: tuple[tuple[str, Failure | None], ...]
    doubts: Mapping[str, Doubt]
    calendar_doubt: str | None = None
    standing: Sequence[tuple[datetime, str]] = ()
    remembers: bool = True

    @property
    def due(self) -> bool:
        """The deadline of the rows has passed."""
        return self.now >= self.obligation.rows_owed_by

    def too_early(self, moment: datetime | None) -> bool:
        """Whether something that ended then cannot have done this work."""
        return too_early(moment, self.obligation)

    @property
    def by_entry(self) -> bool:
        """Whether an entry shows that the work is done. Where no entry is expected, rows show it."""
        return self.has_document and self.obligation.asked

    @property
    def done(self) -> bool | None:
        """Whether the work is done, as its entry shows, or its rows."""
        if self.by_entry:
            return self.registered
        return None if self.rows is None else self.rows.rows > 0

    @property
    def covered(self) -> int | None:
        """Units that the rows cover; None if no expression counts them, or the expression gives no number."""
        return self.rows.units if self.rows else None

    @property
    def registered(self) -> bool | None:
        """Whether an entry is there and does not say `failed` or `running`. The orchestrator counts keys, not contents.

        For a phase without completion documents, rows take the place of the entry.
        """
        if not self.has_document:
            return None if self.rows is None else self.rows.rows > 0
        if self.document is None or (self.entry is not None and self.entry.failed_elsewhere):
            return None
        return self.entry is not None and self.entry.status not in {FAILED, RUNNING}

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
        completed_at = self.entry.completed_at if self.entry else None
        return (
            completed_at is not None and self.rows_read_at is not None and self.rows_read_at < completed_at <= self.now
        )

    def document_older_than(self, moment: datetime | None) -> bool:
        """Whether the document was last read before that moment. An entry missing then proves nothing."""
        return moment is not None and self.document_read_at is not None and self.document_read_at < moment <= self.now

    @property
    def record_count_possible(self) -> bool | None:
        """False: a complete, non-incremental run cannot have registered this count over these rows.

        A count of 0 over existing rows is impossible, and so is a count above theirs (docs/verdicts.md, "Counts").
        None: unknown. Nobody knows of which of several tables a count is.
        """
        if self.obligation.processor.more:
            return True
        if self.entry is None or self.entry.record_count is None or self.rows is None:
            return None
        if self.entry.incremental or self.entry.status not in {"success", None}:
            return True
        counted, registered = self.rows.rows, self.entry.record_count
        possible = not (registered == 0 < counted or counted < registered)
        of_two_moments = self.rows_older_than_entry or self.document_older_than(self.rows.written_at)
        # An unreadable field may say that the run was incremental or incomplete.
        unsure = self.entry.incremental is None or any(field.key == STATUS for field in self.entry.malformed)
        return None if not possible and (of_two_moments or unsure) else possible

    @property
    def heartbeat_unclear(self) -> bool:
        """Whether the heartbeat is of this work, but does not show whether the work is running."""
        if self.heartbeat.state is not HeartbeatState.UNKNOWN:
            return False
        if HEARTBEAT in self.doubts:
            return True
        return self.heartbeat.status == "running" or any(field.key == STATUS for field in self.heartbeat.unusable)


def too_early(moment: datetime | None, obligation: Obligation) -> bool:
    """Whether something that ended then cannot have done this work, because the work's day was not over."""
    possible_from = obligation.possible_from
    return moment is not None and possible_from is not None and moment < possible_from


def newest(runs: Iterable[Run], now: datetime) -> Run | None:
    """The run that started (or, where no start is known, finished) last."""
    return max(runs, key=lambda run: past(run.started_at, now) or past(run.finished_at, now) or NEVER, default=None)


def row_bounds(processor: ProcessorConfig, units: int | None, left_out: int) -> tuple[int, float] | None:
    """No rows are expected for units that do not count (a postponed game), but they may have some."""
    per_unit = processor.rows_per_unit
    if per_unit is None or units is None:
        return None
    most = math.inf if per_unit.maximum is None else round(per_unit.maximum * (units + left_out))
    return round(per_unit.minimum * units), most
