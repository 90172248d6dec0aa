from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.quantities import (
    LARGEST,
    LONGEST,
    format_due,
    format_duration,
    format_rows_per_unit,
    format_size,
    parse_day,
    parse_due,
    parse_duration,
    parse_rows_per_unit,
    parse_size,
)
from exporter.config.resolved import Due, RowsPerUnit


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("60s", timedelta(seconds=60)),
        ("10m", timedelta(minutes=10)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("1h30m", timedelta(minutes=90)),
        ("1d12h0m5s", timedelta(days=1, hours=12, seconds=5)),
        ("366d", LONGEST),
    ],
)
def test_a_duration_is_read_in_its_units(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (60, "60 has no unit: write 60s, 60m or 60h"),
        (1.5, "1.5 has no unit"),
        ("60", '"60" is not a duration'),
        ("", "empty text is not a duration"),
        ("10 minutes", '"10 minutes" is not a duration'),
        ("30m1h", "is not a duration"),
        ("-5m", "is not a duration"),
        ("1.5h", "is not a duration"),
        ("٣m", "is not a duration"),
        ("5m\n", "is not a duration"),
        ("*/10 * * * *", "looks like a cron expression"),
        ("0 6 1 1 0", "looks like a cron expression"),
        ("@hourly", "looks like a cron expression"),
        ("0s", "must be longer than 0s"),
        ("0h0m", "must be longer than 0s"),
        ("367d", "is longer than a year"),
        ("999999999d", "is longer than a year"),
        (True, "must be a duration, not true"),
        (None, "must be a duration, not nothing"),
        (["5m"], "must be a duration, not a list"),
        (date(2026, 2, 1), "must be a duration, not a date"),
    ],
)
def test_what_is_no_duration_is_refused_with_what_to_write(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_duration(value)

    assert words in str(caught.value)


@given(st.integers(min_value=1, max_value=int(LONGEST.total_seconds())))
def test_a_duration_that_is_written_back_is_read_the_same(seconds: int) -> None:
    duration = timedelta(seconds=seconds)

    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("1GiB", 2**30),
        ("500MB", 500_000_000),
        ("10 MiB", 10 * 2**20),
        ("1kB", 1000),
        ("1KiB", 1024),
        ("7B", 7),
        (4096, 4096),
        (LARGEST, LARGEST),
    ],
)
def test_a_size_is_read_in_bytes(value: object, size: int) -> None:
    assert parse_size(value) == size


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("lots", '"lots" is not a size: write a whole number and a unit'),
        ("1.5GiB", "is not a size"),
        ("1gb", "is not a size"),
        ("10", "is not a size"),
        (1.5, "1.5 is not a size"),
        (True, "true is not a size"),
        (None, "nothing is not a size"),
        ("0GiB", "must be more than 0 bytes"),
        (0, "must be more than 0 bytes"),
        (-1, "must be more than 0 bytes"),
        ("9999999PiB", "more bytes than BigQuery counts"),
        (LARGEST + 1, "more bytes than BigQuery counts"),
    ],
)
def test_what_is_no_size_is_refused_with_what_to_write(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_size(value)

    assert words in str(caught.value)


@given(st.one_of(st.integers(1, LARGEST), st.integers(1, 10**6).map(lambda count: count * 2**20)))
def test_a_size_that_is_written_back_is_read_the_same(size: int) -> None:
    assert parse_size(format_size(size)) == size


def test_a_size_is_written_back_as_people_write_it() -> None:
    assert [format_size(size) for size in (2**30, 500_000_000, 10 * 2**20, 1001)] == ["1GiB", "500MB", "10MiB", 1001]


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("+0d 11:30", Due(0, time(11, 30))),
        ("+1d 11:30", Due(1, time(11, 30))),
        ("-1d 17:00", Due(-1, time(17))),
        ("2d 00:00", Due(2, time(0))),
    ],
)
def test_a_deadline_is_days_and_a_local_time(text: str, due: Due) -> None:
    assert parse_due(text) == due


@pytest.mark.parametrize(
    "value",
    [
        "1:30",
        "+0d",
        "+0d11:30",
        "+0d 24:00",
        "+0d 11:60",
        "+0d 1:30",
        "+100d 11:30",
        "+32d 11:30",
        "0 11:30",
        690,
        None,
        [],
    ],
)
def test_what_is_no_deadline_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"is not a deadline: write a local time|days from the document's date"):
        parse_due(value)


@given(st.builds(Due, st.integers(-31, 31), st.times().map(lambda at: at.replace(second=0, microsecond=0))))
def test_a_deadline_that_is_written_back_is_read_the_same(due: Due) -> None:
    assert parse_due(format_due(due)) == due


def test_a_deadline_without_days_is_on_the_documents_date() -> None:
    assert parse_due("04:00") == parse_due("+0d 04:00") == Due(0, time(4))


def test_a_single_number_of_rows_is_the_fewest() -> None:
    assert parse_rows_per_unit(28) == parse_rows_per_unit([28, None]) == RowsPerUnit(28, None)


@pytest.mark.parametrize("value", [[28, 56], [2, 2], (0, 1), [1.5, 2.5]])
def test_rows_per_unit_are_the_fewest_and_the_most(value: list[float]) -> None:
    rows = parse_rows_per_unit(value)

    assert (rows.minimum, rows.maximum) == tuple(value)
    assert format_rows_per_unit(rows) == list(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "true is no number of rows"),
        ([28], "must be two numbers"),
        ([1, 2, 3], "must be two numbers"),
        ("28-56", "must be two numbers"),
        ([True, 2], "true is no number of rows"),
        (["28", 56], '"28" is no number of rows'),
        ([-1, 2], "-1 is no number of rows"),
        ([0, float("nan")], "nan is no number of rows"),
        ([0, float("inf")], "inf is no number of rows"),
        ([56, 28], "[56, 28] allows no rows"),
        ([0, 0], "[0, 0] allows no rows"),
    ],
)
def test_what_is_no_pair_of_bounds_is_refused(value: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_rows_per_unit(value)

    assert words in str(caught.value)


def test_a_deadline_keeps_to_the_minute() -> None:
    due = parse_due("+1d 09:05")

    assert datetime.combine(date(2026, 2, 1), due.at).minute == 5


def test_a_date_is_text_or_what_a_yaml_reader_made_of_it() -> None:
    assert parse_day("2026-02-01") == parse_day(date(2026, 2, 1)) == date(2026, 2, 1)


@pytest.mark.parametrize("value", ["20260201", "2026-2-1", "today", datetime(2026, 2, 1, tzinfo=UTC), 20260201, None])
def test_what_is_no_date_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a date: write it as 2026-02-01"):
        parse_day(value)


def test_a_date_that_no_calendar_has_is_refused() -> None:
    with pytest.raises(ValueError, match='"2026-02-30" is in no calendar'):
        parse_day("2026-02-30")
