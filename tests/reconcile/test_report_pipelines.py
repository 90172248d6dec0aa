"""What a report says of pipelines, beside their phases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.model import CoverageCounts, Document, Heartbeat, Reading, RowCount, Verdict
from exporter.reconcile import DISCREPANCIES, reconcile
from testing.builders import (
    DAY,
    OFFENSE,
    ONE_DAY,
    beat,
    by_processing_date,
    config,
    on,
    phase,
    pipeline,
    processor,
    run,
)
from tests.reconcile.scene import OWN, TABLE, Scene
from tests.reconcile.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from exporter.model import CoverageReport, Report

BEFORE = DAY - ONE_DAY


def world(*, past: int = 0) -> World:
    """Six games on the day before, seven on the day."""
    return World(by_processing_date(past=past), units={BEFORE: 6, DAY: 7})


def report(of: World) -> Report:
    return reconcile(of.config, of.snapshot(on("18:00")), on("18:00"))


# --- a pipeline -------------------------------------------------------------------------------------------------


def test_the_calendar_is_reported_for_every_data_date() -> None:
    (found,) = report(world(past=1)).pipelines

    assert found.units == {DAY - 2 * ONE_DAY: 0, BEFORE: 6, DAY: 7}


def test_the_phase_log_is_owed_on_days_with_games() -> None:
    of = world(past=1)
    of.log[BEFORE, "phase3_to_phase4"] = 2

    (found,) = report(of).pipelines

    assert [(item.run_date, item.transition, item.rows, item.expected) for item in found.phase_log] == [
        (BEFORE, "phase2_to_phase3", 0, 0),
        (BEFORE, "phase3_to_phase4", 0, 0),
        (DAY, "phase2_to_phase3", 0, 1),
        (DAY, "phase3_to_phase4", 2, 1),
    ]


def test_an_unread_phase_log_or_calendar_is_unknown() -> None:
    of = world()

    (found,) = reconcile(of.config, replace(of.snapshot(on("18:00")), phase_log={}, units={}), on("18:00")).pipelines

    assert {(item.rows, item.expected) for item in found.phase_log} == {(None, None)}
    assert set(found.units.values()) == {None}


def test_coverage_is_that_of_the_data_date() -> None:
    of, counts = world(), CoverageCounts(212, 118, 118, {"dnp": 94, "unmarked": 0})

    def read(*days: date) -> CoverageReport:
        reading: Reading[Mapping[date, CoverageCounts]] = Reading(dict.fromkeys(days, counts), on("17:55"))
        coverage = {("nba", "minutes_played"): reading} if days else {}
        snapshot = replace(of.snapshot(on("18:00")), coverage=coverage)
        return reconcile(of.config, snapshot, on("18:00")).pipelines[0].coverage[0]

    known, other_day, unread = read(BEFORE), read(DAY), read()

    assert (known.run_date, known.data_date, known.counts) == (DAY, BEFORE, counts)
    assert (other_day.counts, unread.counts) == (None, None)


def test_the_newest_beat_and_run_of_the_pipeline_count_on_any_date() -> None:
    of = world()
    of.heartbeats = {
        "PlayerGameSummaryProcessor": beat("completed", "-2 15:00", None),
        "TeamOffenseGameSummaryProcessor": beat("running", "-1 15:00", None),
        "TeamDefenseGameSummaryProcessor": Heartbeat("TeamDefenseGameSummaryProcessor", None, None, None),
    }
    of.runs = [run("failed", "14:00", ended="14:10"), run("running", "14:05"), run("success", None)]

    (found,) = report(of).pipelines

    assert found.heartbeats_known
    assert found.run_history_known
    assert (found.last_heartbeat_at, found.last_run_at) == (on("-1 15:00"), on("14:10"))
    assert (found.heartbeat_stale_after, found.heartbeat_silent_after) == (timedelta(minutes=5), ONE_DAY)
    assert (found.heartbeat_documents_warn, found.heartbeat_documents_critical) == (100, 500)


def test_a_beat_and_a_run_ahead_of_the_clock_are_not_the_last_ones() -> None:
    of = world()
    of.heartbeats = {
        "PlayerGameSummaryProcessor": beat("completed", "15:00", None),
        "TeamOffenseGameSummaryProcessor": beat("running", "+9 15:00", None),
    }
    of.runs = [run("failed", "14:00", ended="14:10"), run("running", "+9 14:05")]

    (found,) = report(of).pipelines

    assert (found.last_heartbeat_at, found.last_run_at) == (on("15:00"), on("14:10"))


def test_the_size_of_the_heartbeat_collection() -> None:
    of = world()
    snapshot = replace(of.snapshot(on("18:00")), heartbeat_documents={"nba": Reading(106_000, on("17:50"))})

    assert reconcile(of.config, snapshot, on("18:00")).pipelines[0].heartbeat_documents == 106_000


def test_a_pipeline_without_heartbeats_and_history_reports_none() -> None:
    bare = World(config(pipeline([phase("phase3", [processor(OFFENSE)])], bare=True)), units={DAY: 6})

    (found,) = report(bare).pipelines

    assert not found.heartbeats_known
    assert found.run_history_known is None
    assert (found.phase_log, found.coverage) == ((), ())
    assert [
        found.heartbeat_documents,
        found.heartbeat_documents_warn,
        found.heartbeat_documents_critical,
        found.heartbeat_stale_after,
        found.heartbeat_silent_after,
        found.last_heartbeat_at,
        found.last_run_at,
    ] == [None] * 7


# --- the whole --------------------------------------------------------------------------------------------------


def test_the_report_names_its_moment_and_its_zone() -> None:
    found = report(world())

    assert (found.at, found.timezone) == (on("18:00"), "America/New_York")


def test_every_exposed_date_has_every_phase_oldest_first() -> None:
    found = report(world(past=2))

    assert [(item.run_date, item.phase) for item in found.phases] == [
        (DAY + shift * ONE_DAY, name) for shift in (-2, -1, 0) for name in ("phase3", "phase4", "phase5")
    ]
    assert len(found.processors) == 3 * (5 + 3 + 1)


def test_two_pipelines_do_not_mix() -> None:
    same = [phase("phase3", [processor(OFFENSE, bounds=(2, 2))])]
    both = config(pipeline(same), pipeline([replace(same[0], collection="mlb_completion")], name="mlb", bare=True))
    scene = Scene()
    snapshot = replace(
        scene.snapshot(),
        units={"nba": Reading({DAY: 6}, on("17:55")), "mlb": Reading({DAY: 0}, on("17:55"))},
        rows={TABLE: Reading({DAY: RowCount(12, on("15:00:44"))}, on("17:55"))},
    )

    nba, mlb = reconcile(both, snapshot, on("18:00")).processors

    assert (nba.pipeline, nba.verdict) == ("nba", Verdict.OK)
    assert (mlb.pipeline, mlb.verdict) == ("mlb", Verdict.NOT_EXPECTED)


@pytest.mark.parametrize(("age", "known"), [("17:57:00", True), ("17:56:59", False)])
def test_a_reading_counts_until_it_is_too_old(age: str, known: bool) -> None:  # noqa: FBT001 - a column of the cases
    reading = Reading({OWN: Document()}, on(age), None, timedelta(minutes=3))

    assert (reading.known(on("18:00")) is not None) is known


@pytest.mark.parametrize("max_age", [timedelta(minutes=3), None])
@pytest.mark.parametrize(("now", "known"), [("17:58", 1), ("17:57:59", None), ("12:00", None)])
def test_what_was_read_ahead_of_the_clock_is_known_only_within_what_clocks_differ_by(
    max_age: timedelta | None, now: str, known: int | None
) -> None:
    assert Reading(1, on("18:00"), None, max_age).known(on(now)) == known


def test_discrepancies_are_the_verdicts_that_say_that_something_is_wrong() -> None:
    well = {
        Verdict.UNKNOWN,
        Verdict.NOT_EXPECTED,
        Verdict.RUNNING,
        Verdict.SKIPPED,
        Verdict.OK,
        Verdict.BACKFILL,
        Verdict.NOT_DUE,
    }

    assert set(DISCREPANCIES) == set(Verdict) - well
    assert len(DISCREPANCIES) == len(set(DISCREPANCIES))
