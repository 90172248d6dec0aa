"""`since` and `until`: the first and the last run date on which something is expected."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.errors import ConfigError
from exporter.config.expected import expected_lines
from exporter.config.load import load
from tests.config.shop import DATES, ONE_DAY, WEEK, asked, schedule, shop

if TYPE_CHECKING:
    from exporter.config.schedules import Schedule

LIMIT = st.none() | DATES
RHYTHMS = st.builds(
    schedule,
    st.sampled_from(["mon-sun", ["mon-fri"], [1, "last"]]),
    st.sampled_from(["day", "week", "week(sunday)", "month"]),
    st.sampled_from([(), "DE-BE"]),
)


@given(RHYTHMS, LIMIT, LIMIT, DATES)
def test_a_schedule_with_limits_is_the_one_without_them_from_the_first_to_the_last_run_date(
    unlimited: Schedule, since: date | None, until: date | None, day: date
) -> None:
    limited = replace(unlimited, since=since, until=until)

    assert limited.asks(day) == (unlimited.asks(day) and (since or day) <= day <= (until or day))
    for limit in filter(None, (since, until)):
        assert limited.asks(limit) == (unlimited.asks(limit) and (since or limit) <= limit <= (until or limit))


@given(RHYTHMS, DATES)
def test_a_schedule_says_on_each_side_of_a_limit_whether_it_is_one(unlimited: Schedule, day: date) -> None:
    begins, ends = replace(unlimited, since=day), replace(unlimited, until=day)

    assert begins.asks(day) == ends.asks(day) == unlimited.asks(day)
    assert begins.why_not(day - ONE_DAY) == (
        f"run date {day - ONE_DAY} is before {day}, the first on which it is expected (`since`)"
    )
    assert ends.why_not(day + ONE_DAY) == (
        f"run date {day + ONE_DAY} is after {day}, the last on which it was expected (`until`)"
    )


def test_work_of_each_week_that_begins_in_the_middle_of_one_is_first_asked_for_in_the_next() -> None:
    weekly = replace(schedule(every="week"), since=WEEK[2])

    assert asked(weekly, [*WEEK, WEEK[6] + ONE_DAY]) == ["Mon 30"]
    assert weekly.why_not(WEEK[2]) == (
        "run date 2026-11-25 is not the first of its week, which was 2026-11-23: expected once a week (its first day),"
        " since 2026-11-25"
    )


def limited(
    *, top: object = None, report: object = None, sales: object = None, orders: object = None
) -> dict[str, Any]:
    """The shop with these keys at the top, in the phase `report`, and in processors of both phases."""
    whole = shop()
    phases = whole["pipelines"]["shop"]["phases"]
    sections = (
        whole,
        phases["report"],
        phases["report"]["processors"]["sales"],
        phases["load"]["processors"]["orders"],
    )
    for section, keys in zip(sections, (top, report, sales, orders), strict=True):
        section.update(keys or {})
    return whole


def test_limits_are_those_of_the_section_above_unless_there_are_own_ones() -> None:
    whole = limited(
        top={"until": "2027-05-31"},
        report={"since": date(2026, 11, 20)},
        sales={"since": "2026-12-01"},
        orders={"until": "2026-11-30"},
    )

    said = [line.partition(", due")[0] for line in expected_lines(load(overlay=whole, environ={}).config)][1:]

    holidays = "except holidays (DE-BE)"
    report = f"{holidays}, since 2026-11-20, until 2027-05-31"
    assert said == [
        f"shop load orders: run dates every day, {holidays}, until 2026-11-30",
        f"shop report revenue: run dates mon-fri, {report}",
        f"shop report retention: run dates once a week (the first of mon-fri), {report}",
        "shop report sales: run dates sat, since 2026-12-01, until 2027-05-31",
        f"shop report target: run dates once a month (the first of mon-fri), {report}",
    ]


SALES = "pipelines.shop.phases.report.processors.sales"
REPORT = "pipelines.shop.phases.report"


@pytest.mark.parametrize(
    ("whole", "places"),
    [
        (limited(sales={"since": "2026-11-27", "until": "2026-11-26"}), (f"{SALES}.since", f"{SALES}.until")),
        (limited(report={"since": "2026-11-27"}, sales={"until": "2026-11-26"}), (f"{REPORT}.since", f"{SALES}.until")),
        (limited(top={"until": "2026-11-26"}, sales={"since": "2026-11-27"}), (f"{SALES}.since", "until")),
        (limited(top={"since": "2026-11-27", "until": "2026-11-26"}), ("since", "until")),
    ],
)
def test_work_that_would_end_before_it_begins_is_refused_once_with_both_places(
    whole: dict[str, Any], places: tuple[str, str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(overlay=whole, environ={})

    (fault,) = caught.value.faults
    assert fault.path in places
    assert fault.message == (
        f"`{places[0]}` (2026-11-27) is after `{places[1]}` (2026-11-26), so nothing would ever be expected"
    )


def test_a_coverage_check_that_would_end_before_it_begins_is_refused() -> None:
    whole = shop(since="2026-11-27")
    check = {"table": "d.copies", "date_column": "day", "eligible": "TRUE", "covered": "paid", "until": "2026-11-26"}
    whole["pipelines"]["shop"]["coverage"] = {"paid": check}

    with pytest.raises(ConfigError) as caught:
        load(overlay=whole, environ={})

    assert [fault.path for fault in caught.value.faults] == ["pipelines.shop.coverage.paid.until"]


def test_work_may_have_one_run_date_alone() -> None:
    load(overlay=limited(sales={"since": "2026-11-28", "until": "2026-11-28"}), environ={})


def test_limits_are_dates() -> None:
    with pytest.raises(ConfigError) as caught:
        load(overlay=limited(sales={"since": "2026-02-30"}, orders={"until": "tomorrow"}), environ={})

    assert {fault.path.rpartition(".")[2]: fault.message for fault in caught.value.faults} == {
        "since": '"2026-02-30" is in no calendar: day is out of range for month',
        "until": '"tomorrow" is not a date: write it as 2026-02-01',
    }


def test_the_first_and_the_last_date_there_is_lift_a_limit_of_the_section_above() -> None:
    whole = limited(
        top={"since": "2026-11-20", "until": "2027-05-31"},
        report={"since": "0001-01-01"},
        sales={"until": "9999-12-31"},
    )

    said = [line.partition(", due")[0] for line in expected_lines(load(overlay=whole, environ={}).config)][1:]

    holidays = "except holidays (DE-BE)"
    assert said == [
        f"shop load orders: run dates every day, {holidays}, since 2026-11-20, until 2027-05-31",
        f"shop report revenue: run dates mon-fri, {holidays}, until 2027-05-31",
        f"shop report retention: run dates once a week (the first of mon-fri), {holidays}, until 2027-05-31",
        "shop report sales: run dates sat",
        f"shop report target: run dates once a month (the first of mon-fri), {holidays}, until 2027-05-31",
    ]
