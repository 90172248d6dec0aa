"""The rows that a capture takes: of every table that is read, the columns that a query names, equal rows as one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery
from requests.exceptions import RequestException

from exporter.config.identifiers import is_column
from exporter.incidents.incident import one_line
from exporter.incidents.kinds import ARRAY, DATES, STRUCT, kind_of, type_text
from exporter.incidents.mentioned import date_words, parts_by_table, reads_others, words
from exporter.incidents.pseudonyms import with_pseudonyms
from exporter.incidents.sayable import cell, window
from exporter.incidents.tables import COLUMN_NAME, TableDefinition, full_name, shipped_definitions
from exporter.sources.account import Account
from exporter.sources.budget import DailyBudget
from exporter.sources.calls import retry
from exporter.sources.costs import billed
from exporter.sources.endpoints import bigquery_endpoint
from exporter.sources.errors import CallFailed, fault_of
from exporter.sources.remedies import BIGQUERY_REMEDIES, TABLE_REMEDIES, source_error
from exporter.sources.sessions import connect, find_credentials
from exporter.sources.statistics import DONE, HIDES_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime
    from zoneinfo import ZoneInfo

    from google.cloud.bigquery.table import Row

    from exporter.config.resolved import Config
    from exporter.incidents.kinds import Kind
    from exporter.incidents.sayable import Notes
    from exporter.reconcile.plan import ReadingPlan
    from exporter.sources.queries import Part

SECONDS: Final = 60.0
MOST_GROUPS: Final = 10_000
_FIRST_PAUSE: Final = 0.25
_AS_TEXT: Final = {
    **dict.fromkeys(("JSON", ARRAY, STRUCT), "IF({0} IS NULL, NULL, TO_JSON_STRING({0}))"),
    "INTERVAL": "CAST({0} AS STRING)",
    "GEOGRAPHY": "ST_ASTEXT({0})",
}
"""How a column is read whose type rows cannot be grouped by, or whose values the client cannot read."""

Fields = dict[str, Any]


class TooManyRowsError(Exception):
    """A table has more different rows than a file should hold; the message names it."""


@dataclass(slots=True)
class Captured:
    """What the tables hold, by their names in the configuration (`names`: all of them).

    `definitions`: of those that tables.yaml does not have, or has otherwise. `absent`: those that are not there.
    """

    names: tuple[str, ...]
    definitions: dict[str, TableDefinition] = field(default_factory=dict)
    rows: dict[str, list[Fields]] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)


def capture_rows(config: Config, plan: ReadingPlan, now: datetime, notes: Notes) -> Captured:
    """Read every table of the plan. Raises SourceError where one cannot be read, and TooManyRowsError."""
    endpoint = bigquery_endpoint()
    project = config.billed_project
    try:
        credentials = find_credentials(endpoint)
    except CallFailed as failed:
        raise source_error(f"BigQuery (project {project})", failed.fault, BIGQUERY_REMEDIES) from failed
    connection = connect(project=project, location=config.location, endpoint=endpoint, credentials=credentials)
    connection.limit(SECONDS)
    budget = DailyBudget(config.collect.warehouse_limits, project, Account(config.ledger.path))
    paid = _Paid(connection.client, budget, now)
    asked = parts_by_table(config, plan)
    found = Captured(tuple(asked))
    try:
        for name, parts in asked.items():
            try:
                table = _table(paid, config, name, parts, notes)
                if not table.kinds:
                    notes.add(f"table {name}", "left out: it has none of the columns that are read")
                    found.absent.append(name)
                    continue
                if table.definition != shipped_definitions().get(name):
                    found.definitions[name] = table.definition
                if rows := list(_groups(paid, config.timezone, plan, table, notes)):
                    found.rows[name] = rows
            except NotFound:
                found.absent.append(name)
            except (GoogleAPICallError, CallFailed, RequestException) as error:
                raise source_error(f"table {name}", fault_of(error), TABLE_REMEDIES) from error
    finally:
        connection.end()
    return found


@dataclass(frozen=True, slots=True)
class _Table:
    """A table to read: what the local one is to be like, its name with the project, and the columns to take.

    `days`: its date columns, and how many days on either side of the window a row still says something. `whole`: how
    many days on either side all rows are taken. `moved_by`: the column of what counts on the last of its dates.
    """

    definition: TableDefinition
    source: str
    kinds: Mapping[str, Kind]
    days: Mapping[str, int]
    whole: Mapping[str, int]
    moved_by: str | None = None


@dataclass(frozen=True, slots=True)
class _Paid:
    """A client, and the day's budget that its jobs are paid from."""

    client: bigquery.Client
    budget: DailyBudget
    now: datetime

    def rows(self, query: str, parameters: list[bigquery.ScalarQueryParameter]) -> tuple[list[Row], bool]:
        """The rows of a query over one table, and whether others may be hidden.

        Raises CallFailed if the day has no room, and what the client raises.
        """
        again = retry(SECONDS, _FIRST_PAUSE)
        reservation = self.budget.reserve(self.now, 1)
        job_config = bigquery.QueryJobConfig(
            query_parameters=parameters,
            maximum_bytes_billed=reservation.limit,
            labels={"app": "orchestration-exporter", "collector": "capture"},
        )
        job = self.client.query(query, job_config=job_config, retry=again, job_retry=None, timeout=SECONDS)
        try:
            return list(job.result(timeout=SECONDS, retry=again, job_retry=None)), bool(HIDES_ROWS.of(job))
        finally:
            # What is not known stays counted as the most that it can be.
            size = billed(job, reservation) if DONE.of(job) else None
            if size is not None:
                self.budget.settle(reservation, size)


def _table(paid: _Paid, config: Config, name: str, parts: list[Part], notes: Notes) -> _Table:
    place = f"table {name}"
    source = full_name(name, config.project)
    schema = paid.client.get_table(source, retry=retry(SECONDS, _FIRST_PAUSE), timeout=SECONDS).schema
    named = frozenset(word for part in parts for word in words(part))
    if any(reads_others(part) for part in parts):
        notes.add(place, "its SQL reads tables in a subquery, which are left out")
    kinds = {}
    for column in schema:
        if column.name.casefold() in named:
            kind = kind_of(column)
            if kind is None or not COLUMN_NAME.fullmatch(column.name):
                notes.add(
                    f"{place} {column.name}", f"left out: incident files have no column of type {type_text(column)}"
                )
            else:
                kinds[column.name] = kind
    shipped = shipped_definitions().get(name)
    known = {column: kind for column, kind in shipped.kinds.items() if column.casefold() in named} if shipped else {}
    spelled = {column.casefold(): column for column in kinds}
    days: dict[str, int] = {}
    whole: dict[str, int] = {}
    for part in parts:
        dating = [spelled[word] for word in sorted(date_words(part.table)) if word in spelled]
        columns = [column for column in dating if kinds[column].name in DATES]
        if not columns:
            what = kinds[dating[0]] if dating else "not there"
            notes.add(
                place, f"its rows are left out: {part.table.day_column} is {what}, and no DATE, DATETIME or TIMESTAMP"
            )
        # The date that an expression makes of a column can be another one, by the zone at least.
        around = part.table.reach + (0 if is_column(part.table.day_column) else 1)
        for column in columns:
            days[column] = max(days.get(column, 0), part.reach)
            whole[column] = max(whole.get(column, 0), around)
    moved_by = next((part.moved_by for part in parts if part.moved_by in kinds), None)
    if shipped and known == kinds:
        return _Table(shipped, source, kinds, days, whole, moved_by)
    definition = TableDefinition(name, next(iter(days), None), {column: str(kind) for column, kind in kinds.items()})
    return _Table(definition, source, kinds, days, whole, moved_by)


def _groups(paid: _Paid, zone: ZoneInfo, plan: ReadingPlan, table: _Table, notes: Notes) -> Iterator[Fields]:
    """Rows in the window, and of a calendar also the last before it and the last of all: they show that it is kept."""
    if not table.days:
        return
    place = f"table {table.definition.name}"
    parameters: list[bigquery.ScalarQueryParameter] = []
    asked = _selects(table, plan, zone, parameters)
    names = ", ".join(f"c{number}" for number in range(len(table.kinds)))
    query = (
        f"SELECT {names}, COUNT(*) AS captured_rows FROM ({' UNION ALL '.join(asked)})"  # noqa: S608 as above
        f" GROUP BY {names} ORDER BY {names} LIMIT {MOST_GROUPS + 1}"
    )
    found, hidden = paid.rows(query, parameters)
    if len(found) > MOST_GROUPS:
        raise TooManyRowsError(
            f"{place}: more than {MOST_GROUPS} different rows between {plan.first} and {plan.last}: capture with a"
            f" configuration whose SQL names fewer columns of it ({', '.join(table.kinds)})"
        )
    if hidden:
        notes.add(place, "rows may be missing: a row access policy was applied")
    for repeat, fields in with_pseudonyms([(row["captured_rows"], _fields(row, table, notes)) for row in found]):
        yield ({"repeat": repeat} if repeat > 1 else {}) | fields


def _selects(
    table: _Table, plan: ReadingPlan, zone: ZoneInfo, parameters: list[bigquery.ScalarQueryParameter]
) -> list[str]:
    """The SELECTs of the rows to take; their parameters are added."""
    selected = ", ".join(
        f"{_AS_TEXT.get(kind.name, '{0}').format(f'`{column}`')} AS c{number}"
        for number, (column, kind) in enumerate(table.kinds.items())
    )
    source = f"SELECT {selected} FROM `{table.source}` WHERE"  # noqa: S608 names the configuration validated, or BigQuery said

    def within(column: str, first: date, last: date) -> str:
        kind = table.kinds[column].name
        bounds = window(kind, first, last, zone)
        names = [f"p{len(parameters) + number}" for number in range(2)]
        for name, bound in zip(names, bounds, strict=True):
            parameters.append(bigquery.ScalarQueryParameter(name, kind, bound))
        return f"`{column}` >= @{names[0]} AND `{column}` < @{names[1]}"

    one_day = timedelta(days=1)
    around = {column: one_day * number for column, number in table.whole.items()}
    taken = (within(column, plan.first - around[column], plan.last + around[column]) for column in table.days)
    asked = [f"{source} ({') OR ('.join(taken)})"]
    for column, days in table.days.items():
        if days:
            reach = timedelta(days=days)
            before, after = plan.first - around[column], plan.last + around[column]
            for first, last in ((plan.first - reach, before - one_day), (after + one_day, plan.last + reach)):
                asked.append(f"({source} {within(column, first, last)} ORDER BY `{column}` DESC LIMIT 1)")
            if table.moved_by:
                # Where a game of the window was moved to.
                unit, later = f"`{table.moved_by}`", within(column, plan.last + one_day, plan.last + reach)
                own = f"SELECT {unit} FROM `{table.source}` WHERE {within(column, plan.first, plan.last)}"  # noqa: S608 as above
                asked.append(f"{source} {later} AND {unit} IN ({own})")
    return asked


def _fields(row: Row, table: _Table, notes: Notes) -> Fields:
    place = f"table {table.definition.name}"
    return {
        column: cell(row[f"c{number}"], kind, f"{place} {column}", notes)
        for number, (column, kind) in enumerate(table.kinds.items())
    }


def definition_fields(definition: TableDefinition) -> Fields:
    """A definition as the key `tables` has it."""
    partition = {"partition": definition.partition} if definition.partition else {}
    return one_line({**partition, "columns": one_line(definition.columns)})
