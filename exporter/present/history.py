"""The verdicts and trigger states of the last days' run dates, and when each changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from exporter.model import TriggerState, Verdict
from exporter.present.words import BAD_TRIGGERS, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date, datetime

    from exporter.model import PhaseReport, ProcessorReport, Report

DATES: Final = 7
"""How many run dates are remembered besides those that a report exposes."""

STATES: Final = 20
"""How many states of each subject are remembered; the oldest are forgotten first."""

UNKNOWN: Final = frozenset({Verdict.UNKNOWN.value, TriggerState.UNKNOWN.value})


FAULTS: Final = frozenset({*(verdict.value for verdict in WORDS), *(state.value for state in BAD_TRIGGERS)})
"""The states that say something is wrong."""

_WITHOUT_ENTRY: Final = frozenset({Verdict.LOST_UPDATE, Verdict.UNREGISTERED, Verdict.WRONG_DATE})


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
    """A verdict or trigger state, and when a report first gave it.

    `since`: since when its fault has been there; `how`: what mended the state before it, in words.
    """

    at: datetime
    state: str
    since: datetime | None = None
    how: str = ""


class Change(NamedTuple):
    """A subject that went from one state to another."""

    at: datetime
    subject: Subject
    before: str
    now: str


class Day(NamedTuple):
    """A phase and a run date."""

    run_date: date
    pipeline: str
    phase: str


@dataclass(frozen=True, slots=True)
class History:
    """Every subject's states, oldest first. Immutable: `after` returns the next history.

    `days`: the states of each phase and run date; `reported`: what the last report said of them; `starting`: whether it
    was made before everything was read.
    """

    days: Mapping[Day, Mapping[Subject, tuple[State, ...]]] = field(default_factory=dict)
    since: datetime | None = None
    reported: Mapping[Day, PhaseReport] = field(default_factory=dict, repr=False, compare=False)
    starting: bool = field(default=False, repr=False, compare=False)

    @classmethod
    def restored(cls, states: Iterable[tuple[Subject, State]]) -> History:
        """The history of these states, the oldest first."""
        days: dict[Day, dict[Subject, tuple[State, ...]]] = {}
        for subject, state in states:
            found = days.setdefault(Day(*subject[:3]), {})
            found[subject] = (*found.get(subject, ()), state)[-STATES:]
        first = min((one[0].at for found in days.values() for one in found.values()), default=None)
        return cls(days, first)

    @property
    def states(self) -> Mapping[Subject, tuple[State, ...]]:
        """The states of every subject."""
        return {subject: states for found in self.days.values() for subject, states in found.items()}

    def after(self, report: Report, *, starting: bool = False) -> History:
        """The history with this report added. Older run dates than those to remember are forgotten.

        `starting`: not everything was read yet, so that what is unknown in the report ends no state. A phase's report
        that is the same object as in the last report has nothing new.
        """
        reported = {Day(phase.run_date, phase.pipeline, phase.phase): phase for phase in report.phases}
        exposed = {day.run_date for day in reported}
        older = sorted({day.run_date for day in self.days} - exposed, reverse=True)
        kept = exposed.union(older[:DATES])
        days = {day: found for day, found in self.days.items() if day.run_date in kept and day not in reported}
        # What was expected only until the first readings, such as a phase that turned out not to be in use.
        for day in [day for day in days if day.run_date in exposed]:
            days[day] = _known(days[day])
        for day, phase in reported.items():
            before = self.days.get(day, {})
            same = self.reported.get(day) is phase and starting == self.starting
            days[day] = before if same else _with_report(before, phase, report.at, starting=starting)
        return History(days, self.since or report.at, reported, starting)

    def dates(self) -> tuple[date, ...]:
        """Every run date that is remembered, newest first."""
        return tuple(sorted({day.run_date for day, found in self.days.items() if found}, reverse=True))

    def changes(self, run_date: date) -> tuple[Change, ...]:
        """The changes of a run date, newest first. The first state of a subject is no change."""
        found = [
            Change(now.at, subject, before.state, now.state)
            for subject, states in self._of(run_date)
            for before, now in pairwise(states)
        ]
        # Within one report's changes the order of the configuration stays.
        return tuple(sorted(found, key=lambda change: change.at, reverse=True))

    def standing(self, run_date: date) -> Mapping[Subject, State]:
        """The last known state of every subject of a run date."""
        return {subject: states[-1] for subject, states in self._of(run_date)}

    def _of(self, run_date: date) -> Iterator[tuple[Subject, tuple[State, ...]]]:
        for day, found in self.days.items():
            if day.run_date == run_date:
                yield from found.items()


def news(before: History, now: History) -> Iterator[tuple[Subject, State]]:
    """The states that are in one history and not in the one before it; not what was unknown from the beginning."""
    for day, found in now.days.items():
        earlier = before.days.get(day, {})
        if found is earlier:
            continue
        for subject, states in found.items():
            if states != earlier.get(subject, ()) and not (len(states) == 1 and states[0].state in UNKNOWN):
                yield subject, states[-1]


def _known(found: Mapping[Subject, tuple[State, ...]]) -> Mapping[Subject, tuple[State, ...]]:
    """The subjects of which more was ever known than that they are unknown."""
    return {one: states for one, states in found.items() if not all(state.state in UNKNOWN for state in states)}


def _with_report(
    before: Mapping[Subject, tuple[State, ...]], phase: PhaseReport, at: datetime, *, starting: bool
) -> Mapping[Subject, tuple[State, ...]]:
    states = dict(before)
    reported = dict(_subjects(phase, at, before))
    for subject, state in reported.items():
        if not (starting and state.state in UNKNOWN and subject in states):
            states[subject] = _with_state(states.get(subject, ()), state)
    gone = _known({subject: states[subject] for subject in states if subject not in reported})
    return {subject: found for subject, found in states.items() if subject in reported or subject in gone}


def _subjects(
    phase: PhaseReport, at: datetime, before: Mapping[Subject, tuple[State, ...]]
) -> Iterator[tuple[Subject, State]]:
    if phase.trigger_state is not None:
        since = phase.since.at if phase.since else None
        subject = Subject(phase.run_date, phase.pipeline, phase.phase)
        how = _next_started(phase) if phase.trigger_state is TriggerState.TRIGGERED else ""
        yield subject, State(at, phase.trigger_state.value, since, how)
    for processor in phase.processors:
        subject = Subject(phase.run_date, phase.pipeline, phase.phase, processor.processor)
        since = processor.since.at if processor.since else None
        earlier = before.get(subject, ())
        how = _mended(earlier[-1].state, processor) if earlier else ""
        yield subject, State(at, processor.verdict.value, since, how)


def _next_started(phase: PhaseReport) -> str:
    return "; ".join(hint.text for hint in phase.trigger_hints)


def _mended(before: str, processor: ProcessorReport) -> str:
    """What ended a fault, by the records; empty if the state before was none, or another fault follows."""
    if before not in FAULTS or processor.verdict.value in FAULTS | UNKNOWN:
        return ""
    entry, found = processor.entry, []
    if before in _WITHOUT_ENTRY and entry is not None:
        by = "registered by hand" if entry.manual else "registered"
        found.append(f"{by} at {entry.completed_at:%H:%M:%S}Z" if entry.completed_at else by)
    if before not in _WITHOUT_ENTRY or not found:
        rows = "no" if processor.table_rows is None else f"{processor.table_rows:,}"
        found.append(f"{rows} rows" + (f" written at {processor.written_at:%H:%M:%S}Z" if processor.written_at else ""))
    return ", ".join(found)


def _with_state(before: tuple[State, ...], now: State) -> tuple[State, ...]:
    if before and before[-1].state == now.state:
        return before
    # Everything is unknown before the first collection, so that its end is no change worth showing.
    if len(before) == 1 and before[0].state in UNKNOWN:
        return (now,)
    return (*before, now)[-STATES:]
