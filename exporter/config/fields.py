"""The table of every field that is read of a pipeline's own records, and of the words of their statuses.

Each field has a key, by which the code reads it and the configuration names it, and the names that it has where the
configuration says nothing. The first name whose value can be used counts. The sections of `records.py`, the readers in
`exporter/sources` and docs/records.md all follow from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DOCUMENTS: Final = "documents"
ENTRIES: Final = "entries"
HEARTBEATS: Final = "heartbeats"
RUN_HISTORY: Final = "run_history"
PHASE_LOG: Final = "phase_log"

STATUS: Final = "status"
DATA_DATE: Final = "data_date"
SUCCESS: Final = "success"
PARTIAL: Final = "partial"
FAILED: Final = "failed"
RUNNING: Final = "running"


class Kind(StrEnum):
    """How a field's value is read."""

    FLAG = "true or false"
    HAPPENED = "true, false or a moment"
    COUNT = "whole number"
    MOMENT = "moment"
    DAY = "date"
    TEXT = "text"
    WORD = "word"
    LABEL = "text or number"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class RecordField:
    """One field of one kind of record: what it decides, and what follows if it is missing or cannot be used."""

    record: str
    key: str
    names: tuple[str, ...]
    kind: Kind
    decides: str
    missing: str
    otherwise: str


_TRIGGER: Final = (
    "the trigger's state is `unknown`, unless the next phase has run (`bypassed`), and its hint names the field"
)
_NO_TIME: Final = "the time is unknown"
_HINT: Final = "a hint says so"
_NOTHING: Final = "nothing: it decides nothing"
_REFUSED: Final = "the table is unknown, with its name and what BigQuery says"

FIELDS: Final = (
    RecordField(
        DOCUMENTS,
        "triggered",
        ("_triggered",),
        Kind.HAPPENED,
        "Whether the next phase was started: the state of the trigger.",
        "not started",
        _TRIGGER,
    ),
    RecordField(
        DOCUMENTS,
        "trigger_succeeded",
        ("_trigger_succeeded",),
        Kind.FLAG,
        "Whether the start of a document that says that it triggered succeeded.",
        "it succeeded",
        _TRIGGER,
    ),
    RecordField(
        DOCUMENTS,
        "trigger_pending",
        ("_trigger_pending",),
        Kind.FLAG,
        "Nothing: an unusable one only shows that the writer of these fields has a fault.",
        "nothing",
        _HINT,
    ),
    RecordField(
        DOCUMENTS,
        "triggered_at",
        ("_triggered_at",),
        Kind.MOMENT,
        "When the next phase was started; it is shown.",
        _NO_TIME,
        _HINT,
    ),
    RecordField(
        DOCUMENTS,
        "trigger_reason",
        ("_trigger_reason",),
        Kind.TEXT,
        "Why the next phase was started; it is shown.",
        "no reason is shown",
        _HINT,
    ),
    RecordField(
        DOCUMENTS,
        "completed_count",
        ("_completed_count",),
        Kind.COUNT,
        "How many entries the document says it has; compared with its entries.",
        "not compared",
        "the count is unknown",
    ),
    RecordField(DOCUMENTS, "mode", ("_mode",), Kind.WORD, "Nothing: it is shown.", "nothing", _NOTHING),
    RecordField(
        ENTRIES,
        STATUS,
        ("status",),
        Kind.WORD,
        "Whether the work succeeded, was partial, failed or runs (`statuses`). Failed and running are no registration.",
        "registered, unless another field has a word of `statuses.failed`: then `unknown`",
        "registered (the orchestrator counts keys), and a hint says so",
    ),
    RecordField(
        ENTRIES,
        "completed_at",
        ("completed_at", "timestamp"),
        Kind.MOMENT,
        "When the work was finished: order of the entries, age, wrong dates, the trigger's time.",
        _NO_TIME,
        _NO_TIME,
    ),
    RecordField(
        ENTRIES,
        "record_count",
        ("record_count", "records_processed"),
        Kind.COUNT,
        "How many rows the run says it wrote; compared with the rows of the table.",
        "not compared",
        "the count is unknown",
    ),
    RecordField(
        ENTRIES,
        "is_incremental",
        ("is_incremental",),
        Kind.FLAG,
        "Whether the run wrote only a part of the rows, so that a smaller count is lawful.",
        "a complete run",
        "a count that a complete run cannot have written is `unknown`",
    ),
    RecordField(
        ENTRIES,
        "manual_override",
        ("manual_override",),
        Kind.ANYTHING,
        "Whether a person wrote the entry: a hint says so, and its removal is no loss.",
        "a processor wrote it",
        "—",
    ),
    RecordField(
        ENTRIES, "correlation_id", ("correlation_id",), Kind.LABEL, "Nothing: it is shown.", "nothing", _NOTHING
    ),
    RecordField(
        HEARTBEATS,
        STATUS,
        ("status",),
        Kind.WORD,
        "Whether the processor runs, has completed or failed (`statuses`). Where heartbeats have no status"
        " (`status: []`), a fresh one means that it runs, and an old one says nothing.",
        "it says nothing",
        "whether it runs is unknown: `unknown` instead of a verdict without an entry",
    ),
    RecordField(
        HEARTBEATS,
        "last_heartbeat",
        ("last_heartbeat", "updated_at"),
        Kind.MOMENT,
        "When it last beat: fresh, stale or stalled.",
        "as for `status`",
        "the next name stands in; without one as for `status`",
    ),
    RecordField(
        HEARTBEATS,
        DATA_DATE,
        ("data_date",),
        Kind.DAY,
        "Which date's work it speaks for. Where heartbeats carry none (`data_date: []`), the time decides: it speaks"
        " for the work that is due on the local day on which its run started, or on which it last beat.",
        "it speaks for no date",
        "it speaks for no date, and a hint says so",
    ),
    RecordField(
        HEARTBEATS,
        "started_at",
        ("started_at",),
        Kind.MOMENT,
        "When the run started: which day's work a heartbeat without a date is about.",
        _NO_TIME,
        _NO_TIME,
    ),
    RecordField(
        HEARTBEATS,
        "error_message",
        ("error_message",),
        Kind.TEXT,
        "What is shown beside a heartbeat that failed.",
        "no message",
        "no message",
    ),
    RecordField(
        RUN_HISTORY,
        "processor_name",
        ("processor_name",),
        Kind.TEXT,
        "Whose run it is, by `run_history_names`.",
        "required",
        _REFUSED,
    ),
    RecordField(
        RUN_HISTORY,
        "run_id",
        ("run_id",),
        Kind.LABEL,
        "Which rows are of one run.",
        "each row is a run of its own",
        _REFUSED,
    ),
    RecordField(
        RUN_HISTORY,
        STATUS,
        ("status",),
        Kind.WORD,
        "How the run ended (`statuses`). Of several rows of one run success counts first, running last.",
        "required",
        _REFUSED,
    ),
    RecordField(
        RUN_HISTORY,
        "phase",
        ("phase",),
        Kind.TEXT,
        "Which phase the run is of, where `run_history_phase` asks for it.",
        "any phase",
        _REFUSED,
    ),
    RecordField(
        RUN_HISTORY,
        "started_at",
        ("started_at",),
        Kind.MOMENT,
        "When the run started: which run is the newest.",
        _NO_TIME,
        _NO_TIME,
    ),
    RecordField(
        RUN_HISTORY,
        "backfill_mode",
        ("backfill_mode",),
        Kind.FLAG,
        "Whether the run was a backfill, which never registers.",
        "no backfill",
        _REFUSED,
    ),
    RecordField(
        RUN_HISTORY,
        "failure_category",
        ("failure_category",),
        Kind.TEXT,
        "Why the run failed; it is shown.",
        "no category; a table without a column of this name is read without it",
        _REFUSED,
    ),
    RecordField(
        PHASE_LOG,
        "phase_name",
        ("phase_name",),
        Kind.TEXT,
        "Which transition a row is of.",
        "required",
        _REFUSED,
    ),
)
"""Every field that is read under a name that the configuration can change."""

_FAILED: Final = ("failed", "failure", "error", "errored", "aborted", "cancelled", "canceled", "timeout", "timed_out")
_SUCCEEDED: Final = ("success", "succeeded", "successful", "complete", "completed", "done", "finished", "ok")
_RUNNING: Final = ("running", "started", "in_progress")

WORDS: Final[Mapping[tuple[str, str], tuple[tuple[str, ...], str]]] = {
    (ENTRIES, SUCCESS): (_SUCCEEDED, "The work is done."),
    (ENTRIES, PARTIAL): (("partial", "incomplete"), "A part of the work is done: its count is not compared."),
    (ENTRIES, FAILED): (_FAILED, "The work is not done: the entry is no registration."),
    (ENTRIES, RUNNING): (_RUNNING, "The work has begun: the entry is no registration yet."),
    (HEARTBEATS, RUNNING): (_RUNNING, "The processor runs."),
    (HEARTBEATS, "completed"): (_SUCCEEDED, "Its run has ended; whether well, only the other records know."),
    (HEARTBEATS, FAILED): (_FAILED, "Its run failed."),
    (RUN_HISTORY, SUCCESS): (_SUCCEEDED, "The run ended well."),
    (RUN_HISTORY, PARTIAL): (("partial", "incomplete"), "The run did a part of its work."),
    (RUN_HISTORY, "skipped"): (("skipped",), "The run decided that there was nothing to do."),
    (RUN_HISTORY, FAILED): (_FAILED, "The run failed."),
    (RUN_HISTORY, RUNNING): (_RUNNING, "The run has begun, and has not ended."),
}
"""The words of each kind of status, in small letters, where the configuration has no others, and what they mean."""


def names_of(record: str) -> Mapping[str, tuple[str, ...]]:
    """The names of a record's fields, by key."""
    return {field.key: field.names for field in FIELDS if field.record == record}


def words_of(record: str) -> Mapping[str, tuple[str, ...]]:
    """The words of a record's status, by what they mean."""
    return {meaning: words for (of, meaning), (words, _) in WORDS.items() if of == record}


def meaning_of(word: str, words: Mapping[str, tuple[str, ...]]) -> str | None:
    """What a status in small letters means; None if it is none of the words."""
    return next((meaning for meaning, known in words.items() if word in known), None)
