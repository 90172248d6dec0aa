"""The words that terminal and page share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Cause, Since, Standing, TriggerState
from exporter.present.words import (
    BAD_TRIGGERS,
    CAUSES,
    STANDINGS,
    TRIGGERS,
    WORDS,
    Moments,
    listed,
    plural,
    shown,
)
from exporter.reconcile import DISCREPANCIES
from exporter.reconcile.hints import lasting
from testing.builders import NEW_YORK, on
from testing.collecting import healthy
from testing.reports import reported

NOW = on("18:00")


def test_everything_that_can_be_wrong_has_its_words_and_a_runbook() -> None:
    assert set(WORDS) == set(DISCREPANCIES)
    assert set(TRIGGERS) == set(BAD_TRIGGERS) == {TriggerState.STUCK, TriggerState.BLOCKED}
    assert set(CAUSES) == set(Cause)
    assert set(STANDINGS) == set(Standing)


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("plain, with ünïcode and 中文", "plain, with ünïcode and 中文"),
        ("\x1b[2J\n", "\\u001b[2J\\u000a"),
        ("a\u202eb\u200bc", "a\\u202eb\\u200bc"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_does_not_print_is_spelled_out(text: str, harmless: str) -> None:
    assert shown(text) == harmless


@given(st.text())
def test_any_text_becomes_printable_and_can_be_encoded(text: str) -> None:
    assert shown(text).isprintable()
    shown(text).encode()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h"),
        (10531, "2 h 55 min"),
        (86_400, "1 d"),
        (86_400 * 3 + 3 * 3600 + 59, "3 d 3 h"),
    ],
)
def test_durations_are_given_in_their_largest_units(seconds: int, text: str) -> None:
    assert lasting(timedelta(seconds=seconds)) == text


def test_names_are_listed_until_there_are_too_many() -> None:
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c", "d"]) == "a, b, c, d"
    assert listed(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


def test_numbers_agree_with_their_noun() -> None:
    assert (plural(1, "row"), plural(0, "row"), plural(1200, "row")) == ("1 row", "0 rows", "1,200 rows")


def test_times_are_given_in_utc_and_in_the_pipelines_zone() -> None:
    moments = Moments(NOW, NEW_YORK)

    assert moments.both(on("15:04:29")) == "15:04:29 UTC (10:04:29 EST)"
    assert moments.both(on("-1 15:00")) == "2026-01-31 15:00 UTC (10:00 EST)"
    assert moments.both(on("03:00")) == "03:00 UTC (2026-01-31 22:00 EST)"


def test_a_pipeline_in_utc_has_one_time_not_two() -> None:
    assert Moments(NOW, ZoneInfo("UTC")).both(on("15:00")) == "15:00 UTC"


def test_a_time_is_given_as_ago_or_as_in_relative_to_the_report() -> None:
    moments = Moments(NOW, NEW_YORK)

    assert moments.away(on("16:30")) == "1 h 30 min ago"
    assert moments.away(on("18:20")) == "in 20 min"
    assert moments.since(Since(on("17:00"))) == "for 1 h, since 17:00 UTC (12:00 EST)"


def test_what_happened_between_two_readings_is_said_with_both() -> None:
    moments, lost = Moments(NOW, NEW_YORK), Since(on("15:04:29"), after=on("15:04:27"))

    assert moments.began(lost) == ("a moment between 15:04:27 UTC (10:04:27 EST) and 15:04:29 UTC (10:04:29 EST)")
    assert moments.since(lost).startswith("for 2 h 55 min, since a moment between 15:04:27 UTC ")
    assert Moments(NOW, ZoneInfo("UTC")).began(lost) == "a moment between 15:04:27 UTC and 15:04:29 UTC"
    within_a_second = Since(lost.at + timedelta(milliseconds=1), after=lost.at)
    assert moments.began(within_a_second) == moments.both(lost.at)


def test_the_moments_of_a_report_are_those_of_its_zone() -> None:
    moments = Moments.of(reported(healthy()))

    assert (moments.now, moments.zone.key) == (datetime(2026, 2, 1, 18, tzinfo=UTC), "America/New_York")
