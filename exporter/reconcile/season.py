"""A report on many run dates as of now, also on those whose completion documents were deleted. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from exporter.model import LIFETIME, DocumentId, Report
from exporter.reconcile.expectations import ONE_DAY, run_dates, today
from exporter.reconcile.plan import reading_plan
from exporter.reconcile.report import reconcile

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import date, datetime

    from exporter.config.resolved import Config, PipelineConfig
    from exporter.model import PhaseReport, PipelineReport, Reading, Run, Snapshot
    from exporter.reconcile.plan import ReadingPlan

    PhaseDate = tuple[str, str, date]
    """A pipeline, one of its phases, and a run date."""

V = TypeVar("V")


@dataclass(frozen=True, slots=True, eq=False)
class Season:
    """A report, and its phases that were judged without their completion document, because it was deleted."""

    report: Report
    gone: frozenset[PhaseDate] = frozenset()

    def without_document(self, phase: PhaseReport) -> bool:
        """Whether the phase was judged without its document."""
        return _key(phase) in self.gone


def reconcile_season(config: Config, snapshot: Snapshot, now: datetime) -> Season:
    """Judge everything the snapshot holds, at `now`, for the run dates that are exposed then.

    Each date is judged only by what is read for it, so that its verdicts are the same as in a report on it alone.
    The pipeline deletes old documents. If the document of an old date is not there, nobody can say who registered, so
    the phase is judged like one that has no documents.
    """
    gone: set[PhaseDate] = set()
    by_pipeline: dict[str, list[PipelineReport]] = {name: [] for name in config.pipelines}
    runs = {name: _by_date(reading.value or ()) for name, reading in snapshot.runs.items()}
    for day in run_dates(config, now):
        of_day = _of_dates(config, day)
        narrowed = _narrowed(snapshot, reading_plan(of_day, now), runs)
        report = reconcile(of_day, narrowed, now)
        gone_then = set(_gone(of_day, narrowed, now))
        stand_ins = {}
        if gone_then:
            stand_ins = {_key(phase): phase for phase in reconcile(_without_documents(of_day), narrowed, now).phases}
        for pipeline in report.pipelines:
            phases = (stand_ins[_key(phase)] if _key(phase) in gone_then else phase for phase in pipeline.phases)
            by_pipeline[pipeline.pipeline].append(replace(pipeline, phases=tuple(phases)))
        gone |= gone_then
    pipelines = tuple(_joined(reports) for reports in by_pipeline.values())
    return Season(Report(now, config.timezone.key, pipelines), frozenset(gone))


def _joined(reports: list[PipelineReport]) -> PipelineReport:
    """One report of all dates. Values that belong to no date are those of the last one."""
    return replace(
        reports[-1],
        phases=tuple(phase for report in reports for phase in report.phases),
        coverage=tuple(coverage for report in reports for coverage in report.coverage),
        phase_log=tuple(log for report in reports for log in report.phase_log),
        units={day: units for report in reports for day, units in report.units.items()},
    )


def _of_dates(config: Config, *dates: date) -> Config:
    return replace(config, documents=replace(config.documents, only=dates))


def _key(phase: PhaseReport) -> PhaseDate:
    return phase.pipeline, phase.phase, phase.run_date


def _by_date(runs: Collection[Run]) -> Mapping[date, list[Run]]:
    found: dict[date, list[Run]] = {}
    for run in runs:
        found.setdefault(run.data_date, []).append(run)
    return found


def _narrowed(snapshot: Snapshot, plan: ReadingPlan, runs: Mapping[str, Mapping[date, list[Run]]]) -> Snapshot:
    """The snapshot as it would be if only the plan had been read; `runs` are its runs by pipeline and date."""
    days = [plan.first + ONE_DAY * number for number in range((plan.last - plan.first).days + 1)]
    wanted = set(days)

    def of_days(value: Mapping[date, V]) -> Mapping[date, V]:
        return {day: value[day] for day in days if day in value}

    def of_dates(by_date: Mapping[date, list[Run]], _: tuple[Run, ...]) -> tuple[Run, ...]:
        return tuple(run for day in days for run in by_date.get(day, ()))

    return replace(
        snapshot,
        documents=_reading(
            snapshot.documents, lambda value: {key: value[key] for key in plan.documents if key in value}
        ),
        # An optional table keeps all dates: they show whether it is in use. One of weeks or months is read beyond them.
        rows={
            table: reading if table.optional or table.reach else _reading(reading, of_days)
            for table, reading in snapshot.rows.items()
        },
        units={name: _reading(reading, of_days) for name, reading in snapshot.units.items()},
        runs={name: _reading(reading, partial(of_dates, runs[name])) for name, reading in snapshot.runs.items()},
        phase_log={
            name: _reading(reading, lambda value: {key: rows for key, rows in value.items() if key[0] in wanted})
            for name, reading in snapshot.phase_log.items()
        },
    )


def _reading(reading: Reading[V], part: Callable[[V], V]) -> Reading[V]:
    return reading if reading.value is None else replace(reading, value=part(reading.value))


def _gone(config: Config, snapshot: Snapshot, now: datetime) -> Iterator[PhaseDate]:
    documents = snapshot.documents.known(now) or {}
    current = today(now, config.timezone)
    old = [day for day in run_dates(config, now) if current - day >= LIFETIME]
    for pipeline in config.pipelines.values():
        for phase in pipeline.phases.values():
            for day in old if phase.collection else ():
                document = documents.get(DocumentId(phase.collection or "", day))
                if document is not None and not document.exists:
                    yield pipeline.name, phase.name, day


def _without_documents(config: Config) -> Config:
    def bare(pipeline: PipelineConfig) -> PipelineConfig:
        phases = {name: replace(phase, collection=None, trigger=None) for name, phase in pipeline.phases.items()}
        return replace(pipeline, phases=phases)

    return replace(config, pipelines={name: bare(pipeline) for name, pipeline in config.pipelines.items()})
