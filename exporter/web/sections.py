"""The content of the status page, as plain values in the page's order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from exporter.model import TriggerState, Verdict
from exporter.present.beside import beside, notes
from exporter.present.care import care_text, logs, window_of
from exporter.present.outages import own_hints, shared_reasons
from exporter.present.over import after_trigger, after_verdict
from exporter.present.runbooks import link
from exporter.present.summary import QUIET, tally, urgency, well, worst_first
from exporter.present.words import (
    BAD_TRIGGERS,
    CAUSES,
    OVERWRITTEN,
    STANDINGS,
    TRIGGERS,
    WORDS,
    Moments,
    begun,
    bigquery,
    firestore,
    heartbeat,
    listed,
    plural,
    registered,
    shown,
    trigger_reason,
)
from exporter.reconcile import DISCREPANCIES
from exporter.shipped.alerts import alert_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from exporter.model import Explanation, PhaseReport, PipelineReport, ProcessorReport, Report, Since
    from exporter.present.beside import Beside
    from exporter.present.history import Change, History, Subject

MOST_WELL: Final = 12
"""The most processors without discrepancy that are shown below those with one; more are folded."""

MOST_WHYS: Final = 30
"""The most processors of a page with hints below them, beginning with the worst phases; the JSON has all hints."""

MOST_CHANGES: Final = 25
"""The most changes of one run date on the page; the JSON has all that are remembered."""

MOST_UNUSABLE: Final = 10
"""The most unusable fields of one kind of record that the page names; it counts the others."""

BAD, UNSURE, GOOD, NONE = "bad", "unsure", "good", "none"
TONES: Final = {
    **dict.fromkeys(DISCREPANCIES, BAD),
    Verdict.UNKNOWN: UNSURE,
    Verdict.OK: GOOD,
    **dict.fromkeys(QUIET, NONE),
}
_BY_STATE: Final = {
    **{verdict.value: tone for verdict, tone in TONES.items()},
    **{state.value: BAD if state in BAD_TRIGGERS else NONE for state in TriggerState},
    TriggerState.UNKNOWN.value: UNSURE,
    TriggerState.TRIGGERED.value: GOOD,
}


class Time(NamedTuple):
    """A time: for machines, for people, and relative to the report."""

    machine: str
    text: str
    away: str


class Reason(NamedTuple):
    """One explanation of a missing registration."""

    cause: str
    standing: str
    supports: Sequence[str]
    contradicts: Sequence[str]


class Runbook(NamedTuple):
    """A runbook, and the query of its link at `/runbooks/`."""

    name: str
    query: str


class Why(NamedTuple):
    """The details below a processor with a discrepancy or an unknown verdict."""

    did: str
    since: Time | None
    due: Time | None
    first: str
    after: str
    runbook: Runbook | None
    hints: Sequence[str]
    reasons: Sequence[Reason]
    care: str
    logs: str


class Row(NamedTuple):
    """One processor: what each record says."""

    name: str
    firestore: str
    heartbeat: str
    bigquery: str
    verdict: str
    tone: str
    why: Why | None


class Answer(NamedTuple):
    """Sources, and when they were last read."""

    sources: str
    read: Time | None


class Section(NamedTuple):
    """One phase of one run date."""

    name: str
    mode: str
    registered: str
    trigger: str
    trigger_tone: str
    trigger_reason: str
    trigger_first: str
    trigger_after: str
    trigger_runbook: Runbook | None
    overwritten: Sequence[str]
    due: Time | None
    answers: Sequence[Answer]
    rows: Sequence[Row]
    folded: Sequence[Row]
    line: str
    silent: int


class Fact(NamedTuple):
    """A fact that belongs to no single processor."""

    what: str
    value: str


class Fault(NamedTuple):
    """What is wrong beside verdicts and triggers. `query`: SQL that lists the rows at fault."""

    text: str
    since: Time | None
    first: str
    after: str
    runbook: Runbook | None
    query: str


class Day(NamedTuple):
    """A run date: its last state, and the changes."""

    run_date: str
    phases: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    changes: Sequence[tuple[Time, str, str, str]]
    more: int


class Sections(NamedTuple):
    """Everything on the page below its first sentence."""

    trouble: Sequence[Section]
    well: Sequence[Section]
    facts: Sequence[tuple[str, Sequence[Fact]]]
    reasons: Sequence[str]
    beside: Sequence[Fault]
    notes: Sequence[Fault]
    days: Sequence[Day]
    history_since: Time | None


def sections(report: Report, history: History) -> Sections:
    """The content of the page for a report and its history."""
    moments = Moments.of(report)
    pipelines = {pipeline.pipeline: pipeline for pipeline in report.pipelines}
    found: list[tuple[bool, Section]] = []
    whys, shared = MOST_WHYS, shared_reasons(report)
    for phase in sorted(report.phases, key=urgency):
        section = _section(phase, pipelines[phase.pipeline], moments, shared, whys)
        whys -= sum(row.why is not None for row in section.rows)
        found.append((well(phase), section))
    return Sections(
        trouble=[section for fine, section in found if not fine],
        well=[section for fine, section in found if fine],
        facts=[(pipeline.pipeline, _facts(pipeline, moments)) for pipeline in report.pipelines],
        reasons=shared_reasons(report),
        beside=[_fault(one, moments) for one in beside(report)],
        notes=[_fault(one, moments) for one in notes(report)],
        days=[_day(history, run_date, moments) for run_date in history.dates()],
        history_since=time(history.since, moments) if history.since else None,
    )


def _fault(one: Beside, moments: Moments) -> Fault:
    book = Runbook(one.alert, link(one.condition.labels))
    return Fault(begun(one.text), _since(one.since, moments), one.first, one.after, book, one.query)


def _since(since: Since | None, moments: Moments) -> Time | None:
    return time(since.at, moments)._replace(text=moments.began(since)) if since else None


def time(at: datetime, moments: Moments) -> Time:
    """A time as the page shows it."""
    return Time(at.isoformat(timespec="seconds").replace("+00:00", "Z"), moments.both(at), moments.away(at))


def _section(
    phase: PhaseReport, pipeline: PipelineReport, moments: Moments, shared: tuple[str, ...], whys: int
) -> Section:
    """A phase, with hints for at most `whys` processors, so that a page with many discrepancies still loads."""
    processors = sorted(worst_first(phase.processors), key=lambda one: not _asks(one))
    asking = sum(map(_asks, processors))
    rows = [
        _row(phase, processor, _why(phase, processor, moments, shared) if number < min(asking, whys) else None)
        for number, processor in enumerate(processors)
    ]
    fold = asking > 0 and len(rows) - asking > MOST_WELL
    state = phase.trigger_state
    words = TRIGGERS.get(state) if state else None
    counts = ", ".join(f"{number:,} {verdict}" for verdict, number in tally(phase.processors).items())
    trigger = f"trigger {state}" if state else ""
    lost = f"{len(phase.overwritten)} {OVERWRITTEN}" if phase.overwritten else ""
    return Section(
        name=f"{phase.pipeline} {phase.phase} of {phase.run_date}",
        mode=phase.mode,
        registered=registered(phase),
        trigger=state or "",
        trigger_tone=_BY_STATE[state] if state else NONE,
        trigger_reason=trigger_reason(phase),
        trigger_first=words.first if words else "",
        trigger_after=after_trigger(phase),
        trigger_runbook=Runbook(alert_of(state).name, link(_labels(phase))) if state and words else None,
        overwritten=[found.text for found in phase.overwritten],
        due=time(phase.due, moments) if phase.due else None,
        answers=_answers(phase, pipeline, moments),
        rows=rows[:asking] if fold else rows,
        folded=rows[asking:] if fold else (),
        line=", ".join(part for part in (counts, trigger, lost) if part),
        silent=max(0, asking - whys),
    )


def _labels(phase: PhaseReport) -> dict[str, str]:
    return {"pipeline": phase.pipeline, "phase": phase.phase, "run_date": phase.run_date.isoformat()}


def _answers(phase: PhaseReport, pipeline: PipelineReport, moments: Moments) -> list[Answer]:
    """The oldest answer of each source that this phase uses. Sources that were read together are listed together."""
    read = {
        "completion document": [pipeline.documents_read_at] if phase.has_document else [],
        "heartbeats": [pipeline.heartbeats_read_at] if pipeline.heartbeat_stale_after else [],
        "tables": [one.rows_read_at for one in phase.processors],
    }
    together: dict[datetime | None, list[str]] = {}
    for source, times in read.items():
        if times:
            oldest = None if None in times else min(at for at in times if at)
            together.setdefault(oldest, []).append(source)
    return [Answer(", ".join(sources), time(at, moments) if at else None) for at, sources in together.items()]


def _asks(processor: ProcessorReport) -> bool:
    """Whether the page explains this processor."""
    return TONES[processor.verdict] in {BAD, UNSURE} or bool(processor.explanations)


def _row(phase: PhaseReport, processor: ProcessorReport, why: Why | None) -> Row:
    verdict = processor.verdict
    return Row(
        processor.processor,
        firestore(phase, processor),
        heartbeat(processor),
        bigquery(processor),
        verdict,
        TONES[verdict],
        why,
    )


def _why(phase: PhaseReport, processor: ProcessorReport, moments: Moments, shared: tuple[str, ...]) -> Why | None:
    words = WORDS.get(processor.verdict)
    hints = own_hints(processor, shared)
    if not (words or hints or processor.explanations):
        return None
    return Why(
        did=f"{words.did[0].upper()}{words.did[1:]}" if words else "",
        since=_since(processor.since, moments),
        due=time(processor.due, moments) if processor.due != phase.due else None,
        first=words.first if words else "",
        after=after_verdict(processor),
        runbook=Runbook(
            alert_of(processor.verdict).name,
            link({**_labels(phase), "processor": processor.processor}),
        )
        if words
        else None,
        hints=hints,
        reasons=[_reason(explanation) for explanation in processor.explanations],
        care=care_text(processor.care),
        logs=logs(processor.care, window_of(processor, moments.now)) or "",
    )


def _reason(explanation: Explanation) -> Reason:
    return Reason(
        CAUSES[explanation.cause], STANDINGS[explanation.standing], explanation.supports, explanation.contradicts
    )


def _facts(pipeline: PipelineReport, moments: Moments) -> list[Fact]:
    found = [
        Fact(f"Calendar, {day}", "unknown" if units is None else plural(units, "unit"))
        for day, units in sorted(pipeline.units.items(), reverse=True)
    ]
    for coverage in pipeline.coverage:
        share, counts = coverage.share, coverage.counts
        value = "unknown" if counts is None else "nothing to cover"
        if counts and share is not None:
            left_out = "".join(f", {number:,} {name}" for name, number in counts.excluded.items() if number)
            value = f"{share:.1%} ({counts.covered:,} of {counts.eligible:,}{left_out} of {counts.rows:,} rows)"
        found.append(
            Fact(f"Coverage {coverage.check.name} of {coverage.run_date}, rows of {coverage.data_date}", value)
        )
    for log in pipeline.phase_log:
        of = "" if log.expected is None else f" of {log.expected} expected"
        found.append(
            Fact(
                f"Phase log {log.transition}, {log.run_date}",
                "unknown" if log.rows is None else f"{plural(log.rows, 'row')}{of}",
            )
        )
    for kind, fields in pipeline.unusable.items():
        if fields:
            found.append(Fact(f"Unusable fields, {kind}", shown(f"{len(fields):,}: {listed(fields, MOST_UNUSABLE)}")))
    if pipeline.heartbeat_documents_warn is not None:
        number = pipeline.heartbeat_documents
        found.append(Fact("Heartbeat documents", "unknown" if number is None else f"{number:,}"))
    if pipeline.last_heartbeat_at:
        found.append(Fact("Last heartbeat", moments.both(pipeline.last_heartbeat_at)))
    if pipeline.last_run_at:
        found.append(Fact("Last run in the run history", moments.both(pipeline.last_run_at)))
    return found


def _day(history: History, run_date: date, moments: Moments) -> Day:
    phases: dict[tuple[str, str], dict[str, int]] = {}
    triggers: dict[tuple[str, str], str] = {}
    for subject, state in history.standing(run_date).items():
        key = subject.pipeline, subject.phase
        counts = phases.setdefault(key, {})
        if subject.processor:
            counts[state.state] = counts.get(state.state, 0) + 1
        else:
            triggers[key] = state.state
    changes = history.changes(run_date)
    return Day(
        run_date=run_date.isoformat(),
        phases=[
            (" ".join(key), [*_tones(counts), *_trigger_tone(triggers.get(key))]) for key, counts in phases.items()
        ],
        changes=[_change(change, moments) for change in changes[:MOST_CHANGES]],
        more=max(0, len(changes) - MOST_CHANGES),
    )


def _tones(counts: dict[str, int]) -> Iterable[tuple[str, str]]:
    order = list(_BY_STATE)
    return [(f"{counts[state]:,} {state}", _BY_STATE[state]) for state in sorted(counts, key=order.index)]


def _trigger_tone(state: str | None) -> list[tuple[str, str]]:
    return [(f"trigger {state}", _BY_STATE[state])] if state else []


def _change(change: Change, moments: Moments) -> tuple[Time, str, str, str]:
    return time(change.at, moments), _subject(change.subject), change.before, change.now


def _subject(subject: Subject) -> str:
    where = f"{subject.pipeline} {subject.phase}"
    return f"{where} {subject.processor}" if subject.processor else f"trigger of {where}"
