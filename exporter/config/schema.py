"""The wire form: what the YAML may say, key by key, as strict pydantic models.

A model knows the type, the default and the meaning of its keys, and how two of its numbers must stand to each other;
what else relates one key to another is in `relations.py`.
Defaults are written as the YAML would write them. A type's `$comment` is what the reference calls it.
"""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 pydantic reads the annotations
from datetime import date, timedelta
from operator import ge, gt, le, lt
from typing import Annotated, Any, ClassVar, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, WithJsonSchema
from pydantic_core import core_schema

from exporter.config import identifiers as ids
from exporter.config import quantities as q
from exporter.config.resolved import Due, RowsPerUnit
from exporter.config.sql import parse_sql

_Annotations = tuple[GetPydanticSchema, WithJsonSchema]

FURTHEST_PAST = 30
FURTHEST_FUTURE = 7
MOST_SEASON_DAYS = 399
STALENESS_INTERVALS = 3
# In the description of a key that may be left out, between its meaning and what holds without it.
ABSENT = " If not given: "


def _read(
    parse: Callable[[object], object],
    show: Callable[[Any], object] | None = None,
    *,
    kind: str,
    **json_schema: object,
) -> _Annotations:
    """How a type is read from what the YAML gave, shown again, and described."""
    serialization = core_schema.plain_serializer_function_ser_schema(show) if show else None
    schema = core_schema.no_info_plain_validator_function(parse, serialization=serialization)
    return GetPydanticSchema(lambda _source, _handler: schema), WithJsonSchema({**json_schema, "$comment": kind})


def _text(parse: Callable[[object], str], kind: str, pattern: str) -> _Annotations:
    return _read(parse, kind=kind, type="string", pattern=pattern)


Duration = Annotated[
    timedelta,
    *_read(
        q.parse_duration, q.format_duration, kind="duration", type="string", pattern=q.DURATION_PATTERN, minLength=2
    ),
]
Size = Annotated[
    int,
    *_read(q.parse_size, q.format_size, kind="size", type=["string", "integer"], pattern=q.SIZE_PATTERN, minimum=1),
]
Deadline = Annotated[Due, *_read(q.parse_due, q.format_due, kind="deadline", type="string", pattern=q.DUE_PATTERN)]
Day = Annotated[date, *_read(q.parse_day, date.isoformat, kind="date", type="string", pattern=q.DAY_PATTERN)]
Zone = Annotated[ZoneInfo, *_read(ids.parse_zone, str, kind="time zone", type="string", minLength=1)]
Name = Annotated[str, *_text(ids.parse_name, "name", ids.NAME_PATTERN)]
ProcessorName = Annotated[str, *_text(ids.parse_processor_name, "processor", ids.PROCESSOR_PATTERN)]
Text = Annotated[str, *_text(ids.parse_text, "text", ".")]
Project = Annotated[str, *_text(ids.parse_project, "project", ids.PROJECT_PATTERN)]
TableName = Annotated[str, *_text(ids.parse_table, "table", ids.TABLE_PATTERN)]
Column = Annotated[str, *_text(ids.parse_column, "column", ids.COLUMN_PATTERN)]
Collection = Annotated[str, *_text(ids.parse_collection, "collection", ids.DOCUMENT_PATTERN)]
DocumentName = Annotated[str, *_text(ids.parse_document, "document id", ids.DOCUMENT_PATTERN)]
Database = Annotated[str, *_text(ids.parse_database, "database", ids.DATABASE_PATTERN)]
Location = Annotated[str, *_text(ids.parse_location, "location", ids.LOCATION_PATTERN)]
Sql = Annotated[str, *_text(parse_sql, "SQL", r"\S")]
RowBounds = Annotated[
    RowsPerUnit,
    *_read(
        q.parse_rows_per_unit,
        q.format_rows_per_unit,
        kind="two numbers of rows",
        type="array",
        items={"type": "number", "minimum": 0},
        minItems=2,
        maxItems=2,
    ),
]
Expected = Annotated[
    str | tuple[str, ...],
    *_read(
        ids.parse_expected,
        kind="`all` or list of processors",
        anyOf=[
            {"const": ids.EVERYTHING},
            {"type": "array", "items": {"type": "string", "pattern": ids.PROCESSOR_PATTERN}},
        ],
    ),
]
Ratio = Annotated[float, Field(ge=0, le=1, json_schema_extra={"$comment": "number from 0 to 1"})]
Offset = Annotated[int, Field(ge=-q.FURTHEST_DAY, le=q.FURTHEST_DAY, json_schema_extra={"$comment": "days"})]
When = Literal["past", "today", "ahead"]

_OFFSET = "The rows' date minus the document's date, in days: -1 where document D is about the day before."
_DATE_COLUMN = (
    "The column that says which date a row is of: DATE, or DATETIME or TIMESTAMP, whose dates are those in `timezone`."
    " The table is best partitioned by it."
)
_WRITTEN_TYPES = "TIMESTAMP, or DATETIME in `timezone`; a DATE is no moment, and its times are unknown."


def _key(default: Any, meaning: str) -> Any:  # noqa: ANN401 - the YAML's value, read into any type
    """A key of the YAML: its default as the YAML would write it (`...`: there is none), and what it is for."""
    return Field(default, description=meaning)


def _optional(meaning: str, *, absent: str) -> Any:  # noqa: ANN401 - of any type
    """A key that may be left out: what it is for, and what then holds in its place."""
    return _key(None, f"{meaning}{ABSENT}{absent}.")


def _whole(unit: str, least: int, most: int | None = None) -> Any:  # noqa: ANN401 - pydantic says so
    """A whole number of something, between bounds."""
    bounds = f"at least {least}" if most is None else f"{least} to {most}"
    return Field(ge=least, le=most, json_schema_extra={"$comment": f"whole number of {unit}, {bounds}"})


class Order(NamedTuple):
    """How the values of two keys of a section must stand to each other, and what is said of `key` where they do not.

    `{key}` and `{other}` in the message are the two values.
    """

    key: str
    holds: Callable[[Any, Any], bool]
    other: str
    message: str


class Section(BaseModel):
    """A mapping of the YAML: only known keys, each of exactly its type. `orders` relates keys to each other."""

    orders: ClassVar[tuple[Order, ...]] = ()

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True)


class Documents(Section):
    """Which completion documents are shown, by their date against today's in `timezone`."""

    past: Annotated[int, _whole("days", 0, FURTHEST_PAST)] = _key(2, "How many days before today.")
    future: Annotated[int, _whole("days", 0, FURTHEST_FUTURE)] = _key(0, "How many days after today.")
    only: list[Day] = _key([], "These dates and no others, whatever today is: to look at past days.")
    follow: bool = _key(
        default=True, meaning="Whether `run` also follows the documents with a Firestore listener (docs/losses.md)."
    )


class Collector(Section):
    """How often a collector runs, and how long what it read is relied on."""

    every: Duration = _key("60s", "The interval from run to run.")
    timeout: Duration = _key("20s", "How long one run may take; shorter than `every`.")
    max_staleness: Duration | None = _optional(
        "How long the last good values count once reading fails; then verdicts are `unknown`.",
        absent=f"{STALENESS_INTERVALS} times `every`",
    )
    orders = (
        Order(
            "timeout",
            lt,
            "every",
            "gives a run {key} and starts the next after {other}: `timeout` must be shorter than `every`",
        ),
        Order(
            "max_staleness",
            ge,
            "every",
            "forgets after {key} what is read again after {other}: `max_staleness` must be at least `every`",
        ),
    )


class SlowCollector(Collector):
    """A collector whose reading costs more than it changes."""

    every: Duration = _key("15m", "The interval from run to run.")


class WarehouseCollector(Collector):
    """The collector of BigQuery, and what it may cost."""

    every: Duration = _key("10m", "The interval from run to run.")
    timeout: Duration = _key("2m", "How long one run may take; shorter than `every`.")
    maximum_bytes_billed: Size = _key("1GiB", "The most bytes one job may bill (docs/budget.md).")
    daily_budget: Size = _key(
        "40GiB", "The most bytes all jobs of a UTC day may bill, those of all processes on one ledger file together."
    )


class SeasonGrid(Section):
    """The season on the status page (docs/season.md). It is read at the start, at a reload and then at the interval."""

    past: Annotated[int, _whole("days", 1, MOST_SEASON_DAYS)] = _key(60, "How many days before today.")
    every: Duration = _key("1d", "The interval from reading to reading; each costs two BigQuery jobs at least.")


class Collect(Section):
    """The collectors."""

    completion: Collector = _key({}, "Reads the completion documents.")
    heartbeats: Collector = _key({}, "Reads the heartbeats that processors name.")
    heartbeat_count: SlowCollector = _key({}, "Counts all documents of the heartbeat collections.")
    warehouse: WarehouseCollector = _key({}, "Reads BigQuery: rows, calendar, logs, coverage.")
    season: SeasonGrid | None = _optional("Reads many run dates for the status page.", absent="not read")


class Ledger(Section):
    """What was seen of the completion documents, remembered over a restart (docs/losses.md)."""

    path: Text = _key(":memory:", "The SQLite file, one for each exporter; `:memory:` forgets with the process.")
    keep: Duration = _key("35d", "How long a document is remembered, counted from its date.")


class Calendar(Section):
    """Where the number of units (games) of a date comes from. A date without units expects nothing."""

    table: TableName = _key(..., "The schedule, with the dataset.")
    date_column: Column = _key(..., _DATE_COLUMN)
    units: Sql = _key(..., "An aggregate over the rows of a date that gives the number of units.")
    where: Sql | None = _optional("Which rows count.", absent="all")
    noun: Text = _key("unit", "What one unit is called in hints: `game`.")


class HeartbeatDocuments(Section):
    """How many documents the heartbeat collection may hold before somebody should look."""

    warn: Annotated[int, _whole("documents", 1)] = _key(100, "More than this is worth a warning.")
    critical: Annotated[int, _whole("documents", 1)] = _key(500, "More than this is critical; above `warn`.")
    orders = (Order("warn", lt, "critical", "`warn` ({key}) must be below `critical` ({other})"),)


class Heartbeats(Section):
    """The heartbeat collection, and from which age on a heartbeat means trouble."""

    collection: Collection = _key(..., "The collection that holds one document per processor.")
    stale_after: Duration = _key("5m", "A running processor that is silent for longer is stale.")
    dead_after: Duration = _key("15m", "A running processor that is silent for longer has stalled.")
    silent_after: Duration = _key("1d", "No heartbeat of any processor for longer: heartbeats themselves are broken.")
    documents: HeartbeatDocuments = _key({}, "Bounds for the size of the collection.")
    orders = (
        Order(
            "dead_after",
            gt,
            "stale_after",
            "calls a heartbeat stalled after {key} and stale after {other}: "
            "`stale_after` must be shorter than `dead_after`",
        ),
    )


class RunHistory(Section):
    """The table of runs, several rows each.

    Besides the two columns named here it has `processor_name`, `run_id`, `status`, `phase`, `started_at` and
    `backfill_mode`. A run speaks for a document if its date is that of the processor's rows.
    """

    table: TableName = _key(..., "The table, with the dataset.")
    date_column: Column = _key("data_date", _DATE_COLUMN)
    written_column: Column = _key("processed_at", f"The column that says when a row was written: {_WRITTEN_TYPES}")


class PhaseLog(Section):
    """The log of transitions from phase to phase. It has a column `phase_name` and the two named here."""

    table: TableName = _key(..., "The table, with the dataset.")
    date_column: Column = _key("game_date", _DATE_COLUMN)
    written_column: Column = _key("execution_timestamp", "The column that says when the transition was logged.")
    transitions: Annotated[list[Name], Field(min_length=1)] = _key(
        ...,
        "The `phase_name` of each transition expected on a day with units. That of `phase3` begins with `phase3_to_`.",
    )
    data_date_offset: Offset = _key(0, _OFFSET)


class Table(Section):
    """The table that a processor writes."""

    name: TableName = _key(..., "Its name, with the dataset.")
    date_column: Column = _key(..., _DATE_COLUMN)
    written_column: Column | None = _optional(
        f"The column that says when a row was written: {_WRITTEN_TYPES}", absent="row ages are unknown"
    )
    data_date_offset: Offset = _key(0, _OFFSET)
    rows_per_unit: RowBounds | None = _optional(
        "The fewest and the most rows that one unit (a game) has.", absent="not judged"
    )


class Processor(Section):
    """One processor of a phase. Its key is the name under which it registers in the completion document."""

    table: Table = _key(..., "The table it writes.")
    due: Deadline = _key(..., "When it must have registered, relative to the document's date.")
    critical: bool = _key(default=False, meaning="Whether the next phase cannot start without it.")
    heartbeats: list[DocumentName] = _key(
        [], "Its documents in the heartbeat collection; more than one where it has had several names."
    )
    run_history_names: list[Text] | None = _optional("Its names in the run history.", absent="those in `heartbeats`")


class Mode(Section):
    """A mode of a phase's documents: when it applies, and who must then register."""

    when: Annotated[list[When], Field(min_length=1)] = _key(
        ..., "For documents dated before today, today, ahead. Each of the three belongs to exactly one mode."
    )
    expected: Expected = _key(
        ids.EVERYTHING, "Who must register. An empty list: the document expects nobody in this mode."
    )


class Trigger(Section):
    """The rule that starts the next phase: all expected processors, or all critical ones and enough of the others."""

    ratio: Ratio = _key(0.6, "Which part of the expected processors is enough if the critical ones are in.")
    grace: Duration = _key("30m", "How long the orchestrator may take once the rule is met.")


class Phase(Section):
    """One phase of a pipeline."""

    collection: Collection | None = _optional(
        "The collection of its completion documents, one a date.", absent="tables alone are judged"
    )
    run_history_phase: Text | None = _optional("The phase's `phase` in the run history.", absent="runs of any `phase`")
    next: Name | None = _optional("The phase that its completion starts.", absent="nothing follows")
    trigger: Trigger | None = _optional("When that start is due.", absent="not judged")
    modes: Annotated[dict[Name, Mode], Field(min_length=1)] = _key(
        {"daily": {"when": ["past", "today", "ahead"], "expected": ids.EVERYTHING}},
        "The modes by name.",
    )
    processors: Annotated[dict[ProcessorName, Processor], Field(min_length=1)] = _key(
        ..., "The processors by the name under which they register."
    )


class Coverage(Section):
    """A coverage check: which part of a date's eligible rows is covered."""

    table: TableName = _key(..., "The table whose rows are counted.")
    date_column: Column = _key(..., _DATE_COLUMN)
    data_date_offset: Offset = _key(0, _OFFSET)
    eligible: Sql = _key(..., "A condition: the rows that count.")
    covered: Sql = _key(..., "A condition: the eligible rows that are as they should be.")
    excluded: dict[Name, Sql] = _key({}, "Conditions by reason: rows that do not count, shown apart.")
    target: Ratio = _key(0.95, "The ratio that is aimed at.")
    warn: Ratio = _key(0.9, "Below this, a warning; at most `target`.")
    critical: Ratio = _key(0.8, "Below this, critical; at most `warn`.")
    orders = (
        Order("warn", le, "target", "`warn` ({key}) must not be above `target` ({other})"),
        Order("critical", le, "warn", "`critical` ({key}) must not be above `warn` ({other})"),
    )


class Pipeline(Section):
    """One watched pipeline. Its key becomes the label `pipeline`."""

    calendar: Calendar | None = _optional("Its own calendar.", absent="the one at the top")
    heartbeats: Heartbeats | None = _optional("Its heartbeats.", absent="not read")
    run_history: RunHistory | None = _optional("Its run history.", absent="not read")
    phase_log: PhaseLog | None = _optional("Its phase log.", absent="not read")
    phases: Annotated[dict[Name, Phase], Field(min_length=1)] = _key(..., "Its phases by name, in order.")
    coverage: dict[Name, Coverage] | None = _optional("Its coverage checks by name.", absent="none")


class Wire(Section):
    """The whole configuration."""

    project: Project = _key(..., "The Google Cloud project that holds Firestore and, unless named, the tables.")
    job_project: Project | None = _optional(
        "The project that BigQuery jobs run in and are billed to.", absent="`project`"
    )
    firestore_database: Database = _key("(default)", "The Firestore database.")
    bigquery_location: Location | None = _optional(
        "Where BigQuery jobs run.", absent="BigQuery finds it from the tables"
    )
    timezone: Zone = _key(..., "The zone of the pipeline's dates and deadlines.")
    documents: Documents = _key({}, "Which completion documents are shown.")
    collect: Collect = _key({}, "How often each source is read, for how long, and at what cost.")
    ledger: Ledger = _key({}, "Where sightings of entries are kept.")
    calendar: Calendar | None = _optional(
        "The calendar of every pipeline that has none of its own.", absent="each pipeline must have its own"
    )
    pipelines: Annotated[dict[Name, Pipeline], Field(min_length=1)] = _key(..., "The pipelines by name.")
