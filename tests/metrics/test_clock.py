"""Times as texts in labels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from exporter.metrics.clock import due_text, local, since
from exporter.model import NextDue, Since
from testing.builders import DAY, on


@pytest.mark.parametrize(
    ("at", "zone", "text"),
    [
        ("15:04:29", "America/New_York", "10:04:29 EST"),
        ("15:00", "America/New_York", "10:00 EST"),
        ("03:00", "America/New_York", "2026-01-31 22:00 EST"),
        ("15:00", "Europe/London", ""),
        ("15:00", "UTC", ""),
    ],
)
def test_a_local_time_has_its_zone_and_a_date_where_that_is_another_one(at: str, zone: str, text: str) -> None:
    assert local(on(at), zone) == text


def test_the_deadline_of_the_next_phase_is_a_clause_and_of_none_says_so() -> None:
    then = NextDue("nba", "phase4", DAY, on("17:30"))

    assert due_text(then, "America/New_York") == "phase4 is due at 2026-02-01 17:30 UTC (12:30 EST)"
    assert due_text(then, "UTC") == "phase4 is due at 2026-02-01 17:30 UTC"
    assert due_text(replace(then, past=True), "UTC") == "phase4 was due at 2026-02-01 17:30 UTC"
    assert due_text(None, "UTC") == "no deadline known"


def test_a_time_has_its_texts_as_labels() -> None:
    labels, value = since('pipeline="nba"', Since(on("15:00")), "America/New_York", then="x")

    assert (labels, value) == ('pipeline="nba",then="x",local="10:00 EST",after=""', on("15:00").timestamp())


@pytest.mark.parametrize(
    ("after", "zone", "text"),
    [
        ("15:04:27", "America/New_York", "2026-02-01 15:04:27 UTC (10:04:27 EST)"),
        ("15:04", "UTC", "2026-02-01 15:04 UTC"),
        # Within one second, there is nothing to say about the range.
        ("15:05", "America/New_York", ""),
    ],
)
def test_a_time_that_is_known_as_a_range_has_its_beginning_in_both_zones(after: str, zone: str, text: str) -> None:
    labels, _ = since('pipeline="nba"', Since(on("15:05"), after=on(after)), zone)

    assert labels.endswith(f'after="{text}"')
