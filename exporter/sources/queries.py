"""The SQL for BigQuery.

All that is read at one time is one query: a UNION ALL of parts. Each part reads one table over the window of dates and
has its number in the column `PART`. Tables and columns come from the validated configuration and are quoted; dates and
names are query parameters; `units`, `where` and the coverage conditions are the operator's own SQL, which the
configuration has checked to be single expressions. `dates.py` says how a date column is read, `answers.py` what the
rows mean.

`COLUMNS` lists every column that is read, `ROW_COUNTS` and `CONTEXT` the columns of the answers; an answer with another
type is refused. Moments, run ids and units are read as text, because the text shows the original type.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

    from exporter.config.resolved import CalendarConfig, CoverageConfig, HaltsConfig, PhaseLogConfig, TableRef
    from exporter.sources.ports import RunHistoryRequest

PART: Final = "part"
"""The column with the part that a row belongs to."""
MAXIMUM_PARTS: Final = 900
"""The most tables in one query; BigQuery allows 1,000."""

OUTSIDE: Final = "outside"
"""The name of a calendar's rows that do not count (an All-Star game). Their date is in the calendar nevertheless."""
REACH: Final = 400
"""Days on either side of the window in which a calendar must have a row: off-seasons are shorter than a year."""
CATEGORY: Final = "failure_category"
"""The column of the run history that says why a run failed. Not every run history has it."""
MOVED: Final = "orchestration_moved"
"""The column of a calendar's rows that says that their unit was moved to a later date."""

ROW_COUNTS: Final[Mapping[str, str]] = {
    PART: "INT64",
    "day": "DATE",
    "counted": "INT64",
    "written": "STRING",
    "units": "STRING",
    "duplicates": "INT64",
}
"""The columns of an answer to row counts, and their types."""
CONTEXT: Final[Mapping[str, str]] = {
    PART: "INT64",
    "day": "DATE",
    "name": "STRING",
    "run": "STRING",
    "phase": "STRING",
    "status": "STRING",
    "category": "STRING",
    "started": "STRING",
    "finished": "STRING",
    "backfill": "STRING",
    "units": "STRING",
    "counts": "ARRAY<INT64>",
}
"""The columns of everything that is read besides the row counts; each part fills those that it has."""

_MOMENT: Final = (
    "TIMESTAMP of any precision; DATETIME, in the configured `timezone`; STRING in the form of one of the two"
)
_NO_MOMENT: Final = (
    "no moment: the time is unknown, and a hint says so;"
    " JSON, GEOGRAPHY, ARRAY and STRUCT, which are no texts: the table is unknown, with its name and what BigQuery says"
)
_FLAG: Final = "BOOL; INT64 of 0 or 1; STRING with a word for true or false"
_NO_FLAG: Final = "the table is unknown, with its name and the value"
_NO_TIME: Final = "the time is unknown"
_FALSE: Final = "false"
_NO_UNITS: Final = "the calendar is unknown, with the date and the value"
_NO_DATE: Final = "the table is unknown, with its name, the column and the type"
_REFUSED: Final = "the table is unknown, with its name and what BigQuery says"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that is read, by its key in the configuration or its name, and its types."""

    name: str
    tables: str
    allowed: str
    null: str
    otherwise: str


COLUMNS: Final = (
    Column(
        "date_column",
        "all",
        "DATE; DATETIME, in the configured `timezone`; TIMESTAMP of any precision; SQL that gives one of them",
        "the row is of no date: nobody counts it",
        _NO_DATE,
    ),
    Column("written_column", "processors' tables, run history, halts", _MOMENT, _NO_TIME, _NO_MOMENT),
    Column("key", "processors' tables", "any that TO_JSON_STRING takes", "the row counts as no duplicate", _REFUSED),
    Column(
        "units",
        "processors' tables",
        "SQL: a whole number that is not negative, of any type",
        "unknown: `rows_per_unit` decides",
        "unknown: `rows_per_unit` decides",
    ),
    Column("processor_name", "run history", "STRING", "nobody's run", _REFUSED),
    Column("run_id", "run history", "any that can be cast to STRING", "each row is a run of its own", _REFUSED),
    Column("phase", "run history", "STRING", "a run without phase", _REFUSED),
    Column("status", "run history", "STRING", "the status is unknown", _REFUSED),
    Column("failure_category", "run history", "STRING; the column may be missing", "no category", _REFUSED),
    Column("started_at", "run history", _MOMENT, _NO_TIME, _NO_MOMENT),
    Column("backfill_mode", "run history", _FLAG, "no backfill", _NO_FLAG),
    Column("phase_name", "phase log", "STRING", "no transition that is asked for", _REFUSED),
    Column("units", "calendar", "SQL: a whole number that is not negative, of any type", _NO_UNITS, _NO_UNITS),
    Column("where", "calendar, halts", "SQL: BOOL", "the row does not count", _REFUSED),
    Column("unit_column", "calendar", "any that can be compared", "a unit of its own", _REFUSED),
    Column("halted", "halts", "SQL: BOOL", _FALSE, _REFUSED),
    Column("reason", "halts", "STRING", "no reason", _REFUSED),
    Column("eligible", "coverage", "SQL: BOOL", _FALSE, _REFUSED),
    Column("covered", "coverage", "SQL: BOOL", _FALSE, _REFUSED),
    Column("excluded", "coverage", "SQL: BOOL", _FALSE, _REFUSED),
)
"""Every column that a query reads. docs/types.md is generated from it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter; a tuple is an array of `type`."""

    name: str
    type: str
    value: date | datetime | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One table's share of a query. `subject` names it in messages, `source` is the table's name as SQL has it.

    `columns` and `group_by` come besides the date. `reach`: the days beyond the window that are read too.
    `moved_by`: the column of what counts on the last of its dates only; the condition `MOVED` is true of its others.
    `may_lack`: columns of the table that it reads where they are there.
    """

    subject: str
    table: TableRef
    source: str
    columns: tuple[tuple[str, str], ...] = ()
    conditions: tuple[str, ...] = ()
    group_by: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    reach: int = 0
    moved_by: str | None = None
    may_lack: tuple[str, ...] = ()

    @property
    def answer(self) -> Mapping[str, str]:
        """The columns of an answer to it, and their types."""
        return ROW_COUNTS if "counted" in dict(self.columns) else CONTEXT

    def select(self, number: int, day: str, within: str, lacking: Collection[str] = ()) -> str:
        """Its SELECT. `day` is the expression for a row's date, `within` the condition that it lies in the window.

        `lacking`: the columns that the table is known to lack.
        """
        source = self.source
        if self.moved_by:
            unit = quoted(self.moved_by)
            later = f"{unit} IS NOT NULL AND {day} < MAX({day}) OVER (PARTITION BY {unit})"
            source = f"(SELECT *, {later} AS {MOVED} FROM {source} WHERE {within})"
        columns = [(name, value) for name, value in self.columns if value.strip("`") not in lacking]
        grouping = [value for value in self.group_by if value.strip("`") not in lacking]
        expressions = {
            **{name: f"CAST(NULL AS {kind})" for name, kind in self.answer.items()},
            PART: str(number),
            "day": day,
            **dict(columns),
        }
        return (
            f"SELECT {', '.join(f'{expression} AS {name}' for name, expression in expressions.items())}\n"
            f"FROM {source}\n"
            f"WHERE {' AND '.join((within, *self.conditions))}\n"
            f"GROUP BY {', '.join((day, *grouping))}"
        )


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query. `tables`: how many it refers to, which gives its minimum cost. `answer`: its columns' types."""

    sql: str
    parameters: tuple[Parameter, ...] = ()
    tables: int = 0
    answer: Mapping[str, str] = field(default_factory=dict)


PROBE: Final = Query(f"SELECT 1 AS {PART}", answer={PART: "INT64"})
"""A query that succeeds in every project in which the caller may run jobs."""


def row_count_part(table: TableRef, project: str) -> Part:
    """Of each date: rows, when the newest was written, the units that they cover, and duplicates by key.

    Of a table that may be unused, also the dates of a year.
    """
    columns = [("counted", "COUNT(*)")]
    if table.write_time_column:
        columns.append(("written", _as_text(f"MAX({quoted(table.write_time_column)})")))
    if table.units:
        columns.append(("units", _as_text(f"({table.units})")))
    if table.key:
        names = [quoted(name) for name in table.key]
        whole = " AND ".join(f"{name} IS NOT NULL" for name in names)
        one = f"TO_JSON_STRING([{', '.join(f'TO_JSON_STRING({name})' for name in names)}])"
        columns.append(("duplicates", f"COUNTIF({whole}) - COUNT(DISTINCT IF({whole}, {one}, NULL))"))
    return Part(
        f"table {table.name}",
        table,
        _source(table, project),
        tuple(columns),
        reach=max(REACH if table.optional else 0, table.reach),
    )


def calendar_part(pipeline: str, calendar: CalendarConfig, project: str) -> Part:
    """Units of each date, also beyond the window: a calendar may have no row, or have ended.

    Rows that `where` leaves out, and those of a unit that was moved to a later date, are groups of their own, called
    `OUTSIDE`.
    """
    table = calendar.table
    counts = calendar.where or "TRUE"
    if calendar.unit_column:
        counts = f"({counts}) AND NOT {MOVED}"
    name = f"IF({counts}, NULL, '{OUTSIDE}')"
    return Part(
        f"calendar of {pipeline} (table {table.name})",
        table,
        _source(table, project),
        (("name", name), ("units", _as_text(f"({calendar.units})"))),
        group_by=(name,),
        reach=REACH,
        moved_by=calendar.unit_column,
    )


def halts_part(halts: HaltsConfig, project: str) -> Part:
    """Of each date the reasons for its halt (`name`), and `OUTSIDE` for its rows that say it is none.

    `finished`: when the newest of them was written.
    """
    table = halts.table
    reason = f"IFNULL({quoted(halts.reason)}, '')" if halts.reason else "''"
    name = f"IF({halts.halted}, {reason}, '{OUTSIDE}')"
    written = (("finished", _as_text(f"MAX({quoted(table.write_time_column)})")),) if table.write_time_column else ()
    return Part(
        f"halts (table {table.name})",
        table,
        _source(table, project),
        (("name", name), *written),
        (f"({halts.where})",) if halts.where else (),
        (name,),
        reach=REACH,
    )


def run_history_part(pipeline: str, number: int, request: RunHistoryRequest, project: str) -> Part:
    """The runs of the requested processors, one row for each status that a run was logged with.

    Runs without an id are told apart by their times. `number` makes the parameters' names unique to this part.
    """
    table, finished = request.table.table, quoted(request.table.finished_column)
    names = {key: quoted(column) for key, found in request.table.columns.items() for column in found}
    run, started, backfill = names.get("run_id"), names.get("started_at"), names.get("backfill_mode")
    read = {
        "name": names["processor_name"],
        "run": run and _as_text(run),
        "phase": names.get("phase"),
        "status": names["status"],
        "category": names.get(CATEGORY),
        "started": started and _as_text(f"MIN({started})"),
        "finished": _as_text(f"MAX({finished})"),
        # Of two words for true and false, the one for true is the greater text.
        "backfill": backfill and f"MAX(LOWER({_as_text(backfill)}))",
    }
    times = [column for column in (started, finished) if column]
    one_by_one = [f"IF({run} IS NULL, {column}, NULL)" if run else column for column in times]
    identity = [names[key] for key in ("processor_name", "run_id", "phase", "status", CATEGORY) if key in names]
    processors = (Parameter(f"processors_{number}", "STRING", request.processors),) if request.processors else ()
    return Part(
        f"run history of {pipeline} (table {table.name})",
        table,
        _source(table, project),
        tuple((column, expression) for column, expression in read.items() if expression),
        (f"{names['processor_name']} IN UNNEST(@processors_{number})" if processors else "FALSE",),
        (*identity, *one_by_one),
        processors,
        may_lack=(CATEGORY,) if request.table.columns[CATEGORY] == (CATEGORY,) else (),
    )


def phase_log_part(pipeline: str, number: int, log: PhaseLogConfig, project: str) -> Part:
    """Rows of each date and transition (`name`), as the first of `counts`."""
    table = log.table
    name = quoted(*log.columns["phase_name"])
    return Part(
        f"phase log of {pipeline} (table {table.name})",
        table,
        _source(table, project),
        (("name", name), ("counts", _counts("COUNT(*)"))),
        (f"{name} IN UNNEST(@transitions_{number})",),
        (name,),
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
    return Part(
        f"coverage {check.name} of {pipeline} (table {table.name})",
        table,
        _source(table, project),
        (("counts", counts),),
        reach=table.reach,
    )


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return f"`{name}`"


def _source(table: TableRef, project: str) -> str:
    # Two dots make project.dataset.table; a table's own name has none.
    return quoted(table.name if table.name.count(".") > 1 else f"{project}.{table.name}")


def _as_text(expression: str) -> str:
    return f"CAST({expression} AS STRING)"


def _counts(*expressions: str) -> str:
    return f"[{', '.join(expressions)}]"
