"""The sentence about the state of the pipelines: what is wrong, since when, how bad it is, what to do first."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from exporter.model import Bound, Condition, TriggerState, Verdict
from exporter.present.outages import outages
from exporter.present.over import after, after_condition, after_trigger, after_verdict
from exporter.present.words import (
    BAD_TRIGGERS,
    CONDITIONS,
    ELSEWHERE,
    NOTES,
    TRIGGERS,
    WORDS,
    Moments,
    begun,
    listed,
    plural,
    registered,
    rows_judged,
)
from exporter.reconcile import DISCREPANCIES
from exporter.reconcile.conditions import count_wrong_beside_the_verdict, rows_wrong_beside_the_verdict
from exporter.shipped.alerts import alert_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from exporter.model import ConditionReport, PhaseReport, ProcessorReport, Report, Since
    from exporter.present.outages import Outage

FINISHED: Final = (Verdict.LOST_UPDATE, Verdict.UNREGISTERED, Verdict.WRONG_DATE)
"""Verdicts of work that is done and not registered. A blocked trigger waits for it."""

QUIET: Final = {
    Verdict.RUNNING: "still running",
    Verdict.NOT_DUE: "not due yet",
    Verdict.NOT_EXPECTED: "not expected",
    Verdict.BACKFILL: "backfilled",
    Verdict.SKIPPED: "skipped",
}
_SEVERITIES: Final = ("critical", "warning", "info")
_UNREAD: Final = ("source_unreachable", "budget_exhausted", "collector_failing")
"""What the alert about an outage can be about, worst first."""
_UNSEEN: Final = "whether the data is there is not known"
_NAMED: Final = 3
"""How many kinds of lesser discrepancies the sentence names."""


class Health(StrEnum):
    """The state of the pipelines, worst first."""

    WRONG = "wrong"
    UNKNOWN = "unknown"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Summary:
    """The parts of the sentence; a part may be empty. `since` is a whole clause."""

    health: Health
    what: str
    since: str = ""
    effect: str = ""
    first: str = ""
    after: str = ""
    besides: str = ""

    def clauses(self) -> tuple[tuple[str, str], ...]:
        """The parts in order, each by its name and as a sentence of its own."""
        said = {
            "what": self.what,
            "since": self.since,
            "effect": self.effect,
            "first": f"First: {self.first}" if self.first else "",
            "after": f"After the repair: {self.after}" if self.after else "",
            "besides": f"Besides: {self.besides}" if self.besides else "",
        }
        # Names of pipelines are lower case.
        return tuple((name, f"{text}." if name == "what" else f"{begun(text)}.") for name, text in said.items() if text)

    def __str__(self) -> str:
        return " ".join(text for _, text in self.clauses())


@dataclass(frozen=True, slots=True)
class Problem:
    """Processors of one phase and run date with the same bad verdict; or, without a verdict, a trigger that hangs."""

    phase: PhaseReport
    processors: tuple[ProcessorReport, ...]
    verdict: Verdict | None = None

    @property
    def critical(self) -> bool:
        """Whether a processor of it is critical."""
        return any(one.critical for one in self.processors)

    @property
    def severity(self) -> str:
        """That of its alert."""
        return _SEVERITIES[_severity(self.verdict or self.phase.trigger_state or "", critical=self.critical)]

    @property
    def rank(self) -> tuple[bool, int, bool, int, int]:
        """Sorts the worst first: triggers that hang, by severity, critical processors, by verdict, the newest date."""
        verdict = -1 if self.verdict is None else DISCREPANCIES.index(self.verdict)
        urgent = self.verdict is not None, _SEVERITIES.index(self.severity), not self.critical
        return *urgent, verdict, -self.phase.run_date.toordinal()


def problems(report: Report) -> tuple[Problem, ...]:
    """Everything that is wrong, worst first."""
    return tuple(sorted((found for phase in report.phases for found in _problems(phase)), key=lambda one: one.rank))


def _severity(about: str, *, critical: bool) -> int:
    """That of the alert about a verdict or trigger, as its place among all."""
    severities = alert_of(about).severities
    return min(_SEVERITIES.index(one) for one in severities if critical or one != "critical" or len(severities) == 1)


def leading(report: Report) -> Problem | None:
    """The problem that the sentence is about: the worst, unless a condition that holds has a graver alert."""
    worst = next(iter(problems(report)), None)
    graver = worst and any(_severity_of(one) < _SEVERITIES.index(worst.severity) for one in held_conditions(report))
    return None if graver else worst


def summarize(report: Report, unread: Mapping[str, str] | None = None) -> Summary:
    """The sentence for a report. `unread`: the collectors that could not read everything, each with the reasons."""
    wrong, unread = problems(report), unread or {}
    if lead := leading(report):
        what, since, effect, first = _lead(lead, Moments.of(report))
        besides = _besides(report, wrong[1:], what, unread)
        return Summary(Health.WRONG, what, since, effect, first, _after(lead), besides)
    unknown = _unknown(report, unread)
    held, rows, again = held_conditions(report), rows_beyond(report), overwritten(report)
    if wrong:
        said = _beyond(report, held, rows, again)
        return replace(said, besides=_besides(report, wrong, said.what, unread))
    if unknown:
        return _cannot_tell(report, unknown, outages(report, unread), held)
    if held or rows:
        return _beyond(report, held, rows, again)
    if not report.pipelines:
        return Summary(Health.WELL, "No pipeline belongs to this shard, so it checks nothing")
    checked = plural(len(report.processors), "processor")
    quiet = Counter(QUIET[one.verdict] for one in report.processors if one.verdict in QUIET)
    some = "".join(f", {number:,} {what}" for what, number in quiet.items())
    return Summary(Health.WELL, f"All well: {checked} checked, no discrepancy{some}", besides=again)


def _cannot_tell(report: Report, unknown: str, there: Sequence[Outage], held: Sequence[ConditionReport]) -> Summary:
    """The sentence where a verdict is unknown: about what could not be read, else about a calendar in doubt."""
    doubt = next((one for one in held if one.condition is Condition.CALENDAR_DOUBTFUL), None)
    lead = None if there else doubt
    worst = min(there, key=lambda one: _UNREAD.index(one.about), default=None)
    about = worst.about if worst else "source_unreachable"
    words = CONDITIONS[lead.condition] if lead else ELSEWHERE[about]
    began = lead.since if lead else earliest(one.since for one in there)
    beyond = listed([text for text in beyond_bounds(report) if not lead or text != lead.text])
    return Summary(
        Health.UNKNOWN,
        f"Cannot tell: {f'{lead.text}, ' if lead else ''}{unknown}",
        Moments.of(report).since(began) if began else "",
        f"{words.effect}; {alert_of(lead.condition if lead else about).when}",
        words.first,
        after_condition(lead) if lead else worst.after if worst else "",
        ", ".join(part for part in (beyond, overwritten(report)) if part),
    )


def _beyond(
    report: Report, held: Sequence[ConditionReport], beyond: Sequence[tuple[str, Verdict]], again: str
) -> Summary:
    """The sentence where verdicts and triggers are well, and an alert about something else is open."""
    texts = [one.text for one in held if one.text]
    lead = held[0] if held else None
    since = lead.since if lead else None
    rows = [text for text, _ in beyond]
    words = CONDITIONS[lead.condition] if lead else WORDS[beyond[0][1]]
    if lead and lead.condition is Condition.OVERWRITTEN:
        what, rest = again, [*texts, *rows]
    else:
        what, *rest = [*texts, *rows, *([again] if again else [])]
    return Summary(
        Health.WRONG,
        begun(what),
        Moments.of(report).since(since) if since else "",
        f"{words.effect}{_by_when(report, lead)}",
        words.first,
        after_condition(lead) if lead else after(beyond[0][1]),
        listed(rest),
    )


def _by_when(report: Report, lead: ConditionReport | None) -> str:
    """By when that is; without a condition, of the first rows that cannot be right."""
    if lead and (when := alert_of(lead.condition).when):
        return f"; {when}"
    moments = Moments.of(report)
    place = (lead.labels["phase"], lead.labels["run_date"]) if lead else None
    found = (
        phase
        for phase in report.phases
        if place == (phase.phase, phase.run_date.isoformat()) or (not place and any(_rows_beyond(phase, report.at)))
    )
    phase = next(found, None)
    return _then(phase, moments) if phase else ""


def held_conditions(report: Report) -> list[ConditionReport]:
    """The conditions that hold and that the sentence names, the worst first."""
    named = [one for one in report.conditions if one.holds and one.condition in CONDITIONS]
    order = list(CONDITIONS)
    return sorted(
        named, key=lambda one: (_severity_of(one), one.bound is not Bound.CRITICAL, order.index(one.condition))
    )


def _severity_of(one: ConditionReport) -> int:
    """That of a condition's alert, as its place among all."""
    page = one.bound is Bound.CRITICAL and "critical" in alert_of(one.condition).severities
    return _SEVERITIES.index("critical" if page else "warning")


def noted_conditions(report: Report) -> list[ConditionReport]:
    """The conditions that hold and that the sentence leaves out: nobody has to act, so all is well with them."""
    return [one for one in report.conditions if one.holds and one.condition in NOTES]


def well(phase: PhaseReport) -> bool:
    """Whether nothing about this phase is wrong or unknown."""
    verdicts = {processor.verdict for processor in phase.processors}
    return phase.trigger_state not in {*BAD_TRIGGERS, TriggerState.UNKNOWN} and verdicts.isdisjoint(
        {*DISCREPANCIES, Verdict.UNKNOWN}
    )


def urgency(phase: PhaseReport) -> tuple[bool, tuple[int, bool, int], int]:
    """Sort key of phases: triggers that hang first, then by the worst processor, then the newest run date."""
    worst = min(map(_gravity, phase.processors), default=(len(_SEVERITIES), False, len(_ORDER)))
    return phase.trigger_state not in BAD_TRIGGERS, worst, -phase.run_date.toordinal()


def worst_first(processors: Iterable[ProcessorReport]) -> list[ProcessorReport]:
    """The processors: wrong ones as the sentence has them, then unknown ones, then the rest, as configured."""
    return sorted(processors, key=_gravity)


def _gravity(one: ProcessorReport) -> tuple[int, bool, int]:
    if one.verdict not in WORDS:
        return len(_SEVERITIES), False, _ORDER.get(one.verdict, len(_ORDER))
    return _severity(one.verdict, critical=one.critical), not one.critical, _ORDER[one.verdict]


_ORDER: Final = {verdict: number for number, verdict in enumerate((*DISCREPANCIES, Verdict.UNKNOWN))}


def tally(processors: Iterable[ProcessorReport]) -> dict[Verdict, int]:
    """The number of processors with each verdict, worst first."""
    verdicts = (processor.verdict for processor in processors)
    return dict(Counter(sorted(verdicts, key=lambda verdict: _ORDER.get(verdict, len(_ORDER)))))


def earliest(times: Iterable[Since | None]) -> Since | None:
    """The earliest of these that is known."""
    return min((one for one in times if one is not None), key=lambda one: one.at, default=None)


def beyond_bounds(report: Report) -> list[str]:
    """Faults that no verdict shows: rows and counts out of bounds, and the conditions that hold."""
    return [text for text, _ in rows_beyond(report)] + [one.text for one in held_conditions(report) if one.text]


def rows_beyond(report: Report) -> list[tuple[str, Verdict]]:
    """Rows and counts that cannot be right, where no verdict says so; each with the verdict whose alert says it."""
    return [found for phase in report.phases for found in _rows_beyond(phase, report.at)]


def _rows_beyond(phase: PhaseReport, now: datetime) -> Iterator[tuple[str, Verdict]]:
    """Wrong rows and counts of processors whose verdict is about something else."""
    of = f"of {phase.phase} {phase.run_date}"
    for one in phase.processors:
        if rows_wrong_beside_the_verdict(one, now):
            verdict = Verdict.PARTIAL if one.too_few else Verdict.DUPLICATED
            yield f"{one.processor} {of} has {rows_judged(one)}", verdict
        elif count_wrong_beside_the_verdict(one, now):
            counted = f"registered {one.record_count:,} and has {plural(one.table_rows or 0, 'row')}"
            yield f"{one.processor} {of} {counted}", Verdict.COUNT_MISMATCH


def overwritten(report: Report) -> str:
    """Entries that were lost and restored: nothing is wrong now, but it can happen again."""
    names = [name for phase in report.phases for name in dict.fromkeys(one.processor for one in phase.overwritten)]
    if not names:
        return ""
    counted = "1 entry was" if len(names) == 1 else f"{len(names):,} entries were"
    return f"{counted} overwritten and restored ({listed(names)})"


def _problems(phase: PhaseReport) -> Iterator[Problem]:
    if phase.trigger_state is TriggerState.BLOCKED:
        finished = tuple(one for one in worst_first(phase.processors) if one.verdict in FINISHED)
        yield Problem(phase, finished)
    elif phase.trigger_state is TriggerState.STUCK:
        yield Problem(phase, ())
    for verdict in DISCREPANCIES:
        if phase.trigger_state is TriggerState.BLOCKED and verdict in FINISHED:
            continue
        if found := tuple(one for one in phase.processors if one.verdict is verdict):
            yield Problem(phase, found, verdict)


def _lead(problem: Problem, moments: Moments) -> tuple[str, str, str, str]:
    phase, verdict = problem.phase, problem.verdict
    where = f"{phase.pipeline} {phase.phase} of {phase.run_date}"
    if verdict is None:
        state = phase.trigger_state
        words = TRIGGERS[TriggerState.BLOCKED if state is TriggerState.BLOCKED else TriggerState.STUCK]
        what = f"{where} is {state}: {_finished(problem) or f'{words.did} ({registered(phase)})'}"
        since = phase.since
        # The data of finished work is there, even if its entry is not.
        good = problem.processors and all(one.table_rows for one in problem.processors)
        effect = f"{words.effect}, {'but the data is there' if good else ''}".removesuffix(", ")
    else:
        words = WORDS[verdict]
        what = f"{where}: {_counted(problem)} {words.did} ({_names(problem.processors)})"
        since = earliest(one.since for one in problem.processors)
        seen = verdict not in FINISHED or all(one.table_rows for one in problem.processors)
        effect = words.effect if seen else _UNSEEN
    effect = f"{'critical: ' if problem.severity == 'critical' else ''}{effect}"
    return what, moments.since(since) if since else "", f"{effect}{_then(phase, moments)}", words.first


def _then(phase: PhaseReport, moments: Moments) -> str:
    return f"; {phase.then.what} {moments.both(phase.then.due)}" if phase.then else ""


def _after(problem: Problem) -> str:
    return after_verdict(problem.processors[0]) if problem.verdict else after_trigger(problem.phase)


def _finished(problem: Problem) -> str:
    """The work that a blocked trigger waits for; empty for a stuck one."""
    verdicts = {one.verdict for one in problem.processors}
    did = WORDS[verdicts.pop()].did if len(verdicts) == 1 else "finished and are not registered"
    return f"{_counted(problem)} {did} ({_names(problem.processors)})" if problem.processors else ""


def _counted(problem: Problem) -> str:
    of = problem.phase.expected or len(problem.phase.processors)
    return f"{len(problem.processors)} of {plural(max(of, len(problem.processors)), 'processor')}"


def _names(processors: Sequence[ProcessorReport]) -> str:
    return listed([one.processor for one in processors])


def _besides(report: Report, others: Sequence[Problem], what: str, unread: Mapping[str, str]) -> str:
    """What else is wrong or unknown, in short. `what`: what the sentence is about."""
    hanging = [one.phase for one in others if one.verdict is None]
    triggers = [f"{phase.phase} of {phase.run_date} is {phase.trigger_state}" for phase in hanging]
    parts = [listed(triggers)] if triggers else []
    by_verdict: dict[Verdict, list[ProcessorReport]] = {}
    for problem in others:
        for one in problem.processors:
            by_verdict.setdefault(one.verdict, []).append(one)
    for verdict, found in list(by_verdict.items())[:_NAMED]:
        names = list(dict.fromkeys(one.processor for one in found))
        parts.append(f"{len(found):,} {WORDS[verdict].did} ({listed(names, 2)})")
    rest = sum(len(found) for found in list(by_verdict.values())[_NAMED:])
    parts += [f"{rest:,} more with other discrepancies"] if rest else []
    beyond = [text for text in beyond_bounds(report) if text[1:] != what[1:]]
    last = (listed(beyond), _unknown(report, unread), overwritten(report))
    parts += [part for part in last if part and part[1:] != what[1:]]
    return ", ".join(parts)


def _unknown(report: Report, unread: Mapping[str, str]) -> str:
    """What cannot be told: the cause first, then what it leaves unknown."""
    unknown = sum(processor.verdict is Verdict.UNKNOWN for processor in report.processors)
    parts = [outage.text for outage in outages(report, unread)]
    if unknown:
        parts.append(f"{unknown:,} unknown")
    phases = [phase for phase in report.phases if phase.trigger_state is TriggerState.UNKNOWN]
    if phases and not unknown:
        parts.append(f"trigger of {listed([f'{phase.phase} of {phase.run_date}' for phase in phases], 2)} unknown")
    return ", ".join(parts)
