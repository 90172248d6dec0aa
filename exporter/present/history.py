"""The verdicts and trigger states of the last days' run dates, and when each changed."""

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
"""How many run dates are remembered besides those that a report exposes."""

STATES: Final = 20
"""How many states of each subject are remembered; the oldest are forgotten first."""

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
    """Every subject's states, oldest first. Immutable: `after` returns the next history."""

    states: Mapping[Subject, tuple[State, ...]] = field(default_factory=dict)
    since: datetime | None = None

    def after(self, report: Report) -> History:
        """The history with this report added. Older run dates than those to remember are forgotten."""
        states = dict(self.states)
        exposed = set()
        for subject, state in _subjects(report):
            exposed.add(subject.run_date)
            states[subject] = _with_state(states.get(subject, ()), State(report.at, state))
        older = sorted({subject.run_date for subject in states} - exposed, reverse=True)
        kept = exposed.union(older[:DATES])
        return History(
            {subject: found for subject, found in states.items() if subject.run_date in kept}, self.since or report.at
        )

    def dates(self) -> tuple[date, ...]:
        """Every run date that is remembered, newest first."""
        return tuple(sorted({subject.run_date for subject in self.states}, reverse=True))

    def changes(self, run_date: date) -> tuple[Change, ...]:
        """The changes of a run date, newest first. The first state of a subject is no change."""
        found = [
            Change(now.at, subject, before.state, now.state)
            for subject, states in self.states.items()
            if subject.run_date == run_date
            for before, now in pairwise(states)
        ]
        # Within one report's changes the order of the configuration stays.
        return tuple(sorted(found, key=lambda change: change.at, reverse=True))

    def standing(self, run_date: date) -> Mapping[Subject, State]:
        """The last known state of every subject of a run date."""
        return {subject: states[-1] for subject, states in self.states.items() if subject.run_date == run_date}


def _subjects(report: Report) -> Iterator[tuple[Subject, str]]:
    for phase in report.phases:
        if phase.trigger_state is not None:
            yield Subject(phase.run_date, phase.pipeline, phase.phase), phase.trigger_state.value
        for processor in phase.processors:
            subject = Subject(phase.run_date, phase.pipeline, phase.phase, processor.processor)
            yield subject, processor.verdict.value


def _with_state(before: tuple[State, ...], now: State) -> tuple[State, ...]:
    if before and before[-1].state == now.state:
        return before
    # Everything is unknown before the first collection, so that its end is no change worth showing.
    if len(before) == 1 and before[0].state in UNKNOWN:
        return (now,)
    return (*before, now)[-STATES:]
