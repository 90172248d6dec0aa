"""Days on which everything is right, minute by minute, as the collectors see them: nothing may look wrong for long.

The four writes of one piece of work come seconds apart, documents are read every minute, rows are counted every ten.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config.load import load
from exporter.reconcile import DISCREPANCIES
from exporter.reconcile.expectations import due_at
from testing.builders import (
    DAY,
    NEW_YORK,
    OFFENSE,
    ONE_DAY,
    by_game_date,
    by_processing_date,
    one_phase,
    processor,
)
from tests.reconcile.days import GAMES, Job, game_day, processing_day
from tests.reconcile.world import Offsets, Step, World, clock, watched_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

    from exporter.config.resolved import Config
    from exporter.model import Report

POLL = timedelta(seconds=60)
COUNT = timedelta(minutes=10)


def seen(config: Config, day: Callable[[date], Iterable[Job | Step | None]], offsets: Offsets) -> Iterator[Report]:
    """The reports of two days; the days before have done their work when the first begins."""
    days = [DAY + ONE_DAY * shift for shift in range(-3, 3)]
    work = [item for one in days for item in day(one) if item is not None]
    steps = [step for item in work for step in (item.steps() if isinstance(item, Job) else [item])]
    due = {
        due_at(processor.due, one, NEW_YORK)
        for phase in config.pipelines["nba"].phases.values()
        for processor in phase.processors.values()
        for one in days
    }
    midnights = {clock(one, "05:00:00") for one in days}
    world, start = World(config, units=dict(GAMES)), clock(DAY, "05:00:00")
    for step in sorted((step for step in steps if step.when < start), key=lambda step: step.when):
        step.act(world)
    later = [step for step in steps if step.when >= start]
    return watched_days(world, later, start, start + 2 * ONE_DAY, offsets, {*due, *midnights})


def longest_spells(reports: Iterable[Report]) -> dict[str, timedelta]:
    """For every verdict and trigger state, the longest time for which one processor or phase showed it."""
    longest: dict[str, timedelta] = {}
    since: dict[tuple[str, ...], tuple[str, datetime]] = {}
    for report in reports:
        shown: dict[tuple[str, ...], str] = {
            (item.phase, str(item.run_date)): f"trigger {item.trigger_state}" for item in report.phases
        }
        for item in report.processors:
            shown[item.phase, str(item.run_date), item.processor] = str(item.verdict)
        for key, state in shown.items():
            before, began = since.get(key, (state, report.at))
            longest[before] = max(longest.get(before, timedelta()), report.at - began)
            since[key] = (before, began) if before == state else (state, report.at)
            longest.setdefault(state, timedelta())
    return longest


def too_long(longest: Mapping[str, timedelta]) -> set[str]:
    """What showed for longer than it may on a healthy day."""
    never = timedelta(-1)
    brief: dict[str, timedelta] = {
        **{str(verdict): never for verdict in DISCREPANCIES},
        "unregistered": POLL,
        "count_mismatch": POLL,
        "unknown": COUNT,
        "trigger unknown": COUNT,
        "trigger stuck": never,
        "trigger blocked": never,
        "trigger bypassed": never,
    }
    return {state for state, spell in longest.items() if spell > brief.get(state, ONE_DAY * 3)}


READINGS = {
    "processing_date": (by_processing_date(), processing_day),
    "game_date": (by_game_date(past=1, future=1), game_day),
}


def owed(config: Config) -> dict[str, object]:
    """What a configuration says of phase 3, leaving out names of tables, columns and services."""
    phase = config.pipelines["nba"].phases["phase3"]
    return {
        "modes": {(mode.name, mode.when, mode.expected) for mode in phase.modes},
        "trigger": phase.trigger and (phase.trigger.ratio, phase.trigger.grace),
        "next": phase.next,
        "processors": [
            (item.name, item.data_date_offset, item.due, item.critical, item.rows_per_unit)
            for item in phase.processors.values()
        ],
        "collect": (config.collect.completion.every, config.collect.warehouse.every),
        "zone": config.timezone,
    }


@pytest.mark.parametrize(("reading", "preset"), [("processing_date", "nba"), ("game_date", "nba-game-date")])
def test_the_readings_are_those_of_the_presets(reading: str, preset: str) -> None:
    config, _ = READINGS[reading]

    assert owed(config) == owed(load(preset=preset, environ={}).config)


@pytest.mark.simulated
@pytest.mark.parametrize("offsets", [Offsets(7, 22, 0), Offsets(48, 50, 590)], ids=["one_by_one", "crossing"])
@pytest.mark.parametrize("reading", READINGS)
def test_healthy_days_look_healthy(reading: str, offsets: Offsets) -> None:
    config, day = READINGS[reading]

    longest = longest_spells(seen(config, day, offsets))

    assert too_long(longest) == set()
    assert {"ok", "running", "not_due", "not_expected", "trigger triggered", "trigger waiting"} <= set(longest)


@st.composite
def reruns(draw: st.DrawFn) -> tuple[list[Job], Offsets]:
    """A job and its rerun in one hour, with any rows and with less than a minute from rows to registration."""
    start, jobs = clock(DAY, "14:00:00"), []
    for first, last in ((600, 1500), (1600, 2700)):
        written = start + timedelta(seconds=draw(st.integers(first, last)))
        registered = written + timedelta(seconds=draw(st.integers(0, 59)))
        started = written - timedelta(seconds=draw(st.integers(1, 500)))
        jobs.append(Job(OFFENSE, DAY - ONE_DAY, DAY, started, written, registered, draw(st.sampled_from((12, 15, 18)))))
    return jobs, Offsets(draw(st.integers(0, 59)), draw(st.integers(0, 59)), draw(st.integers(0, 599)))


@given(reruns())
@settings(max_examples=40)
def test_whenever_the_collectors_run_nothing_looks_wrong_for_longer_than_a_poll(
    work: tuple[list[Job], Offsets],
) -> None:
    jobs, offsets = work
    config = one_phase(processor(OFFENSE, offset=-1, bounds=(2, 3)))
    world, start = World(config, units={DAY - ONE_DAY: 6}), clock(DAY, "14:00:00")
    steps = [step for job in jobs for step in job.steps()]

    longest = longest_spells(watched_days(world, steps, start, start + timedelta(hours=1), offsets))

    assert too_long(longest) == set()
