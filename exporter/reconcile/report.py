"""Snapshot in, report out: every exposed phase and processor judged at one moment. Pure and total."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.model import (
    AHEAD,
    CoverageReport,
    DocumentId,
    LogSource,
    PhaseLogReport,
    PhaseReport,
    PipelineReport,
    ProcessorReport,
    Report,
    Verdict,
)
from exporter.reconcile.calendar import calendar_of, relied_on
from exporter.reconcile.conditions import conditions_of
from exporter.reconcile.evidence import Shared, gather, standing_entries
from exporter.reconcile.expectations import phase_after, phase_day, run_dates
from exporter.reconcile.explain import explanations
from exporter.reconcile.hints import hints
from exporter.reconcile.removals import overwritten
from exporter.reconcile.runs import History
from exporter.reconcile.since import of_processor, of_trigger
from exporter.reconcile.trigger import WORST, Judged, trigger_of
from exporter.reconcile.units import units_of, units_of_pipeline
from exporter.reconcile.unusable import unusable_fields
from exporter.reconcile.upcoming import next_due
from exporter.reconcile.verdict import judge, too_few, too_many

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from exporter.config.resolved import Config, PhaseConfig, PhaseLogConfig, PipelineConfig
    from exporter.model import CalendarReport, Document, Run, Snapshot
    from exporter.reconcile.evidence import Evidence
    from exporter.reconcile.expectations import PhaseDay


def reconcile(config: Config, snapshot: Snapshot, now: datetime) -> Report:
    """Judge everything the snapshot holds, at `now`, for the run dates that are exposed then."""
    days = run_dates(config, now)
    reports = (_pipeline(config, pipeline, snapshot, days, now) for pipeline in config.pipelines.values())
    return Report(
        at=now,
        timezone=config.timezone.key,
        pipelines=tuple(replace(report, conditions=conditions_of(report, now)) for report in reports),
        remembers=snapshot.remembers,
        every_state=config.every_state,
    )


def _pipeline(
    config: Config, pipeline: PipelineConfig, snapshot: Snapshot, days: Sequence[date], now: datetime
) -> PipelineReport:
    calendar = calendar_of(config, pipeline, snapshot, now)
    if pipeline.name in snapshot.units:
        relied = relied_on(snapshot.units[pipeline.name], calendar)
        snapshot = replace(snapshot, units={**snapshot.units, pipeline.name: relied})
    runs_reading = snapshot.runs.get(pipeline.name)
    runs = runs_reading.known(now) if runs_reading else None
    history = None if runs is None else History(runs)
    in_use = [phase for phase in pipeline.phases.values() if _in_use(phase, snapshot, now)]
    following_in_use = [(phase, phase_after(config, pipeline, phase)) for phase in in_use]
    zone = config.timezone
    phases = tuple(
        replace(
            _dated(_phase(snapshot, pipeline, following, phase_day(phase, day, now, zone), history, calendar, now)),
            document=f"{config.firestore_root}/{phase.collection}/{day}" if phase.collection else None,
        )
        for day in days
        for phase, following in following_in_use
    )
    # Processors of another pipeline can write into the same history.
    processors = (processor for phase in pipeline.phases.values() for processor in phase.processors.values())
    own = {name for processor in processors for name in processor.runs_as}
    units = _units(snapshot, pipeline, now)
    beats_reading = snapshot.heartbeats.get(pipeline.name)
    beats = beats_reading.known(now) if beats_reading else None
    count_reading = snapshot.heartbeat_documents.get(pipeline.name)
    heartbeats = pipeline.heartbeats
    data_dates = sorted({processor.data_date for phase in phases for processor in phase.processors})
    return PipelineReport(
        pipeline=pipeline.name,
        phases=phases,
        coverage=_coverage(snapshot, pipeline, days, now),
        phase_log=_phase_log(snapshot, pipeline, pipeline.phase_log, days, now) if pipeline.phase_log else (),
        units={day: units.get(day) for day in data_dates} if pipeline.calendar else {},
        heartbeat_documents=count_reading.known(now) if count_reading else None,
        heartbeat_documents_warn=heartbeats.documents_warn if heartbeats else None,
        heartbeat_documents_critical=heartbeats.documents_critical if heartbeats else None,
        heartbeat_stale_after=heartbeats.stale_after if heartbeats else None,
        heartbeat_silent_after=heartbeats.silent_after if heartbeats else None,
        heartbeats_known=beats is not None,
        last_heartbeat_at=_latest((beat.beat_at for beat in (beats or {}).values() if beat), now),
        run_history_known=runs is not None if pipeline.run_history else None,
        last_run_at=_latest((run.finished_at or run.started_at for run in runs or () if run.processor in own), now),
        heartbeats_read_at=beats_reading.read_at if beats_reading else None,
        unusable=unusable_fields(snapshot, pipeline, days, now),
        calendar=calendar,
        next_due=next_due(
            config, pipeline, in_use, lambda phase, one: units_of(snapshot, pipeline, phase, one, now).owed, now
        ),
    )


def _dated(phase: PhaseReport) -> PhaseReport:
    """The phase with the time of its fault, and of those of its processors."""
    processors = tuple(
        one if (since := of_processor(one, phase)) is None else replace(one, since=since) for one in phase.processors
    )
    return replace(phase, since=of_trigger(phase), processors=processors)


def _in_use(phase: PhaseConfig, snapshot: Snapshot, now: datetime) -> bool:
    """Whether the deployment has this phase. It has not if all tables of the phase are optional and unused."""
    for processor in (each for one in phase.processors.values() for each in one.of_each_table):
        reading = snapshot.rows.get(processor.table)
        rows = reading.known(now) if reading else None
        if not processor.table.optional or rows is None or any(counted.rows for counted in rows.values()):
            return True
    return False


def _latest(moments: Iterable[datetime | None], now: datetime) -> datetime | None:
    """The latest moment that is not ahead of the clock. One ahead of it would hide all others until then."""
    return max((moment for moment in moments if moment is not None and moment <= now + AHEAD), default=None)


def _phase(
    snapshot: Snapshot,
    pipeline: PipelineConfig,
    following: PhaseConfig | None,
    day: PhaseDay,
    history: History | None,
    calendar: CalendarReport | None,
    now: datetime,
) -> PhaseReport:
    phase = day.phase
    doubt = calendar.why_unknown if calendar else None
    documents = snapshot.documents.known(now)
    document = documents.get(DocumentId(phase.collection, day.run_date)) if documents and phase.collection else None
    shared = Shared(history, now, doubt, standing_entries(document))
    judged = [
        min(
            (
                Judged(evidence, judge(evidence))
                for one in obligation.of_each_table
                for evidence in (gather(snapshot, pipeline, phase, one, shared),)
            ),
            key=lambda one: WORST.index(one.verdict),
        )
        for obligation in day.obligations
    ]
    asked = [item.evidence for item in judged if item.evidence.obligation.asked]
    expected = None if any(e.units is None for e in asked) else [e for e in asked if e.units]
    trigger = trigger_of(snapshot, following, day, judged, now)
    succeeded = _succeeded(judged, history)
    watched = snapshot.watched.get(DocumentId(phase.collection, day.run_date)) if phase.collection else None
    known = pipeline.registering(phase)
    others = known - phase.processors.keys()
    return PhaseReport(
        pipeline=pipeline.name,
        phase=phase.name,
        run_date=day.run_date,
        mode=day.mode.name,
        modes=tuple(mode.name for mode in phase.modes),
        expected=None if expected is None else len(expected),
        registered=None if expected is None or document is None else sum(1 for e in expected if e.registered),
        unexpected=sum(name not in known for name in document.entries) if document else None,
        entries=len(document.entries) if document else None,
        completed_count=document.completed_count if document else None,
        removals=tuple(one for one in watched.removals if one.name not in others) if watched else (),
        malformed=_malformed(document),
        triggered=document.triggered if document else None,
        triggered_at=document.triggered_at if document else None,
        trigger_state=trigger.state if trigger else None,
        trigger_hints=trigger.hints if trigger else (),
        rule_met_at=trigger.rule_met_at if trigger else None,
        due=max((e.obligation.due for e in asked if e.units != 0), default=None),
        run_history_processors=None if succeeded is None else len({run.processor for run in succeeded}),
        log_source=_log_source(snapshot, pipeline, day, [item.evidence for item in judged], succeeded),
        has_document=phase.collection is not None,
        completion=phase.completion,
        watched=watched is not None,
        processors=tuple(_processor(pipeline, day, item) for item in judged),
        overwritten=tuple(one for one in overwritten(watched, now) if one.processor not in others),
    )


def _malformed(document: Document | None) -> int | None:
    if document is None:
        return None
    return len(document.malformed) + sum(len(entry.malformed) for entry in document.entries.values())


def _expected(evidence: Evidence) -> bool | None:
    if not evidence.obligation.asked:
        return False
    return None if evidence.units is None else evidence.units > 0


def _processor(pipeline: PipelineConfig, day: PhaseDay, judged: Judged) -> ProcessorReport:
    e, verdict = judged.evidence, judged.verdict
    obligation = e.obligation
    bounds = None if verdict is Verdict.NOT_EXPECTED and not obligation.asked else e.row_bounds
    return ProcessorReport(
        pipeline=pipeline.name,
        phase=day.phase.name,
        run_date=day.run_date,
        processor=obligation.processor.name,
        data_date=obligation.data_date,
        critical=obligation.processor.critical,
        due=obligation.due,
        rows_due=obligation.rows_due,
        expected=_expected(e),
        verdict=verdict,
        hints=hints(e, verdict),
        registered=e.registered if e.has_document else None,
        entry=e.entry,
        table=obligation.processor.table.name,
        table_rows=e.rows.rows if e.rows else None,
        written_at=e.rows.written_at if e.rows else None,
        rows_minimum=bounds[0] if bounds and e.covered is None else None,
        rows_maximum=int(bounds[1]) if bounds and math.isfinite(bounds[1]) else None,
        noun=e.noun,
        units=e.units,
        table_units=e.covered,
        duplicate_rows=e.rows.duplicates if e.rows else None,
        too_few=too_few(e),
        too_many=too_many(e),
        record_count_possible=e.record_count_possible,
        heartbeat=e.heartbeat,
        rows_read_at=e.rows_read_at,
        document_read_at=e.document_read_at,
        explanations=explanations(e, verdict),
        failed_at=(run.finished_at or run.started_at) if (run := e.newest_run) and run.status == "failed" else None,
        care=obligation.processor.care,
    )


def _succeeded(judged: Iterable[Judged], history: History | None) -> tuple[Run, ...] | None:
    """The phase's successful runs for this run date's data; None if the run history is unknown."""
    if history is None:
        return None
    return tuple(run for item in judged for run in item.evidence.runs or () if run.status == "success")


def _log_source(
    snapshot: Snapshot,
    pipeline: PipelineConfig,
    day: PhaseDay,
    evidences: Sequence[Evidence],
    succeeded: tuple[Run, ...] | None,
) -> LogSource:
    """The record that shows that the phase ran: its transition in the phase log, else run history, else its rows."""
    log = _logged(snapshot, pipeline, day, evidences[0].now) if evidences else 0
    if log:
        return LogSource.PHASE_LOG
    if succeeded:
        return LogSource.RUN_HISTORY
    if any(e.rows is not None and e.rows.rows > 0 for e in evidences):
        return LogSource.ROWS
    unread = succeeded is None and pipeline.run_history is not None
    unknown = unread or log is None or any(e.rows is None for e in evidences)
    return LogSource.UNKNOWN if unknown else LogSource.NONE


def _logged(snapshot: Snapshot, pipeline: PipelineConfig, day: PhaseDay, now: datetime) -> int | None:
    """Rows that the phase log has for this phase's own transition (`phase3_to_...`); None: unknown."""
    config = pipeline.phase_log
    if config is None:
        return 0
    transitions = [name for name in config.transitions if name.startswith(f"{day.phase.name}_to_")]
    reading = snapshot.phase_log.get(pipeline.name)
    log = reading.known(now) if reading else None
    if not transitions:
        return 0
    if log is None:
        return None
    rows = [log.get((config.data_date(day.run_date), name)) for name in transitions]
    return None if None in rows else sum(counted or 0 for counted in rows)


def _phase_log(
    snapshot: Snapshot, pipeline: PipelineConfig, config: PhaseLogConfig, days: Sequence[date], now: datetime
) -> tuple[PhaseLogReport, ...]:
    reading = snapshot.phase_log.get(pipeline.name)
    log = reading.known(now) if reading else None

    def owed(run_date: date, transition: str) -> int | None:
        if not _leads_on(pipeline, transition, run_date):
            return 0
        known = units_of_pipeline(snapshot, pipeline, config, run_date, now)
        return None if known is None else int(known > 0)

    return tuple(
        PhaseLogReport(
            pipeline=pipeline.name,
            run_date=day,
            transition=transition,
            rows=log.get((data_date, transition)) if log is not None else None,
            expected=owed(day, transition),
        )
        for day in days
        for data_date in (config.data_date(day),)
        for transition in config.transitions
    )


def _leads_on(pipeline: PipelineConfig, transition: str, run_date: date) -> bool:
    """Whether the phase that a transition leaves is scheduled on the run date, as far as its name tells."""
    left = [phase for phase in pipeline.phases.values() if transition.startswith(f"{phase.name}_to_")]
    return not left or any(phase.asks(run_date) for phase in left)


def _units(snapshot: Snapshot, pipeline: PipelineConfig, now: datetime) -> Mapping[date, int]:
    reading = snapshot.units.get(pipeline.name)
    return (reading.known(now) if reading else None) or {}


def _coverage(
    snapshot: Snapshot, pipeline: PipelineConfig, days: Sequence[date], now: datetime
) -> tuple[CoverageReport, ...]:
    found = []
    for check in pipeline.coverage.values():
        reading = snapshot.coverage.get((pipeline.name, check.name))
        counts = reading.known(now) if reading else None
        for day in days:
            data_date = check.data_date(day)
            found.append(
                CoverageReport(
                    pipeline=pipeline.name,
                    run_date=day,
                    data_date=data_date,
                    check=check,
                    counts=counts.get(data_date) if counts is not None else None,
                    expected=None
                    if (known := units_of_pipeline(snapshot, pipeline, check, day, now)) is None
                    else known > 0,
                )
            )
    return tuple(found)


DISCREPANCIES = (
    Verdict.LOST_UPDATE,
    Verdict.STALLED,
    Verdict.FAILED,
    Verdict.MISSING,
    Verdict.PHANTOM,
    Verdict.UNREGISTERED,
    Verdict.PARTIAL,
    Verdict.DUPLICATED,
    Verdict.COUNT_MISMATCH,
    Verdict.WRONG_DATE,
)
"""Verdicts that say something is wrong, worst first."""
