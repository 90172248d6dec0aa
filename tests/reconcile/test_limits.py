"""The first and the last run date of work: what is expected, and what is asked of calendars and halts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from exporter.collect.context import context_request
from exporter.model import (
    CalendarDoubt,
    CalendarEnd,
    Halted,
    Reading,
    Record,
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
    MONDAY,
    NOON,
    SATURDAY,
    TUESDAY,
    ended,
    judged,
    loaded,
    one,
    phase_of,
    shop,
    shop_report,
    table,
)
from tests.reconcile.world import World, clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


LIMITS = {"since": "2026-11-24", "until": "2026-11-26"}
"""From Tuesday to Thursday."""


@pytest.mark.parametrize("shift", range(7))
def test_nothing_is_expected_before_the_first_run_date_and_after_the_last_whatever_day_the_rows_are_of(
    shift: int,
) -> None:
    run_date = MONDAY + A_DAY * shift
    report = judged(World(shop(run_date, **LIMITS)), clock(run_date, NOON))

    within = 1 <= shift <= 3
    assert one(report, "orders").verdict is (Verdict.MISSING if within else Verdict.NOT_EXPECTED)
    assert phase_of(report, "load").expected == int(within)


def test_a_processor_that_is_not_yet_or_no_longer_expected_says_why() -> None:
    added = judged(World(shop(MONDAY, since="2026-11-24")), clock(MONDAY, NOON))
    retired = judged(World(shop(SATURDAY, until="2026-11-27")), clock(SATURDAY, NOON))

    assert [hint.text for hint in one(added, "orders").hints] == [
        "run date 2026-11-23 is before 2026-11-24, the first on which it is expected (`since`)"
    ]
    assert [hint.text for hint in one(retired, "orders").hints] == [
        "run date 2026-11-28 is after 2026-11-27, the last on which it was expected (`until`)"
    ]


def changing(run_date: date) -> World:
    """Orders are loaded and registered. From Tuesday on refunds are critical too, and up to Monday vouchers were."""
    processors = {
        "orders": {"critical": True, "table": table("orders")},
        "refunds": {"critical": True, "since": "2026-11-24", "table": table("refunds")},
        "vouchers": {"critical": True, "until": "2026-11-23", "table": table("vouchers")},
    }
    load_phase = {"collection": "load_done", "next": "report", "trigger": {"grace": "30m"}, "due": "06:00"}
    phases = {"load": {**load_phase, "processors": processors}, "report": shop_report()}
    world = World(shop(run_date, phases=phases))
    world.write("orders", run_date - A_DAY, clock(run_date, "05:00:00"), 10)
    world.register("orders", run_date, clock(run_date, "05:00:10"), 10)
    return world


@pytest.mark.parametrize(
    ("run_date", "registers", "absent"), [(MONDAY, "vouchers", "refunds"), (TUESDAY, "refunds", "vouchers")]
)
def test_document_and_trigger_ask_for_the_processors_of_their_run_date(
    run_date: date, registers: str, absent: str
) -> None:
    world, now = changing(run_date), clock(run_date, NOON)

    waiting = phase_of(judged(world, now), "load")
    assert (waiting.expected, waiting.registered, waiting.trigger_state) == (2, 1, TriggerState.WAITING)
    assert [hint.text for hint in waiting.trigger_hints] == [f"waiting for {registers}"]

    world.register(registers, run_date, clock(run_date, "05:00:20"), 1)
    whole = phase_of(judged(world, now), "load")
    assert (whole.expected, whole.registered, whole.trigger_state) == (2, 2, TriggerState.STUCK)
    assert whole.trigger_hints[0].text.startswith("all_complete")
    assert one(judged(world, now), absent).verdict is Verdict.NOT_EXPECTED


def test_an_entry_of_a_retired_processor_is_known_and_not_counted() -> None:
    world = changing(TUESDAY)
    world.register("vouchers", TUESDAY, clock(TUESDAY, "05:00:20"), 1)

    load_phase = phase_of(judged(world, clock(TUESDAY, NOON)), "load")

    assert (load_phase.expected, load_phase.registered, load_phase.unexpected) == (2, 1, 0)


@pytest.mark.parametrize(
    ("limit", "state"),
    [
        ({"since": "2026-11-25"}, TriggerState.NOT_EXPECTED),
        ({"since": "2026-11-24"}, TriggerState.STUCK),
        ({"until": "2026-11-24"}, TriggerState.STUCK),
        ({"until": "2026-11-23"}, TriggerState.NOT_EXPECTED),
    ],
)
def test_no_trigger_is_expected_before_the_next_phase_was_added_or_after_it_was_retired(
    limit: dict[str, str], state: TriggerState
) -> None:
    phases = {
        "load": {
            "collection": "load_done",
            "next": "report",
            "trigger": {},
            "due": "06:00",
            "processors": {"orders": {"table": table("orders")}},
        },
        "report": {**shop_report(), **limit},
    }
    world = World(shop(TUESDAY, phases=phases))
    world.register("orders", TUESDAY, clock(TUESDAY, "05:00:10"), 1)

    assert phase_of(judged(world, clock(TUESDAY, NOON)), "load").trigger_state is state


def test_a_season_has_no_gap_where_work_was_not_yet_or_no_longer_expected() -> None:
    world = changing(MONDAY)
    config = replace(world.config, documents=replace(world.config.documents, only=(MONDAY, TUESDAY)))
    now = clock(TUESDAY, NOON)

    season = reconcile_season(config, World(config).snapshot(now), now)

    found = {(one.processor, one.run_date): one.verdict for one in season.report.processors}
    assert [found[name, MONDAY] for name in ("refunds", "vouchers")] == [Verdict.NOT_EXPECTED, Verdict.MISSING]
    assert [found[name, TUESDAY] for name in ("refunds", "vouchers")] == [Verdict.MISSING, Verdict.NOT_EXPECTED]


def test_what_is_due_next_is_within_the_limits() -> None:
    def due(**limits: str) -> datetime | None:
        report = judged(World(shop(MONDAY, phases={"report": {**shop_report(), **limits}})), clock(MONDAY, NOON))
        return report.next_due.due if report.next_due else None

    assert due() == clock(TUESDAY, "08:00:00")
    assert due(since="2026-12-10") == clock(date(2026, 12, 10), "08:00:00")
    assert due(until="2026-11-23") is None


@pytest.mark.parametrize(("run_date", "expected"), [(MONDAY, False), (TUESDAY, True), (FRIDAY, False)])
def test_coverage_is_expected_within_limits_of_its_own(run_date: date, expected: bool) -> None:  # noqa: FBT001 a case
    checks = {"paid": {**COVERAGE["paid"], **LIMITS}}
    report = judged(World(shop(run_date, coverage=checks)), clock(run_date, NOON))

    assert [one.expected for one in report.coverage] == [expected]


@pytest.mark.parametrize(
    ("until", "doubtful"),
    # The orders are about the day before their run date.
    [("2026-11-28", False), ("2026-11-29", False), ("2026-11-30", True), (None, True)],
)
def test_a_calendar_need_not_reach_beyond_the_work_that_was_retired(until: str | None, doubtful: bool) -> None:  # noqa: FBT001 a case
    assert (CalendarDoubt.ENDING in ended(shop(SATURDAY, calendar=AHEAD, until=until), SATURDAY)) is doubtful


def test_a_calendar_of_run_dates_need_not_reach_beyond_the_last_one() -> None:
    by_run_date = {**AHEAD, "applies_to": "run_date"}

    assert ended(shop(SATURDAY, calendar=by_run_date, until="2026-11-28"), SATURDAY) == {}
    assert CalendarDoubt.ENDING in ended(shop(SATURDAY, calendar=by_run_date, until="2026-11-29"), SATURDAY)


@pytest.mark.parametrize(
    ("limit", "doubtful"), [({"since": "2026-11-29"}, False), ({"since": "2026-11-28"}, True), ({}, True)]
)
def test_the_calendar_of_a_pipeline_that_has_not_begun_may_be_empty(limit: dict[str, str], doubtful: bool) -> None:  # noqa: FBT001 a case
    config, now = shop(SATURDAY, calendar=GAMES, **limit), clock(SATURDAY, NOON)

    report = judged(World(config), now, calendars_end={"nba": Reading(CalendarEnd(None), now)})

    assert report.calendar is not None
    assert (CalendarDoubt.EMPTY in report.calendar.doubts) is doubtful


@pytest.mark.parametrize(
    ("limit", "doubtful"), [({"until": "2026-11-27"}, False), ({"until": "2026-11-28"}, True), ({}, True)]
)
@pytest.mark.parametrize("place", ["pipeline", "phase"])
def test_the_halts_of_what_was_retired_need_not_be_written(
    place: str,
    limit: dict[str, str],
    doubtful: bool,  # noqa: FBT001 a case
) -> None:
    halts = {"halts": {**HALTS, "written_column": "at", "stale_after": "36h"}}
    retired = {**shop_report(), "days": ["mon-sun"], **limit}
    if place == "pipeline":
        config = shop(SATURDAY, phases={"report": retired}, **halts)
    else:
        load_phase = {"due": "06:00", "processors": {"orders": {"table": table("orders")}}}
        config = shop(SATURDAY, phases={"load": load_phase, "report": {**retired, **halts}})
    now = clock(SATURDAY, NOON)
    (known,) = config.pipelines["nba"].all_halts

    report = judged(World(config), now, halts={known: Reading(Halted({}, now - 3 * A_DAY), now)})

    assert report.calendar_doubtful[CalendarDoubt.HALTS] is doubtful


@pytest.mark.parametrize(("until", "state"), [("2026-11-23", TriggerState.NOT_EXPECTED), (None, TriggerState.STUCK)])
def test_the_limits_of_a_next_phase_in_another_shard_count(until: str | None, state: TriggerState) -> None:
    config = shop(TUESDAY)
    nba = config.pipelines["nba"]
    report = shop(TUESDAY, until=until).pipelines["nba"].phases["report"]
    moved = replace(nba, phases={"load": replace(nba.phases["load"], next="other/report")})
    other = replace(nba, name="other", phases={"report": report})
    now = clock(TUESDAY, NOON)

    reports = reconcile(
        replace(config, pipelines={"nba": moved}, elsewhere={"other": other}), loaded(TUESDAY).snapshot(now), now
    )

    assert reports.phases[0].trigger_state is state


@pytest.mark.parametrize(
    ("limits", "read"),
    [
        ({}, True),
        ({"since": "2026-11-23"}, True),
        ({"since": "2026-11-24"}, True),
        ({"since": "2026-11-25"}, False),
        ({"until": "2026-11-22"}, True),
        ({"until": "2026-11-21"}, False),
    ],
    ids=str,
)
def test_a_table_is_read_on_the_run_dates_of_its_work_and_on_the_days_beside_them(
    limits: dict[str, str],
    read: bool,  # noqa: FBT001 a case
) -> None:
    check = {**COVERAGE["paid"], "table": "shop.payments", **limits}

    config = shop(MONDAY, phases=loads({**limits, "table": table("orders")}), coverage={"paid": check})

    plan = reading_plan(config, clock(MONDAY, NOON))
    assert bool(plan.tables) is read
    of_run_date = limits in ({}, {"since": "2026-11-23"})
    assert bool(context_request(config, plan.run_dates).coverage) is of_run_date


def test_an_optional_table_is_read_whatever_the_limits_are_because_its_rows_say_whether_it_is_in_use() -> None:
    config = shop(MONDAY, phases=loads({"since": "2027-01-01", "table": table("orders", optional=True)}))

    assert reading_plan(config, clock(MONDAY, NOON)).tables


def test_a_table_that_is_not_read_leaves_nothing_unknown() -> None:
    config = shop(MONDAY, phases=loads({"since": "2027-01-01", "table": table("orders")}))

    report = judged(World(config), clock(MONDAY, NOON))

    assert one(report, "orders").verdict is Verdict.NOT_EXPECTED
    assert Record.ROWS in report.unusable


def test_a_lifted_limit_leaves_the_calendar_to_reach_ahead() -> None:
    config = shop(MONDAY, calendar=AHEAD, since="0001-01-01", until="9999-12-31")

    assert CalendarDoubt.ENDING in ended(config, SATURDAY)


def loads(orders: Mapping[str, object]) -> Mapping[str, object]:
    return {"load": {"due": "06:00", "processors": {"orders": orders}}}
