"""What a configuration asks of the warehouse beside the row counts, and how a reading of it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.sources.ports import ContextRequest, RunHistoryRequest, SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.resolved import Config, PipelineConfig, RunHistoryConfig
    from exporter.sources.ports import ContextAnswer


@dataclass(frozen=True, slots=True)
class Brought:
    """How a run ended: what of it failed, and whether the rest brought anything."""

    errors: tuple[SourceError, ...] = ()
    anything: bool = True


def context_request(config: Config) -> ContextRequest:
    """What the configuration asks of the warehouse beside the row counts."""
    pipelines = config.pipelines.values()
    return ContextRequest(
        calendars={pipeline.name: pipeline.calendar for pipeline in pipelines},
        run_history={
            pipeline.name: _run_history_request(pipeline, table)
            for pipeline in pipelines
            if (table := pipeline.run_history)
        },
        phase_log={pipeline.name: pipeline.phase_log for pipeline in pipelines if pipeline.phase_log},
        coverage={
            (pipeline.name, check.name): check for pipeline in pipelines for check in (pipeline.coverage or {}).values()
        },
    )


def _run_history_request(pipeline: PipelineConfig, table: RunHistoryConfig) -> RunHistoryRequest:
    phases = pipeline.phases.values()
    names = (
        name for phase in phases for processor in phase.processors.values() for name in processor.run_history_names
    )
    return RunHistoryRequest(
        table=table,
        processors=tuple(dict.fromkeys(names)),
        phases=tuple(dict.fromkeys(phase.run_history_phase for phase in phases if phase.run_history_phase)),
    )


def outcome_of(rows: Mapping[Any, Any], answer: ContextAnswer) -> Brought:
    """How a reading of the warehouse ended: what of it failed, and whether the rest brought anything."""
    outcomes = (
        *rows.values(),
        *answer.units.values(),
        *answer.runs.values(),
        *answer.phase_log.values(),
        *answer.coverage.values(),
    )
    errors = [outcome for outcome in outcomes if isinstance(outcome, SourceError)]
    # One that stands in for several answers is said once.
    return Brought(tuple(dict.fromkeys(errors)), anything=len(errors) < len(outcomes))
