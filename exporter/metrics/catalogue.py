"""The catalogue: every metric family once, and how a report becomes samples. No other module spells a metric's name."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from exporter.config.care import NOBODY
from exporter.metrics.clock import conditions_since, due_text, since
from exporter.metrics.owners import owner_labels
from exporter.metrics.samples import Family, label_text
from exporter.model import Bound, Condition, HeartbeatState, LogSource, RemovalKind, TriggerState, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from exporter.metrics.samples import Kind, Out, Sample, Samples
    from exporter.model import ConditionReport, CoverageReport, PhaseReport, PipelineReport, ProcessorReport, Report

    Labelled = Sequence[tuple[str, ProcessorReport]]

PREFIX = "orchestration_"
PIPELINE = ("pipeline",)
DAY = ("pipeline", "run_date")
PHASE = ("pipeline", "phase", "run_date")
PROCESSOR = (*PHASE, "processor")
CHECK = (*DAY, "check")

REPORT_FAMILIES: list[Family] = []
LIVE_FAMILIES: list[Family] = []


def _gauge(name: str, labels: tuple[str, ...], text: str) -> Family:
    # Prometheus's linter takes a name that ends in `_count` for a histogram's, unless the type is unknown.
    family = Family(PREFIX + name, "unknown" if name.endswith("_count") else "gauge", text, labels)
    REPORT_FAMILIES.append(family)
    return family


def _live(name: str, labels: tuple[str, ...], text: str, kind: Kind = "gauge") -> Family:
    family = Family(f"{PREFIX}exporter_{name}", kind, text, labels)
    LIVE_FAMILIES.append(family)
    return family


EXPECTED = _gauge("phase_processors_expected", PHASE, "Processors that the run date's document must register.")
REGISTERED = _gauge("phase_processors_registered", PHASE, "Expected processors that are registered in the document.")
UNEXPECTED = _gauge("phase_processors_unexpected", PHASE, "Entries whose name no processor of the phase has.")
ENTRIES = _gauge("phase_entries", PHASE, "Entries of the document, expected or not.")
REMOVED = _gauge(
    "phase_entries_removed",
    (*PHASE, "kind"),
    "Entries that were seen in the document and removed from it, by kind of removal.",
)
OVERWRITTEN = _gauge(
    "phase_entries_overwritten", PHASE, "Entries that were lost within the last hour and are restored."
)
COUNT_INCONSISTENT = _gauge(
    "phase_count_inconsistent", PHASE, "1 if _completed_count is no number of entries that a writer may count."
)
COMPLETED_COUNT = _gauge("phase_completed_count", PHASE, "The document's _completed_count as written.")
MALFORMED = _gauge("phase_malformed_fields", PHASE, "Fields of the document that could not be used.")
TRIGGERED = _gauge("phase_triggered", PHASE, "1 if the document says that it triggered the next phase.")
TRIGGERED_AT = _gauge("phase_triggered_timestamp_seconds", PHASE, "When the document says that it triggered.")
PHASE_DUE = _gauge("phase_due_timestamp_seconds", PHASE, "When the last expected processor of the phase is due.")
TRIGGER_STATE = _gauge("phase_trigger_state", (*PHASE, "state"), "State of the trigger; 1 for the one it is in.")
PHASE_SINCE = _gauge(
    "phase_since_timestamp_seconds",
    (*PHASE, "about", "then", "local", "after"),
    "Since when the trigger is stuck or blocked, a count is wrong, or entries were overwritten; no sample otherwise.",
)
MODE = _gauge("phase_mode", (*PHASE, "mode"), "Mode of the document; 1 for the one it is in.")
PROCESSOR_REGISTERED = _gauge("processor_registered", PROCESSOR, "1 if the document has its entry.")
CRITICAL = _gauge("processor_critical", PROCESSOR, "1 if the trigger rule cannot do without the processor.")
VERDICT = _gauge("processor_verdict", (*PROCESSOR, "verdict"), "Verdict on the work; 1 for the one that applies.")
SINCE = _gauge(
    "processor_since_timestamp_seconds",
    (*PROCESSOR, "about", "then", "local", "after"),
    "Since when what the verdict names has been there, or a heartbeat is late or a run past due; no sample otherwise.",
)
OWNER_INFO = _gauge(
    "processor_owner_info",
    ("pipeline", "phase", "processor", "owner", "runs_in", "logs"),
    "Always 1; who looks after the processor, what runs it, and the link to its logs but for {from} and {to}.",
)
RECORD_COUNT = _gauge("processor_record_count", PROCESSOR, "Rows that the entry says its run wrote.")
TABLE_ROWS = _gauge("processor_table_rows", PROCESSOR, "Rows of the data date in the processor's table.")
WITHOUT_TABLE = _gauge("processor_without_table", PROCESSOR, "1 for a processor that writes no table; else no series.")
DELTA = _gauge("processor_record_count_delta", PROCESSOR, "Rows counted in the table minus rows registered.")
COUNT_POSSIBLE = _gauge(
    "processor_record_count_possible",
    PROCESSOR,
    "0 if a complete run cannot have registered this count over these rows.",
)
ROWS_MIN = _gauge("processor_table_rows_expected_min", PROCESSOR, "Fewest rows that the calendar's units allow.")
ROWS_MAX = _gauge("processor_table_rows_expected_max", PROCESSOR, "Most rows that the calendar's units allow.")
TOO_FEW = _gauge("processor_rows_too_few", PROCESSOR, "1 if rows are there, and whole units or rows are missing.")
TOO_MANY = _gauge("processor_rows_too_many", PROCESSOR, "1 if there are more rows than the units have, or duplicates.")
DUPLICATES = _gauge("processor_duplicate_rows", PROCESSOR, "Rows beyond the distinct ones, by the table's key.")
TABLE_UNITS = _gauge("processor_table_units", PROCESSOR, "Units that the rows of the data date cover.")
UNITS_OWED = _gauge("processor_units_expected", PROCESSOR, "Units of the data date that the processor owes rows for.")
ROWS_DUE = _gauge("processor_rows_due_timestamp_seconds", PROCESSOR, "When the processor's rows are due.")
PROCESSOR_DUE = _gauge("processor_due_timestamp_seconds", PROCESSOR, "When the processor's registration is due.")
COMPLETED_AT = _gauge("processor_completed_timestamp_seconds", PROCESSOR, "When the entry says it completed.")
WRITTEN_AT = _gauge("processor_table_written_timestamp_seconds", PROCESSOR, "When the newest row was written.")
HEARTBEAT_AT = _gauge(
    "processor_heartbeat_timestamp_seconds", PROCESSOR, "Last beat of the heartbeat that speaks for the data date."
)
HEARTBEAT_AGE = _gauge("processor_heartbeat_age_seconds", PROCESSOR, "Age of that beat when the heartbeats were read.")
HEARTBEAT_STATE = _gauge(
    "processor_heartbeat_state", (*PROCESSOR, "state"), "What the heartbeat says of this work; 1 for its state."
)
LOG_SOURCE = _gauge("phase_log_source", (*PHASE, "source"), "Which record shows that the phase ran; 1 for that one.")
HISTORY = _gauge("phase_run_history_processors", PHASE, "Distinct processors with a successful run in the run history.")
LOG_ROWS = _gauge("phase_log_rows", (*DAY, "transition"), "Rows of the transition in the phase log.")
LOG_EXPECTED = _gauge(
    "phase_log_rows_expected", (*DAY, "transition"), "Rows expected there, from the calendar's units."
)
COVERAGE_EXPECTED = _gauge("coverage_expected", CHECK, "1 if the calendar has units for the data date.")
COVERAGE_ROWS = _gauge("coverage_rows", CHECK, "Rows of the data date in the checked table.")
ELIGIBLE = _gauge("coverage_eligible_rows", CHECK, "Rows that count for the check.")
COVERED = _gauge("coverage_covered_rows", CHECK, "Eligible rows that are covered.")
EXCLUDED = _gauge("coverage_excluded_rows", (*CHECK, "reason"), "Rows left out of the check, by reason.")
UNCLASSIFIED = _gauge("coverage_unclassified_rows", CHECK, "Rows neither eligible nor in a bucket of excluded ones.")
TARGET = _gauge("coverage_target_ratio", CHECK, "Covered over eligible as it should be.")
WARN = _gauge("coverage_warn_ratio", CHECK, "Below this ratio coverage is low.")
COVERAGE_CRITICAL = _gauge("coverage_critical_ratio", CHECK, "Below this ratio coverage is critically low.")
COVERAGE_LOW = _gauge(
    "coverage_low", (*CHECK, "bound"), "1 for the bound that the ratio is below, of both for the lower one."
)
COVERAGE_SINCE = _gauge(
    "coverage_since_timestamp_seconds",
    (*CHECK, "about", "data_date", "local", "after"),
    "Since when coverage is low, or rows are unclassified; no sample while it is not so.",
)
COVERAGE_UNCLASSIFIED = _gauge("coverage_unclassified", CHECK, "1 if rows are unclassified or unmarked.")
UNITS = _gauge("calendar_units", (*PIPELINE, "date"), "Units that the calendar has for a data date.")
CALENDAR_DOUBTFUL = _gauge("calendar_doubtful", (*PIPELINE, "reason"), "1 if what the calendar says is no fact.")
PIPELINE_SINCE = _gauge(
    "pipeline_since_timestamp_seconds",
    (*DAY, "reason", "about", "local", "after"),
    "Since when heartbeats are silent, the phase log is empty, or the calendar is doubtful; no sample otherwise.",
)
HEARTBEAT_DOCUMENTS = _gauge("heartbeat_documents", PIPELINE, "Documents in the heartbeat collection.")
DOCUMENTS_WARN = _gauge("heartbeat_documents_warn", PIPELINE, "More documents than this are too many.")
DOCUMENTS_CRITICAL = _gauge("heartbeat_documents_critical", PIPELINE, "More documents than this are far too many.")
BLOATED = _gauge(
    "heartbeat_collection_bloated",
    (*PIPELINE, "bound"),
    "1 for the bound that the documents are more than, of both for the higher one.",
)
STALE_AFTER = _gauge("heartbeat_stale_after_seconds", PIPELINE, "A running heartbeat older than this is stale.")
SILENT_AFTER = _gauge(
    "heartbeat_silent_after_seconds", PIPELINE, "No heartbeat for this long while runs go on is a fault of its own."
)
LAST_HEARTBEAT = _gauge("heartbeat_last_timestamp_seconds", PIPELINE, "Newest beat of any processor of the pipeline.")
SILENT = _gauge("heartbeats_silent", PIPELINE, "1 if runs go on and no heartbeat of the pipeline beats.")
HEARTBEATS_KNOWN = _gauge("heartbeats_known", PIPELINE, "1 if the heartbeats could be read.")
RUN_HISTORY_KNOWN = _gauge("run_history_known", PIPELINE, "1 if the run history could be read.")
UNUSABLE = _gauge("unusable_fields", (*PIPELINE, "kind"), "Fields that were there and could not be used, by record.")
LAST_RUN = _gauge("run_history_last_run_timestamp_seconds", PIPELINE, "Newest run in the run history.")

REPORT_AT = _live("report_timestamp_seconds", (), "When the served report was made.")
EXPORTER_SINCE = _live(
    "since_timestamp_seconds",
    ("about", "source", "collector", "local", "after"),
    "Since when a source cannot be read, or another fault of the exporter itself is there; no sample otherwise.",
)
UTC_OFFSET = _live("utc_offset_seconds", ("zone",), "How far the configured time zone is ahead of UTC now.")
SERIES = _live("series", (), "Series of the served report.")
SOURCE_UP = _live(
    "source_up", ("source",), "0 if the last attempt did not reach the source (or was refused, timed out, over quota)."
)
SOURCE_ERROR = _live("source_error", ("source", "reason"), "Why the last attempt failed; 1 for the reason.")
RUNS = _live("collector_runs_total", ("collector",), "Runs of the collector that ended.", "counter")
FAILURES = _live(
    "collector_failures_total", ("collector", "reason"), "Runs in which something failed, by reason.", "counter"
)
SKIPPED = _live("collector_skipped_total", ("collector", "reason"), "Runs that did not take place.", "counter")
DURATION = _live("collector_duration_seconds", ("collector",), "Duration of the last run.")
FAILING = _live("collector_failing", ("collector", "reason"), "1 if this made the last run, or a part of it, fail.")
LAST_SUCCESS = _live("collector_last_success_timestamp_seconds", ("collector",), "End of the last good run.")
INTERVAL = _live("collector_interval_seconds", ("collector",), "Its configured interval.")
PACE = _live("collector_pace_seconds", ("collector",), "How soon after its last good run the next one is to begin.")
LISTENER_CONNECTED = _live("listener_connected", (), "1 while a listener reports every change of the documents.")
LISTENER_EVENTS = _live("listener_events_total", (), "Changed documents that the listener reported.", "counter")
LISTENER_GAPS = _live("listener_gaps_total", (), "Times that the listener lost its stream.", "counter")
LISTENER_LAST = _live("listener_last_event_timestamp_seconds", (), "When the listener last reported anything.")
LEDGER_DURABLE = _live("ledger_durable", (), "1 if the ledger file holds all that was seen; 0 while it cannot be used.")
LEDGER_FAILURES = _live("ledger_failures_total", (), "Failed attempts to use the ledger file.", "counter")
JOBS = _live("bigquery_jobs_total", (), "Query jobs started.", "counter")
BYTES_PROCESSED = _live("bigquery_bytes_processed_total", (), "Bytes that the jobs processed.", "counter")
BYTES_BILLED = _live("bigquery_bytes_billed_total", (), "Bytes that the jobs were billed.", "counter")
BUDGET = _live("bigquery_budget_remaining_bytes", (), "What is left of the UTC day's budget of billed bytes.")
READS = _live("firestore_document_reads_total", (), "Document reads that Firestore bills.", "counter")
REFUSED = _live("http_refused_total", ("reason",), "Connections cut and requests refused, by reason.", "counter")
BUILD = _live("build_info", ("version", "python"), "Always 1; the build in its labels.")
CONFIG = _live("config_info", ("source", "hash"), "Always 1; the configuration in use in its labels.")
RELOAD_OK = _live("config_last_reload_successful", (), "1 if the last reload of the configuration succeeded.")
RELOAD_AT = _live("config_last_reload_success_timestamp_seconds", (), "When the configuration in use was loaded.")

CATALOGUE: tuple[Family, ...] = (*REPORT_FAMILIES, *LIVE_FAMILIES)

CONDITIONS = {
    Condition.COUNT_INCONSISTENT: COUNT_INCONSISTENT,
    Condition.COVERAGE_LOW: COVERAGE_LOW,
    Condition.COVERAGE_UNCLASSIFIED: COVERAGE_UNCLASSIFIED,
    Condition.HEARTBEATS_SILENT: SILENT,
    Condition.COLLECTION_BLOATED: BLOATED,
}
"""The families that export answers of the table of conditions. The series of the other conditions are older than it."""
_SINCES = {"check": COVERAGE_SINCE, "processor": SINCE, "phase": PHASE_SINCE, "pipeline": PIPELINE_SINCE}

_REMOVALS = [(kind, label_text(kind=kind)) for kind in RemovalKind if kind is not RemovalKind.REPLACED]
_BOUNDS = [(bound, f',bound="{bound}"') for bound in Bound]
_VALUES = {VERDICT: Verdict, HEARTBEAT_STATE: HeartbeatState, TRIGGER_STATE: TriggerState, LOG_SOURCE: LogSource}
_STATES: Mapping[Family, Mapping[str, str]] = {
    family: {state: f',{family.labels[-1]}="{state}"' for state in states} for family, states in _VALUES.items()
}
"""The families that export a state, with the last label of each state that there is, as text."""


def report_samples(report: Report) -> Samples:
    """Every series of the report. A value that is unknown has no sample."""
    out: dict[Family, list[Sample]] = {family: [] for family in REPORT_FAMILIES}
    for pipeline in report.pipelines:
        pipeline_samples(out, pipeline, zone=report.timezone)
        for phase in pipeline.each_phase:
            owner_samples(out, phase)
        for phase in pipeline.phases:
            phase_samples(out, phase, zone=report.timezone, every_state=report.every_state)
            heartbeat_ages(out, phase, pipeline.heartbeats_read_at)
    return out


def put(out: Out, labels: str, values: Iterable[tuple[Family, float | datetime | None]]) -> None:
    """Add the samples of these values under these labels; a value that is unknown has none."""
    for family, value in values:
        if value is not None:
            out[family].append((labels, value + 0 if isinstance(value, (int, float)) else value.timestamp()))


def _state(out: Out, family: Family, labels: str, state: str, *, every_state: bool) -> None:
    """The series of the state that holds, and with `every_state` those of the others, which are 0."""
    if every_state:
        out[family].extend([(labels + text, 1 if state is which else 0) for which, text in _STATES[family].items()])
    else:
        out[family].append((labels + _STATES[family][state], 1))


def phase_samples(out: Out, phase: PhaseReport, *, zone: str, every_state: bool) -> None:
    """Add the series of one phase of one run date, and of its processors; `zone` is that of local times."""
    labels = _labels(phase)
    put(out, labels, ((EXPECTED, phase.expected), (REGISTERED, phase.registered), (UNEXPECTED, phase.unexpected)))
    put(out, labels, ((ENTRIES, phase.entries), (COMPLETED_COUNT, phase.completed_count), (MALFORMED, phase.malformed)))
    put(out, labels, ((TRIGGERED, phase.triggered), (TRIGGERED_AT, phase.triggered_at), (PHASE_DUE, phase.due)))
    put(out, labels, ((HISTORY, phase.run_history_processors),))
    if phase.watched:
        kinds = Counter(removal.kind for removal in phase.removals)
        out[REMOVED].extend([(f"{labels},{text}", kinds[kind]) for kind, text in _REMOVALS])
        out[OVERWRITTEN].append((labels, phase.overwritten_lately))
    if phase.trigger_state is not None:
        _state(out, TRIGGER_STATE, labels, phase.trigger_state, every_state=every_state)
    modes = phase.modes if every_state else [phase.mode]
    out[MODE].extend([(f"{labels},{label_text(mode=mode)}", 1 if mode == phase.mode else 0) for mode in modes])
    _state(out, LOG_SOURCE, labels, phase.log_source, every_state=every_state)
    then = due_text(phase.then, zone)
    if phase.since:
        out[PHASE_SINCE].append(since(labels, phase.since, zone, about=str(phase.trigger_state), then=then))
    processor_samples(out, _labelled(phase, phase.processors), zone, then, every_state=every_state)


def processor_samples(out: Out, labelled: Labelled, zone: str, then: str, *, every_state: bool) -> None:
    """Add the series of processors in those of their families that `out` has. `then`: when the next phase is due."""
    for family, number in _NUMBERS:
        if family in out:
            out[family].extend([(text, known + 0) for text, one in labelled if (known := number(one)) is not None])
    for family, time in _TIMES:
        if family in out:
            out[family].extend([(text, at.timestamp()) for text, one in labelled if (at := time(one)) is not None])
    for text, one in labelled if VERDICT in out else ():
        _state(out, VERDICT, text, one.verdict, every_state=every_state)
    for text, one in labelled if HEARTBEAT_STATE in out else ():
        _state(out, HEARTBEAT_STATE, text, one.heartbeat.state, every_state=every_state)
    for text, one in labelled if SINCE in out else ():
        if one.since:
            out[SINCE].append(since(text, one.since, zone, about=one.verdict, then=then))


def heartbeat_ages(out: Out, phase: PhaseReport, read_at: datetime | None) -> None:
    """Add the ages of the phase's heartbeats when they were read, which alone change with each reading."""
    if read_at is not None:
        for text, one in _labelled(phase, [one for one in phase.processors if _own_beat(one)]):
            if beat := _own_beat(one):
                out[HEARTBEAT_AGE].append((text, (read_at - beat).total_seconds()))


def _labels(phase: PhaseReport) -> str:
    return label_text(pipeline=phase.pipeline, phase=phase.phase, run_date=phase.run_date.isoformat())


def _labelled(phase: PhaseReport, some: Iterable[ProcessorReport]) -> Labelled:
    """Some of the phase's processors, each with its labels."""
    labels = _labels(phase)
    return [(f"{labels},{label_text(processor=one.processor)}", one) for one in some]


def _own_beat(processor: ProcessorReport) -> datetime | None:
    beat = processor.heartbeat
    return beat.beat_at if beat.data_date == processor.data_date else None


_NUMBERS: Sequence[tuple[Family, Callable[[ProcessorReport], float | None]]] = (
    (PROCESSOR_REGISTERED, lambda one: one.registered),
    (CRITICAL, lambda one: one.critical),
    (RECORD_COUNT, lambda one: one.record_count),
    (TABLE_ROWS, lambda one: one.table_rows),
    (WITHOUT_TABLE, lambda one: None if one.table else True),
    (DELTA, lambda one: one.record_count_delta),
    (COUNT_POSSIBLE, lambda one: one.record_count_possible),
    (ROWS_MIN, lambda one: one.rows_minimum),
    (ROWS_MAX, lambda one: one.rows_maximum),
    (TOO_FEW, lambda one: one.too_few),
    (TOO_MANY, lambda one: one.too_many),
    (DUPLICATES, lambda one: one.duplicate_rows),
    (TABLE_UNITS, lambda one: one.table_units),
    (UNITS_OWED, lambda one: one.units),
)
_TIMES: Sequence[tuple[Family, Callable[[ProcessorReport], datetime | None]]] = (
    (ROWS_DUE, lambda one: one.rows_due),
    (PROCESSOR_DUE, lambda one: one.due),
    (COMPLETED_AT, lambda one: one.entry.completed_at if one.entry else None),
    (WRITTEN_AT, lambda one: one.written_at),
    (HEARTBEAT_AT, _own_beat),
)


def owner_samples(out: Out, phase: PhaseReport) -> None:
    """Add one series for each of the phase's processors, and only where something is known."""
    for one in phase.processors:
        if one.care is not NOBODY and one.care != NOBODY:
            out[OWNER_INFO].append((owner_labels(one.pipeline, one.phase, one.processor, one.care), 1))


def _coverage(out: Out, coverage: CoverageReport) -> None:
    check, counts = coverage.check, coverage.counts
    labels = label_text(pipeline=coverage.pipeline, run_date=coverage.run_date.isoformat(), check=check.name)
    put(out, labels, ((COVERAGE_EXPECTED, coverage.expected), (TARGET, check.target)))
    put(out, labels, ((WARN, check.warn), (COVERAGE_CRITICAL, check.critical), (UNCLASSIFIED, coverage.unclassified)))
    if counts is not None:
        put(out, labels, ((COVERAGE_ROWS, counts.rows), (ELIGIBLE, counts.eligible), (COVERED, counts.covered)))
        excluded = counts.excluded.items()
        out[EXCLUDED].extend([(f"{labels},{label_text(reason=reason)}", rows) for reason, rows in excluded])


def _condition(out: Out, found: ConditionReport) -> None:
    labels = label_text(**found.labels)
    family = CONDITIONS.get(found.condition)
    if found.holds is None or family is None:
        return
    if "bound" in family.labels:
        out[family].extend([(labels + text, int(found.bound is bound)) for bound, text in _BOUNDS])
    else:
        out[family].append((labels, int(found.holds)))


def pipeline_samples(out: Out, pipeline: PipelineReport, *, zone: str) -> None:
    """Add the series of a pipeline that are of none of its phases' dates. `zone`: that of local times."""
    for coverage in pipeline.coverage:
        _coverage(out, coverage)
    for found in pipeline.conditions:
        _condition(out, found)
    rows = {(one.check.name, str(one.run_date)): str(one.data_date) for one in pipeline.coverage}
    then = {(one.phase, str(one.run_date)): due_text(one.then, zone) for one in pipeline.phases}
    for of, sample in conditions_since(pipeline.conditions, rows, then, zone):
        out[_SINCES[of]].append(sample)
    labels = label_text(pipeline=pipeline.pipeline)
    stale, silent = pipeline.heartbeat_stale_after, pipeline.heartbeat_silent_after
    values = (
        (HEARTBEAT_DOCUMENTS, pipeline.heartbeat_documents),
        (DOCUMENTS_WARN, pipeline.heartbeat_documents_warn),
        (DOCUMENTS_CRITICAL, pipeline.heartbeat_documents_critical),
        (STALE_AFTER, stale.total_seconds() if stale else None),
        (SILENT_AFTER, silent.total_seconds() if silent else None),
        (HEARTBEATS_KNOWN, pipeline.heartbeats_known if stale else None),
        (LAST_HEARTBEAT, pipeline.last_heartbeat_at),
        (RUN_HISTORY_KNOWN, pipeline.run_history_known),
        (LAST_RUN, pipeline.last_run_at),
    )
    put(out, labels, values)
    for kind, fields in pipeline.unusable.items():
        put(out, f"{labels},{label_text(kind=kind)}", ((UNUSABLE, len(fields)),))
    for day, units in pipeline.units.items():
        put(out, f"{labels},{label_text(date=day.isoformat())}", ((UNITS, units),))
    for reason, is_doubtful in pipeline.calendar_doubtful.items():
        out[CALENDAR_DOUBTFUL].append((f"{labels},{label_text(reason=reason)}", int(is_doubtful)))
    for log in pipeline.phase_log:
        text = label_text(pipeline=log.pipeline, run_date=log.run_date.isoformat(), transition=log.transition)
        put(out, text, ((LOG_ROWS, log.rows), (LOG_EXPECTED, log.expected)))
