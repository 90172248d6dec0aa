"""How far a calendar can be relied on, and what is unknown where it cannot be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.model import CalendarDoubt, CalendarEnd, Doubt, Matter, Reading, Verdict
from exporter.reconcile import reconcile
from testing.builders import DAY, OFFENSE, ONE_DAY, by_processing_date, on
from tests.reconcile.world import World

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from exporter.model import PipelineReport

NOW = on("18:00")
BEFORE = DAY - ONE_DAY
PLAYER, UPCOMING = "player_game_summary", "upcoming_player_game_context"


def concluded(world: World, last: date | None, *, read: str = "17:55", doubts: bool = False) -> PipelineReport:
    """What is concluded where the last date with any row in the calendar is this one."""
    end = {"nba": Reading(CalendarEnd(last), on(read), None, ONE_DAY)}
    found: dict[tuple[Matter, object], Doubt] = {(Matter.UNITS, ("nba", DAY)): Doubt(8, on("17:45"), on("17:55"), (0,))}
    snapshot = replace(world.snapshot(NOW), calendars_end=end, doubts=found if doubts else {})
    (report,) = reconcile(world.config, snapshot, NOW).pipelines
    return report


def empty(**units: int) -> World:
    """A pipeline that did nothing; `units` of a date as `d20260131`."""
    return World(
        by_processing_date(), units={DAY if name == "today" else BEFORE: number for name, number in units.items()}
    )


def ran_as(world: World, status: str) -> None:
    """A run of today's that the run history has under this status."""
    world.ran(UPCOMING, DAY, on("15:00"), on("15:04"))
    world.runs[-1] = replace(world.runs[-1], status=status)


def attempted(world: World, status: str) -> None:
    """Such a run, whose heartbeat says completed all the same."""
    ran_as(world, status)
    world.beat(UPCOMING, "completed", DAY, on("15:04"))


WORK: dict[str, Callable[[World], None]] = {
    "rows": lambda world: world.write(UPCOMING, DAY, on("15:04"), 200),
    "a run": lambda world: world.ran(UPCOMING, DAY, on("15:00"), on("15:04")),
    "a partial run": lambda world: ran_as(world, "partial"),
    "a run that works": lambda world: ran_as(world, "running"),
    "a heartbeat": lambda world: world.beat(UPCOMING, "completed", DAY, on("15:04")),
    "a heartbeat of one that runs": lambda world: world.beat(UPCOMING, "running", DAY, on("17:59")),
    "an entry": lambda world: world.register(UPCOMING, DAY, on("15:04"), 200),
}
NO_WORK: dict[str, Callable[[World], None]] = {
    "nothing": lambda world: None,  # noqa: ARG005 - one of many
    "work for the last date": lambda world: world.write(PLAYER, BEFORE, on("15:00"), 280),
    "a failed heartbeat": lambda world: world.beat(UPCOMING, "failed", DAY, on("15:04")),
    "a completed heartbeat of a run that failed": lambda world: attempted(world, "failed"),
    "a completed heartbeat of a run that was skipped": lambda world: attempted(world, "skipped"),
    "an entry for the last date": lambda world: world.register(OFFENSE, DAY, on("15:00"), 16),
}


@pytest.mark.parametrize("work", WORK)
def test_a_calendar_that_ended_while_processors_work_on_is_doubtful_and_says_nothing_of_later_dates(work: str) -> None:
    world = empty(yesterday=8)
    WORK[work](world)

    report = concluded(world, BEFORE)

    assert report.calendar is not None
    assert [*report.calendar.doubts] == [CalendarDoubt.ENDED]
    assert (report.units[BEFORE], report.units[DAY]) == (8, None)
    upcoming = next(
        item
        for phase in report.phases
        for item in phase.processors
        if (item.processor, item.run_date) == (UPCOMING, DAY)
    )
    assert upcoming.expected is None
    if work != "a heartbeat of one that runs":
        assert upcoming.verdict is Verdict.UNKNOWN
        assert any(f"is {BEFORE}, but " in hint.text for hint in upcoming.hints)


@pytest.mark.parametrize("work", NO_WORK)
def test_a_calendar_that_ended_with_the_season_is_relied_on(work: str) -> None:
    world = empty(yesterday=8)
    NO_WORK[work](world)

    report = concluded(world, BEFORE)

    assert report.calendar is not None
    assert report.calendar.doubts == {}
    assert report.units[DAY] == 0


def test_a_calendar_that_goes_on_is_relied_on_for_a_day_without_games_even_if_something_ran() -> None:
    world = empty()
    for work in WORK.values():
        work(world)

    report = concluded(world, DAY)

    assert report.calendar is not None
    assert report.calendar.doubts == {}
    assert report.units[DAY] == 0


def test_a_calendar_without_any_row_is_doubtful() -> None:
    report = concluded(empty(), None)

    assert report.calendar is not None
    assert report.calendar.doubts == {CalendarDoubt.EMPTY: "table nba.schedule has no row at all"}


def test_a_date_that_lost_its_units_makes_the_calendar_doubtful() -> None:
    report = concluded(empty(), DAY, doubts=True)

    assert report.calendar is not None
    assert report.calendar.doubts == {CalendarDoubt.DROPPED: f"{DAY} had 8 games and has 0"}


@pytest.mark.parametrize("read", ["-2 17:55", "18:55"])
def test_a_reading_of_the_calendar_that_is_too_old_or_ahead_of_the_clock_says_nothing_of_its_end(read: str) -> None:
    assert concluded(empty(), None, read=read).calendar is None
