"""What a month of readings costs and how late it shows what goes wrong: an adaptive pace against a fixed one."""

from __future__ import annotations

import random
from datetime import timedelta

from benchmarks.figures import Row, at_most, seconds
from testing.month import Month
from testing.month_read import read

DAYS = 30
SEED = 7
MOST = 1 / 3
GIBIBYTE = 2**30


def measure(*, smallest: bool = False) -> list[Row]:
    """One simulated month, read at both paces."""
    days = 1 if smallest else DAYS
    month = Month(random.Random(SEED), days)  # noqa: S311 - a repeatable choice
    fixed, ours = (read(month, pace) for pace in ("fixed", "adaptive"))
    what = f"{days} simulated days of the preset nba"
    cached, whole = fixed.bytes_billed / GIBIBYTE / days, fixed.bytes_without_cache / GIBIBYTE / days
    late = [
        (ours.found[one].at - shown.at, getattr(month.config.collect, shown.by).every)
        for one, shown in fixed.found.items()
    ]
    delay, every = max(
        late, key=lambda one: one[0] / one[1], default=(timedelta(), month.config.collect.completion.every)
    )
    return [
        at_most(
            f"Firestore document reads a day, {what}",
            f"{ours.document_reads / days:,.0f}",
            f"fixed intervals: {fixed.document_reads / days:,.0f}",
            [ours.document_reads / fixed.document_reads],
            round(MOST, 3),
        ),
        at_most(
            f"BigQuery bytes billed a day, {what}",
            f"{ours.bytes_billed / GIBIBYTE / days:.2f} GiB",
            f"fixed intervals: {cached:.2f} GiB with BigQuery's cache, {whole:.1f} GiB without",
            [ours.bytes_billed / fixed.bytes_billed],
            round(MOST, 3),
        ),
        at_most(
            f"the latest of {len(late)} incidents, {what}, in intervals of the collector that shows it",
            f"{delay.total_seconds():.0f} s later",
            f"fixed intervals of {seconds(every.total_seconds())}",
            [delay / every],
            1.0,
        ),
    ]
