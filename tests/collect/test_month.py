"""A few days of a simulated month: what adaptive readings cost, and how late they show what goes wrong.

`testing/month.py` makes the days; today's fixed intervals read the same ones.
"""

from __future__ import annotations

import random

from testing.month import Month
from testing.month_read import read

DAYS = 3
SEED = 7


def test_adaptive_readings_cost_a_third_at_most_and_show_nothing_later_by_more_than_an_interval() -> None:
    month = Month(random.Random(SEED), DAYS)  # noqa: S311 - a repeatable choice

    fixed, adaptive = (read(month, pace) for pace in ("fixed", "adaptive"))

    assert adaptive.document_reads <= fixed.document_reads / 3
    assert adaptive.bytes_billed <= fixed.bytes_billed / 3 < fixed.bytes_without_cache / 3
    assert set(fixed.found) == set(month.incidents) != set()
    for incident, shown in fixed.found.items():
        every = getattr(month.config.collect, shown.by).every
        assert adaptive.found[incident].at - shown.at <= every, incident
