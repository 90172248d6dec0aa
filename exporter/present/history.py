"""What the last days looked like: the verdicts and trigger states of each run date, and when each changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from exporter.model import TriggerState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date, datetime

    from exporter.model import Report

DATES: Final = 7
"""Run dates that are remembered beyond those that a report exposes."""

STATES: Final = 20
"""States that are remembered of each subject; the oldest go first."""

UNKNOWN: Final = frozenset({Verdict.UNKNOWN.value, TriggerState.UNKNOWN.value})


class Subject(NamedTuple):
    """A processor, or (`processor` empty) the trigger of a phase, of one run date."""

    run_date: date
    pipeline: str
    phase: str
    processor: str = ""

    @property
    def key(self) -> str:
        """As in the JSON: `pipeline/phase/run date` or `pipeline/phase/run date/processor`."""
        phase = f"{self.pipeline}/{self.phase}/{self.run_date}"
        return f"{phase}/{self.processor}" if self.processor else phase


class State(NamedTuple):
    """A verdict or trigger state, and when a report first said so."""

    at: datetime
    state: str


class Change(NamedTuple):
    """A subject that went from one state to another."""

    at: datetime
    subject: Subject
    before: str
    now: str


@dataclass(frozen=True, slots=True)
class History:
    """Every subject's states, oldest first. A value: `after` gives the next one and leaves this one as it is."""

    states: Mapping[Subject, tuple[State, ...]] = field(default_factory=dict)
    since: datetime | None = None

    def after(self, report: Report) -> History:
        """The history once this report is part of it. Dates beyond those to remember are forgotten."""
        states = dict(self.states)
        exposed = set()
        for subject, state in _subjects(report):
            exposed.add(subject.run_date)
            states[subject] = _told(states.get(subject, ()), State(report.at, state))
        older = sorted({subject.run_date for subject in states} - exposed, reverse=True)
        kept = exposed.union(older[:DATES])
        return History(
            {subject: told for subject, told in states.items() if subject.run_date in kept}, self.since or report.at
        )

    def dates(self) -> tuple[date, ...]:
        """Every run date that is remembered, newest first."""
        return tuple(sorted({subject.run_date for subject in self.states}, reverse=True))

    def changes(self, run_date: date) -> tuple[Change, ...]:
        """What changed of a run date, newest first. The state that a subject was first seen in is no change."""
        found = [
            Change(now.at, subject, before.state, now.state)
            for subject, told in self.states.items()
            if subject.run_date == run_date
            for before, now in pairwise(told)
        ]
        # Within one report's changes the order of the configuration stays.
        return tuple(sorted(found, key=lambda change: change.at, reverse=True))

    def standing(self, run_date: date) -> Mapping[Subject, State]:
        """The last known state of everything of a run date."""
        return {subject: told[-1] for subject, told in self.states.items() if subject.run_date == run_date}


def _subjects(report: Report) -> Iterator[tuple[Subject, str]]:
    for phase in report.phases:
        if phase.trigger_state is not None:
            yield Subject(phase.run_date, phase.pipeline, phase.phase), phase.trigger_state.value
        for processor in phase.processors:
            subject = Subject(phase.run_date, phase.pipeline, phase.phase, processor.processor)
            yield subject, processor.verdict.value


def _told(before: tuple[State, ...], now: State) -> tuple[State, ...]:
    if before and before[-1].state == now.state:
        return before
    # Before the first collection everything is unknown: that it then becomes known is news to nobody.
    if len(before) == 1 and before[0].state in UNKNOWN:
        return (now,)
    return (*before, now)[-STATES:]
