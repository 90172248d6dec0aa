"""Schedules without a table: who is expected on which run date, and whose rows and records count for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from exporter.model import (
    CalendarDoubt,
    CalendarEnd,
    Halted,
    HeartbeatState,
    Reading,
    TriggerState,
    Verdict,
)
from exporter.reconcile import reconcile
from exporter.reconcile.plan import reading_plan
from exporter.reconcile.season import reconcile_season
from tests.reconcile.shop import (
    A_DAY,
    AHEAD,
    COVERAGE,
    FRIDAY,
    GAMES,
    HALTS,
    LAST_MONDAY,
    MONDAY,
    NOON,
    PROCESSORS,
    SATURDAY,
    SUNDAY,
    TUESDAY,
    ended,
    judged,
    loaded,
    one,
    phase_of,
    shop,
    shop_report,
    table,
    verdicts,
)
from tests.reconcile.world import World, clock


@pytest.mark.parametrize(
    ("run_date", "missing"),
    [
        (MONDAY, {"orders", "revenue", "retention"}),
        (TUESDAY, {"orders", "revenue"}),
        (FRIDAY, {"orders", "revenue"}),
        (SATURDAY, {"orders"}),
        (SUNDAY, {"orders"}),
    ],
)
def test_weekdays_are_those_of_the_run_date_whatever_day_the_rows_are_of(run_date: date, missing: set[str]) -> None:
    report = judged(World(shop(run_date)), clock(run_date, NOON))

    assert {name for name, verdict in verdicts(report).items() if verdict is Verdict.MISSING} == missing
    assert {name for name, verdict in verdicts(report).items() if verdict is Verdict.NOT_EXPECTED} == {
        *PROCESSORS
    } - missing


def test_a_run_date_without_work_says_why() -> None:
    report = judged(World(shop(SATURDAY, holidays=["2026-11-28"])), clock(SATURDAY, NOON))

    assert [hint.text for hint in one(report, "revenue").hints] == [
        "run date 2026-11-28 is a holiday (in the configured list)"
    ]
    assert one(report, "orders").verdict is Verdict.NOT_EXPECTED
    assert report.units == {}
    assert report.calendar_doubtful == dict.fromkeys(CalendarDoubt, False)


def test_too_few_rows_of_a_day_are_said_with_the_day_as_the_unit() -> None:
    world = World(shop(MONDAY))
    world.write("orders", MONDAY - A_DAY, clock(MONDAY, "05:00:00"), 9)
    world.register("orders", MONDAY, clock(MONDAY, "05:00:10"), 9)

    orders = one(judged(world, clock(MONDAY, NOON)), "orders")

    assert orders.verdict is Verdict.PARTIAL
    assert [hint.text for hint in orders.hints] == ["9 rows for 1 day: at least 10 expected"]


def weekly(run_date: date = MONDAY, rows: int = 4) -> World:
    """The retention of last week was computed on the run date."""
    world = World(shop(run_date))
    at = clock(run_date, "07:00:00")
    world.write("retention", LAST_MONDAY, at, rows)
    world.register("retention", run_date, at + timedelta(minutes=1), rows)
    return world


def test_the_rows_of_a_week_count_for_the_run_after_it() -> None:
    retention = one(judged(weekly(), clock(MONDAY, NOON)), "retention")

    assert (retention.verdict, retention.data_date, retention.table_rows) == (Verdict.OK, LAST_MONDAY, 4)


def test_too_few_rows_of_a_week_are_said_with_the_week_as_the_unit() -> None:
    retention = one(judged(weekly(rows=3), clock(MONDAY, NOON)), "retention")

    assert retention.verdict is Verdict.PARTIAL
    assert [hint.text for hint in retention.hints] == ["3 rows for 1 week: at least 4 expected"]


@pytest.mark.parametrize("dated", [LAST_MONDAY, LAST_MONDAY + 6 * A_DAY, MONDAY])
def test_a_heartbeat_and_a_run_of_weekly_work_may_name_a_day_of_the_week_or_the_run_date(dated: date) -> None:
    world = World(shop(MONDAY))
    at = clock(MONDAY, "07:00:00")
    world.write("retention", LAST_MONDAY, at, 4)
    world.beat("retention", "completed", dated, at)
    world.ran("retention", dated, at - timedelta(minutes=5), at, backfill=True)

    retention = one(judged(world, clock(MONDAY, NOON)), "retention")

    assert (retention.heartbeat.state, retention.verdict) == (HeartbeatState.COMPLETED, Verdict.BACKFILL)


@pytest.mark.parametrize("dated", [LAST_MONDAY - A_DAY, MONDAY + A_DAY])
def test_a_heartbeat_of_another_week_does_not_speak_for_this_one(dated: date) -> None:
    world = World(shop(MONDAY))
    world.beat("retention", "completed", dated, clock(MONDAY, "07:00:00"))

    assert one(judged(world, clock(MONDAY, NOON)), "retention").heartbeat.state is HeartbeatState.OTHER_DATE


def test_a_run_before_the_end_of_the_week_cannot_have_done_its_work() -> None:
    world = World(shop(MONDAY))
    world.beat("retention", "failed", LAST_MONDAY, clock(MONDAY - A_DAY, "23:00:00"))

    assert one(judged(world, clock(MONDAY, NOON)), "retention").verdict is Verdict.MISSING


@pytest.mark.parametrize(("run_date", "state"), [(FRIDAY, TriggerState.STUCK), (SATURDAY, TriggerState.NOT_EXPECTED)])
def test_no_trigger_is_expected_on_a_run_date_on_which_the_next_phase_is_not(
    run_date: date, state: TriggerState
) -> None:
    report = judged(loaded(run_date), clock(run_date, NOON))

    assert phase_of(report, "load").trigger_state is state


def test_rows_of_a_week_that_another_run_wrote_do_not_show_that_the_next_phase_ran() -> None:
    world = loaded(TUESDAY)
    world.write("retention", LAST_MONDAY, clock(TUESDAY, "09:00:00"), 4)

    assert phase_of(judged(world, clock(TUESDAY, NOON)), "load").trigger_state is TriggerState.STUCK


def test_rows_that_the_next_phase_wrote_show_that_it_ran_although_nothing_was_triggered() -> None:
    world = loaded(TUESDAY)
    world.write("revenue", MONDAY, clock(TUESDAY, "09:00:00"), 1)

    assert phase_of(judged(world, clock(TUESDAY, NOON)), "load").trigger_state is TriggerState.BYPASSED


def test_what_is_due_next_may_be_a_month_away() -> None:
    monthly = {"due": "06:00", "days": [15], "processors": {"orders": {"table": table("orders")}}}
    report = judged(World(shop(MONDAY, phases={"bill": monthly})), clock(MONDAY, NOON))

    assert report.next_due is not None
    assert report.next_due.due == clock(date(2026, 12, 15), "06:00:00")


@pytest.mark.parametrize(
    ("run_date", "limits", "due"),
    [
        (FRIDAY, {}, "10:00:00"),
        (SATURDAY, {}, None),
        (FRIDAY, {"since": "2026-11-28"}, None),
        (FRIDAY, {"until": "2026-11-26"}, None),
        (
            FRIDAY,
            {"processors": {"sales": {"due": "10:00", "until": "2026-11-26", "table": table("sales")}}},
            "08:00:00",
        ),
    ],
)
def test_the_deadline_of_the_next_phase_is_that_of_the_work_that_its_schedule_has_on_the_run_date(
    run_date: date, limits: dict[str, Any], due: str | None
) -> None:
    report = shop_report()
    report["processors"]["sales"] = {"due": "10:00", "table": table("sales")}
    report |= {**limits, "processors": {**report["processors"], **limits.get("processors", {})}}
    load_phase = {"next": "report", "due": "06:00", "processors": {"orders": {"table": table("orders")}}}
    config = shop(run_date, phases={"load": load_phase, "report": report})

    then = phase_of(judged(World(config), clock(run_date, NOON)), "load").then

    assert (then.due if then else None) == (clock(run_date, due) if due else None)


def test_what_is_due_next_leaves_out_the_weekend() -> None:
    report = judged(World(shop(SATURDAY, phases={"report": shop_report()})), clock(SATURDAY, NOON))

    assert report.next_due is not None
    assert report.next_due.due == clock(MONDAY + 7 * A_DAY, "08:00:00")


def test_a_transition_is_logged_only_on_run_dates_of_the_phase_that_it_leaves() -> None:
    log = {"table": "ops.log", "date_column": "day", "transitions": ["report_to_mail", "load_to_report"]}
    report = judged(World(shop(SATURDAY, phase_log=log)), clock(SATURDAY, NOON))

    assert {one.transition: one.expected for one in report.phase_log} == {"report_to_mail": 0, "load_to_report": 1}


@pytest.mark.parametrize(("run_date", "expected"), [(FRIDAY, True), (SATURDAY, False)])
def test_coverage_is_expected_on_the_run_dates_of_the_pipeline(run_date: date, expected: bool) -> None:  # noqa: FBT001 a case
    report = judged(World(shop(run_date, days=["mon-fri"], coverage=COVERAGE)), clock(run_date, NOON))

    assert [one.expected for one in report.coverage] == [expected]


def test_a_table_and_a_schedule_are_both_asked() -> None:
    world = World(shop(SATURDAY, calendar=GAMES), units={FRIDAY: 3})
    report = judged(world, clock(SATURDAY, NOON))

    assert verdicts(report) == {
        "orders": Verdict.MISSING,
        "revenue": Verdict.NOT_EXPECTED,
        "retention": Verdict.NOT_EXPECTED,
    }
    none = judged(World(shop(SATURDAY, calendar=GAMES), units={SATURDAY: 3}), clock(SATURDAY, NOON))
    assert one(none, "orders").verdict is Verdict.NOT_EXPECTED
    assert [hint.text for hint in one(none, "orders").hints] == ["no games on 2026-11-27"]


def test_a_table_of_run_dates_is_asked_for_the_run_date() -> None:
    by_run_date = {**GAMES, "applies_to": "run_date"}
    config = shop(SATURDAY, calendar=by_run_date)

    assert one(judged(World(config, units={SATURDAY: 1}), clock(SATURDAY, NOON)), "orders").verdict is Verdict.MISSING
    assert one(judged(World(config, units={FRIDAY: 1}), clock(SATURDAY, NOON)), "orders").verdict is (
        Verdict.NOT_EXPECTED
    )


def test_a_calendar_of_run_dates_is_read_on_them_however_old_the_rows_are() -> None:
    old = {"bill": {"due": "06:00", "processors": {"orders": {"table": table("orders", data_date_offset=-20)}}}}
    plan = reading_plan(shop(SATURDAY, calendar={**GAMES, "applies_to": "run_date"}, phases=old), clock(SATURDAY, NOON))

    assert (plan.first, plan.last) == (SATURDAY - 21 * A_DAY, SATURDAY)


def test_weeks_do_not_widen_what_is_read_of_daily_tables() -> None:
    plan = reading_plan(shop(MONDAY), clock(MONDAY, NOON))

    assert (plan.first, plan.last) == (MONDAY - 2 * A_DAY, MONDAY)
    assert [table.reach for table in plan.tables] == [0, 0, 28]


@pytest.mark.parametrize(("applies_to", "halted"), [("run_date", SATURDAY), ("data_date", FRIDAY)])
def test_halts_are_of_the_date_that_the_configuration_says(applies_to: str, halted: date) -> None:
    config = shop(SATURDAY, halts={**HALTS, "applies_to": applies_to})
    halts = config.pipelines["nba"].halts
    assert halts is not None
    now = clock(SATURDAY, NOON)

    def with_halt(day: date) -> Verdict:
        return one(judged(World(config), now, halts={halts: Reading(Halted({day: "holiday"}), now)}), "orders").verdict

    assert with_halt(halted) is Verdict.NOT_EXPECTED
    assert with_halt(FRIDAY if halted == SATURDAY else SATURDAY) is Verdict.MISSING


def test_halts_that_are_no_longer_written_are_doubtful_without_a_calendar_table_too() -> None:
    config = shop(SATURDAY, halts={**HALTS, "written_column": "at", "stale_after": "36h"})
    halts = config.pipelines["nba"].halts
    assert halts is not None
    now = clock(SATURDAY, NOON)

    report = judged(World(config), now, halts={halts: Reading(Halted({}, now - 3 * A_DAY), now)})

    assert report.calendar_doubtful[CalendarDoubt.HALTS]


def test_a_calendar_that_ended_is_doubtful_while_work_goes_on() -> None:
    assert ended(shop(SATURDAY, calendar=GAMES), FRIDAY - A_DAY) == {
        CalendarDoubt.ENDED: "the last date in table ref.games is 2026-11-26, but table shop.orders has 10 rows of"
        " 2026-11-27"
    }


def test_work_that_the_calendar_does_not_decide_about_goes_on_after_its_end() -> None:
    phases = {"load": {"calendar": "daily", "due": "06:00", "processors": {"orders": {"table": table("orders")}}}}

    assert ended(shop(SATURDAY, calendar=GAMES, phases=phases), FRIDAY - A_DAY) == {}


def test_a_calendar_of_run_dates_ends_with_the_work_of_its_last_run_date() -> None:
    config = shop(SATURDAY, calendar={**GAMES, "applies_to": "run_date"})

    assert ended(config, SATURDAY) == {}
    assert CalendarDoubt.ENDED in ended(config, FRIDAY)


@pytest.mark.parametrize("last", [SATURDAY, SATURDAY + 6 * A_DAY])
def test_a_calendar_that_is_to_reach_further_ahead_is_doubtful_before_it_ends(last: date) -> None:
    assert ended(shop(SATURDAY, calendar=AHEAD), last) == {
        CalendarDoubt.ENDING: f"the last date in table ref.games is {last}, and it is to reach 2026-12-05 today"
    }


def test_a_calendar_that_reaches_as_far_as_it_is_to_is_not_doubtful() -> None:
    assert ended(shop(SATURDAY, calendar=AHEAD), SATURDAY + 7 * A_DAY) == {}
    assert ended(shop(SATURDAY, calendar=GAMES), SATURDAY) == {}


def test_a_calendar_that_is_ending_still_says_what_is_expected() -> None:
    world, now = World(shop(SATURDAY, calendar=AHEAD), units={FRIDAY: 3}), clock(SATURDAY, NOON)

    report = judged(world, now, calendars_end={"nba": Reading(CalendarEnd(SATURDAY), now)})

    assert one(report, "orders").verdict is Verdict.MISSING


def test_a_calendar_need_not_reach_over_dates_that_are_halted() -> None:
    config = shop(SATURDAY, calendar=AHEAD, halts=HALTS)
    halts = config.pipelines["nba"].halts
    assert halts is not None
    off_season = Halted({SATURDAY + A_DAY * day: "off_season" for day in range(1, 8)})

    assert ended(config, SATURDAY, halts={halts: Reading(off_season, clock(SATURDAY, NOON))}) == {}


def test_nothing_is_doubtful_at_the_end_of_a_season() -> None:
    world, now = World(shop(SATURDAY, calendar=AHEAD)), clock(SATURDAY, NOON)

    report = judged(world, now, calendars_end={"nba": Reading(CalendarEnd(FRIDAY - A_DAY), now)})

    assert report.calendar is not None
    assert report.calendar.doubts == {}


def test_the_next_phase_of_another_pipeline_shows_that_it_ran() -> None:
    config = shop(TUESDAY)
    nba = config.pipelines["nba"]
    moved = replace(nba, phases={"load": replace(nba.phases["load"], next="other/report")})
    other = replace(nba, name="other", phases={"report": nba.phases["report"]})
    world = loaded(TUESDAY)
    world.write("revenue", MONDAY, clock(TUESDAY, "09:00:00"), 1)
    now = clock(TUESDAY, NOON)
    snapshot = world.snapshot(now)

    reports = reconcile(replace(config, pipelines={"nba": moved, "other": other}), snapshot, now)

    assert reports.phases[0].trigger_state is TriggerState.BYPASSED
    assert "other/report wrote rows" in reports.phases[0].trigger_hints[0].text


def test_a_season_keeps_the_rows_of_weeks() -> None:
    config, now = shop(MONDAY), clock(MONDAY, NOON)

    season = reconcile_season(config, weekly().snapshot(now), now)

    (retention,) = (one for one in season.report.processors if one.processor == "retention")
    assert retention.verdict is Verdict.OK
