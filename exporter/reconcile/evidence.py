"""What the records hold about one processor's work for one run date: all that its verdict is decided by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config.fields import FAILED, RUNNING, STATUS
from exporter.model import DocumentId, HeartbeatReport, HeartbeatState, Matter
from exporter.reconcile.expectations import NEIGHBOURS
from exporter.reconcile.heartbeat import NEVER, heartbeat_of, past
from exporter.reconcile.units import noun_of, units_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from exporter.config.resolved import PhaseConfig, PipelineConfig, ProcessorConfig
    from exporter.model import (
        Document,
        Doubt,
        Entry,
        Failure,
        Gap,
        Removal,
        RowCount,
        Run,
        Snapshot,
        Watched,
    )
    from exporter.reconcile.expectations import Obligation
    from exporter.reconcile.runs import History

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
        return _too_early(moment, self.obligation)

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


def _too_early(moment: datetime | None, obligation: Obligation) -> bool:
    """Whether something that ended then cannot have done this work, because the work's day was not over."""
    possible_from = obligation.possible_from
    return moment is not None and possible_from is not None and moment < possible_from


def newest(runs: Iterable[Run], now: datetime) -> Run | None:
    """The run that started (or, where no start is known, finished) last."""
    return max(runs, key=lambda run: past(run.started_at, now) or past(run.finished_at, now) or NEVER, default=None)


@dataclass(frozen=True, slots=True)
class Shared:
    """Values that all processors of a phase share for one run date.

    `history`: the pipeline's run history, if known. `calendar_doubt`: why the calendar may be wrong. `standing`: the
    result of `standing_entries`.
    """

    history: History | None
    now: datetime
    calendar_doubt: str | None = None
    standing: Sequence[tuple[datetime, str]] = ()


def standing_entries(document: Document | None) -> Sequence[tuple[datetime, str]]:
    """The document's entries that give a time, in the order of their times."""
    entries = document.entries if document else {}
    return sorted((entry.completed_at, name) for name, entry in entries.items() if entry.completed_at is not None)


def gather(
    snapshot: Snapshot,
    pipeline: PipelineConfig,
    phase: PhaseConfig,
    obligation: Obligation,
    shared: Shared,
) -> Evidence:
    """Collect what the snapshot knows about this obligation."""
    history, now = shared.history, shared.now
    processor = obligation.processor
    documents = snapshot.documents.known(now)
    rows_reading = snapshot.rows.get(processor.table)
    rows = rows_reading.known(now) if rows_reading else None
    units_reading = snapshot.units.get(pipeline.name)
    halts_reading = snapshot.halts.get(phase.halts) if phase.halts else None
    units = units_of(snapshot, pipeline, phase, obligation, now)
    runs_reading = snapshot.runs.get(pipeline.name)
    runs = None if history is None else history.of(phase, obligation)

    def document_of(run_date: date) -> Document | None:
        if documents is None or phase.collection is None:
            return None
        return documents.get(DocumentId(phase.collection, run_date))

    document = document_of(obligation.run_date)
    entry = document.entries.get(processor.name) if document else None
    watched = snapshot.watched.get(DocumentId(phase.collection, obligation.run_date)) if phase.collection else None
    neighbours = tuple(
        Neighbour(
            run_date=obligation.run_date + shift,
            data_date=(data_date := processor.table.period.moved(obligation.data_date, shift.days)),
            entry=neighbour.entries.get(processor.name)
            if (neighbour := document_of(obligation.run_date + shift))
            else None,
            rows=rows.get(data_date) if rows is not None else None,
        )
        for shift in NEIGHBOURS
    )
    heartbeat, heartbeat_error = heartbeat_of(snapshot, pipeline, obligation, entry, runs, now)
    return Evidence(
        obligation=obligation,
        now=now,
        noun=noun_of(pipeline, processor),
        has_document=phase.collection is not None,
        units=units.owed,
        document=document,
        document_read_at=snapshot.documents.read_at if phase.collection else None,
        entry=entry,
        loss=watched.losses.get(processor.name) if watched and entry is None else None,
        watched=watched,
        followed_since=snapshot.followed_since,
        gaps=snapshot.gaps,
        heartbeat=heartbeat,
        heartbeat_error=heartbeat_error,
        rows=rows.get(obligation.data_date) if rows is not None else None,
        rows_read_at=rows_reading.read_at if rows_reading else None,
        runs=runs,
        newest_run=newest((run for run in runs if not _too_early(run.finished_at or run.started_at, obligation)), now)
        if runs
        else None,
        neighbours=neighbours,
        dates=rows or {},
        nothing_owed=units.why_none,
        halts_known=units.halts_known,
        left_out=units.left_out,
        row_bounds=_row_bounds(processor, units.owed, units.left_out),
        failures=(
            (CALENDAR, units_reading.failure if units_reading else None),
            (HALTS, halts_reading.failure if halts_reading else None),
            (DOCUMENT, snapshot.documents.failure),
            (f"table {processor.table.name}", rows_reading.failure if rows_reading else None),
            (RUN_HISTORY, runs_reading.failure if runs_reading else None),
        ),
        doubts=_doubts(snapshot, pipeline, phase, obligation),
        calendar_doubt=shared.calendar_doubt,
        standing=shared.standing,
        remembers=snapshot.remembers,
    )


def _row_bounds(processor: ProcessorConfig, units: int | None, left_out: int) -> tuple[int, float] | None:
    """No rows are expected for units that do not count (a postponed game), but they may have some."""
    per_unit = processor.rows_per_unit
    if per_unit is None or units is None:
        return None
    most = math.inf if per_unit.maximum is None else round(per_unit.maximum * (units + left_out))
    return round(per_unit.minimum * units), most


def _doubts(
    snapshot: Snapshot, pipeline: PipelineConfig, phase: PhaseConfig, obligation: Obligation
) -> Mapping[str, Doubt]:
    """The records of this work that do not count, because a reading found less than before."""
    if not snapshot.doubts:
        return {}
    processor, data_date = obligation.processor, obligation.data_date
    keys: list[tuple[str, Matter, object]] = [
        (CALENDAR, Matter.UNITS, (pipeline.name, data_date)),
        (DOCUMENT, Matter.DOCUMENT, DocumentId(phase.collection or "", obligation.run_date)),
        (f"table {processor.table.name}", Matter.ROWS, (processor.table, data_date)),
        (RUN_HISTORY, Matter.RUNS, (pipeline.name, data_date)),
    ]
    if pipeline.heartbeats:
        collection = pipeline.heartbeats.collection
        keys += [(HEARTBEAT, Matter.HEARTBEAT, (collection, name)) for name in processor.heartbeats]
    return {record: snapshot.doubts[matter, key] for record, matter, key in keys if (matter, key) in snapshot.doubts}
