"""The configuration as the program uses it: frozen, validated, nothing left to look up.

`schema.py` is the wire form (what the YAML may say), `load.py` turns it into these objects once. Times of day
and dates of the pipeline are in `Config.timezone`; every duration is a `timedelta`; sizes are bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.config.care import NOBODY, Care, CloudRun
from exporter.config.fields import DOCUMENTS, ENTRIES, HEARTBEATS, PHASE_LOG, RUN_HISTORY, names_of, words_of
from exporter.config.periods import A_DAY, Period
from exporter.config.schedules import DAILY, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, time, timedelta
    from zoneinfo import ZoneInfo

    from exporter.config.shards import Shard


class Relation(StrEnum):
    """Whether a document's date is before, on or after today in the pipeline's zone."""

    PAST = "past"
    TODAY = "today"
    AHEAD = "ahead"


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline relative to a document's date: a number of days later, at a local time."""

    days: int
    at: time


@dataclass(frozen=True, slots=True)
class TableRef:
    """A BigQuery table read by date: `dataset.table` or `project.dataset.table`, and its columns.

    Two processors that name the same table and columns share one reading. One that writes no table has one without a
    name. `day_column`: has the date of a row, or is SQL for it; `period`: rows of the same one belong together, and are
    read up to `reach` days beyond the window; `write_time_column`: when it was written; `key`: identifies it;
    `units`: an aggregate that counts the units that a date's rows cover; `optional`: the table may be unused.
    """

    name: str
    day_column: str
    write_time_column: str | None = None
    key: tuple[str, ...] = ()
    units: str | None = None
    optional: bool = False
    period: Period = A_DAY
    reach: int = 0

    def __hash__(self) -> int:
        """The name tells most tables apart, and a report looks up tables by the ten thousand."""
        return hash(self.name)


class Dated:
    """Something with a data date, which is `data_date_offset` periods of its table after the document's run date."""

    __slots__ = ()
    table: TableRef
    data_date_offset: int

    def data_date(self, run_date: date) -> date:
        """The data date of a run date: the first day of a week or month, where the table is dated so."""
        return self.table.period.moved(run_date, self.data_date_offset)


@dataclass(frozen=True, slots=True)
class RowsPerUnit:
    """How many rows one calendar unit (a game) may have, both bounds inclusive; `maximum` None: any number."""

    minimum: float
    maximum: float | None


@dataclass(frozen=True, slots=True)
class Written(Dated):
    """A table that a processor writes; its fields are those of the processor's first table."""

    table: TableRef
    data_date_offset: int
    rows_per_unit: RowsPerUnit | None = None
    rows_due: Due | None = None


@dataclass(frozen=True, slots=True)
class ProcessorConfig(Dated):
    """One processor: the name that it registers under, its heartbeats, and the table that it writes.

    `runs_as`: its names in the run history. `not_before`: no earlier run must register. `rows_due`: when its rows are
    due in every mode; None: with the registration. `schedule`: the run dates on which it is expected; `by_calendar`:
    and only where the pipeline's calendar table has units. `more`: further tables that it writes.
    """

    name: str
    table: TableRef
    data_date_offset: int
    due: Due
    not_before: Due | None = None
    critical: bool = False
    heartbeats: tuple[str, ...] = ()
    runs_as: tuple[str, ...] = ()
    rows_per_unit: RowsPerUnit | None = None
    rows_due: Due | None = None
    care: Care = NOBODY
    schedule: Schedule = DAILY
    by_calendar: bool = True
    more: tuple[Written, ...] = ()

    @property
    def of_each_table(self) -> tuple[ProcessorConfig, ...]:
        """The processor itself, and for each further table the processor as if it wrote this one."""
        more = (replace(self, **{key.name: getattr(one, key.name) for key in fields(one)}) for one in self.more)
        return (self, *more)


@dataclass(frozen=True, slots=True)
class Mode:
    """A mode of a document: when it applies and which processors must then register."""

    name: str
    when: frozenset[Relation]
    expected: frozenset[str]


@dataclass(frozen=True, slots=True)
class Trigger:
    """The rule that starts the next phase: all expected, or all critical and at least `ratio` of the expected.

    `grace` is how long the orchestrator may take once the rule is met, `orchestrator` what runs it.
    """

    ratio: float
    grace: timedelta
    orchestrator: CloudRun | None = None


@dataclass(frozen=True, slots=True)
class HaltsConfig:
    """A second calendar: nothing is expected on a date that has a row for which `halted` is true.

    `where`: which rows are of this pipeline; `reason`: the column that says why; `stale_after`: how old the newest row
    may be; None: any age. `by_run_date`: its dates are run dates, not data dates.
    """

    table: TableRef
    halted: str
    where: str | None = None
    reason: str | None = None
    stale_after: timedelta | None = None
    by_run_date: bool = False

    def is_stale(self, age: timedelta) -> bool:
        """Whether a newest row of that age is too old."""
        return self.stale_after is not None and age > self.stale_after


@dataclass(frozen=True, slots=True)
class CompletionConfig:
    """What completion documents look like. `entries`: the field that holds them; None: the document itself does.

    `fields` and `document_fields`: names of fields by key; `statuses`: words by what they mean (`fields.py`).
    """

    entries: str | None = None
    metadata: tuple[str, ...] = ()
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: names_of(ENTRIES))
    statuses: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: words_of(ENTRIES))
    document_fields: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: names_of(DOCUMENTS))

    def is_entry(self, name: str) -> bool:
        """Whether a field beside the metadata is an entry."""
        own = any(name in names for names in self.document_fields.values())
        return not (own or name.startswith("_") or name in self.metadata)


@dataclass(frozen=True, slots=True)
class PhaseConfig:
    """One phase. Without `collection` it has no completion documents; without `trigger` its trigger is not judged."""

    name: str
    processors: Mapping[str, ProcessorConfig]
    modes: tuple[Mode, ...]
    collection: str | None = None
    run_history_phase: str | None = None
    next: str | None = None
    trigger: Trigger | None = None
    halts: HaltsConfig | None = None
    completion: CompletionConfig = field(default_factory=CompletionConfig)

    def asks(self, run_date: date) -> bool:
        """Whether the schedule of any of its processors has this run date."""
        return any(one.schedule.asks(run_date) for one in self.processors.values())


@dataclass(frozen=True, slots=True)
class HeartbeatsConfig:
    """The heartbeat collection, the ages that matter, the bounds of the collection's size, and names and words."""

    collection: str
    stale_after: timedelta
    dead_after: timedelta
    silent_after: timedelta
    documents_warn: int
    documents_critical: int
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: names_of(HEARTBEATS))
    statuses: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: words_of(HEARTBEATS))


@dataclass(frozen=True, slots=True)
class CalendarConfig:
    """How to count the units (games) of a date: an aggregate over a table's rows of it, with an optional filter.

    `unit_column` identifies a unit: if it has rows on several dates, the last date counts. `noun`: the word for a unit
    in hints ("game"). `ahead`: how many days from today on it must reach; None: any number. `by_run_date`: its dates
    are run dates, not data dates.
    """

    table: TableRef
    units: str
    where: str | None = None
    unit_column: str | None = None
    noun: str = "unit"
    by_run_date: bool = False
    ahead: int | None = None


@dataclass(frozen=True, slots=True)
class RunHistoryConfig:
    """The run history table, its columns by key, and its words. `finished_column`: when a run ended."""

    table: TableRef
    finished_column: str
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: names_of(RUN_HISTORY))
    statuses: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: words_of(RUN_HISTORY))


@dataclass(frozen=True, slots=True)
class PhaseLogConfig(Dated):
    """The phase log table and the transitions that are expected on a date with units."""

    table: TableRef
    transitions: tuple[str, ...]
    data_date_offset: int
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: names_of(PHASE_LOG))


@dataclass(frozen=True, slots=True)
class CoverageConfig(Dated):
    """A coverage check: covered rows over eligible rows of a date, other rows in named buckets. Ratios are 0 to 1."""

    name: str
    table: TableRef
    data_date_offset: int
    eligible: str
    covered: str
    excluded: Mapping[str, str]
    target: float
    warn: float
    critical: float
    schedule: Schedule = DAILY


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """One watched pipeline. `calendar` None: no table says what is expected; `schedule` alone does."""

    name: str
    calendar: CalendarConfig | None
    phases: Mapping[str, PhaseConfig]
    heartbeats: HeartbeatsConfig | None = None
    run_history: RunHistoryConfig | None = None
    phase_log: PhaseLogConfig | None = None
    halts: HaltsConfig | None = None
    coverage: Mapping[str, CoverageConfig] = field(default_factory=dict)
    schedule: Schedule = DAILY

    def registering(self, phase: PhaseConfig) -> frozenset[str]:
        """The processors that register in the documents of a phase: its own, and those of phases that share them."""
        sharing = (one for one in self.phases.values() if one is phase or one.collection == phase.collection)
        return frozenset(name for one in sharing for name in one.processors)

    @property
    def all_halts(self) -> tuple[HaltsConfig, ...]:
        """Its own halts and those of its phases, each once."""
        found = (self.halts, *(phase.halts for phase in self.phases.values()))
        return tuple(dict.fromkeys(halts for halts in found if halts))


@dataclass(frozen=True, slots=True)
class CollectorConfig:
    """How often a collector runs, how long one run may take, and how long its last good values are used."""

    every: timedelta
    timeout: timedelta
    max_staleness: timedelta


@dataclass(frozen=True, slots=True)
class WarehouseLimits:
    """What BigQuery may cost: bytes billed by one job, and by all jobs of a UTC day."""

    job: int
    day: int


@dataclass(frozen=True, slots=True)
class SeasonConfig:
    """How many days before today the season on the status page goes back, and how often it is read."""

    past: int
    every: timedelta


@dataclass(frozen=True, slots=True)
class CollectConfig:
    """The collectors. `heartbeat_count` is the slow count of the whole heartbeat collection.

    `season` None: it is not read. `adapts`: whether readings follow the pipeline (`pace`).
    """

    completion: CollectorConfig
    heartbeats: CollectorConfig
    heartbeat_count: CollectorConfig
    warehouse: CollectorConfig
    warehouse_limits: WarehouseLimits
    adapts: bool
    season: SeasonConfig | None = None


@dataclass(frozen=True, slots=True)
class DocumentsConfig:
    """Which run dates are exposed: `past` days before today to `future` days after; or `only` these. `follow`: live."""

    past: int
    future: int
    only: tuple[date, ...] = ()
    follow: bool = True


@dataclass(frozen=True, slots=True)
class LedgerConfig:
    """The SQLite file (or `:memory:`) that remembers sightings, and for how long after a document's date."""

    path: str
    keep: timedelta


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration. `database`: of Firestore; `location` and `job_project`: of BigQuery's jobs."""

    project: str
    timezone: ZoneInfo
    documents: DocumentsConfig
    collect: CollectConfig
    pipelines: Mapping[str, PipelineConfig]
    ledger: LedgerConfig
    every_state: bool = False
    database: str = "(default)"
    location: str | None = None
    job_project: str | None = None
    shard: Shard | None = None
    elsewhere: Mapping[str, PipelineConfig] = field(default_factory=dict)

    @property
    def of_all_shards(self) -> Mapping[str, PipelineConfig]:
        """Every pipeline: its own, and those `elsewhere`, which the other shards export."""
        return {**self.pipelines, **self.elsewhere}

    @property
    def firestore_root(self) -> str:
        """The name below which all documents of the Firestore database are."""
        return f"projects/{self.project}/databases/{self.database}/documents"

    @property
    def completions(self) -> Mapping[str, CompletionConfig]:
        """What the documents of each collection look like."""
        phases = [phase for pipeline in self.pipelines.values() for phase in pipeline.phases.values()]
        return {phase.collection: phase.completion for phase in phases if phase.collection}

    @property
    def heartbeat_collections(self) -> Mapping[str, HeartbeatsConfig]:
        """What the heartbeats of each collection look like."""
        return {found.collection: found for one in self.pipelines.values() if (found := one.heartbeats)}

    @property
    def billed_project(self) -> str:
        """The project in which BigQuery's jobs run, and which pays for them."""
        return self.job_project or self.project
