"""The SQL that the warehouse is asked.

Everything that is asked at one time is one query: a UNION ALL of parts, each one table over the window of dates, with
its number in the column `PART`. Tables and columns come from the configuration, which has validated them, and are
quoted; dates and names are query parameters; `units`, `where` and the coverage conditions are the operator's own SQL,
which the configuration has checked to be single expressions. What the rows mean: `answers.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from exporter.config.resolved import CalendarConfig, CoverageConfig, PhaseLogConfig, TableRef
    from exporter.sources.ports import RunHistoryRequest, Window

PART: Final = "part"
"""The column that says to which part a row belongs."""
MAXIMUM_PARTS: Final = 900
"""Tables that one query may refer to, of the 1,000 that BigQuery allows."""

# One shape for everything that is read beside the row counts; a part fills the columns that it has.
_CONTEXT_COLUMNS: Final = {
    "day": "CAST(NULL AS DATE)",
    "name": "CAST(NULL AS STRING)",
    "run": "CAST(NULL AS STRING)",
    "phase": "CAST(NULL AS STRING)",
    "status": "CAST(NULL AS STRING)",
    "started": "CAST(NULL AS TIMESTAMP)",
    "finished": "CAST(NULL AS TIMESTAMP)",
    "backfill": "CAST(NULL AS BOOL)",
    "counts": "CAST(NULL AS ARRAY<INT64>)",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter; a tuple is an array of `type`."""

    name: str
    type: str
    value: date | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One table's share of a query: what comes after its number. `subject` names it in messages."""

    subject: str
    sql: str
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query. `tables` is how many it refers to, for what it costs at least."""

    sql: str
    parameters: tuple[Parameter, ...] = ()
    tables: int = 0


PROBE: Final = Query(f"SELECT 1 AS {PART}")
"""Answered by any project that lets its caller run jobs at all."""


def union(parts: Sequence[Part], window: Window) -> Query:
    """One query of all parts; the rows of the n-th carry n, from 0, in `PART`."""
    selects = [f"SELECT {number} AS {PART}, {part.sql}" for number, part in enumerate(parts)]
    dates = (Parameter("first", "DATE", window.first), Parameter("last", "DATE", window.last))
    own = tuple(parameter for part in parts for parameter in part.parameters)
    return Query("\nUNION ALL\n".join(selects), dates + own, len(parts))


def row_count_part(table: TableRef, project: str) -> Part:
    """Rows of each date (`day`, `counted`) and when the newest of them was written (`written`)."""
    # The column may be a TIMESTAMP, a DATETIME or a DATE; a union has one type.
    written = (
        f"CAST(MAX({_quoted(table.written_column)}) AS TIMESTAMP)"
        if table.written_column
        else "CAST(NULL AS TIMESTAMP)"
    )
    columns = {"day": _quoted(table.date_column), "counted": "COUNT(*)", "written": written}
    return Part(f"table {table.name}", _select(columns, table, project, group_by=(_quoted(table.date_column),)))


def calendar_part(pipeline: str, calendar: CalendarConfig, project: str) -> Part:
    """Units of each date, as the first of `counts`."""
    table = calendar.table
    columns = {"day": _quoted(table.date_column), "counts": _counts(f"IFNULL(CAST(({calendar.units}) AS INT64), 0)")}
    conditions = (f"({calendar.where})",) if calendar.where else ()
    return Part(
        f"calendar of {pipeline} (table {table.name})",
        _context(columns, table, project, conditions, (_quoted(table.date_column),)),
    )


def run_history_part(pipeline: str, number: int, request: RunHistoryRequest, project: str) -> Part:
    """The runs of the processors or phases that are asked for, one row for each status that a run was logged with.

    Runs without an id are told apart by their times. `number` makes the parameters' names this part's own.
    """
    table = request.table.table
    wanted = (("processor_name", "processors", request.processors), ("phase", "phases", request.phases))
    parameters = tuple(Parameter(f"{name}_{number}", "STRING", values) for _, name, values in wanted if values)
    tests = [f"`{column}` IN UNNEST(@{name}_{number})" for column, name, values in wanted if values]
    finished = _quoted(table.written_column or "processed_at")
    columns = {
        "day": _quoted(table.date_column),
        "name": "`processor_name`",
        "run": "`run_id`",
        "phase": "`phase`",
        "status": "`status`",
        "started": "CAST(MIN(`started_at`) AS TIMESTAMP)",
        "finished": f"CAST(MAX({finished}) AS TIMESTAMP)",
        "backfill": "LOGICAL_OR(`backfill_mode`)",
    }
    group_by = (
        *(_quoted(table.date_column), "`processor_name`", "`run_id`", "`phase`", "`status`"),
        *("IF(`run_id` IS NULL, `started_at`, NULL)", f"IF(`run_id` IS NULL, {finished}, NULL)"),
    )
    return Part(
        f"run history of {pipeline} (table {table.name})",
        _context(columns, table, project, (f"({' OR '.join(tests) or 'FALSE'})",), group_by),
        parameters,
    )


def phase_log_part(pipeline: str, number: int, log: PhaseLogConfig, project: str) -> Part:
    """Rows of each date and transition (`name`), as the first of `counts`."""
    table = log.table
    columns = {"day": _quoted(table.date_column), "name": "`phase_name`", "counts": _counts("COUNT(*)")}
    return Part(
        f"phase log of {pipeline} (table {table.name})",
        _context(
            columns,
            table,
            project,
            (f"`phase_name` IN UNNEST(@transitions_{number})",),
            (_quoted(table.date_column), "`phase_name`"),
        ),
        (Parameter(f"transitions_{number}", "STRING", log.transitions),),
    )


def coverage_part(pipeline: str, check: CoverageConfig, project: str) -> Part:
    """Rows of each date: all, eligible, covered and each bucket of excluded ones, in this order in `counts`."""
    table = check.table
    counts = _counts(
        "COUNT(*)",
        f"COUNTIF({check.eligible})",
        f"COUNTIF(({check.eligible}) AND ({check.covered}))",
        *(f"COUNTIF({condition})" for condition in check.excluded.values()),
    )
    columns = {"day": _quoted(table.date_column), "counts": counts}
    return Part(
        f"coverage {check.name} of {pipeline} (table {table.name})",
        _context(columns, table, project, (), (_quoted(table.date_column),)),
    )


def _context(
    columns: Mapping[str, str], table: TableRef, project: str, conditions: Sequence[str], group_by: Sequence[str]
) -> str:
    return _select({**_CONTEXT_COLUMNS, **columns}, table, project, conditions, group_by)


def _select(
    columns: Mapping[str, str],
    table: TableRef,
    project: str,
    conditions: Sequence[str] = (),
    group_by: Sequence[str] = (),
) -> str:
    # Two dots make project.dataset.table; a table's own name has none.
    name = table.name if table.name.count(".") > 1 else f"{project}.{table.name}"
    in_window = f"{_quoted(table.date_column)} BETWEEN @first AND @last"
    return (
        f"{', '.join(f'{expression} AS {column}' for column, expression in columns.items())}\n"
        f"FROM {_quoted(name)}\n"
        f"WHERE {' AND '.join((in_window, *conditions))}\n"
        f"GROUP BY {', '.join(group_by)}"
    )


def _counts(*expressions: str) -> str:
    return f"[{', '.join(expressions)}]"


def _quoted(name: str) -> str:
    return f"`{name}`"
