"""What a configuration asks of the warehouse beside the row counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.sources.ports import ContextRequest, RunHistoryRequest

if TYPE_CHECKING:
    from exporter.config.resolved import Config, PipelineConfig, RunHistoryConfig


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
