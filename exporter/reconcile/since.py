"""Since when a fault has been there: the only place that decides it, for message, page, terminal and API alike.

It is the fault's own time by the records, not the time at which a reading or an alert first noticed it. A lost entry
was lost between the last reading that had it and the first that had not; its `Since` has both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.model import HeartbeatState, Since, TriggerState, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
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
    at = _TIMES.get(processor.verdict)
    return None if at is None else Since.known(at(processor))


def _beat_at(one: ProcessorReport) -> datetime | None:
    """The last beat of this work."""
    return None if one.heartbeat.state is HeartbeatState.OTHER_DATE else one.heartbeat.beat_at


def _finished_at(one: ProcessorReport) -> datetime | None:
    return one.written_at or _beat_at(one)


def _registered_at(one: ProcessorReport) -> datetime | None:
    return (one.entry.completed_at if one.entry else None) or one.written_at or one.due


_TIMES: Final[Mapping[Verdict, Callable[[ProcessorReport], datetime | None]]] = {
    Verdict.UNREGISTERED: _finished_at,
    Verdict.WRONG_DATE: _finished_at,
    Verdict.LOST_UPDATE: _finished_at,
    Verdict.STALLED: _beat_at,
    Verdict.FAILED: lambda one: one.failed_at or _beat_at(one) or one.due,
    Verdict.MISSING: lambda one: one.rows_due,
    Verdict.PHANTOM: _registered_at,
    Verdict.PARTIAL: _registered_at,
    Verdict.DUPLICATED: _registered_at,
    Verdict.COUNT_MISMATCH: _registered_at,
}
"""Since when the fault of a verdict has been there. All other verdicts are no fault."""
