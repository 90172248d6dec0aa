"""What a report costs the Prometheus that scrapes it: one series a state, against one for each value of a state."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.client import until
from benchmarks.figures import Row, at_most, mebibytes, spread
from benchmarks.world import config_of, missing, world_of
from exporter.emulators.bigquery.loopback import Answer, LoopbackServer
from exporter.metrics.catalogue import report_samples
from exporter.metrics.exposition import render
from testing.prometheus import JOB, Prometheus

if TYPE_CHECKING:
    from exporter.model import Report

PROCESSORS = 2_000
SCRAPES = 20
READY_SECONDS = 200.0
MOST = 0.5


def measure(*, smallest: bool = False) -> list[Row]:
    """Two servers of the same version, one after the other in each round, each with one of the forms alone."""
    processors, scrapes, rounds = (8, 2, 1) if smallest else (PROCESSORS, SCRAPES, 2)
    report = missing(world_of(config_of(processors))).report()
    pairs = [
        tuple(_scraped(replace(report, every_state=every), scrapes) for every in (False, True)) for _ in range(rounds)
    ]
    (series, of_all), *_ = [tuple(count for count, _ in pair) for pair in pairs]
    ours, whole = ([bytes_ for _, bytes_ in side] for side in zip(*pairs, strict=True))
    what = f"{processors:,} processors x 3 dates"
    return [
        at_most(f"series, {what}", f"{series:,}", f"every value of a state: {of_all:,}", [series / of_all], MOST),
        at_most(
            f"heap of Prometheus after {scrapes} scrapes, {what}",
            mebibytes(spread(ours).middle),
            f"every value of a state: {mebibytes(spread(whole).middle)}",
            [one / other for one, other in zip(ours, whole, strict=True)],
            MOST + 0.1,
        ),
    ]


def _scraped(report: Report, scrapes: int) -> tuple[int, float]:
    """How many series a scrape has, and the bytes of Prometheus's heap in use after so many scrapes."""
    samples = report_samples(report)
    body = render(samples).plain
    with (
        tempfile.TemporaryDirectory(prefix="benchmark-") as folder,
        LoopbackServer(lambda _: Answer(200, body, "text/plain; version=0.0.4")) as server,
    ):
        target = server.address.removeprefix("http://")
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target]}]}],
        }
        with Prometheus(Path(folder), target, config) as running:
            counted = f"count_over_time(up{{job='{JOB}'}}[1h])"
            until(lambda: (running.value(counted) or 0) >= scrapes, READY_SECONDS, f"{scrapes} scrapes")
            return sum(map(len, samples.values())), running.own("go_memstats_heap_inuse_bytes")
