"""How long a collector waits until its next reading: a table of rules, and what they are decided by. Pure.

The first row of `RULES` that applies gives the interval. Whatever it is, a deadline is followed by a reading, and a
value that went missing is read again soon. docs/budget.md shows the table.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from exporter.collect.completion import Completion
from exporter.collect.heartbeats import HeartbeatCount, Heartbeats
from exporter.collect.warehouse import Warehouse
from exporter.config.resolved import Due
from exporter.model import TriggerState, Verdict
from exporter.reconcile import DISCREPANCIES
from exporter.reconcile.expectations import ONE_DAY, due_at, today
from exporter.reconcile.heartbeat import goes_stale_after, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from exporter.config.resolved import Config
    from exporter.model import Heartbeat, PhaseReport, Reading, Report

    Readings = Mapping[str, Reading[Mapping[str, Heartbeat | None]]]

COMPLETION: Final = Completion.name
HEARTBEATS: Final = Heartbeats.name
COUNT: Final = HeartbeatCount.name
WAREHOUSE: Final = Warehouse.name

QUIET_TIMES: Final = 5
"""How many intervals lie between two readings while nothing happens."""
QUIET: Final = timedelta(minutes=5)
"""The longest that such readings are apart, unless the configured interval itself is longer."""
STRETCHED: Final = timedelta(hours=1)
"""The longest interval of a budget that has to last for the day."""
SOON: Final = 5
"""What part of an interval lies between two readings when records begin to disagree."""
BEFORE: Final = timedelta(minutes=10)
AFTER: Final = timedelta(minutes=20)
"""So long before and after a deadline readings keep to the configured interval."""
WRONG: Final = frozenset(DISCREPANCIES)
MARGIN: Final = timedelta(seconds=15)
"""How long after a deadline the reading of that moment begins."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known when the next reading of one collector is planned, at `now`.

    `every`: the configured interval; `quiet`: the interval while nothing happens; `began`: when its last reading began.
    `adapts`: the configuration asks for more than `every`. `failing`: its last reading failed, wholly or in part.
    `followed`: a listener reports every change of the documents. `running`: some processor runs; None: unknown.
    `deadlines`: those of the exposed run dates and the next one; `midnight`: when the next local day begins.
    `disagreed_at`: when records last began to disagree. `left`, `cost`: bytes left of the day's budget (None: unknown)
    and those that the last reading billed.
    """

    now: datetime
    every: timedelta
    quiet: timedelta
    began: datetime
    adapts: bool = True
    failing: bool = False
    followed: bool = False
    running: bool | None = None
    deadlines: frozenset[datetime] = frozenset()
    midnight: datetime | None = None
    disagreed_at: datetime | None = None
    left: float | None = None
    cost: float = 0.0

    @property
    def near_a_deadline(self) -> bool:
        """Whether a deadline was a short time ago, or is a short time ahead."""
        return any(-BEFORE <= self.now - deadline <= AFTER for deadline in self.deadlines)

    @property
    def disagreeing(self) -> bool:
        """Whether records began to disagree after the last reading began."""
        return self.disagreed_at is not None and self.disagreed_at >= self.began

    @property
    def until_the_budget_ends(self) -> timedelta:
        """How long the budget has to last: until the next UTC day."""
        return datetime.combine(self.now.astimezone(UTC).date() + ONE_DAY, time(), UTC) - self.now

    @property
    def short(self) -> bool:
        """Whether the day's budget does not last until the day ends if readings go on like the last one."""
        return self.left is not None and self.left < self.cost * (self.until_the_budget_ends / self.every)

    @property
    def stretched(self) -> timedelta:
        """The interval at which the rest of the budget lasts until the day ends."""
        # A reading that would be due after the day ends costs nothing of this budget.
        lasts = self.until_the_budget_ends * min(1.0, self.cost / max(self.left or 0.0, 1.0))
        return max(self.every, min(STRETCHED, lasts))


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: whose readings it is about, when it applies, and the interval that it gives.

    `when` and `gives` say so for the page.
    """

    name: str
    collectors: frozenset[str]
    when: str
    gives: str
    applies: Callable[[Situation], bool]
    interval: Callable[[Situation], timedelta]


def _every(known: Situation) -> timedelta:
    return known.every


def _quiet(known: Situation) -> timedelta:
    return known.quiet


_ALL: Final = frozenset({COMPLETION, HEARTBEATS, COUNT, WAREHOUSE})

RULES: Final[tuple[Rule, ...]] = (
    Rule("fixed", _ALL, "`collect.pace` is `fixed`", "`every`", lambda known: not known.adapts, _every),
    Rule(
        "budget",
        frozenset({WAREHOUSE}),
        "what is left of the day's budget does not last until the UTC day ends",
        "as long as it takes to last, 1 hour at most",
        lambda known: known.short,
        lambda known: known.stretched,
    ),
    Rule("failing", _ALL, "its last reading failed, wholly or in part", "`every`", lambda known: known.failing, _every),
    Rule(
        "disagreement",
        frozenset({HEARTBEATS, WAREHOUSE}),
        "a verdict or trigger became a fault since its last reading",
        "a fifth of `every`",
        lambda known: known.disagreeing,
        lambda known: known.every / SOON,
    ),
    Rule(
        "not followed",
        frozenset({COMPLETION}),
        "no listener reports the documents' changes",
        "`every`",
        lambda known: not known.followed,
        _every,
    ),
    Rule(
        "safety net",
        frozenset({COMPLETION}),
        "a listener reports them",
        "five times `every`, 5 minutes at most",
        lambda known: known.followed,
        _quiet,
    ),
    Rule(
        "deadline",
        frozenset({HEARTBEATS}),
        "from 10 minutes before a deadline to 20 minutes after it",
        "`every`",
        lambda known: known.near_a_deadline,
        _every,
    ),
    Rule(
        "running",
        frozenset({HEARTBEATS}),
        "a heartbeat says that something runs, or heartbeats are unknown",
        "`every`",
        lambda known: known.running is not False,
        _every,
    ),
    Rule(
        "quiet",
        frozenset({HEARTBEATS}),
        "nothing runs, and nothing is due",
        "five times `every`; 5 minutes, and what makes a heartbeat stale, at most",
        lambda _: True,
        _quiet,
    ),
    Rule("steady", frozenset({COUNT, WAREHOUSE}), "always else", "`every`", lambda _: True, _every),
)
"""For every collector the rules in the order in which they are tried. The last one of each applies always."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The rule that applies, its interval, and when the next reading begins by it."""

    rule: Rule
    interval: timedelta
    at: datetime


def plan(collector: str, known: Situation, longest: timedelta = timedelta.max) -> Plan:
    """When the collector reads next. `longest`: the interval that its last values allow for."""
    rule = next(rule for rule in RULES if collector in rule.collectors and rule.applies(known))
    interval = rule.interval(known)
    at = known.began + min(interval, longest)
    if known.adapts and collector != COUNT and not known.short:
        moments = (*known.deadlines, known.midnight) if known.midnight else known.deadlines
        at = min((at, *(moment + MARGIN for moment in moments if known.began < moment + MARGIN)))
    return Plan(rule, interval, at)


def quiet_interval(config: Config, collector: str, every: timedelta) -> timedelta:
    """The interval while nothing happens. A run that begins and hangs at once is seen before its heartbeat is stale."""
    stale = [goes_stale_after(one.heartbeats) for one in config.pipelines.values() if one.heartbeats]
    bounds = (QUIET, *stale) if collector == HEARTBEATS else (QUIET,)
    return max(every, min(QUIET_TIMES * every, *bounds))


def next_midnight(config: Config, now: datetime) -> datetime:
    """When the next day of the pipeline's zone begins: other run dates are exposed from then on."""
    return due_at(Due(1, time()), today(now, config.timezone), config.timezone)


def running(config: Config, readings: Readings, now: datetime) -> bool | None:
    """Whether any heartbeat says that something runs; None where that is unknown."""
    answers: set[bool | None] = set()
    for pipeline in config.pipelines.values():
        if pipeline.heartbeats:
            reading = readings.get(pipeline.name)
            known = reading.known(now) if reading else None
            beats = known.values() if known is not None else ()
            answers |= {runs(beat, pipeline.heartbeats, now) for beat in beats if beat}
            if known is None:
                answers.add(None)
    return True if True in answers else None if None in answers else False


@dataclass(frozen=True, slots=True)
class Seen:
    """What readings follow: the moments at which something is due, and the faults."""

    due: frozenset[datetime]
    faults: frozenset[Hashable]


def seen(phase: PhaseReport, config: Config) -> Seen:
    """Of a phase: registrations, rows and the start of the next phase are due. Verdicts and triggers are its faults."""
    due = {
        moment
        for one in phase.processors
        if one.expected is not False and one.verdict is not Verdict.NOT_EXPECTED
        for moment in (one.due, one.rows_due)
    }
    trigger = config.pipelines[phase.pipeline].phases[phase.phase].trigger
    if trigger and phase.rule_met_at and phase.trigger_state in {TriggerState.WAITING, TriggerState.READY}:
        due.add(phase.rule_met_at + trigger.grace)
    where = phase.pipeline, phase.phase, phase.run_date
    faults: set[Hashable] = {(*where, one.processor, one.verdict) for one in phase.processors if one.verdict in WRONG}
    if phase.trigger_state in {TriggerState.STUCK, TriggerState.BLOCKED}:
        faults.add((*where, phase.trigger_state))
    return Seen(frozenset(due), frozenset(faults))


def of_report(report: Report, phases: Iterable[Seen]) -> Seen:
    """Of a whole report: what is due within a day, what is expected next included, and all faults."""
    each = [Seen(frozenset(one.next_due.due for one in report.pipelines if one.next_due), frozenset()), *phases]
    due = frozenset().union(*(one.due for one in each))
    near = frozenset(moment for moment in due if abs(moment - report.at) <= ONE_DAY)
    return Seen(near, frozenset().union(*(one.faults for one in each)))
