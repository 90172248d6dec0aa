"""What one cycle has to read to judge the exposed run dates. Only configuration and clock decide it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from exporter.config.periods import A_DAY
from exporter.model import DocumentId
from exporter.reconcile.expectations import NEIGHBOURS, phase_after, run_dates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

    from exporter.config.resolved import Config, Dated, PhaseConfig, PipelineConfig, ProcessorConfig, TableRef

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class ReadingPlan:
    """Everything one cycle has to read. `first` and `last` are data dates, neighbours included."""

    run_dates: tuple[date, ...]
    documents: tuple[DocumentId, ...]
    heartbeats: Mapping[str, tuple[str, ...]]
    tables: tuple[TableRef, ...]
    first: date
    last: date


def reading_plan(config: Config, now: datetime) -> ReadingPlan:
    """What must be read to judge the exposed run dates at `now`, neighbouring days included.

    Every shard reads the same window of dates, so that all judge as one exporter would. Of other shards' pipelines it
    reads the tables of the phases that its own start. A table is read if one of these dates is within the limits of
    its work (`since`, `until`); an `optional` one always, for only its rows say whether it is in use.
    """
    dates = run_dates(config, now)
    with_neighbours = sorted({day + shift for day in dates for shift in (*NEIGHBOURS, timedelta())})
    pipelines, of_all_shards = config.pipelines.values(), config.of_all_shards.values()
    # A table whose rows are of weeks or months is read beyond the window.
    dated: list[Dated] = [
        processor
        for pipeline in of_all_shards
        for processor in _of_each_table(pipeline.phases.values())
        if processor.table.period == A_DAY
    ]
    for pipeline in of_all_shards:
        dated += [check for check in pipeline.coverage.values() if check.table.period == A_DAY]
        if pipeline.phase_log:
            dated.append(pipeline.phase_log)
    within = {
        one.table
        for pipeline in of_all_shards
        for one in _of_each_table(pipeline.phases.values())
        if any(map(one.schedule.covers, with_neighbours))
    }
    first, last = with_neighbours[0], with_neighbours[-1]
    by_run_date = [dates[0], dates[-1]] if any(map(_reads_run_dates, of_all_shards)) else []
    return ReadingPlan(
        run_dates=dates,
        documents=_distinct(
            DocumentId(phase.collection, day)
            for pipeline in pipelines
            for phase in pipeline.phases.values()
            if phase.collection
            for day in with_neighbours
        ),
        heartbeats={
            pipeline.name: _distinct(
                document
                for phase in pipeline.phases.values()
                for processor in phase.processors.values()
                for document in processor.heartbeats
            )
            for pipeline in pipelines
            if pipeline.heartbeats
        },
        tables=tuple(table for table in every_table(config) if table.optional or table in within),
        first=min((*by_run_date, *(one.data_date(first) for one in dated)), default=first),
        last=max((*by_run_date, *(one.data_date(last) for one in dated)), default=last),
    )


def every_table(config: Config) -> tuple[TableRef, ...]:
    """Every table whose rows are counted on some run date, also of phases of other shards that this one's start."""
    phases = [(pipeline, phase) for pipeline in config.pipelines.values() for phase in pipeline.phases.values()]
    following = (phase_after(config, pipeline, phase) for pipeline, phase in phases)
    work = _of_each_table((*(phase for _, phase in phases), *filter(None, following)))
    return _distinct(one.table for one in work if one.table.name)


def _of_each_table(phases: Iterable[PhaseConfig]) -> Iterator[ProcessorConfig]:
    """Every processor of these phases, once for each of its tables."""
    for phase in phases:
        for processor in phase.processors.values():
            yield from processor.of_each_table


def _reads_run_dates(pipeline: PipelineConfig) -> bool:
    return pipeline.calendar is not None and pipeline.calendar.by_run_date


def _distinct(items: Iterable[K]) -> tuple[K, ...]:
    return tuple(dict.fromkeys(items))
