"""The collector `warehouse`: everything that is read from BigQuery.

One reading is two jobs: one counts rows, one reads the rest. `run` reads again and again. There each table has a job of
its own from the second reading on. BigQuery answers a query that was asked before from its cache, and bills nothing for
it, as long as none of its tables has changed: https://cloud.google.com/bigquery/docs/cached-results
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from exporter.collect.collector import BIGQUERY, Collector, ReadResult
from exporter.collect.context import context_request, outcome_of, requests, together
from exporter.collect.pieces import in_pieces
from exporter.metrics.live import UNREACHED
from exporter.model import CalendarEnd, ErrorKind, Failure, Matter, Reading
from exporter.reconcile.plan import reading_plan
from exporter.sources.answers import window_dates
from exporter.sources.ports import SourceError, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date, datetime, timedelta

    from exporter.collect.collector import Board, Run
    from exporter.config.resolved import TableRef
    from exporter.memory.settling import Settling
    from exporter.model import RowCount
    from exporter.model import Run as PipelineRun
    from exporter.sources.ports import ContextAnswer

T = TypeVar("T")
K = TypeVar("K")
D = TypeVar("D")

MOST_PIECES: Final = 16
"""The most jobs for row counts, and the most for everything else, of one reading; then several tables share a job."""


class Warehouse(Collector):
    """Reads row counts, calendar, halts, run history, phase log and coverage."""

    name = "warehouse"
    source = BIGQUERY
    matters = (Matter.ROWS, Matter.UNITS, Matter.RUNS, Matter.PHASE_LOG, Matter.COVERAGE)

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._has_read = False

    def read(self, run: Run) -> ReadResult:
        """Count the rows, then read everything else. A table that cannot be read fails alone."""
        board = self.board
        plan = reading_plan(board.config, run.now)
        window = Window(plan.first, plan.last)
        pieces = MOST_PIECES if board.apart and self._has_read else 1
        rows: dict[Any, Any] = {}
        for tables in in_pieces(plan.tables, pieces):
            try:
                rows |= without_unused(board.sources.warehouse.row_counts(tables, window, run.deadline))
            except SourceError as error:
                if error.kind in UNREACHED or error.kind is ErrorKind.BUDGET:
                    raise
                rows |= dict.fromkeys(tables, error)
        before, now = board.snapshot, self.read_at(run.now)
        counted = counting_rows(board.settling, rows, now)
        age = self.max_age
        board.change(run, rows=merged(before.rows, counted, now, age))
        answer = together(
            board.sources.warehouse.context(request, window, run.deadline)
            for request in requests(context_request(board.config, plan.run_dates), pieces)
        )
        found = counting_context(board.settling, answer, now)
        ends = {name: CalendarEnd(last) for name, last in answer.calendars_end.items()}
        runs = counting_runs(board.settling, answer.runs, window_dates(window), now)
        board.change(
            run,
            units=merged(before.units, found.units, now, age),
            calendars_end={**before.calendars_end, **merged(before.calendars_end, ends, now, age)},
            runs=merged(before.runs, runs, now, age),
            phase_log=merged(before.phase_log, found.phase_log, now, age),
            coverage=merged(before.coverage, found.coverage, now, age),
            left_out={**before.left_out, **answer.left_out},
            halts=merged(before.halts, answer.halts, now, age),
        )
        self._has_read = True
        return outcome_of(rows, answer)

    def kept(self, failure: Failure) -> dict[str, Any]:
        """The last values of every table and every part of the context."""
        old, config = self.board.snapshot, self.board.config
        plan = reading_plan(config, failure.at)
        context = context_request(config, plan.run_dates)
        return {
            "rows": self.failed(old.rows, plan.tables, failure),
            "units": self.failed(old.units, context.calendars, failure),
            "calendars_end": self.failed(old.calendars_end, context.calendars, failure),
            "runs": self.failed(old.runs, context.run_history, failure),
            "phase_log": self.failed(old.phase_log, context.phase_log, failure),
            "coverage": self.failed(old.coverage, context.coverage, failure),
            "halts": self.failed(old.halts, context.halts, failure),
        }


def without_unused(
    rows: Mapping[TableRef, Mapping[date, RowCount] | SourceError],
) -> dict[TableRef, Mapping[date, RowCount] | SourceError]:
    """An optional table that does not exist has no row of any date."""
    return {
        table: {}
        if table.optional and isinstance(outcome, SourceError) and outcome.kind is ErrorKind.NOT_FOUND
        else outcome
        for table, outcome in rows.items()
    }


def merged(
    before: Mapping[K, Reading[T]],
    outcomes: Mapping[K, T | SourceError | None],
    now: datetime,
    max_age: timedelta,
) -> dict[K, Reading[T]]:
    """The new values (None: the value does not count yet), and for errors the last value with the failure."""
    found: dict[K, Reading[T]] = {}
    for key, outcome in outcomes.items():
        if isinstance(outcome, SourceError):
            old = before.get(key) or Reading(max_age=max_age)
            found[key] = replace(old, failure=Failure(outcome.kind, outcome.detail, now))
        else:
            found[key] = Reading(outcome, now, None, max_age)
    return found


def counting_rows(
    settling: Settling, rows: Mapping[TableRef, Mapping[date, RowCount] | SourceError], now: datetime
) -> dict[TableRef, Mapping[date, RowCount] | SourceError]:
    """Leave out the dates that have fewer rows than before."""
    return _counting(settling, Matter.ROWS, rows, lambda counted: counted.rows, now)


def counting_context(settling: Settling, answer: ContextAnswer, now: datetime) -> ContextAnswer:
    """Leave out the dates that have fewer units, transitions or covered rows than before.

    A calendar without any row says nothing about any date.
    """
    units = _counting(settling, Matter.UNITS, answer.units, int, now)
    empty: dict[str, Mapping[date, int]] = {
        pipeline: {} for pipeline, last in answer.calendars_end.items() if last is None
    }
    return replace(
        answer,
        units={**units, **empty},
        phase_log=_counting(settling, Matter.PHASE_LOG, answer.phase_log, int, now),
        coverage=_counting(settling, Matter.COVERAGE, answer.coverage, lambda counts: counts.rows, now),
    )


def counting_runs(
    settling: Settling, runs: Mapping[str, tuple[PipelineRun, ...] | SourceError], days: Collection[date], now: datetime
) -> dict[str, tuple[PipelineRun, ...] | SourceError | None]:
    """None for a history with fewer runs of a date than before, because it is unknown which runs are missing."""
    sizes = {
        (pipeline, day): sum(run.data_date == day for run in outcome)
        for pipeline, outcome in runs.items()
        if not isinstance(outcome, SourceError)
        for day in days
    }
    doubtful = {pipeline for pipeline, _ in settling.hold(Matter.RUNS, sizes, now)}
    return {pipeline: None if pipeline in doubtful else outcome for pipeline, outcome in runs.items()}


def _counting(
    settling: Settling,
    matter: Matter,
    outcomes: Mapping[K, Mapping[D, T] | SourceError],
    size: Callable[[T], int],
    now: datetime,
) -> dict[K, Mapping[D, T] | SourceError]:
    sizes = {
        (key, day): size(value)
        for key, outcome in outcomes.items()
        if not isinstance(outcome, SourceError)
        for day, value in outcome.items()
    }
    doubtful = settling.hold(matter, sizes, now)
    return {
        key: outcome
        if isinstance(outcome, SourceError)
        else {day: value for day, value in outcome.items() if (key, day) not in doubtful}
        for key, outcome in outcomes.items()
    }
