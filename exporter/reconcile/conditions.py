"""The table of conditions: faults of a pipeline that no verdict and no trigger state shows.

Each condition is decided here and nowhere else: the metrics export the answers, the alert rules compare those alone,
and the sentence reads them. An answer is yes, no, or None: unknown, because a value that the test needs is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from exporter.model import Bound, Condition, ConditionReport, HeartbeatState, LogSource, Since, Verdict
from exporter.reconcile.evidence import PATIENCE
from exporter.reconcile.removals import last_overwritten, lately

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date, datetime

    from exporter.model import CalendarDoubt, CoverageReport, PhaseReport, PipelineReport, ProcessorReport

S = TypeVar("S")
Owner = TypeVar("Owner", "PhaseReport", "PipelineReport")
Labels = dict[str, str]
PhaseAnswers = dict[Condition, tuple[ConditionReport, ...]]

UNMARKED: Final = "unmarked"
"""The bucket of excluded rows that lack the value which decides: somebody still has to mark them."""


@dataclass(frozen=True, slots=True)
class Moment(Generic[S, Owner]):
    """A subject at the moment of the report, with the pipeline or phase that has it."""

    subject: S
    owner: Owner
    now: datetime


@dataclass(frozen=True, slots=True)
class Row(Generic[S, Owner]):
    """A row of the table.

    `subjects`: what the condition is decided for. `labels`: the labels of a subject's series. `known`: whether every
    value that the tests need is known. `holds`: the test, or, where the configuration sets bounds, one test for each
    bound, the worst first. `text`: what holds, in words; without it the sentence leaves the condition out. `since`:
    since when it holds, if the records say so.
    """

    condition: Condition
    subjects: Callable[[Owner], Iterable[S]]
    labels: Callable[[S], Labels]
    known: Callable[[Moment[S, Owner]], bool]
    holds: Mapping[Bound | None, Callable[[Moment[S, Owner]], bool]]
    text: Callable[[Moment[S, Owner]], str] = lambda _: ""
    since: Callable[[Moment[S, Owner]], Since | None] = lambda _: None

    def answers(self, owner: Owner, now: datetime) -> Iterator[ConditionReport]:
        """The answer for each subject."""
        for subject in self.subjects(owner):
            labels = {"pipeline": owner.pipeline, **self.labels(subject)}
            moment = Moment(subject, owner, now)
            if not self.known(moment):
                yield ConditionReport(self.condition, labels, None)
                continue
            bounds = [bound for bound, test in self.holds.items() if test(moment)]
            if bounds:
                text, since = self.text(moment), self.since(moment)
                yield ConditionReport(self.condition, labels, holds=True, bound=bounds[0], text=text, since=since)
            else:
                yield ConditionReport(self.condition, labels, holds=False)


def rows_wrong_beside_the_verdict(processor: ProcessorReport, now: datetime) -> bool:
    """Whether the rows are due and too few or too many, and the verdict is about something else."""
    return _judged_beside_the_verdict(processor, now) and bool(processor.too_few or processor.too_many)


def count_wrong_beside_the_verdict(processor: ProcessorReport, now: datetime) -> bool:
    """Whether the registered count is impossible once the rows are due, and the verdict is about something else."""
    return _judged_beside_the_verdict(processor, now) and processor.record_count_possible is False


def _judged_beside_the_verdict(processor: ProcessorReport, now: datetime) -> bool:
    """Whether the rows are due, and the verdict says nothing about them. Alerts judge rows under every verdict."""
    about_something_else = processor.verdict in {Verdict.RUNNING, Verdict.BACKFILL}
    return about_something_else and processor.rows_due <= now and bool(processor.table_rows)


def phase_conditions(phase: PhaseReport, now: datetime) -> PhaseAnswers:
    """The answers for the phase and its processors, by condition."""
    return {row.condition: tuple(row.answers(phase, now)) for row in OF_PHASES}


def conditions_of(
    pipeline: PipelineReport, now: datetime, of_phases: Iterable[PhaseAnswers] | None = None
) -> tuple[ConditionReport, ...]:
    """The answer of every row for every subject of the pipeline. `of_phases`: those of its phases, if they are made."""
    made = [phase_conditions(one, now) for one in pipeline.phases] if of_phases is None else of_phases
    made = [*made, {row.condition: tuple(row.answers(pipeline, now)) for row in OF_PIPELINES}]
    return tuple(found for condition in Condition for answers in made for found in answers.get(condition, ()))


# --- counts of a completion document ----------------------------------------------------------------------------


def _phase_labels(phase: PhaseReport) -> Labels:
    return {"phase": phase.phase, "run_date": phase.run_date.isoformat()}


def _count_inconsistent(at: Moment[PhaseReport, PhaseReport]) -> bool:
    """Writers count every entry, or only some of them; each of these is right. Not on dates without units."""
    phase = at.subject
    return bool(phase.expected) and phase.completed_count not in {None, *phase.countings}


def _count_text(at: Moment[PhaseReport, PhaseReport]) -> str:
    one = at.subject
    of = f"{one.phase} {one.run_date}"
    return f"_completed_count of {of} is {one.completed_count:,}, and the entries are {one.entries:,}"


# --- coverage ---------------------------------------------------------------------------------------------------


def _due(at: Moment[CoverageReport, PipelineReport]) -> datetime | None:
    """When the first phase of the run date is due in full: from then on the rows should be there."""
    dues = [
        max(processor.due for processor in phase.processors)
        for phase in at.owner.phases
        if phase.run_date == at.subject.run_date and phase.processors
    ]
    return min(dues, default=None)


def _rows_are_due(at: Moment[CoverageReport, PipelineReport]) -> bool:
    """Whether the rows should be there: their date has units, and its first phase is due in full."""
    due = _due(at)
    return at.subject.expected is True and due is not None and due <= at.now


def _low_since(at: Moment[CoverageReport, PipelineReport]) -> Since | None:
    """Since the rows are due, or since they were last written, if that was later."""
    coverage, due = at.subject, _due(at)
    written = [
        processor.written_at
        for phase in at.owner.phases
        for processor in phase.processors
        if (processor.table, processor.data_date) == (coverage.check.table.name, coverage.data_date)
    ]
    known = [when for when in (due, *written) if when is not None and when <= at.now]
    return Since.known(max(known, default=None))


def _covers_less(at: Moment[CoverageReport, PipelineReport], bound: float) -> bool:
    share = at.subject.share
    return share is not None and share < bound and _rows_are_due(at)


def _low_text(at: Moment[CoverageReport, PipelineReport]) -> str:
    coverage, check = at.subject, at.subject.check
    counts, share = coverage.counts, coverage.share or 0
    rows = f" ({counts.covered:,} of {counts.eligible:,})" if counts else ""
    bound = f"the critical {check.critical:.0%}" if share < check.critical else f"{check.warn:.0%}"
    what = f"coverage {check.name} of {coverage.pipeline}, rows of {coverage.data_date}"
    return f"{what}, is {share:.1%}{rows}, below {bound}"


def _unclassified_rows(coverage: CoverageReport) -> int:
    excluded = coverage.counts.excluded if coverage.counts else {}
    return (coverage.unclassified or 0) + excluded.get(UNMARKED, 0)


def _unclassified_text(at: Moment[CoverageReport, PipelineReport]) -> str:
    coverage, check = at.subject, at.subject.check
    return f"{_unclassified_rows(coverage):,} rows of {coverage.data_date} are unclassified by {check.name}"


def _coverage_labels(coverage: CoverageReport) -> Labels:
    return {"run_date": coverage.run_date.isoformat(), "check": coverage.check.name}


def _coverage_known(at: Moment[CoverageReport, PipelineReport]) -> bool:
    return at.subject.counts is not None and at.subject.expected is not None


# --- heartbeats -------------------------------------------------------------------------------------------------


def _silent(at: Moment[PipelineReport, PipelineReport]) -> bool:
    """Runs go on and no heartbeat beats. Without runs, as in the off-season, no heartbeat is expected to beat."""
    beat, ran, silent = at.subject.last_heartbeat_at, at.subject.last_run_at, at.subject.heartbeat_silent_after
    if ran is None or silent is None or at.now - ran >= silent:
        return False
    return beat is None or at.now - beat >= silent


def _silent_text(at: Moment[PipelineReport, PipelineReport]) -> str:
    # Since when that is stands beside the text.
    return f"no heartbeat of {at.subject.pipeline} {'at all' if at.subject.last_heartbeat_at is None else 'any more'}"


def _documents_above(at: Moment[PipelineReport, PipelineReport], bound: int | None) -> bool:
    return (at.subject.heartbeat_documents or 0) > (bound or 0)


def _bloated_text(at: Moment[PipelineReport, PipelineReport]) -> str:
    pipeline = at.subject
    critical = pipeline.heartbeat_documents_critical
    bound = critical if _documents_above(at, critical) else pipeline.heartbeat_documents_warn
    return f"{pipeline.heartbeat_documents:,} heartbeat documents of {pipeline.pipeline}, more than {bound:,}"


# --- the phase log ----------------------------------------------------------------------------------------------


def _log_known(at: Moment[date, PipelineReport]) -> bool:
    """Whether the log, what is expected of it, and what ran are known. Until then the alert goes on."""
    logs = [one for one in at.owner.phase_log if one.run_date == at.subject]
    ran = any(one.log_source != LogSource.UNKNOWN for one in at.owner.phases if one.run_date == at.subject)
    return ran and not {None} >= {one.rows for one in logs} and not {None} >= {one.expected for one in logs}


def _log_empty(at: Moment[date, PipelineReport]) -> bool:
    """No row, transitions expected, and a phase that is due in full and ran by another record."""
    found = [one for one in at.owner.phase_log if one.run_date == at.subject]
    if any(one.rows for one in found) or not any(one.expected for one in found):
        return False
    return any(due <= at.now for due in _log_dues(at))


def _log_dues(at: Moment[date, PipelineReport]) -> list[datetime]:
    """When each phase that ran by another record is due in full: the log should say so from then on."""
    ran = {LogSource.RUN_HISTORY, LogSource.ROWS}
    phases = [one for one in at.owner.phases if one.run_date == at.subject and one.log_source in ran]
    return [max(processor.due for processor in phase.processors) for phase in phases if phase.processors]


# --- the calendar -----------------------------------------------------------------------------------------------


def _doubts(pipeline: PipelineReport) -> list[tuple[CalendarDoubt, str]]:
    return list(pipeline.calendar.doubts.items()) if pipeline.calendar else []


# --- entries, and running processors ----------------------------------------------------------------------------


def _running(phase: PhaseReport) -> list[ProcessorReport]:
    return [processor for processor in phase.processors if processor.verdict is Verdict.RUNNING]


def _processor_labels(processor: ProcessorReport) -> Labels:
    return {
        "phase": processor.phase,
        "run_date": processor.run_date.isoformat(),
        "processor": processor.processor,
    }


def _beats_late(at: Moment[ProcessorReport, PhaseReport]) -> bool:
    return at.subject.heartbeat.state is HeartbeatState.STALE


def _late_text(at: Moment[ProcessorReport, PhaseReport]) -> str:
    one = at.subject
    return f"{one.processor} of {one.phase} {one.run_date} says running and its heartbeat is late"


def _runs_past_due(at: Moment[ProcessorReport, PhaseReport]) -> bool:
    return at.now - at.subject.due >= PATIENCE


def _past_due_text(at: Moment[ProcessorReport, PhaseReport]) -> str:
    one = at.subject
    return f"{one.processor} of {one.phase} {one.run_date} still runs past its deadline"


# --- the table --------------------------------------------------------------------------------------------------


OF_PHASES: Final[tuple[Row[PhaseReport, PhaseReport] | Row[ProcessorReport, PhaseReport], ...]] = (
    Row(
        Condition.COUNT_INCONSISTENT,
        subjects=lambda phase: [phase],
        labels=_phase_labels,
        known=lambda at: at.subject.expected is not None and at.subject.entries is not None,
        holds={None: _count_inconsistent},
        text=_count_text,
        since=lambda at: Since.known(at.subject.written_at),
    ),
    Row(
        Condition.OVERWRITTEN,
        subjects=lambda phase: [phase] if phase.overwritten else [],
        labels=_phase_labels,
        known=lambda _: True,
        holds={None: lambda at: bool(lately(at.subject.overwritten, at.now))},
        since=lambda at: last_overwritten(at.subject.overwritten),
    ),
    Row(
        Condition.HEARTBEAT_STALE,
        subjects=_running,
        labels=_processor_labels,
        known=lambda _: True,
        holds={None: _beats_late},
        text=_late_text,
        since=lambda at: Since.known(at.subject.heartbeat.beat_at),
    ),
    Row(
        Condition.RUNNING_PAST_DUE,
        subjects=_running,
        labels=_processor_labels,
        known=lambda _: True,
        holds={None: _runs_past_due},
        text=_past_due_text,
        since=lambda at: Since(at.subject.due),
    ),
)
"""The conditions that a phase decides by itself, for its document or its processors."""

OF_PIPELINES: Final[
    tuple[
        Row[CoverageReport, PipelineReport]
        | Row[PipelineReport, PipelineReport]
        | Row[date, PipelineReport]
        | Row[tuple[CalendarDoubt, str], PipelineReport],
        ...,
    ]
] = (
    Row(
        Condition.COVERAGE_LOW,
        subjects=lambda pipeline: pipeline.coverage,
        labels=_coverage_labels,
        known=_coverage_known,
        holds={
            Bound.CRITICAL: lambda at: _covers_less(at, at.subject.check.critical),
            Bound.WARN: lambda at: _covers_less(at, at.subject.check.warn),
        },
        text=_low_text,
        since=_low_since,
    ),
    Row(
        Condition.COVERAGE_UNCLASSIFIED,
        subjects=lambda pipeline: pipeline.coverage,
        labels=_coverage_labels,
        known=_coverage_known,
        holds={None: lambda at: _unclassified_rows(at.subject) > 0 and _rows_are_due(at)},
        text=_unclassified_text,
        since=_low_since,
    ),
    Row(
        Condition.HEARTBEATS_SILENT,
        subjects=lambda pipeline: [pipeline] if pipeline.heartbeat_silent_after else [],
        labels=lambda _: {},
        # Without a run history in the configuration no run is known to go on, so nothing is silent.
        known=lambda at: at.subject.heartbeats_known and at.subject.run_history_known is not False,
        holds={None: _silent},
        text=_silent_text,
        since=lambda at: Since.known(at.subject.last_heartbeat_at),
    ),
    Row(
        Condition.COLLECTION_BLOATED,
        subjects=lambda pipeline: [pipeline] if pipeline.heartbeat_documents_warn is not None else [],
        labels=lambda _: {},
        known=lambda at: at.subject.heartbeat_documents is not None,
        holds={
            Bound.CRITICAL: lambda at: _documents_above(at, at.subject.heartbeat_documents_critical),
            Bound.WARN: lambda at: _documents_above(at, at.subject.heartbeat_documents_warn),
        },
        text=_bloated_text,
    ),
    Row(
        Condition.PHASE_LOG_EMPTY,
        subjects=lambda pipeline: sorted({one.run_date for one in pipeline.phase_log}),
        labels=lambda day: {"run_date": day.isoformat()},
        known=_log_known,
        holds={None: _log_empty},
        text=lambda at: f"the phase log of {at.owner.pipeline} {at.subject} is empty, although phases ran",
        since=lambda at: Since.known(min(_log_dues(at), default=None)),
    ),
    Row(
        Condition.CALENDAR_DOUBTFUL,
        subjects=_doubts,
        labels=lambda doubt: {"reason": doubt[0].value},
        known=lambda _: True,
        holds={None: lambda _: True},
        text=lambda at: f"the calendar of {at.owner.pipeline} is doubtful: {at.subject[1]}",
        since=lambda at: at.owner.calendar.since.get(at.subject[0]) if at.owner.calendar else None,
    ),
)

TABLE: Final = (*OF_PHASES, *OF_PIPELINES)
