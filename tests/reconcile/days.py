"""What the pipeline does on an ordinary day, in both readings of a date: the four writes of each piece of work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from testing.builders import (
    DAY,
    DEFENSE,
    OFFENSE,
    ONE_DAY,
    PHASE4,
    PLAYER,
    UPCOMING_PLAYER,
    UPCOMING_TEAM,
)
from tests.reconcile.world import Step, World, clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

GAMES = {DAY + ONE_DAY * shift: games for shift, games in enumerate((8, 6, 7, 10, 0, 5), start=-3)}
"""No games on the day after: it owes a part of its work."""

ROWS = {PLAYER: 35, OFFENSE: 2, DEFENSE: 2, UPCOMING_PLAYER: 33, UPCOMING_TEAM: 2}
POLL = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a processor: it beats from `started`, writes its rows, ends, and is registered last."""

    name: str
    data_date: date
    run_date: date
    started: datetime
    written: datetime
    registered: datetime | None
    rows: int

    def steps(self) -> Iterator[Step]:
        when = self.started
        while when < self.written:
            yield Step(when, partial(self._beats, when=when))
            when += POLL
        ended = self.written + timedelta(seconds=3)
        yield Step(self.written, lambda world: world.write(self.name, self.data_date, self.written, self.rows))
        yield Step(ended, lambda world: world.ran(self.name, self.data_date, self.started, ended))
        yield Step(ended, lambda world: world.beat(self.name, "completed", self.data_date, ended))
        if self.registered is not None:
            at = self.registered
            yield Step(at, lambda world: world.register(self.name, self.run_date, at, self.rows))

    def _beats(self, world: World, *, when: datetime) -> None:
        world.beat(self.name, "running", self.data_date, when)


def job(name: str, data: date, run: date, day: date, started: str, written: str, registered: str | None) -> Job | None:
    """A job of the calendar day `day`, if the data date has games."""
    games = GAMES.get(data, 0)
    at = clock(day, registered) if registered else None
    return (
        Job(name, data, run, clock(day, started), clock(day, written), at, games * ROWS.get(name, 40))
        if games
        else None
    )


def triggered(run: date, day: date, when: str) -> Step:
    at = clock(day, when)
    return Step(at, lambda world: world.trigger(run, at))


def later_phases(data: date, run: date, day: date) -> Iterator[Job | None]:
    for index, name in enumerate(PHASE4):
        yield job(name, data, run, day, "15:20:00", f"15:29:0{index}", f"15:30:0{index}")
    yield job("predictions", data, run, day, "15:35:00", "15:40:00", None)


def processing_day(day: date) -> Iterator[Job | Step | None]:
    """A day as the seed reads it: all in the document of the day itself, and a rerun in the afternoon."""
    before = day - ONE_DAY
    yield job(UPCOMING_TEAM, day, day, day, "10:58:00", "11:00:09", "11:00:21")
    yield job(OFFENSE, before, day, day, "15:00:00", "15:00:10", "15:00:15")
    yield job(DEFENSE, before, day, day, "15:00:00", "15:00:11", "15:00:16")
    yield job(PLAYER, before, day, day, "14:52:00", "15:00:44", "15:00:50")
    yield job(UPCOMING_PLAYER, day, day, day, "15:01:00", "15:04:20", "15:04:29")
    if GAMES.get(day) or GAMES.get(before):
        yield triggered(day, day, "15:04:31")
    yield job(UPCOMING_PLAYER, day, day, day, "18:29:00", "18:30:20", "18:31:00")
    yield from later_phases(before, day, day)


def game_day(day: date) -> Iterator[Job | Step | None]:
    """A day as the code reads it: yesterday's games overnight, today's in the morning, tomorrow's in the evening."""
    before, after = day - ONE_DAY, day + ONE_DAY
    yield job(UPCOMING_TEAM, before, before, day, "10:58:00", "11:00:09", "11:00:21")
    yield job(OFFENSE, before, before, day, "11:00:00", "11:00:10", "11:00:15")
    yield job(DEFENSE, before, before, day, "11:00:00", "11:00:11", "11:00:16")
    yield job(PLAYER, before, before, day, "14:52:00", "15:00:48", "15:01:00")
    if GAMES.get(before):
        yield triggered(before, day, "15:01:05")
    yield job(UPCOMING_PLAYER, day, day, day, "15:25:00", "15:30:20", "15:31:00")
    if GAMES.get(day):
        yield triggered(day, day, "15:31:02")
    yield job(UPCOMING_PLAYER, after, after, day, "21:58:00", "22:00:44", "22:00:50")
    if GAMES.get(after):
        yield triggered(after, day, "22:00:52")
    yield from later_phases(before, before, day)
