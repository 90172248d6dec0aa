"""The words for conclusions, shared by the terminal, the page and the sentence at their top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from exporter.config.wording import several
from exporter.messages.secrets import masked
from exporter.model import Cause, Condition, HeartbeatState, Standing, TriggerState, Verdict
from exporter.reconcile.hints import lasting

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from exporter.model import PhaseReport, ProcessorReport, Report, Since

_BASIC_PLANE: Final = 0xFFFF

BAD_TRIGGERS: Final = frozenset({TriggerState.STUCK, TriggerState.BLOCKED})
"""Trigger states that say something is wrong."""


@dataclass(frozen=True, slots=True)
class Words:
    """A verdict that says that something is wrong, in plain words.

    `did` follows a number of processors; `effect` says how bad it is, `first` what to do first.
    """

    did: str
    effect: str
    first: str


WORDS: Final = {
    Verdict.LOST_UPDATE: Words(
        "lost the registered entry",
        "the data is there, but the trigger no longer counts it",
        "find what wrote the document without merge, then register again",
    ),
    Verdict.STALLED: Words(
        "stopped in the middle of a run",
        "the rows may never come",
        "read the run's logs, end it and start it again",
    ),
    Verdict.FAILED: Words(
        "failed",
        "the rows are missing",
        "read the error in the run's logs, then run again",
    ),
    Verdict.MISSING: Words(
        "left no row by the deadline",
        "the rows are missing",
        "find out whether it ran at all: run history, then the scheduler",
    ),
    Verdict.PHANTOM: Words(
        "registered without one row",
        "what follows works on nothing",
        "query the table for the data date, then find out where the run wrote",
    ),
    Verdict.UNREGISTERED: Words(
        "finished and never registered",
        "the data is there",
        "register, do not run again",
    ),
    Verdict.PARTIAL: Words(
        "left too few rows",
        "the data is incomplete",
        "find out which rows are missing, then run again",
    ),
    Verdict.DUPLICATED: Words(
        "left too many rows",
        "rows are there more than once",
        "group by the table's key and remove what is there twice",
    ),
    Verdict.COUNT_MISMATCH: Words(
        "registered an impossible count",
        "the rows are there, the recorded count is wrong",
        "compare the recorded count with the rows; nothing needs to run again",
    ),
    Verdict.WRONG_DATE: Words(
        "registered under a neighbouring date",
        "the data is there",
        "find out which date the orchestrator took, and from where",
    ),
}
"""Every verdict that says something is wrong."""

TRIGGERS: Final = {
    TriggerState.STUCK: Words(
        "the rule is met and nothing was triggered",
        "the next phase does not start by itself",
        "read the orchestrator's logs, then start the next phase by hand",
    ),
    TriggerState.BLOCKED: Words(
        "it waits for entries that nobody will write",
        "the next phase waits",
        "register what finished, do not run it again",
    ),
}
"""Every trigger state that says something is wrong."""

CONDITIONS: Final = {
    Condition.COVERAGE_LOW: Words(
        "covers too few rows",
        "whatever uses these rows is wrong or incomplete",
        "list the uncovered rows, then run the processor again",
    ),
    Condition.HEARTBEAT_STALE: Words(
        "says running and its heartbeat is late",
        "it may be about to hang",
        "read the run's logs; end nothing while it works",
    ),
    Condition.RUNNING_PAST_DUE: Words(
        "still runs long after its deadline",
        "whatever waits for it waits longer",
        "find out from the run's logs whether it still makes progress",
    ),
    Condition.HEARTBEATS_SILENT: Words(
        "no heartbeat beats although runs go on",
        "a run that hangs is not noticed",
        "find out whether the heartbeat writer still runs, and with which rights",
    ),
    Condition.CALENDAR_DOUBTFUL: Words(
        "the calendar is doubtful",
        "what is expected of these dates may be wrong",
        "find out what loaded the calendar last, or whether the halts are still written",
    ),
    Condition.COUNT_INCONSISTENT: Words(
        "the document's count is not the number of its entries",
        "whoever goes by the count is misled",
        "compare `_completed_count` with the entries, then find out who wrote the document last",
    ),
    Condition.OVERWRITTEN: Words(
        "an entry was overwritten and written again",
        "nothing is missing now, and the next time nobody may write the entry again",
        "find what wrote the document without merge",
    ),
    Condition.COLLECTION_BLOATED: Words(
        "there are too many heartbeat documents",
        "reading them gets slow and dear",
        "find out which writer makes a document for each run, then delete the old ones",
    ),
    Condition.LEDGER_FAILING: Words(
        "the ledger cannot be written",
        "a restart of the exporter forgets what it saw",
        "read the exporter's log: it names the file and the reason",
    ),
    Condition.LISTENER_DOWN: Words(
        "the documents are polled and not followed",
        "an entry that is overwritten and written again between two polls goes unseen",
        "read the exporter's log: it says why the listener lost its stream",
    ),
    Condition.RELOAD_REFUSED: Words(
        "a new configuration was refused",
        "the old configuration stays in force, and a restart fails",
        "run `config check` on the new file and mend what it lists",
    ),
}
"""Every condition with which nothing is well, worst first: those whose alert is a ticket or a page."""

NOTES: Final = {
    Condition.COVERAGE_UNCLASSIFIED: Words(
        "rows that nobody marked either way",
        "these rows count neither for nor against the coverage",
        "list the rows without a mark, and have them marked",
    ),
    Condition.PHASE_LOG_EMPTY: Words(
        "the phase log is empty",
        "no data is missing, but run history alone says when the phases ran",
        "find out whether anything writes it",
    ),
}
"""Every condition that has a line of its own below the sentence and none in it: its alert is `info`."""

_UNREADABLE: Final = Words(
    "cannot be read",
    "faults in what cannot be read go unseen",
    "run `config check --connect` where the exporter runs, and mend what it names",
)
ELSEWHERE: Final = {
    "source_unreachable": _UNREADABLE,
    "collector_failing": Words(
        "cannot read everything",
        _UNREADABLE.effect,
        "look up in the exporter's log what could not be read, and why",
    ),
    "collector_stale": _UNREADABLE,
    "budget_exhausted": Words(
        "the BigQuery budget is used up",
        _UNREADABLE.effect,
        "find the query that costs most, then raise the limit or wait for midnight UTC",
    ),
    "exporter_down": Words(
        "no exporter reports",
        "faults go unseen",
        "read the end of the exporter's log, then start it again",
    ),
    "labels_replaced": Words(
        "a target's label replaces one of the exporter's",
        "alerts stay silent, or are about the target's values",
        "set `honor_labels: true` for the job, or rename the target's label",
    ),
}
"""What is about no verdict, trigger state or condition, by what its alert is about."""

CAUSES: Final = {
    Cause.LOST_UPDATE: "its entry was written and overwritten",
    Cause.NEVER_WRITTEN: "its entry was never written",
    Cause.WRONG_DATE: "it registered under another date",
    Cause.BACKFILL: "it was a backfill, which never registers",
    Cause.FAILED_RUN: "its run failed behind a completed heartbeat",
    Cause.NOT_RUN: "it did not run for this date",
    Cause.NOT_YET: "the registration has not arrived yet",
}

OVERWRITTEN: Final = "overwritten and restored"
"""The words for entries that were lost and restored."""

STANDINGS: Final = {
    Standing.PROVEN: "proven",
    Standing.LIKELY: "likely",
    Standing.POSSIBLE: "possible",
    Standing.UNRATED: "cannot be rated without memory",
    Standing.UNLIKELY: "unlikely",
    Standing.RULED_OUT: "ruled out",
}


NO_MEMORY: Final = "Without memory, a lost entry looks like one that never came: use --from URL."


def without_memory(report: Report) -> str:
    """What a report that was made without memory cannot say; empty for one that remembers, or has nothing to."""
    return "" if report.remembers or not any(phase.has_document for phase in report.phases) else NO_MEMORY


def next_line(report: Report) -> str:
    """`Next: nba phase3 of 2026-02-02, due 2026-02-02 16:30 UTC (...), in 22 h`; what a quiet page waits for."""
    due = min(
        (one.next_due for one in report.pipelines if one.next_due), key=lambda next_due: next_due.due, default=None
    )
    if due is None:
        return "Next: nothing is known to be due in the next two days"
    moments = Moments.of(report)
    where = f"{due.pipeline} {due.phase} of {due.run_date}"
    return shown(f"Next: {where}, due {moments.both(due.due)}, {moments.away(due.due)}")


def shown(text: str) -> str:
    """A text that may quote a document, without secrets, in which characters that do not print are spelled out.

    Control characters, marks that change the direction of writing, invisible characters and lone surrogates can mislead
    terminals, pages and readers. Their spelled-out code points cannot.
    """
    text = masked(text)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _spelled(ord(char)) for char in text)


def _spelled(code: int) -> str:
    return f"\\u{code:04x}" if code <= _BASIC_PLANE else f"\\U{code:08x}"


def rows_judged(processor: ProcessorReport) -> str:
    """The rows and how they are too few or too many: `12 rows, at least 14 expected`, `rows of 10 of 12 games`."""
    counted = plural(processor.table_rows or 0, "row")
    if processor.too_few and processor.table_units is not None and processor.units is not None:
        return f"rows of {processor.table_units} of {plural(processor.units, processor.noun)}"
    if processor.too_few:
        return f"{counted}, at least {processor.rows_minimum or 1:,} expected"
    if processor.duplicate_rows:
        return f"{counted}, {processor.duplicate_rows:,} of them twice"
    return f"{counted}, at most {processor.rows_maximum or 0:,} expected"


def begun(text: str) -> str:
    """A text as the beginning of a sentence: in upper case, unless it begins with a name that has underscores."""
    return text if "_" in text.partition(" ")[0] else f"{text[:1].upper()}{text[1:]}"


def plural(number: int, noun: str) -> str:
    """`1 game`, `6 games`."""
    return f"{number:,} {noun if number == 1 else several(noun)}"


def listed(names: Sequence[str], most: int = 3) -> str:
    """Names for a sentence: the first few, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:most])} and {rest:,} more"


@dataclass(frozen=True, slots=True)
class Moments:
    """Times as people read them, relative to the moment of a report: in UTC and in the pipeline's zone."""

    now: datetime
    zone: ZoneInfo

    @classmethod
    def of(cls, report: Report) -> Moments:
        """For this report."""
        return cls(report.at, ZoneInfo(report.timezone))

    def utc(self, at: datetime) -> str:
        """`15:04:29 UTC`, with the date if it is not the report's."""
        return _on(at, self.now, "UTC")

    def local(self, at: datetime) -> str:
        """`10:04:29 EST`, likewise, in the pipeline's zone."""
        there = at.astimezone(self.zone)
        return _on(there, self.now.astimezone(self.zone), there.tzname() or self.zone.key)

    def both(self, at: datetime) -> str:
        """`15:04:29 UTC (10:04:29 EST)`; the local time has a date only where that is another one."""
        there = at.astimezone(self.zone)
        now = there if there.date() == at.date() else self.now.astimezone(self.zone)
        local = _on(there, now, there.tzname() or self.zone.key)
        return self.utc(at) if self.local(at) == self.utc(at) else f"{self.utc(at)} ({local})"

    def began(self, since: Since) -> str:
        """`15:04:29 UTC (10:04:29 EST)`, or `a moment between 15:04:27 UTC (...) and 15:04:29 UTC (...)`."""
        at, after = self.both(since.at), since.after and self.both(since.after)
        # Within one second, there is nothing to say about the range.
        return at if after in {None, at} else f"a moment between {after} and {at}"

    def since(self, since: Since) -> str:
        """`for 2 h 55 min, since 15:04:29 UTC (10:04:29 EST)`; without a length where it has none yet."""
        lasts = f"for {lasting(self.now - since.at)}, " if since.at < self.now else ""
        return f"{lasts}since {self.began(since)}"

    def away(self, at: datetime) -> str:
        """`1 h 30 min ago`, or `in 20 min`, as of the report."""
        return f"in {lasting(at - self.now)}" if at > self.now else f"{lasting(self.now - at)} ago"


def _on(at: datetime, now: datetime, zone: str) -> str:
    form = "%H:%M" if at.second == 0 else "%H:%M:%S"
    return f"{at:{form}} {zone}" if at.date() == now.date() else f"{at.date()} {at:{form}} {zone}"


def firestore(phase: PhaseReport, processor: ProcessorReport) -> str:
    """What the completion document says of a processor."""
    if not phase.has_document:
        return "-"
    if processor.registered is None:
        return "unknown"
    if not processor.registered:
        return "not registered"
    return f"registered {'?' if processor.record_count is None else processor.record_count}"


def heartbeat(processor: ProcessorReport) -> str:
    """What a processor's heartbeat says."""
    beat = processor.heartbeat
    if beat.state is HeartbeatState.ABSENT:
        return "none"
    if beat.state is HeartbeatState.OTHER_DATE:
        return shown(f"{beat.status} for {f'{beat.data_date:%m-%d}' if beat.data_date else 'no date'}")
    return beat.state


def bigquery(processor: ProcessorReport) -> str:
    """What the table has."""
    if not processor.table:
        return "no table"
    return "unknown" if processor.table_rows is None else plural(processor.table_rows, "row")


def registered(phase: PhaseReport) -> str:
    """`3 of 5 registered`; empty for a phase without completion documents."""
    if not phase.has_document:
        return ""
    known = "?" if phase.expected is None else phase.expected
    return f"{'?' if phase.registered is None else phase.registered} of {known} registered"


def trigger_reason(phase: PhaseReport) -> str:
    """The reasons for the trigger's state."""
    text, state = "; ".join(hint.text for hint in phase.trigger_hints), phase.trigger_state
    # The state stands before it.
    return shown(text.removeprefix(f"{state}: ").removeprefix(f"{state} for "))
