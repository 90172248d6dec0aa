"""The wire form of a pipeline's own records: what its documents, heartbeats, run history and phase log look like."""

from __future__ import annotations

from operator import gt, lt
from typing import Annotated, Any

from pydantic import Field

from exporter.config.fields import DOCUMENTS, ENTRIES, FIELDS, HEARTBEATS, PHASE_LOG, RUN_HISTORY, WORDS
from exporter.config.section import Order, Section, declared, optional_key, whole
from exporter.config.value_types import (
    Collection,
    Column,
    ColumnNames,
    DateColumn,
    Duration,
    FieldName,
    FieldNames,
    Name,
    Offset,
    TableName,
    Words,
)

OFFSET = (
    "The rows' date minus the document's date, in days, or in the weeks or months of `dated_by`: -1 where document D is"
    " about the day, week or month before."
)
DATE_COLUMN = (
    "The column that says which date a row is of: DATE, or DATETIME or TIMESTAMP, whose dates are those in `timezone`."
    " Partition the table by this column, so that a reading costs less. Or an expression: `DATE(event_ts)`; BigQuery"
    " then reads all partitions unless it can tell from the expression which it needs."
)
WRITTEN_TYPES = "TIMESTAMP, or DATETIME in `timezone`; a DATE is no moment, and its times are unknown."


def _names(record: str, key: str) -> Any:  # noqa: ANN401 - read into any type
    """The key of a field, as the table of fields describes it."""
    found = next(field for field in FIELDS if (field.record, field.key) == (record, key))
    return declared(list(found.names), found.decides)


def _column(record: str, key: str) -> Any:  # noqa: ANN401 - as above
    """The key of a column that there must be."""
    found = next(field for field in FIELDS if (field.record, field.key) == (record, key))
    return declared(found.names[0], found.decides)


def _words(record: str, meaning: str) -> Any:  # noqa: ANN401 - as above
    """The key of the words of a status, as the table of words describes them."""
    words, means = WORDS[record, meaning]
    return declared(list(words), means)


class RecordNames(Section):
    """Names that the pipeline gave, by the keys of `fields.py`."""


class DocumentFields(RecordNames):
    """The names of a completion document's own fields, beside its entries. `[]`: there is no such field."""

    triggered: FieldNames = _names(DOCUMENTS, "triggered")
    trigger_succeeded: FieldNames = _names(DOCUMENTS, "trigger_succeeded")
    trigger_pending: FieldNames = _names(DOCUMENTS, "trigger_pending")
    triggered_at: FieldNames = _names(DOCUMENTS, "triggered_at")
    trigger_reason: FieldNames = _names(DOCUMENTS, "trigger_reason")
    completed_count: FieldNames = _names(DOCUMENTS, "completed_count")
    mode: FieldNames = _names(DOCUMENTS, "mode")


class EntryFields(RecordNames):
    """The names of an entry's fields; of several, the first whose value can be used counts. `[]`: none."""

    status: FieldNames = _names(ENTRIES, "status")
    completed_at: FieldNames = _names(ENTRIES, "completed_at")
    record_count: FieldNames = _names(ENTRIES, "record_count")
    is_incremental: FieldNames = _names(ENTRIES, "is_incremental")
    manual_override: FieldNames = _names(ENTRIES, "manual_override")
    correlation_id: FieldNames = _names(ENTRIES, "correlation_id")


class EntryWords(RecordNames):
    """The words of an entry's status, without regard to case. Any other word is named as unusable."""

    success: Words = _words(ENTRIES, "success")
    partial: Words = _words(ENTRIES, "partial")
    failed: Words = _words(ENTRIES, "failed")
    running: Words = _words(ENTRIES, "running")


class Completion(Section):
    """What completion documents look like (docs/records.md). A phase's own section stands in place of its pipeline's.

    Phases that share a collection have the same one.
    """

    entries: FieldName | None = optional_key(
        "The field that holds the entries: a map of each processor's name to its entry.",
        absent="the entries are fields of the document itself",
    )
    metadata: list[FieldName] = declared(
        [],
        "Fields beside the entries that are none. Names that begin with `_`, and `document_fields`, never are entries.",
    )
    fields: EntryFields = declared({}, "What the fields of an entry are called.")
    statuses: EntryWords = declared({}, "What the words of an entry's status mean.")
    document_fields: DocumentFields = declared({}, "What the document's own fields are called.")


class HeartbeatDocuments(Section):
    """How many documents the heartbeat collection may hold before somebody should look."""

    warn: Annotated[int, whole("documents", 1)] = declared(100, "More than this is worth a warning.")
    critical: Annotated[int, whole("documents", 1)] = declared(500, "More than this is critical; above `warn`.")
    orders = (Order("warn", lt, "critical", "`warn` ({key}) must be below `critical` ({other})"),)


class HeartbeatFields(RecordNames):
    """The names of a heartbeat's fields; of several, the first whose value can be used counts. `[]`: none."""

    status: FieldNames = _names(HEARTBEATS, "status")
    last_heartbeat: FieldNames = _names(HEARTBEATS, "last_heartbeat")
    data_date: FieldNames = _names(HEARTBEATS, "data_date")
    started_at: FieldNames = _names(HEARTBEATS, "started_at")
    error_message: FieldNames = _names(HEARTBEATS, "error_message")


class HeartbeatWords(RecordNames):
    """The words of a heartbeat's status, without regard to case. Any other word is named as unusable."""

    running: Words = _words(HEARTBEATS, "running")
    completed: Words = _words(HEARTBEATS, "completed")
    failed: Words = _words(HEARTBEATS, "failed")


class Heartbeats(Section):
    """The heartbeat collection, and from which age on a heartbeat means trouble."""

    collection: Collection = declared(..., "The collection that holds one document per processor.")
    stale_after: Duration = declared("5m", "A running processor that is silent for longer is stale.")
    dead_after: Duration = declared("15m", "A running processor that is silent for longer has stalled.")
    silent_after: Duration = declared(
        "1d", "No heartbeat of any processor for longer: heartbeats themselves are broken."
    )
    documents: HeartbeatDocuments = declared({}, "Bounds for the size of the collection.")
    fields: HeartbeatFields = declared({}, "What the fields of a heartbeat are called.")
    statuses: HeartbeatWords = declared({}, "What the words of a heartbeat's status mean.")
    orders = (
        Order(
            "dead_after",
            gt,
            "stale_after",
            "calls a heartbeat stalled after {key} and stale after {other}: "
            "`stale_after` must be shorter than `dead_after`",
        ),
    )


class RunColumns(RecordNames):
    """The names of the columns of the run history, beside the two of its own section. `[]`: there is no such column."""

    processor_name: Column = _column(RUN_HISTORY, "processor_name")
    run_id: ColumnNames = _names(RUN_HISTORY, "run_id")
    status: Column = _column(RUN_HISTORY, "status")
    phase: ColumnNames = _names(RUN_HISTORY, "phase")
    started_at: ColumnNames = _names(RUN_HISTORY, "started_at")
    backfill_mode: ColumnNames = _names(RUN_HISTORY, "backfill_mode")
    failure_category: ColumnNames = _names(RUN_HISTORY, "failure_category")


class RunWords(RecordNames):
    """The words of a run's status, without regard to case. Any other word decides nothing, and is shown."""

    success: Words = _words(RUN_HISTORY, "success")
    partial: Words = _words(RUN_HISTORY, "partial")
    skipped: Words = _words(RUN_HISTORY, "skipped")
    failed: Words = _words(RUN_HISTORY, "failed")
    running: Words = _words(RUN_HISTORY, "running")


class RunHistory(Section):
    """The table of runs, several rows each. A run speaks for a document if its date is that of the processor's rows."""

    table: TableName = declared(..., "The table, with the dataset.")
    date_column: DateColumn = declared("data_date", DATE_COLUMN)
    written_column: Column = declared("processed_at", f"The column that says when a row was written: {WRITTEN_TYPES}")
    columns: RunColumns = declared({}, "What its other columns are called.")
    statuses: RunWords = declared({}, "What the words of a run's status mean.")


class LogColumns(RecordNames):
    """The names of the columns of the phase log, beside the two of its own section."""

    phase_name: Column = _column(PHASE_LOG, "phase_name")


class PhaseLog(Section):
    """The log of transitions from phase to phase."""

    table: TableName = declared(..., "The table, with the dataset.")
    date_column: DateColumn = declared("game_date", DATE_COLUMN)
    written_column: Column = declared("execution_timestamp", "The column that says when the transition was logged.")
    columns: LogColumns = declared({}, "What its other columns are called.")
    transitions: Annotated[list[Name], Field(min_length=1)] = declared(
        ...,
        "The `phase_name` of each transition expected on a day with units. That of `phase3` begins with `phase3_to_`.",
    )
    data_date_offset: Offset = declared(0, OFFSET)
