"""The table of conditions: faults of a pipeline that no verdict and no trigger state shows.

Each condition is decided here and nowhere else: the metrics export the answers, the alert rules compare those alone,
and the sentence reads them. An answer is yes, no, or None: unknown, because a value that the test needs is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from exporter.model import Bound, Condition, ConditionReport, Verdict
from exporter.reconcile.hints import lasting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from exporter.model import CoverageReport, PhaseReport, PipelineReport, ProcessorReport

S = TypeVar("S")
Labels = dict[str, str]

UNMARKED: Final = "unmarked"
"""The bucket of excluded rows that lack the value which decides: somebody still has to mark them."""


@dataclass(frozen=True, slots=True)
class Moment(Generic[S]):
    """A subject at the moment of the report, with the pipeline that it belongs to."""

    subject: S
    pipeline: PipelineReport
    now: datetime


@dataclass(frozen=True, slots=True)
class Row(Generic[S]):
    """A row of the table.

    `subjects`: what the condition is decided for. `labels`: the labels of a subject's series. `known`: whether every
    value that the tests need is known. `holds`: the test, or, where the configuration sets bounds, one test for each
    bound, the worst first. `text`: what holds, in words; without it the sentence leaves the condition out.
    """

    condition: Condition
    subjects: Callable[[PipelineReport], Iterable[S]]
    labels: Callable[[S], Labels]
    known: Callable[[S], bool]
    holds: Mapping[Bound | None, Callable[[Moment[S]], bool]]
    text: Callable[[Moment[S]], str] = lambda _: ""

    def answers(self, pipeline: PipelineReport, now: datetime) -> Iterator[ConditionReport]:
        """The answer for each subject."""
        for subject in self.subjects(pipeline):
            labels = {"pipeline": pipeline.pipeline, **self.labels(subject)}
            if not self.known(subject):
                yield ConditionReport(self.condition, labels, None)
                continue
            moment = Moment(subject, pipeline, now)
            bounds = [bound for bound, test in self.holds.items() if test(moment)]
            if bounds:
                yield ConditionReport(self.condition, labels, holds=True, bound=bounds[0], text=self.text(moment))
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


def conditions_of(pipeline: PipelineReport, now: datetime) -> tuple[ConditionReport, ...]:
    """The answer of every row for every subject of the pipeline."""
    return tuple(found for row in TABLE for found in row.answers(pipeline, now))


# --- counts of a completion document ----------------------------------------------------------------------------


def _count_inconsistent(at: Moment[PhaseReport]) -> bool:
    """Some writers count every entry, others only those they know; both are right. Not on dates without units."""
    phase = at.subject
    entries, unexpected = phase.entries or 0, phase.unexpected or 0
    return bool(phase.expected) and phase.completed_count not in {None, entries, entries - unexpected}


def _count_text(at: Moment[PhaseReport]) -> str:
    phase = at.subject
    return (
        f"_completed_count of {phase.phase} {phase.run_date} is {phase.completed_count:,},"
        f" and the entries are {phase.entries:,}"
    )


# --- coverage ---------------------------------------------------------------------------------------------------


def _rows_are_due(at: Moment[CoverageReport]) -> bool:
    """Whether the rows should be there: their date has units, and its first phase is due in full."""
    coverage = at.subject
    dues = [
        max(processor.due for processor in phase.processors)
        for phase in at.pipeline.phases
        if phase.run_date == coverage.run_date and phase.processors
    ]
    return coverage.expected is True and bool(dues) and min(dues) <= at.now


def _covers_less(at: Moment[CoverageReport], bound: float) -> bool:
    share = at.subject.share
    return share is not None and share < bound and _rows_are_due(at)


def _low_text(at: Moment[CoverageReport]) -> str:
    coverage = at.subject
    return (
        f"coverage {coverage.check.name} of {coverage.pipeline} {coverage.data_date} is {coverage.share or 0:.1%},"
        f" below {coverage.check.warn:.0%}"
    )


def _unclassified_rows(coverage: CoverageReport) -> int:
    excluded = coverage.counts.excluded if coverage.counts else {}
    return (coverage.unclassified or 0) + excluded.get(UNMARKED, 0)


def _coverage_labels(coverage: CoverageReport) -> Labels:
    return {"run_date": coverage.run_date.isoformat(), "check": coverage.check.name}


def _coverage_known(coverage: CoverageReport) -> bool:
    return coverage.counts is not None and coverage.expected is not None


# --- heartbeats -------------------------------------------------------------------------------------------------


def _silent(at: Moment[PipelineReport]) -> bool:
    """Runs go on and no heartbeat beats. Without runs, as in the off-season, no heartbeat is expected to beat."""
    beat, ran, silent = at.subject.last_heartbeat_at, at.subject.last_run_at, at.subject.heartbeat_silent_after
    if ran is None or silent is None or at.now - ran >= silent:
        return False
    return beat is None or at.now - beat >= silent


def _silent_text(at: Moment[PipelineReport]) -> str:
    beat = at.subject.last_heartbeat_at
    lasts = "at all" if beat is None else f"for {lasting(at.now - beat)}"
    return f"no heartbeat of {at.subject.pipeline} {lasts}"


def _documents_above(at: Moment[PipelineReport], bound: int | None) -> bool:
    return (at.subject.heartbeat_documents or 0) > (bound or 0)


def _bloated_text(at: Moment[PipelineReport]) -> str:
    pipeline = at.subject
    return (
        f"{pipeline.heartbeat_documents:,} heartbeat documents of {pipeline.pipeline},"
        f" more than {pipeline.heartbeat_documents_warn:,}"
    )


# --- the table --------------------------------------------------------------------------------------------------


TABLE: Final[tuple[Row[PhaseReport] | Row[CoverageReport] | Row[PipelineReport], ...]] = (
    Row(
        Condition.COUNT_INCONSISTENT,
        subjects=lambda pipeline: pipeline.phases,
        labels=lambda phase: {"phase": phase.phase, "run_date": phase.run_date.isoformat()},
        known=lambda phase: phase.expected is not None and phase.entries is not None,
        holds={None: _count_inconsistent},
        text=_count_text,
    ),
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
    ),
    Row(
        Condition.COVERAGE_UNCLASSIFIED,
        subjects=lambda pipeline: pipeline.coverage,
        labels=_coverage_labels,
        known=_coverage_known,
        holds={None: lambda at: _unclassified_rows(at.subject) > 0 and _rows_are_due(at)},
    ),
    Row(
        Condition.HEARTBEATS_SILENT,
        subjects=lambda pipeline: [pipeline] if pipeline.heartbeat_silent_after else [],
        labels=lambda _: {},
        # Without a run history in the configuration no run is known to go on, so nothing is silent.
        known=lambda pipeline: pipeline.heartbeats_known and pipeline.run_history_known is not False,
        holds={None: _silent},
        text=_silent_text,
    ),
    Row(
        Condition.COLLECTION_BLOATED,
        subjects=lambda pipeline: [pipeline] if pipeline.heartbeat_documents_warn is not None else [],
        labels=lambda _: {},
        known=lambda pipeline: pipeline.heartbeat_documents is not None,
        holds={
            Bound.CRITICAL: lambda at: _documents_above(at, at.subject.heartbeat_documents_critical),
            Bound.WARN: lambda at: _documents_above(at, at.subject.heartbeat_documents_warn),
        },
        text=_bloated_text,
    ),
)
