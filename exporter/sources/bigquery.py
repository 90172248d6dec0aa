"""Reads tables by date from BigQuery: row counts in one job, everything else in a second one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from exporter.model import ErrorKind
from exporter.sources import answers, queries
from exporter.sources.dates import DateColumns
from exporter.sources.errors import CallFailed, Fault, fault_of
from exporter.sources.isolation import Isolation
from exporter.sources.jobs import Jobs
from exporter.sources.ports import ContextAnswer, SourceError, Window
from exporter.sources.remedies import BIGQUERY_REMEDIES, TABLE_REMEDIES, source_error

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from exporter.config.resolved import HaltsConfig, TableRef, WarehouseLimits
    from exporter.metrics.telemetry import Telemetry
    from exporter.model import CoverageCounts, Halted, RowCount, Run
    from exporter.sources.account import Account
    from exporter.sources.answers import CalendarAnswer, Row
    from exporter.sources.ports import ContextRequest, Deadline, Estimate
    from exporter.sources.queries import Part

T_co = TypeVar("T_co", covariant=True)

_ROW_COUNTS: Final = "row-counts"
_CONTEXT: Final = "context"


@dataclass(frozen=True, slots=True)
class _Question(Generic[T_co]):
    """A part of a query, and the function that reads its rows."""

    part: Part
    read: Callable[[Sequence[Row]], T_co]


class BigQueryWarehouse:
    """Reads the tables of one project; jobs run in `billed_project`, by default the same.

    `clock` says which UTC day it is, for the daily budget, and `account` what the day has used so far, other processes
    included; without it, this warehouse counts for itself. `zone` is where the tables' dates and local times are.
    `endpoint` is the URL of a local server that wants no credentials; without it, it is Google's.
    """

    def __init__(  # noqa: PLR0913 - what it reads from, and what that may cost
        self,
        *,
        project: str,
        limits: WarehouseLimits,
        telemetry: Telemetry,
        clock: Callable[[], datetime],
        zone: ZoneInfo,
        billed_project: str | None = None,
        location: str | None = None,
        endpoint: str | None = None,
        account: Account | None = None,
    ) -> None:
        self._project = project
        self._billed_project = billed_project or project
        self._jobs = Jobs(
            project=self._billed_project,
            location=location,
            limits=limits,
            telemetry=telemetry,
            clock=clock,
            endpoint=endpoint,
            account=account,
        )
        self._dates = DateColumns(zone)
        self._collectors = {_ROW_COUNTS: Isolation(self._dates), _CONTEXT: Isolation(self._dates)}

    def row_counts(
        self, tables: Collection[TableRef], window: Window, deadline: Deadline
    ) -> Mapping[TableRef, Mapping[date, RowCount] | SourceError]:
        """Count every table's rows for every date of the window (zero rows where there are none), in one job.

        A table that cannot be read has its own SourceError as its value; nothing is raised for it. Raises SourceError
        only where nothing at all could be read.
        """
        questions = _row_count_questions(tables, self._project, window, self._dates.zone)
        found = self._ask(_ROW_COUNTS, questions.values(), window, deadline)
        return {table: _value(question, found) for table, question in questions.items()}

    def context(self, request: ContextRequest, window: Window, deadline: Deadline) -> ContextAnswer:
        """Read calendars, halts, run history, phase logs and coverage, in one job; errors as in `row_counts`."""
        asked = _Context(request, self._project, window, self._dates.zone)
        found = self._ask(_CONTEXT, asked.questions, window, deadline)
        calendars = {key: _value(question, found) for key, question in asked.calendars.items()}
        return ContextAnswer(
            units={key: read if isinstance(read, SourceError) else read.units for key, read in calendars.items()},
            calendars_end={key: read.last for key, read in calendars.items() if not isinstance(read, SourceError)},
            left_out={key: read.left_out for key, read in calendars.items() if not isinstance(read, SourceError)},
            runs={key: _value(question, found) for key, question in asked.runs.items()},
            phase_log={key: _value(question, found) for key, question in asked.phase_log.items()},
            coverage={key: _value(question, found) for key, question in asked.coverage.items()},
            halts={key: _value(question, found) for key, question in asked.halts.items()},
        )

    def dry_run_row_counts(
        self, tables: Collection[TableRef], window: Window, deadline: Deadline
    ) -> Mapping[TableRef, Estimate | SourceError]:
        """Estimate what counting each table's rows would read, or say why it cannot be counted. Costs nothing."""
        questions = _row_count_questions(tables, self._project, window, self._dates.zone)
        sizes = self._estimate([question.part for question in questions.values()], window, deadline)
        return {table: sizes[question.part] for table, question in questions.items()}

    def dry_run_context(
        self, request: ContextRequest, window: Window, deadline: Deadline
    ) -> Mapping[str, Estimate | SourceError]:
        """The same for `context`, by subject: `calendar of nba (table nba_reference.nba_schedule)`."""
        asked = _Context(request, self._project, window, self._dates.zone)
        sizes = self._estimate([question.part for question in asked.questions], window, deadline)
        return {part.subject: size for part, size in sizes.items()}

    def close(self) -> None:
        """Cancel running jobs and close the connections. Takes a second at most; later calls fail at once."""
        self._jobs.close()

    def _ask(
        self, collector: str, questions: Collection[_Question[object]], window: Window, deadline: Deadline
    ) -> Mapping[Part, Sequence[Row] | Fault]:
        parts = [question.part for question in questions]
        try:
            return self._collectors[collector].read(
                parts,
                window,
                lambda query: self._jobs.run(query, collector, deadline),
                lambda query: self._jobs.estimate(query, deadline).types,
            )
        except CallFailed as failed:
            raise self._refused(collector, failed.fault) from failed

    def _estimate(
        self, parts: Collection[Part], window: Window, deadline: Deadline
    ) -> Mapping[Part, Estimate | SourceError]:
        sizes: dict[Part, Estimate | SourceError] = {}
        hopeless: SourceError | None = None
        for part in parts:
            if hopeless:
                sizes[part] = hopeless
                continue
            try:
                sizes[part] = self._size(part, window, deadline)
            except CallFailed as failed:
                if failed.fault.of_request:
                    sizes[part] = source_error(part.subject, failed.fault, TABLE_REMEDIES)
                else:
                    sizes[part] = hopeless = self._refused("dry runs", failed.fault)
        return sizes

    def _size(self, part: Part, window: Window, deadline: Deadline) -> Estimate:
        try:
            return self._jobs.estimate(self._dates.union([part], window), deadline)
        except CallFailed as failed:
            if failed.fault.kind is not ErrorKind.INVALID:
                raise
            news, faults = self._dates.learn([part], lambda query: self._jobs.estimate(query, deadline).types)
            if part in faults:
                raise CallFailed(faults[part]) from failed
            if not news:
                raise
            return self._jobs.estimate(self._dates.union([part], window), deadline)

    def _refused(self, what: str, fault: Fault) -> SourceError:
        return source_error(f"BigQuery {what} (project {self._billed_project})", fault, BIGQUERY_REMEDIES)


def parts_of(
    tables: Collection[TableRef], request: ContextRequest, project: str, first: date, last: date, zone: ZoneInfo
) -> tuple[Part, ...]:
    """Every part of the two queries: what the warehouse reads, table by table."""
    window = Window(first, last)
    questions = (
        *_row_count_questions(tables, project, window, zone).values(),
        *_Context(request, project, window, zone).questions,
    )
    return tuple(question.part for question in questions)


def _row_count_questions(
    tables: Collection[TableRef], project: str, window: Window, zone: ZoneInfo
) -> Mapping[TableRef, _Question[Mapping[date, RowCount]]]:
    read = partial(answers.read_row_counts, window=window, zone=zone)
    return {table: _Question(queries.row_count_part(table, project), partial(read, table=table)) for table in tables}


class _Context:
    """The questions of a `ContextRequest`, by the request's own keys."""

    def __init__(self, request: ContextRequest, project: str, window: Window, zone: ZoneInfo) -> None:
        self.calendars: Mapping[str, _Question[CalendarAnswer]] = {
            pipeline: _Question(
                queries.calendar_part(pipeline, calendar, project), partial(answers.read_calendar, window=window)
            )
            for pipeline, calendar in request.calendars.items()
        }
        self.runs: Mapping[str, _Question[tuple[Run, ...]]] = {
            pipeline: _Question(
                queries.run_history_part(pipeline, number, history, project),
                partial(answers.read_runs, zone=zone, history=history.table),
            )
            for number, (pipeline, history) in enumerate(request.run_history.items())
        }
        self.phase_log: Mapping[str, _Question[Mapping[tuple[date, str], int]]] = {
            pipeline: _Question(
                queries.phase_log_part(pipeline, number, log, project),
                partial(answers.read_phase_log, transitions=log.transitions, window=window),
            )
            for number, (pipeline, log) in enumerate(request.phase_log.items())
        }
        self.coverage: Mapping[tuple[str, str], _Question[Mapping[date, CoverageCounts]]] = {
            key: _Question(
                queries.coverage_part(key[0], check, project),
                partial(answers.read_coverage, buckets=tuple(check.excluded), window=window, table=check.table),
            )
            for key, check in request.coverage.items()
        }
        self.halts: Mapping[HaltsConfig, _Question[Halted]] = {
            halts: _Question(
                queries.halts_part(halts, project),
                partial(answers.read_halts, zone=zone, write_time_column=halts.table.write_time_column),
            )
            for halts in request.halts
        }

    @property
    def questions(self) -> Collection[_Question[object]]:
        """All questions."""
        return [
            *self.calendars.values(),
            *self.runs.values(),
            *self.phase_log.values(),
            *self.coverage.values(),
            *self.halts.values(),
        ]


def _value(question: _Question[T_co], found: Mapping[Part, Sequence[Row] | Fault]) -> T_co | SourceError:
    answer = found[question.part]
    try:
        if isinstance(answer, Fault):
            return source_error(question.part.subject, answer, TABLE_REMEDIES)
        return question.read(answer)
    except Exception as error:  # noqa: BLE001 - rows that make no sense, in whatever way, are this part's answer
        return source_error(question.part.subject, fault_of(error), TABLE_REMEDIES)
