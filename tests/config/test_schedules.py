"""On which run dates something is expected, and how it is written."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.errors import ConfigError
from exporter.config.expected import expected_lines
from exporter.config.load import load
from exporter.config.periods import Period, Unit, parse_period
from exporter.config.public_holidays import holiday_name
from exporter.config.run_days import format_days, parse_days, parse_holidays
from exporter.config.schedules import DAILY, EVERY_DAY
from exporter.reconcile.expectations import phase_after
from tests.config.shop import DATES, MONDAY, ONE_DAY, TABLE, WEEK, asked, schedule, shop


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (["mon-fri"], ["Mon 23", "Tue 24", "Wed 25", "Thu 26", "Fri 27"]),
        ("sat", ["Sat 28"]),
        (["fri-mon"], ["Mon 23", "Fri 27", "Sat 28", "Sun 29"]),
        (["Tue", "sun"], ["Tue 24", "Sun 29"]),
        ([24, "sun"], ["Tue 24", "Sun 29"]),
    ],
)
def test_days_are_weekdays_ranges_of_them_and_days_of_the_month(days: object, expected: list[str]) -> None:
    assert asked(schedule(days), WEEK) == expected


@pytest.mark.parametrize("last", [date(2026, 2, 28), date(2028, 2, 29), date(2026, 4, 30), date(2026, 12, 31)])
def test_last_is_the_last_day_of_each_month(last: date) -> None:
    assert schedule("last").asks(last)
    assert not schedule("last").asks(last - ONE_DAY)


@given(DATES)
def test_a_week_is_asked_once_on_its_first_day_that_fits(day: date) -> None:
    weekly = schedule(["wed", "fri"], "week", "DE-BE")
    week = [Period(Unit.WEEK).begin(day) + ONE_DAY * number for number in range(7)]

    found = [one for one in week if weekly.asks(one)]

    assert found == [one for one in week if schedule(["wed", "fri"], "day", "DE-BE").asks(one)][:1]


def test_a_week_whose_monday_is_a_holiday_is_asked_on_tuesday() -> None:
    weekly = schedule(["mon-fri"], "week", [MONDAY.isoformat()])

    assert asked(weekly, WEEK) == ["Tue 24"]
    assert weekly.why_not(MONDAY) == "run date 2026-11-23 is a holiday (in the configured list)"
    assert weekly.why_not(WEEK[2]) == (
        "run date 2026-11-25 is not the first of its week, which was 2026-11-24: expected once a week (the first of"
        " mon-fri), except holidays (1 listed date)"
    )


def test_a_month_is_asked_on_its_first_working_day() -> None:
    monthly = schedule(["mon-fri"], "month", "DE-BE")
    may = [date(2026, 5, 1) + ONE_DAY * day for day in range(31)]

    assert asked(monthly, may) == ["Mon 04"]
    assert monthly.why_not(may[0]) == "run date 2026-05-01 is a holiday (Labor Day, DE-BE)"
    assert monthly.why_not(may[1]) == (
        "run date 2026-05-02 is a Saturday: expected once a month (the first of mon-fri), except holidays (DE-BE)"
    )


def test_public_calendars_are_countries_regions_and_exchanges() -> None:
    assert holiday_name("DE-BE", date(2026, 3, 8)) == "Women's Day"
    assert holiday_name("DE", date(2026, 3, 8)) is None
    assert holiday_name("NYSE", date(2026, 11, 26)) == "Thanksgiving Day"


def test_a_holiday_that_is_observed_in_the_year_before_is_one() -> None:
    assert holiday_name("US", date(2027, 12, 31)) == "New Year's Day (observed)"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "is empty, so nothing would ever be expected"),
        ("weekdays", '"weekdays" is no day: write weekdays such as mon or mon-fri'),
        ("mo", '"mo" is no day (did you mean mon?)'),
        ([0], "0 is no day that every month has"),
        ([31], "31 is no day that every month has"),
        ([True], "true is no day"),
        ([["mon"]], "a list is no day"),
    ],
)
def test_what_is_no_day_is_refused(value: object, words: str) -> None:
    with pytest.raises(ValueError, match="day") as caught:
        parse_days(value)

    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("Germany", '"Germany" names no public calendar'),
        ("NYSEE", "(did you mean NYSE?)"),
        ("DE-XX", "DE has no region XX: one of BB, BE"),
        ("AF-1", "AF has no region 1: AF alone"),
        (["2026-02-30"], '"2026-02-30" is in no calendar'),
        ([5], "5 is not a date: write it as 2026-02-01; or name a public calendar such as DE, DE-BE or NYSE"),
    ],
)
def test_what_are_no_holidays_is_refused(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"calendar|region") as caught:
        parse_holidays(value)

    assert words in str(caught.value)


@pytest.mark.parametrize("days", [["mon-fri"], ["sat", 1, "last"], ["mon-sun"]])
def test_days_that_are_written_back_are_read_the_same(days: list[str | int]) -> None:
    assert format_days(parse_days(days)) == days
    assert parse_days(format_days(EVERY_DAY)) == EVERY_DAY


@pytest.mark.parametrize("text", ["day", "week", "week(sunday)", "month"])
def test_a_period_that_is_written_back_is_read_the_same(text: str) -> None:
    assert str(parse_period(text)) == text


@pytest.mark.parametrize("value", ["weekly", "week(sun)", 7, None])
def test_what_is_no_period_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is no period: write day, week"):
        parse_period(value)


@given(DATES, st.integers(-40, 40), st.sampled_from(["day", "week", "week(sunday)", "month"]))
def test_a_period_is_moved_by_whole_periods(day: date, number: int, text: str) -> None:
    period = parse_period(text)
    begin = period.begin(day)

    assert begin <= day < period.moved(day, 1)
    assert period.begin(period.moved(day, number)) == period.moved(day, number)
    assert period.moved(period.moved(day, number), -number) == begin


def test_a_processor_has_what_stands_above_it_unless_it_has_its_own() -> None:
    config = load(overlay=shop(), environ={}).config

    assert list(expected_lines(config)) == [
        "What is expected. Run dates name the documents, data dates are those of the rows; times in Europe/Berlin.",
        "shop load orders: run dates every day, except holidays (DE-BE), due +0d 04:00; rows of the run date",
        "shop report revenue: run dates mon-fri, except holidays (DE-BE), due +1d 06:00; rows of the day before",
        (
            "shop report retention: run dates once a week (the first of mon-fri), except holidays (DE-BE),"
            " due +1d 06:00; rows of 2 weeks before"
        ),
        "shop report sales: run dates sat, due +0d 09:00; rows of the day after",
        (
            "shop report target: run dates once a month (the first of mon-fri), except holidays (DE-BE),"
            " due +1d 06:00; rows of the month of the run date, whatever the calendar table has"
        ),
    ]


def test_tables_that_decide_are_said_with_their_date() -> None:
    config = load(preset="nba", overlay={"calendar": {"applies_to": "run_date"}}, environ={}).config

    said = [line for line in expected_lines(config) if "table" in line]

    assert said == [
        "nba: only where table nba_reference.nba_schedule has units, by run date",
        "nba phase5: not where table nba_orchestration.halt_state has a halt, by data date",
        "nba grading: not where table nba_orchestration.halt_state has a halt, by data date",
    ]


def test_a_preset_without_a_schedule_is_expected_every_day() -> None:
    nba = load(preset="nba", environ={}).config.pipelines["nba"]

    assert {one.schedule for phase in nba.phases.values() for one in phase.processors.values()} == {DAILY}


CALENDAR = {"table": "ref.days", "date_column": "day", "units": "COUNT(*)"}
PHASES = "pipelines.shop.phases"


@pytest.mark.parametrize(
    ("changed", "path", "words"),
    [
        ({"calendar": "dayly"}, "calendar", 'must be daily or a mapping (key: value), not "dayly"'),
        ({"calendar": 5}, "calendar", "must be a mapping (key: value), not 5"),
        ({"calendar": {**CALENDAR, "units": 5}}, "calendar.units", "must be an SQL expression"),
    ],
)
def test_a_calendar_is_daily_or_a_table(changed: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(overlay=shop(**changed), environ={})

    (fault,) = caught.value.faults
    assert fault.path == path
    assert words in fault.message


def with_table(calendar: dict[str, Any], **phases: dict[str, Any]) -> dict[str, Any]:
    whole = shop()
    whole["pipelines"]["shop"]["calendar"] = {**CALENDAR, **calendar}
    for name, keys in phases.items():
        whole["pipelines"]["shop"]["phases"][name].update(keys)
    return whole


WEEKDAYS = "EXTRACT(DAYOFWEEK FROM day) BETWEEN 2 AND 6"


@pytest.mark.parametrize("table", ["d.copies", "shop.d.copies"])
def test_the_table_of_a_processor_cannot_decide_whether_it_is_expected(table: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(overlay=with_table({"table": table}), environ={})

    (fault, *_) = caught.value.faults
    assert fault.path == "pipelines.shop.calendar.table"
    assert "is the table of orders, which its own calendar cannot watch: without rows nothing would be" in fault.message


def test_the_table_of_a_processor_may_decide_about_others() -> None:
    daily = {"orders": {"calendar": "daily", "table": {"name": "d.orders", "date_column": "day"}}}

    load(overlay=with_table({"table": "d.orders"}, load={"processors": daily}), environ={})


def test_a_filter_by_weekday_on_data_dates_is_refused_where_they_are_not_the_run_dates() -> None:
    with pytest.raises(ConfigError) as caught:
        load(overlay=with_table({"where": WEEKDAYS}), environ={})

    (fault,) = caught.value.faults
    assert fault.path == "pipelines.shop.calendar.where"
    assert "revenue works on them -1 days away from its run date. Write `days`, such as [mon-fri]" in fault.message


@pytest.mark.parametrize(
    ("calendar", "phases"),
    [
        ({"where": WEEKDAYS, "applies_to": "run_date"}, {}),
        ({"where": WEEKDAYS}, {"report": {"calendar": "daily"}}),
        ({"where": "kind = 'open'"}, {}),
    ],
)
def test_a_filter_that_speaks_of_the_right_date_is_taken(calendar: dict[str, Any], phases: dict[str, Any]) -> None:
    load(overlay=with_table(calendar, **phases), environ={})


def test_next_may_name_a_phase_of_another_pipeline() -> None:
    other = {"calendar": "daily", "phases": {"mail": {"due": "08:00", "processors": {"letters": {"table": TABLE}}}}}
    whole = shop()
    whole["pipelines"] |= {"letters": other}
    whole["pipelines"]["shop"]["phases"]["report"]["next"] = "letters/mail"

    config = load(overlay=whole, environ={}).config

    pipeline, letters = config.pipelines["shop"], config.pipelines["letters"]
    assert phase_after(config, pipeline, pipeline.phases["load"]) is pipeline.phases["report"]
    assert phase_after(config, pipeline, pipeline.phases["report"]) is letters.phases["mail"]
    assert phase_after(config, letters, letters.phases["mail"]) is None

    whole["pipelines"]["letters"]["phases"]["mail"]["next"] = "shop/load"
    with pytest.raises(ConfigError) as caught:
        load(overlay=whole, environ={})
    assert {fault.message for fault in caught.value.faults} == {
        f"leads back to {name}: phases follow each other in one direction" for name in ("load", "report", "mail")
    }


def test_a_next_phase_that_no_pipeline_has_is_refused_with_the_nearest() -> None:
    whole = shop()
    whole["pipelines"] |= {"letters": {**whole["pipelines"]["shop"]}}
    whole["pipelines"]["shop"] = {**whole["pipelines"]["shop"], "phases": {**whole["pipelines"]["shop"]["phases"]}}
    whole["pipelines"]["shop"]["phases"]["load"] = {
        **whole["pipelines"]["shop"]["phases"]["load"],
        "next": "letters/reprt",
    }

    with pytest.raises(ConfigError) as caught:
        load(overlay=whole, environ={})

    (fault,) = caught.value.faults
    assert "names no phase (did you mean letters/report?)" in fault.message


def test_a_processor_without_a_deadline_is_refused_unless_its_phase_has_one() -> None:
    whole = shop()
    del whole["pipelines"]["shop"]["phases"]["load"]["due"]

    with pytest.raises(ConfigError) as caught:
        load(overlay=whole, environ={})

    (fault,) = caught.value.faults
    assert (fault.path, fault.message) == (
        f"{PHASES}.load.processors.orders",
        "has no deadline: write `due` in orders, or for its whole phase in load",
    )


@pytest.mark.parametrize("expression", ["DATE(event_ts)", "payload.day", "DATE_TRUNC(day, WEEK)"])
def test_a_table_may_be_dated_by_an_expression(expression: str) -> None:
    whole = shop()
    whole["pipelines"]["shop"]["phases"]["load"]["processors"]["orders"]["table"] = {**TABLE, "date_column": expression}

    loaded = load(overlay=whole, environ={}).config

    assert loaded.pipelines["shop"].phases["load"].processors["orders"].table.day_column == expression


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (
            "event date",
            '"event date" cannot be a column: use letters, digits and _, not beginning with a digit; or write',
        ),
        ("DATE(event_ts", "( is never closed"),
        ("DATE(a), DATE(b)", "a comma outside parentheses would make it two expressions"),
    ],
)
def test_what_is_neither_a_column_nor_an_expression_is_refused(expression: str, words: str) -> None:
    whole = shop()
    whole["pipelines"]["shop"]["phases"]["load"]["processors"]["orders"]["table"] = {**TABLE, "date_column": expression}

    with pytest.raises(ConfigError) as caught:
        load(overlay=whole, environ={})

    assert words in caught.value.faults[0].message
