"""Memory for many series: the exporter with all it holds, and prometheus_client's registry; each in a fresh process."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.client import AS_PROMETHEUS, PLAIN, Scraper
from benchmarks.figures import Row, at_most, mebibytes, spread
from benchmarks.processes import Child
from benchmarks.scrapes import body_of, samples_in
from benchmarks.world import DATES, processors_for

SIZES = (200, 2_000, 20_000)


def measure(*, smallest: bool = False) -> list[Row]:
    """What the processes grew by from the end of their imports, at rest: after a scrape as Prometheus asks for it.

    A scrape without compression keeps the text of a large report until the next report.
    """
    series, rounds = (1_200, 1) if smallest else (120_000, 2)
    ours, both, peaks, registries, rivals, wholes = [], [], [], [], [], []
    count = 0
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            file = Path(folder) / "series.prom"
            with Child("benchmarks.servers", "exporter", processors_for(series)) as exporter:
                before = exporter.ready["before"]
                body_of(Scraper(exporter.ready["port"], AS_PROMETHEUS))
                ours.append(exporter.memory() - before)
                wholes.append(exporter.memory())
                file.write_bytes(body_of(Scraper(exporter.ready["port"], PLAIN)))
                both.append(exporter.memory() - before)
                peaks.append(exporter.memory("VmHWM") - before)
            with Child("benchmarks.servers", "prometheus", file) as rival:
                before = rival.ready["before"]
                registries.append(rival.ready["filled"] - before)
                body_of(Scraper(rival.ready["port"], PLAIN))
                body_of(Scraper(rival.ready["port"], AS_PROMETHEUS))
                rivals.append(rival.memory("VmHWM") - before)
            count = samples_in(file.read_bytes())
    what = f"memory with {count:,} series"
    whole = mebibytes(spread(wholes).middle)
    return [
        at_most(
            f"{what}, growth from the end of the imports",
            f"{mebibytes(spread(ours).middle)} after a scrape with gzip (whole process {whole}),"
            f" {mebibytes(spread(both).middle)} after one without as well",
            f"prometheus_client's registry {mebibytes(spread(registries).middle)}, never scraped",
            [mine / other for mine, other in zip(ours, registries, strict=True)],
            0.5,
        ),
        Row(
            f"{what}, at most at any time",
            mebibytes(spread(peaks).middle),
            f"prometheus_client {mebibytes(spread(rivals).middle)}, scraped",
            *_ratio([mine / other for mine, other in zip(peaks, rivals, strict=True)]),
        ),
    ]


def measure_sizes(*, smallest: bool = False) -> list[Row]:
    """How far one process goes: its series and all of its memory, at rest after a scrape as Prometheus asks for it."""
    rows = []
    for count in (8,) if smallest else SIZES:
        with Child("benchmarks.servers", "exporter", count) as exporter:
            body_of(Scraper(exporter.ready["port"], AS_PROMETHEUS))
            rows.append(
                Row(
                    f"whole process, {count:,} processors x {DATES} dates: memory",
                    f"{mebibytes(exporter.memory())} ({exporter.ready['series']:,} series)",
                    f"at most at any time: {mebibytes(exporter.memory('VmHWM'))}",
                )
            )
    return rows


def _ratio(ratios: list[float]) -> tuple[str, str]:
    found = spread(ratios)
    return f"{found.middle:.2f} x", str(found)
