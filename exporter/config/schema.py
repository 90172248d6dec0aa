"""The wire form: what the YAML may say, key by key, as strict pydantic models.

A model has the type, the default and the meaning of its keys, and the relations between two of them. Other relations
between keys are in `relations.py`.
Defaults are written as the YAML would write them. The types of values are in `value_types.py`.
"""

from __future__ import annotations

from operator import ge, le, lt
from typing import Annotated, Literal

from pydantic import Field

from exporter.config import identifiers as ids
from exporter.config.periods import Period, Unit
from exporter.config.records import DATE_COLUMN, OFFSET, WRITTEN_TYPES, Completion, Heartbeats, PhaseLog, RunHistory
from exporter.config.schedule_schema import (
    CALENDAR,
    DATED_BY,
    DAYS,
    EVERY,
    HOLIDAYS,
    NO_TABLE,
    SINCE,
    UNTIL,
    CalendarForm,
    Halts,
)
from exporter.config.section import Need, Order, Section, declared, optional_key, whole
from exporter.config.value_types import (
    Collection,
    Column,
    Database,
    DateColumn,
    Day,
    DaysOfRun,
    Deadline,
    DocumentName,
    Duration,
    Expected,
    FilePath,
    HolidayList,
    Link,
    Location,
    Name,
    Offset,
    PeriodName,
    PhaseName,
    ProcessorName,
    Project,
    Ratio,
    Resource,
    RowBounds,
    ShardName,
    Size,
    Sql,
    TableName,
    Text,
    When,
    Zone,
)

FURTHEST_PAST = 30
FURTHEST_FUTURE = 7
MOST_SEASON_DAYS = 399
STALENESS_INTERVALS = 3


class Documents(Section):
    """Which completion documents are shown, by their date against today's in `timezone`."""

    past: Annotated[int, whole("days", 0, FURTHEST_PAST)] = declared(2, "How many days before today.")
    future: Annotated[int, whole("days", 0, FURTHEST_FUTURE)] = declared(0, "How many days after today.")
    only: list[Day] = declared([], "Only these dates, on any day: to look at past days.")
    follow: bool = declared(
        default=True, meaning="Whether `run` also follows the documents with a Firestore listener (docs/losses.md)."
    )


class Collector(Section):
    """How often a collector runs, and how long what it read is relied on."""

    every: Duration = declared("60s", "The interval from run to run.")
    timeout: Duration = declared("20s", "How long one run may take; shorter than `every`.")
    max_staleness: Duration | None = optional_key(
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

    every: Duration = declared("15m", "The interval from run to run.")


class WarehouseCollector(Collector):
    """The collector of BigQuery, and what it may cost."""

    every: Duration = declared("10m", "The interval from run to run.")
    timeout: Duration = declared("2m", "How long one run may take; shorter than `every`.")
    maximum_bytes_billed: Size = declared("1GiB", "The most bytes one job may bill (docs/budget.md).")
    daily_budget: Size = declared(
        "40GiB", "The most bytes all jobs of a UTC day may bill, those of all processes on one ledger file together."
    )


class SeasonGrid(Section):
    """The season on the status page (docs/season.md). It is read at the start, at a reload and then at the interval."""

    past: Annotated[int, whole("days", 1, MOST_SEASON_DAYS)] = declared(60, "How many days before today.")
    every: Duration = declared("1d", "The interval from reading to reading; each costs two BigQuery jobs at least.")


class Collect(Section):
    """The collectors."""

    pace: Literal["adaptive", "fixed"] = declared(
        "adaptive",
        "Whether readings of `run` follow the pipeline (docs/budget.md), or take place at each collector's `every`.",
    )
    completion: Collector = declared({}, "Reads the completion documents.")
    heartbeats: Collector = declared({}, "Reads the heartbeats that processors name.")
    heartbeat_count: SlowCollector = declared({}, "Counts all documents of the heartbeat collections.")
    warehouse: WarehouseCollector = declared({}, "Reads BigQuery: rows, calendar, logs, coverage.")
    season: SeasonGrid | None = optional_key("Reads many run dates for the status page.", absent="not read")


class Ledger(Section):
    """What was seen of the completion documents, remembered over a restart (docs/losses.md)."""

    path: FilePath = declared(
        ":memory:",
        "The SQLite file, one for each exporter; `:memory:` forgets with the process. In the container image, and under"
        " systemd with `StateDirectory=`, the default is `$STATE_DIRECTORY/ledger.sqlite`.",
    )
    keep: Duration = declared("35d", "How long a document is remembered, counted from its date.")


class Metrics(Section):
    """How `/metrics` says what the exporter knows."""

    state_sets: bool = declared(
        default=False,
        meaning="Whether a state, such as a verdict, has a series for each of its values, 0 or 1, like an OpenMetrics"
        " StateSet; otherwise it has one for the value that holds, which is 1. Rules and dashboards take either.",
    )


def _reach(period: Period, offset: int) -> int:
    longest = {Unit.DAY: 0, Unit.WEEK: 7, Unit.MONTH: 31}[period.unit]
    return longest * (abs(offset) + 3)


class Table(Section):
    """The table that a processor writes."""

    name: TableName = declared(..., "Its name, with the dataset.")
    date_column: DateColumn = declared(..., DATE_COLUMN)
    written_column: Column | None = optional_key(
        f"The column that says when a row was written: {WRITTEN_TYPES}", absent="row ages are unknown"
    )
    dated_by: PeriodName = declared("day", DATED_BY)
    data_date_offset: Offset = declared(0, OFFSET)
    rows_per_unit: RowBounds | None = optional_key(
        "The fewest and the most rows that one unit of the calendar (without a calendar table, a run date) has. A"
        " single number, or `null` as the most: no upper bound.",
        absent="not judged",
    )
    units: Sql | None = optional_key(
        "An aggregate over the rows of a date that gives the number of units they cover: `COUNT(DISTINCT game_id)`."
        " Whole units that are missing then make the rows too few, and nothing else does. NULL, or 0 although there"
        " are rows, is unknown, and `rows_per_unit` decides.",
        absent="`rows_per_unit` alone decides",
    )
    key: list[Column] = declared(
        [],
        "The columns that together identify a row. Rows beyond the distinct ones are duplicates; a row in which one of"
        " the columns is NULL counts as none.",
    )
    due: Deadline | None = optional_key(
        "When the rows are due, relative to the document's date, in every mode of the document.",
        absent="with the registration",
    )
    optional: bool = declared(
        default=False,
        meaning="Whether it may be unused: if it does not exist, or has no row within 400 days, nothing is expected.",
    )

    @property
    def reach(self) -> int:
        """How many days beyond those of daily tables the weeks or months reach that are compared."""
        return _reach(self.dated_by, self.data_date_offset)


class Job(Section):
    """The Cloud Run service or job that does the work, for links and commands; it is never called."""

    kind: Literal["service", "job"] = declared("service", "Which of the two it is.")
    name: Resource = declared(..., "Its name.")
    region: Resource = declared(..., "Its region, such as `us-west2`.")
    scheduler: Name | None = optional_key(
        "The Cloud Scheduler job that starts it, in the same region.", absent="runbooks say how to find it"
    )


_OWNER = "Who looks after it: a team, a channel, a person."
_JOB = "What runs it."
_LOGS = (
    "The link to its logs. Placeholders: `{project}`, `{pipeline}`, `{phase}`, `{processor}`, `{job}`, `{region}`, and"
    " `{from}` and `{to}` for the time window."
)


class Processor(Section):
    """One processor of a phase. Its key is the name under which it registers in the completion document."""

    table: Table | None = optional_key(
        "The table it writes.", absent="its entry, heartbeat and runs alone are judged; its phase needs `collection`"
    )
    more_tables: dict[Name, Table] = declared(
        {},
        "Further tables that it writes, each by a name of your own. The worst of its tables decides. Its record count"
        " is then compared with none.",
    )
    due: Deadline | None = optional_key(
        "When it must have registered, relative to the document's date.", absent="the phase's; one of the two is needed"
    )
    not_before: Deadline | None = optional_key(
        "When the runs that must register begin. What was done before, such as rows of live box scores in the night, is"
        " of no such run, and nobody misses its registration until `due`.",
        absent="as soon as the document asks for it and its data date is over",
    )
    days: DaysOfRun | None = DAYS
    every: PeriodName | None = EVERY
    holidays: HolidayList | None = HOLIDAYS
    since: Day | None = SINCE
    until: Day | None = UNTIL
    calendar: Literal["daily"] | None = NO_TABLE
    critical: bool = declared(default=False, meaning="Whether the next phase cannot start without it.")
    heartbeats: list[DocumentName] = declared(
        [], "Its documents in the heartbeat collection; more than one where it has had several names."
    )
    run_history_names: list[Text] | None = optional_key("Its names in the run history.", absent="those in `heartbeats`")
    owner: Text | None = optional_key(_OWNER, absent="the phase's")
    job: Job | None = optional_key(_JOB, absent="the phase's")
    logs: Link | None = optional_key(_LOGS, absent="the phase's; without one, Cloud Logging for its `job`")
    needs = (Need("more_tables", "table", "is beside `table`: write that too, or remove `more_tables`"),)


class Mode(Section):
    """A mode of a phase's documents: when it applies, and who must then register."""

    when: Annotated[list[When], Field(min_length=1)] = declared(
        ...,
        "For documents dated before today, on it, or after it. Each of the three belongs to exactly one mode.",
    )
    expected: Expected = declared(
        ids.EVERYTHING, "Who must register. An empty list: the document expects nobody in this mode."
    )


class Trigger(Section):
    """The rule that starts the next phase: all expected processors, or all critical ones and enough of the others."""

    ratio: Ratio = declared(0.6, "Which part of the expected processors is enough if the critical ones are in.")
    grace: Duration = declared("30m", "How long the orchestrator may take once the rule is met.")
    job: Job | None = optional_key("What runs the orchestrator.", absent="runbooks cannot name it")


class Phase(Section):
    """One phase of a pipeline. Its `owner`, `job` and `logs` are those of each processor that has none of its own."""

    days: DaysOfRun | None = DAYS
    every: PeriodName | None = EVERY
    holidays: HolidayList | None = HOLIDAYS
    since: Day | None = SINCE
    until: Day | None = UNTIL
    calendar: Literal["daily"] | None = NO_TABLE
    collection: Collection | None = optional_key(
        "The collection of its completion documents, one a date.", absent="tables alone are judged"
    )
    completion: Completion | None = optional_key("What these documents look like.", absent="as the pipeline's say")
    run_history_phase: Text | None = optional_key(
        "Only where one class runs in several phases: the `phase` that the run history gives its runs of this phase.",
        absent="runs of any `phase`, by the processor's name alone",
    )
    next: PhaseName | None = optional_key(
        "The phase that its completion starts; `shop/report` is the phase `report` of pipeline `shop`.",
        absent="nothing follows",
    )
    trigger: Trigger | None = optional_key("When that start is due.", absent="not judged")
    due: Deadline | None = optional_key(
        "When its processors without a `due` must have registered.", absent="each processor must have its own"
    )
    halts: Halts | None = optional_key(
        "Dates on which nothing of this phase is expected.", absent="those of the pipeline, if it has any"
    )
    modes: Annotated[dict[Name, Mode], Field(min_length=1)] = declared(
        {"daily": {"when": ["past", "today", "ahead"], "expected": ids.EVERYTHING}},
        "The modes by name.",
    )
    owner: Text | None = optional_key(_OWNER, absent="nobody is named")
    job: Job | None = optional_key(_JOB, absent="not known")
    logs: Link | None = optional_key(_LOGS, absent="Cloud Logging for the `job`; no link without one")
    processors: Annotated[dict[ProcessorName, Processor], Field(min_length=1)] = declared(
        ..., "The processors by the name under which they register."
    )


class Coverage(Section):
    """A coverage check: which part of a date's eligible rows is covered."""

    table: TableName = declared(..., "The table whose rows are counted.")
    date_column: DateColumn = declared(..., DATE_COLUMN)
    dated_by: PeriodName = declared("day", DATED_BY)
    data_date_offset: Offset = declared(0, OFFSET)
    days: DaysOfRun | None = DAYS
    every: PeriodName | None = EVERY
    holidays: HolidayList | None = HOLIDAYS
    since: Day | None = SINCE
    until: Day | None = UNTIL
    eligible: Sql = declared(..., "A condition: the rows that count.")
    covered: Sql = declared(..., "A condition: the eligible rows that are as they should be.")
    excluded: dict[Name, Sql] = declared({}, "Conditions by reason: rows that do not count, shown apart.")
    target: Ratio = declared(0.95, "The ratio that is aimed at.")
    warn: Ratio = declared(0.9, "Below this, a warning; at most `target`.")
    critical: Ratio = declared(0.8, "Below this, critical; at most `warn`.")
    orders = (
        Order("warn", le, "target", "`warn` ({key}) must not be above `target` ({other})"),
        Order("critical", le, "warn", "`critical` ({key}) must not be above `warn` ({other})"),
    )

    @property
    def reach(self) -> int:
        """As that of a processor's table."""
        return _reach(self.dated_by, self.data_date_offset)


class Pipeline(Section):
    """One watched pipeline. Its key becomes the label `pipeline`."""

    calendar: CalendarForm | None = CALENDAR
    days: DaysOfRun | None = DAYS
    every: PeriodName | None = EVERY
    holidays: HolidayList | None = HOLIDAYS
    since: Day | None = SINCE
    until: Day | None = UNTIL
    completion: Completion = declared({}, "What its completion documents look like.")
    heartbeats: Heartbeats | None = optional_key("Its heartbeats.", absent="not read")
    run_history: RunHistory | None = optional_key("Its run history.", absent="not read")
    phase_log: PhaseLog | None = optional_key("Its phase log.", absent="not read")
    halts: Halts | None = optional_key("Dates on which nothing of it is expected.", absent="the calendar alone")
    phases: Annotated[dict[Name, Phase], Field(min_length=1)] = declared(..., "Its phases by name, in order.")
    coverage: dict[Name, Coverage] | None = optional_key("Its coverage checks by name.", absent="none")


class Wire(Section):
    """The whole configuration."""

    project: Project = declared(..., "The Google Cloud project that holds Firestore and, unless named, the tables.")
    job_project: Project | None = optional_key(
        "The project that BigQuery jobs run in and are billed to.", absent="`project`"
    )
    firestore_database: Database = declared("(default)", "The Firestore database.")
    bigquery_location: Location | None = optional_key(
        "Where BigQuery jobs run.", absent="BigQuery finds it from the tables"
    )
    timezone: Zone = declared(..., "The zone of the pipeline's dates and deadlines.")
    documents: Documents = declared({}, "Which completion documents are shown.")
    collect: Collect = declared({}, "How often each source is read, for how long, and at what cost.")
    ledger: Ledger = declared({}, "Where sightings of entries are kept.")
    metrics: Metrics = declared({}, "What is exported, and how.")
    shard: ShardName | None = optional_key(
        "Which of several exporters with this configuration it is, counted from 0: `0/3` is the first of three. Each"
        " exports a part of the pipelines (docs/scaling.md); `run --shard` sets it too.",
        absent="it exports all pipelines",
    )
    calendar: CalendarForm | None = CALENDAR
    days: DaysOfRun | None = DAYS
    every: PeriodName | None = EVERY
    holidays: HolidayList | None = HOLIDAYS
    since: Day | None = SINCE
    until: Day | None = UNTIL
    pipelines: Annotated[dict[Name, Pipeline], Field(min_length=1)] = declared(..., "The pipelines by name.")
