"""Since when a fault has been there: the only place that decides it, for message, page, terminal and API alike.

It is the fault's own time by the records, not the time at which a reading or an alert first noticed it. A lost entry
was lost between the last reading that had it and the first that had not; its `Since` has both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.model import HeartbeatState, Since, TriggerState, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from exporter.model import PhaseReport, ProcessorReport, Removal


def of_trigger(phase: PhaseReport) -> Since | None:
    """Since when the rule has been met and nothing was triggered; None if the trigger is at no fault."""
    if phase.trigger_state not in {TriggerState.STUCK, TriggerState.BLOCKED} or phase.rule_met_at is None:
        return None
    return Since(phase.rule_met_at)


def of_processor(processor: ProcessorReport, loss: Removal | None) -> Since | None:
    """Since when the verdict's fault has been there; None for a verdict that is none, or where no record says.

    `loss`: how its entry was lost, if it was.
    """
    if processor.verdict is Verdict.LOST_UPDATE and loss is not None:
        return Since(loss.missed_at, after=loss.last_seen_at)
    at = _at(processor)
    return Since.known(at)


def _at(processor: ProcessorReport) -> datetime | None:
    entry, beat = processor.entry, processor.heartbeat.beat_at
    if processor.heartbeat.state is HeartbeatState.OTHER_DATE:
        beat = None
    match processor.verdict:
        case Verdict.UNREGISTERED | Verdict.WRONG_DATE | Verdict.LOST_UPDATE:
            return processor.written_at or beat
        case Verdict.STALLED:
            return beat
        case Verdict.FAILED:
            return processor.failed_at or beat or processor.due
        case Verdict.MISSING:
            return processor.rows_due
        case Verdict.PHANTOM | Verdict.PARTIAL | Verdict.DUPLICATED | Verdict.COUNT_MISMATCH:
            return (entry.completed_at if entry else None) or processor.written_at or processor.due
        case _:
            return None
