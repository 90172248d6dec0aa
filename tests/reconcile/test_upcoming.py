"""What a pipeline is expected to do next, and when it is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.model import Reading, Snapshot
from exporter.reconcile.expectations import phase_day
from exporter.reconcile.units import UnitsOf
from exporter.reconcile.upcoming import near_dates, next_due
from testing.builders import DAY, OFFENSE, ONE_DAY, config, on, phase, pipeline, processor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from exporter.config.resolved import Config
    from exporter.model import NextDue
    from exporter.reconcile.expectations import PhaseDay

ALL = {DAY + ONE_DAY * shift: 6 for shift in range(-3, 4)}


def near(one: Config, now: str) -> list[PhaseDay]:
    phases = one.pipelines["nba"].phases.values()
    return [phase_day(of, day, on(now), one.timezone) for day in near_dates(one, on(now)) for of in phases]


def following(now: str, units: Mapping[date, int]) -> NextDue | None:
    """Of a phase whose work is about the day before, due at 16:30 UTC."""
    one = config(pipeline([phase("phase3", [processor(OFFENSE, offset=-1)])]))
    nba = one.pipelines["nba"]
    snapshot = Snapshot(units={"nba": Reading(units, on(now))})
    (phase3,) = nba.phases.values()
    of_phase = UnitsOf(snapshot, nba, phase3, on(now))
    return next_due(one, nba, [phase3], near(one, now), lambda _, of: of_phase.of(of).owed, on(now))


@pytest.mark.parametrize(
    ("now", "units", "run_date"),
    [
        ("16:29", ALL, DAY),
        ("16:30", ALL, DAY + ONE_DAY),
        ("18:00", {**ALL, DAY: 0}, DAY + 2 * ONE_DAY),
    ],
)
def test_the_next_deadline_is_that_of_the_next_date_with_units(
    now: str, units: Mapping[date, int], run_date: object
) -> None:
    found = following(now, units)

    assert found is not None
    assert (found.pipeline, found.phase, found.run_date) == ("nba", "phase3", run_date)
    assert found.due > on(now)


def test_nothing_is_due_where_no_units_are_known() -> None:
    assert following("18:00", {}) is None


def test_dates_that_no_calendar_table_can_know_are_not_looked_at() -> None:
    one = config(pipeline([phase("phase3", [processor(OFFENSE, offset=-1)])]))
    nba = one.pipelines["nba"]
    asked: list[date] = []

    phases = nba.phases.values()
    next_due(one, nba, phases, near(one, "18:00"), lambda _, of: asked.append(of.run_date), on("18:00"))

    assert max(asked) == DAY + 2 * ONE_DAY
