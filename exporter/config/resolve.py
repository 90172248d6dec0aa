"""Wire form → the frozen objects that the program uses. Nothing is checked here: it has been."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config import resolved
from exporter.config.identifiers import EVERYTHING

if TYPE_CHECKING:
    from exporter.config import schema

STALENESS_INTERVALS = 3


def resolve(wire: schema.Wire) -> resolved.Config:
    """The configuration, every default filled in."""
    return resolved.Config(
        project=wire.project,
        timezone=wire.timezone,
        documents=resolved.DocumentsConfig(
            past=wire.documents.past,
            future=wire.documents.future,
            only=tuple(sorted(wire.documents.only)),
            follow=wire.documents.follow,
        ),
        ledger=resolved.LedgerConfig(wire.ledger.path, wire.ledger.keep),
        collect=_collect(wire.collect),
        pipelines={name: _pipeline(name, pipeline, wire.calendar) for name, pipeline in wire.pipelines.items()},
        firestore_database=wire.firestore_database,
        bigquery_location=wire.bigquery_location,
        job_project=wire.job_project,
    )


def _collect(collect: schema.Collect) -> resolved.CollectConfig:
    return resolved.CollectConfig(
        completion=_collector(collect.completion),
        heartbeats=_collector(collect.heartbeats),
        heartbeat_count=_collector(collect.heartbeat_count),
        warehouse=_collector(collect.warehouse),
        warehouse_limits=resolved.WarehouseLimits(
            maximum_bytes_billed=collect.warehouse.maximum_bytes_billed, daily_budget=collect.warehouse.daily_budget
        ),
    )


def _collector(collector: schema.Collector) -> resolved.CollectorConfig:
    return resolved.CollectorConfig(
        every=collector.every,
        timeout=collector.timeout,
        max_staleness=collector.max_staleness or STALENESS_INTERVALS * collector.every,
    )


def _pipeline(name: str, pipeline: schema.Pipeline, shared: schema.Calendar | None) -> resolved.PipelineConfig:
    calendar = pipeline.calendar or shared
    assert calendar is not None, "the checks see to it that every pipeline has a calendar"  # noqa: S101 - for the types
    return resolved.PipelineConfig(
        name=name,
        calendar=_calendar(calendar),
        phases={phase_name: _phase(phase_name, phase) for phase_name, phase in pipeline.phases.items()},
        heartbeats=_heartbeats(pipeline.heartbeats) if pipeline.heartbeats else None,
        run_history=_run_history(pipeline.run_history) if pipeline.run_history else None,
        phase_log=_phase_log(pipeline.phase_log) if pipeline.phase_log else None,
        coverage={check: _coverage(check, wire) for check, wire in (pipeline.coverage or {}).items()},
    )


def _calendar(calendar: schema.Calendar) -> resolved.CalendarConfig:
    return resolved.CalendarConfig(
        table=resolved.TableRef(calendar.table, calendar.date_column),
        units=calendar.units,
        where=calendar.where,
        noun=calendar.noun,
    )


def _phase(name: str, phase: schema.Phase) -> resolved.PhaseConfig:
    return resolved.PhaseConfig(
        name=name,
        processors={key: _processor(key, processor) for key, processor in phase.processors.items()},
        modes=tuple(
            resolved.Mode(
                name=mode_name,
                when=frozenset(resolved.Relation(relation) for relation in mode.when),
                expected=frozenset(phase.processors if mode.expected == EVERYTHING else mode.expected),
            )
            for mode_name, mode in phase.modes.items()
        ),
        collection=phase.collection,
        run_history_phase=phase.run_history_phase,
        next=phase.next,
        trigger=resolved.Trigger(ratio=phase.trigger.ratio, grace=phase.trigger.grace) if phase.trigger else None,
    )


def _processor(name: str, processor: schema.Processor) -> resolved.ProcessorConfig:
    table = processor.table
    heartbeats = tuple(processor.heartbeats)
    return resolved.ProcessorConfig(
        name=name,
        table=resolved.TableRef(table.name, table.date_column, table.written_column),
        data_date_offset=table.data_date_offset,
        due=processor.due,
        critical=processor.critical,
        heartbeats=heartbeats,
        run_history_names=heartbeats if processor.run_history_names is None else tuple(processor.run_history_names),
        rows_per_unit=resolved.RowsPerUnit(*table.rows_per_unit) if table.rows_per_unit else None,
    )


def _heartbeats(heartbeats: schema.Heartbeats) -> resolved.HeartbeatsConfig:
    return resolved.HeartbeatsConfig(
        collection=heartbeats.collection,
        stale_after=heartbeats.stale_after,
        dead_after=heartbeats.dead_after,
        silent_after=heartbeats.silent_after,
        documents_warn=heartbeats.documents.warn,
        documents_critical=heartbeats.documents.critical,
    )


def _run_history(history: schema.RunHistory) -> resolved.RunHistoryConfig:
    return resolved.RunHistoryConfig(
        table=resolved.TableRef(history.table, history.date_column, history.written_column)
    )


def _phase_log(log: schema.PhaseLog) -> resolved.PhaseLogConfig:
    return resolved.PhaseLogConfig(
        table=resolved.TableRef(log.table, log.date_column, log.written_column),
        transitions=tuple(log.transitions),
        data_date_offset=log.data_date_offset,
    )


def _coverage(name: str, check: schema.Coverage) -> resolved.CoverageConfig:
    return resolved.CoverageConfig(
        name=name,
        table=resolved.TableRef(check.table, check.date_column),
        data_date_offset=check.data_date_offset,
        eligible=check.eligible,
        covered=check.covered,
        excluded=dict(check.excluded),
        target=check.target,
        warn=check.warn,
        critical=check.critical,
    )
