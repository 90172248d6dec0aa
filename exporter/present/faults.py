"""`history`: every fault that is remembered, when it was there, for how long, and what mended it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.text import Text

from exporter.present.history import FAULTS, UNKNOWN
from exporter.present.status import stamp
from exporter.present.table import in_text
from exporter.present.words import shown
from exporter.reconcile.hints import lasting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from rich.console import Console

    from exporter.messages.secrets import Masked
    from exporter.present.history import History, State, Subject
    from exporter.present.words import Moments

WIDTH = 100
"""The width of output that goes to no terminal."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of one subject. `ended`: when a report first said otherwise; `then`: what it said, and what mended it."""

    subject: Subject
    state: str
    began: datetime
    ended: datetime | None = None
    then: str = ""
    how: str = ""


def faults(history: History, processor: str | None = None) -> list[Fault]:
    """Every fault, the newest first; with `processor`, those of that one alone."""
    found = [
        fault
        for subject, states in history.states.items()
        if processor in (None, subject.processor)
        for fault in _of(subject, states)
    ]
    return sorted(found, key=lambda fault: fault.began, reverse=True)


def _of(subject: Subject, states: tuple[State, ...]) -> Iterator[Fault]:
    # What is unknown for a while neither ends a fault nor begins one.
    known = [state for state in states if state.state not in UNKNOWN]
    for now, later in pairwise(known):
        if now.state in FAULTS and later.state != now.state:
            yield Fault(subject, now.state, now.since or now.at, later.at, later.state, later.how)
    if known and known[-1].state in FAULTS:
        yield Fault(subject, known[-1].state, known[-1].since or known[-1].at)


def history_json(history: History, processor: str | None = None) -> list[dict[str, Any]]:
    """The faults as JSON."""
    return [
        {
            "key": fault.subject.key,
            "state": fault.state,
            "since": stamp(fault.began),
            "until": stamp(fault.ended),
            "then": fault.then or None,
            "how": fault.how or None,
        }
        for fault in faults(history, processor)
    ]


def history_text(history: History, moments: Moments, processor: str | None = None, *, terminal: bool = False) -> Masked:
    """The faults in plain words, one a paragraph."""
    return in_text(
        lambda console: _render(console, history, moments, processor),
        terminal=terminal,
        width=None if terminal else WIDTH,
    )


def _render(console: Console, history: History, moments: Moments, processor: str | None) -> None:
    found = faults(history, processor)
    of = f" of {processor}" if processor else ""
    if history.since is None:
        console.print(Text(shown(f"Nothing{of} is remembered yet.")))
        return
    number = "No fault" if not found else "1 fault" if len(found) == 1 else f"{len(found):,} faults"
    console.print(Text(shown(f"{number}{of} since {moments.both(history.since)}, the newest first.")))
    for fault in found:
        console.print(Text(shown(_said(fault, moments))))


def _said(fault: Fault, moments: Moments) -> str:
    subject = fault.subject
    who = subject.processor or "trigger"
    where = f"{subject.run_date} {subject.pipeline} {subject.phase} {who}: {fault.state}"
    began = f"from {moments.both(fault.began)}"
    if fault.ended is None:
        return f"{where} {began}, for {lasting(moments.now - fault.began)} so far"
    how = f" ({fault.how})" if fault.how else ""
    lasted = lasting(fault.ended - fault.began)
    return f"{where} {began} to {moments.both(fault.ended)}, for {lasted}; then {fault.then}{how}"
