"""Which record shows that a phase ran: the phase log is often empty while all is well (docs/verdicts.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.model import LogSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from exporter.config.resolved import PipelineConfig
    from exporter.model import Run, Snapshot
    from exporter.reconcile.evidence import Evidence
    from exporter.reconcile.expectations import PhaseDay
    from exporter.reconcile.trigger import Judged


def succeeded_runs(judged: Iterable[Judged]) -> tuple[Run, ...] | None:
    """The phase's successful runs for this run date's data; None if the run history is unknown."""
    if any(item.evidence.runs is None for item in judged):
        return None
    return tuple(run for item in judged for run in item.evidence.runs or () if run.status == "success")


def log_source(
    snapshot: Snapshot,
    pipeline: PipelineConfig,
    day: PhaseDay,
    evidences: Sequence[Evidence],
    succeeded: tuple[Run, ...] | None,
    now: datetime,
) -> LogSource:
    """The record that shows that the phase ran: its transition in the phase log, else run history, else its rows."""
    log = _logged(snapshot, pipeline, day, now)
    if log:
        return LogSource.PHASE_LOG
    if succeeded:
        return LogSource.RUN_HISTORY
    if any(e.rows is not None and e.rows.rows > 0 for e in evidences):
        return LogSource.ROWS
    unread = succeeded is None and pipeline.run_history is not None
    unknown = unread or log is None or any(e.rows is None and e.has_table for e in evidences)
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
