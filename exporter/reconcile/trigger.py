"""The state of a phase's trigger, from the trigger rule, the completion document and the next phase's rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from exporter.model import AHEAD, HeartbeatState, Hint, HintKind, TriggerState, Verdict
from exporter.model.records import record
from exporter.reconcile.expectations import RuleMet, rule_met
from exporter.reconcile.heartbeat import past
from exporter.reconcile.hints import moment
from exporter.reconcile.removals import last_reset

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence
    from datetime import datetime

    from exporter.config.resolved import Trigger
    from exporter.model import Document, ProcessorReport, RowCount, Snapshot, Watched
    from exporter.reconcile.evidence import Evidence
    from exporter.reconcile.expectations import Dates, PhaseDay
    from exporter.reconcile.explain import Scene

BESIDE_A_TRIGGER: Final = ("triggered_at", "trigger_reason", "trigger_pending")
"""Fields that say more of a trigger and decide nothing."""

FINISHED_UNREGISTERED = frozenset({Verdict.UNREGISTERED, Verdict.WRONG_DATE, Verdict.LOST_UPDATE})
"""Verdicts of work that finished although its entry is not in the document."""


@dataclass(frozen=True, slots=True)
class TriggerConclusion:
    """The state, the reasons for it, and since when the trigger rule has been met."""

    state: TriggerState
    hints: tuple[Hint, ...]
    rule_met_at: datetime | None = None


@record(frozen=True, slots=True)
class Judged:
    """A processor's evidence, its verdict, and the report on both."""

    evidence: Evidence
    verdict: Verdict
    report: ProcessorReport


WORST: Final = (
    *(Verdict.LOST_UPDATE, Verdict.STALLED, Verdict.RUNNING, Verdict.FAILED, Verdict.MISSING, Verdict.PHANTOM),
    *(Verdict.PARTIAL, Verdict.DUPLICATED, Verdict.COUNT_MISMATCH, Verdict.UNKNOWN, Verdict.NOT_DUE),
    # From here on the work has finished in this table. It has finished where that is true of all tables.
    *(Verdict.UNREGISTERED, Verdict.WRONG_DATE, Verdict.BACKFILL, Verdict.SKIPPED, Verdict.OK, Verdict.NOT_EXPECTED),
)
"""Which verdict counts for a processor with several tables, the worst first."""


def trigger_of(
    snapshot: Snapshot, following: PhaseDay | None, day: PhaseDay, judged: Sequence[Judged], scene: Scene
) -> TriggerConclusion | None:
    """The trigger's state now; None for a phase whose trigger is not judged. `following`: the phase it starts."""
    trigger = day.phase.trigger
    if trigger is None:
        return None
    asked = [item for item in judged if item.evidence.obligation.asked]
    document = scene.document
    if all(item.evidence.units == 0 for item in asked) or (following and not following.phase.asks(day.run_date)):
        return TriggerConclusion(TriggerState.NOT_EXPECTED, ())
    unread = _unread(document) if document else ()
    if document is not None and document.triggered and document.trigger_succeeded is not False and not unread:
        return TriggerConclusion(TriggerState.TRIGGERED, tuple(_triggered(document)))
    if document is None or any(item.evidence.units is None for item in asked):
        return TriggerConclusion(
            TriggerState.UNKNOWN, unread or (Hint(HintKind.TRIGGER, "document or calendar unknown"),)
        )
    expected = [item for item in asked if item.evidence.units]
    found = _untriggered(trigger, expected, document, _next_phase_written(snapshot, following, scene.now), day, scene)
    if unread and found.state is not TriggerState.BYPASSED:
        found = TriggerConclusion(TriggerState.UNKNOWN, ())
    return replace(found, hints=(*unread, *found.hints))


def _unread(document: Document) -> tuple[Hint, ...]:
    """Which of the fields that say whether the document has triggered are there and cannot be read."""
    fields = ", ".join(map(str, document.undecided))
    return (Hint(HintKind.TRIGGER, f"the document's trigger cannot be read: {fields}"),) if fields else ()


def _triggered(document: Document) -> Iterator[Hint]:
    """What is to be said of a document that has triggered."""
    odd = [str(field) for field in document.malformed if field.key in BESIDE_A_TRIGGER]
    yield Hint(HintKind.TRIGGER, f"triggered: {document.trigger_reason or 'no reason written'}")
    if odd:
        yield Hint(HintKind.TRIGGER, f"the document's trigger has unusable fields: {', '.join(odd)}")


def _untriggered(
    trigger: Trigger,
    expected: Sequence[Judged],
    document: Document,
    next_written_at: datetime | None,
    day: PhaseDay,
    scene: Scene,
) -> TriggerConclusion:
    now = scene.now
    failed = (
        (Hint(HintKind.TRIGGER, "_triggered is set, but _trigger_succeeded is false"),) if document.triggered else ()
    )
    by_entries = _met(trigger, expected, scene)
    met = by_entries or _met(trigger, expected, scene, FINISHED_UNREGISTERED)
    # What it wrote after all of this phase was done is no bypass.
    whole = None if next_written_at is None else _met(trigger, expected, scene, FINISHED_UNREGISTERED, by_rows=True)
    if next_written_at is not None and (whole is None or whole.since is None or next_written_at > whole.since):
        text = f"not triggered, but {day.phase.next} wrote rows at {moment(next_written_at, now)}"
        return TriggerConclusion(TriggerState.BYPASSED, (*failed, Hint(HintKind.TRIGGER, text)))
    if met is None:
        return _not_met(trigger, expected, scene, failed)
    met = _since_reset(met, scene.watched)
    since = f" since {moment(met.since, now)}" if met.since else ""
    if met.since is not None and met.since > now + AHEAD:
        text = f"{met.reason}{since}, which is ahead of the clock: nobody knows whether its grace is over"
        return TriggerConclusion(TriggerState.UNKNOWN, (*failed, Hint(HintKind.TRIGGER, text)))
    within_grace = met.since is not None and now - met.since <= trigger.grace
    if by_entries is not None:
        state = TriggerState.READY if within_grace else TriggerState.STUCK
        text = f"{met.reason}{since}, not triggered"
    else:
        state = TriggerState.WAITING if within_grace else TriggerState.BLOCKED
        text = f"{met.reason}{since} by what really finished, not by what is registered"
    return TriggerConclusion(state, (*failed, Hint(HintKind.TRIGGER, text)), met.since)


def _since_reset(met: RuleMet, watched: Watched | None) -> RuleMet:
    """The rule as it is met since the document was last reset. A reset begins the phase again, and its grace."""
    reset_at = last_reset(watched)
    return met if met.since is None or reset_at is None else replace(met, since=max(met.since, reset_at))


def _met(
    trigger: Trigger,
    expected: Sequence[Judged],
    scene: Scene,
    unregistered: Container[Verdict] = (),
    *,
    by_rows: bool = False,
) -> RuleMet | None:
    """Whether the registered processors, and unregistered ones with these verdicts, meet the trigger rule.

    An entry was written at its own time, or at the document's last update if that is earlier; or later, if a reading
    shows that it came later. `by_rows`: count a processor as done from the time of its rows, even if it registered
    later.
    """
    done: dict[str, datetime | None] = {}
    updated_at = scene.document.update_time if scene.document else None
    for item in expected:
        evidence = item.evidence
        if evidence.registered and evidence.entry is not None:
            said = _earlier(evidence.entry.completed_at, updated_at)
            at = _came_at(evidence.obligation.processor.name, scene.watched, said)
            if by_rows and evidence.rows:
                at = _earlier(at, evidence.rows.written_at)
            done[evidence.obligation.processor.name] = at
        elif item.verdict in unregistered:
            done[evidence.obligation.processor.name] = _finished_at(evidence)
    return rule_met(trigger, [item.evidence.obligation.processor for item in expected], done)


def _came_at(name: str, watched: Watched | None, said: datetime | None) -> datetime | None:
    """When the entry came: the time that it gives, unless it came with a later write."""
    seen = watched.entries.get(name) if watched else None
    if said is None or seen is None or seen.written_at is None:
        return said
    return max(said, seen.written_at)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two times, of which one or both can be unknown."""
    if one is None or other is None:
        return one or other
    return min(one, other)


def _finished_at(evidence: Evidence) -> datetime | None:
    if evidence.rows is not None and evidence.rows.written_at is not None:
        return evidence.rows.written_at
    if evidence.loss is not None:
        return evidence.loss.sighting.entry.completed_at or evidence.loss.last_seen_at
    return evidence.heartbeat.beat_at if evidence.heartbeat.state is HeartbeatState.COMPLETED else None


def _not_met(trigger: Trigger, expected: Sequence[Judged], scene: Scene, failed: tuple[Hint, ...]) -> TriggerConclusion:
    waiting = [item for item in expected if not item.evidence.registered]
    unknown = [item for item in waiting if item.verdict is Verdict.UNKNOWN]
    if _met(trigger, expected, scene, {*FINISHED_UNREGISTERED, Verdict.UNKNOWN}):
        state, text = TriggerState.UNKNOWN, f"unknown whether these finished: {_names(unknown)}"
    else:
        state, text = TriggerState.WAITING, f"waiting for {_names(waiting)}"
    return TriggerConclusion(state, (*failed, Hint(HintKind.TRIGGER, text)))


def _names(judged: Sequence[Judged]) -> str:
    return ", ".join(item.evidence.obligation.processor.name for item in judged)


def _next_phase_written(snapshot: Snapshot, following: PhaseDay | None, now: datetime) -> datetime | None:
    """When the next phase last wrote rows for this run date; None if it has no rows, or none with a known time."""
    if following is None:
        return None
    written = {at for counted in _rows_of(snapshot, following, now) if counted.rows > 0 and (at := counted.written_at)}
    return next((at for at in sorted(written, reverse=True) if past(at, now)), None)


def _rows_of(snapshot: Snapshot, day: PhaseDay, now: datetime) -> Iterator[RowCount]:
    asks: dict[Dates, bool] = {}
    for one in (each for obligation in day.obligations for each in obligation.of_each_table):
        processor, dates = one.processor, one.dates
        if dates not in asks:
            asks[dates] = processor.schedule.asks(dates.run_date)
        if not asks[dates]:
            # The week's rows may be there since another run date.
            continue
        reading = snapshot.rows.get(processor.table)
        rows = reading.known(now) if reading else None
        counted = rows.get(dates.data_date) if rows else None
        if counted is not None:
            yield counted
