"""Writes what the sources hold for a run date as an incident file that replays to the same verdicts.

It reads raw documents and grouped rows through Google's clients, besides the exporter's own reading, which gives the
expected verdicts. Of the tables it takes only the columns that the configuration uses, so the file names no player,
and equal rows become one group.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery
from requests.exceptions import RequestException

from exporter.collect.once import collect_once
from exporter.config.load import load, preset_names
from exporter.incidents.incident import dump_incident, one_line
from exporter.incidents.sayable import Notes, cell, document, window
from exporter.incidents.tables import shipped_definitions
from exporter.messages.secrets import HIDDEN, Masked, masked, masked_data, masked_record
from exporter.metrics.telemetry import Telemetry
from exporter.present.status import phase_key, processor_key
from exporter.reconcile.expectations import ONE_DAY, reading_plan
from exporter.sources.account import Account
from exporter.sources.budget import DailyBudget
from exporter.sources.calls import retry
from exporter.sources.costs import billed
from exporter.sources.endpoints import bigquery_endpoint
from exporter.sources.errors import CallFailed, fault_of
from exporter.sources.firestore import FirestoreStore
from exporter.sources.ports import Deadline, SourceError
from exporter.sources.queries import REACH
from exporter.sources.remedies import BIGQUERY_REMEDIES, TABLE_REMEDIES, source_error
from exporter.sources.sessions import connect, find_credentials
from exporter.sources.statistics import DONE, HIDES_ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date, datetime

    from google.cloud.bigquery.table import Row

    from exporter.config.load import Loaded
    from exporter.config.resolved import Config
    from exporter.incidents.tables import TableDefinition
    from exporter.model import Report
    from exporter.reconcile.expectations import ReadingPlan
    from exporter.sources.ports import Sources

SECONDS = 60.0
MOST_GROUPS = 10_000
IDENTITIES = frozenset({"player_lookup", "team_abbr"})
"""Columns that name a person and that no conclusion needs."""

_FIRST_PAUSE: Final = 0.25
_SQL_NAMES: Final = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
"""The REST API's older names of types."""
_GROUPED: Final = frozenset(
    {
        *("STRING", "BYTES", "INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "BOOL"),
        *("DATE", "DATETIME", "TIME", "TIMESTAMP", "INTERVAL"),
    }
)
"""Types that rows can be grouped by: https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types"""

Fields = dict[str, Any]


class CaptureError(Exception):
    """The day cannot be captured. The message names the source, its answer and the remedy."""


def capture(
    loaded: Loaded,
    open_sources: Callable[[Loaded, Telemetry], Sources],
    run_date: date,
    now: datetime,
    title: str = "",
) -> Masked:
    """The incident file of this run date, as of `now`, without secrets. Raises CaptureError if a source fails."""
    config = loaded.config
    plan = reading_plan(config, now)
    report = collect_once(loaded, open_sources, lambda: now).report
    notes = Notes()
    try:
        documents = _documents(config, plan, notes)
        rows, absent = _tables(config, plan, now, notes)
    except SourceError as error:
        raise CaptureError(f"{run_date}: a source cannot be read: {error.detail}") from error
    preset = _preset(loaded)
    content = dump_incident(
        {
            "title": str(masked(title)) or f"Captured: {config.project}, run date {run_date}",
            "source": f"captured from project {config.project} at {now:%Y-%m-%dT%H:%M:%SZ}",
            "preset": preset,
            "config": masked_data(_overlay(loaded, preset, run_date)),
            "clock": now.replace(microsecond=0),
            "firestore": documents,
            "bigquery": rows,
            "absent": absent,
            "expect": _expectations(report),
        }
    )
    return Masked("".join(f"# Not as it was: {masked(note)}\n" for note in notes) + content)


def _without_secrets(fields: Fields, place: str, notes: Notes) -> Fields:
    """A document or row on one line without secrets, which occur only in texts that no verdict needs."""
    shown = masked_record(fields)
    if shown != fields:
        notes.add(place, f"what looks like a secret became {HIDDEN}")
    return one_line(shown)


def _preset(loaded: Loaded) -> str:
    return next((name for name in preset_names() if f"preset {name}" in loaded.source), preset_names()[0])


def _overlay(loaded: Loaded, preset: str, run_date: date) -> Fields:
    """What to merge over the preset to get this configuration, with only the captured date exposed."""
    base = load(preset=preset, environ={}).raw
    return difference(base, loaded.raw) | {"documents": {"only": [run_date.isoformat()]}}


def difference(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> Fields:
    """The mapping that gives `wanted` when it is merged deeply over `base`; None removes a key."""
    out: Fields = {key: None for key in base if key not in wanted}
    for key, value in wanted.items():
        if key in base and isinstance(value, dict) and isinstance(base[key], dict):
            if below := difference(base[key], value):
                out[key] = below
        elif key not in base or base[key] != value:
            out[key] = value
    return out


def _documents(config: Config, plan: ReadingPlan, notes: Notes) -> dict[str, Fields]:
    paths = [f"{key.collection}/{key.run_date}" for key in plan.documents]
    for pipeline, names in plan.heartbeats.items():
        heartbeats = config.pipelines[pipeline].heartbeats
        paths += [f"{heartbeats.collection}/{name}" for name in names] if heartbeats else []
    store = FirestoreStore(project=config.project, database=config.firestore_database, telemetry=Telemetry())
    try:
        found = store.contents(list(dict.fromkeys(paths)), Deadline(SECONDS))
    finally:
        store.close()
    return {
        path: _without_secrets(document(message.fields, path, notes), path, notes)
        for path, message in sorted(found.items())
        if message is not None
    }


def _tables(
    config: Config, plan: ReadingPlan, now: datetime, notes: Notes
) -> tuple[dict[str, list[Fields]], list[str]]:
    endpoint = bigquery_endpoint()
    project = config.billed_project
    try:
        credentials = find_credentials(endpoint)
    except CallFailed as failed:
        raise source_error(f"BigQuery (project {project})", failed.fault, BIGQUERY_REMEDIES) from failed
    connection = connect(project=project, location=config.bigquery_location, endpoint=endpoint, credentials=credentials)
    connection.limit(SECONDS)
    budget = DailyBudget(config.collect.warehouse_limits, project, Account(config.ledger.path))
    paid = _Paid(connection.client, budget, now)
    definitions = shipped_definitions()
    calendars = {pipeline.calendar.table.name for pipeline in config.pipelines.values()}
    rows: dict[str, list[Fields]] = {}
    absent: list[str] = []
    try:
        for table, (day, columns) in _columns(config).items():
            if table not in definitions:
                notes.add(f"table {table}", "left out: incident files have no table of this name")
                continue
            try:
                reach = REACH * ONE_DAY if table in calendars else timedelta()
                groups = list(_groups(paid, config, plan, _Table(definitions[table], day, columns, reach), notes))
            except NotFound:
                absent.append(table)
            except (GoogleAPICallError, CallFailed, RequestException) as error:
                raise source_error(f"table {table}", fault_of(error), TABLE_REMEDIES) from error
            else:
                if groups:
                    rows[table] = groups
    finally:
        connection.end()
    return rows, absent


def _columns(config: Config) -> dict[str, tuple[str, list[str]]]:
    """For every table that is read: its date column, and the columns that conclusions need."""
    wanted: dict[str, tuple[str, set[str]]] = {}
    definitions = shipped_definitions()

    def use(table: str, day: str, *texts: str | None) -> None:
        known = set(definitions[table].columns) if table in definitions else set()
        words = {word for text in texts if text for word in re.findall(r"[A-Za-z_]\w*", text)}
        wanted.setdefault(table, (day, set()))[1].update({day} | (words & known if known else set()))

    for pipeline in config.pipelines.values():
        for phase in pipeline.phases.values():
            for processor in phase.processors.values():
                ref = processor.table
                use(ref.name, ref.date_column, ref.written_column)
        calendar = pipeline.calendar
        use(calendar.table.name, calendar.table.date_column, calendar.units, calendar.where)
        for check in pipeline.coverage.values():
            use(check.table.name, check.table.date_column, check.eligible, check.covered, *check.excluded.values())
        for log in (pipeline.run_history, pipeline.phase_log):
            if log is not None:
                every = definitions[log.table.name].columns if log.table.name in definitions else ()
                use(log.table.name, log.table.date_column, " ".join(every))
    return {table: (day, sorted(columns - IDENTITIES)) for table, (day, columns) in wanted.items()}


@dataclass(frozen=True, slots=True)
class _Table:
    """A table to read: the definition of the local one, the date column, and the columns to take.

    `reach` is how far beyond the window rows are taken: they show that a calendar is kept.
    """

    definition: TableDefinition
    day: str
    columns: list[str]
    reach: timedelta


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
            # An unknown size stays counted with the most that it can be.
            size = billed(job, reservation) if DONE.of(job) else None
            if size is not None:
                self.budget.settle(reservation, size)


def _groups(paid: _Paid, config: Config, plan: ReadingPlan, table: _Table, notes: Notes) -> Iterator[Fields]:
    place = f"table {table.definition.name}"
    name = (
        table.definition.name if table.definition.name.count(".") > 1 else f"{config.project}.{table.definition.name}"
    )
    again = retry(SECONDS, _FIRST_PAUSE)
    types = {field.name: _type(field) for field in paid.client.get_table(name, retry=again, timeout=SECONDS).schema}
    columns = [column for column in table.columns if types.get(column) in _GROUPED]
    for column in set(table.columns) - set(columns):
        notes.add(f"{place} {column}", f"left out: its type is {types[column]}" if column in types else "is not there")
    first, last = plan.first - table.reach, plan.last + table.reach
    bounds = window(types.get(table.day, ""), first, last, config.timezone)
    if bounds is None:
        notes.add(place, f"left out: {table.day} is no DATE, DATETIME or TIMESTAMP")
        return
    listed = ", ".join(f"`{column}`" for column in columns)
    query = (
        f"SELECT {listed}, COUNT(*) AS captured_rows FROM `{name}`"  # noqa: S608 - identifiers the configuration validated
        f" WHERE `{table.day}` >= @first AND `{table.day}` < @after"
        f" GROUP BY {listed} ORDER BY {listed} LIMIT {MOST_GROUPS + 1}"
    )
    found, hidden = paid.rows(
        query,
        [
            bigquery.ScalarQueryParameter("first", types[table.day], bounds[0]),
            bigquery.ScalarQueryParameter("after", types[table.day], bounds[1]),
        ],
    )
    if len(found) > MOST_GROUPS:
        raise CaptureError(f"{place}: more than {MOST_GROUPS} different rows between {first} and {last}")
    if hidden:
        notes.add(place, "rows may be missing: a row access policy was applied")
    kinds = table.definition.columns
    groups = []
    for row in found:
        repeat = row["captured_rows"]
        fields = {
            column: cell(row[column], kinds[column], config.timezone, f"{place} {column}", notes) for column in columns
        }
        groups.append(({"repeat": repeat} if repeat > 1 else {}) | fields)
    if table.reach:
        telling = _telling(plan, {group[table.day] for group in groups})
        groups = [group for group in groups if group[table.day] in telling]
    for group in groups:
        yield _without_secrets(group, place, notes)


def _telling(plan: ReadingPlan, found: set[date]) -> set[date]:
    """Of the days that a calendar has, those in the window, the last before it and the last of all."""
    ends = {max(some) for some in (found, {day for day in found if day < plan.first}) if some}
    return {day for day in found if plan.first <= day <= plan.last} | ends


def _type(field: bigquery.SchemaField) -> str:
    """The column's type by the name that SQL has for it."""
    kind = str(field.field_type)
    return f"ARRAY of {kind}" if field.mode == "REPEATED" else _SQL_NAMES.get(kind, kind)


def _expectations(report: Report) -> Fields:
    processors = {processor_key(processor): processor for processor in report.processors}
    return {
        "verdicts": {key: str(processor.verdict) for key, processor in processors.items()},
        "phases": {
            phase_key(phase): one_line(
                {
                    name: str(value) if name == "trigger_state" else value
                    for name in ("expected", "registered", "trigger_state")
                    if (value := getattr(phase, name)) is not None
                }
            )
            for phase in report.phases
        },
        "deltas": {
            key: processor.record_count_delta
            for key, processor in processors.items()
            if processor.record_count_delta is not None
        },
    }
