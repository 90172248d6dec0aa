"""Reconciling and rendering against their own size, and rendering against prometheus_client's.

python -m benchmarks.scaling PROCESSORS    does it once, each time it is told `cycle`, `render` or `generate_latest`
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.child import live_briefly, obey
from benchmarks.figures import Row, at_most, seconds, short, spread
from benchmarks.processes import Child, processors
from benchmarks.world import DATES, NOW, config_of, processors_for, world_of

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (200, 2_000, 20_000)
SMALLEST = (8, 16)
CYCLES = {200: 15, 2_000: 3, 20_000: 1}
"""Cycles a round: the more, the shorter they are."""


def measure(*, smallest: bool = False) -> list[Row]:
    """Reconcile, samples and bytes (plain and gzip), by the number of processors."""
    sizes, rounds = (SMALLEST, 1) if smallest else (SIZES, 3)
    each: dict[int, list[float]] = {size: [] for size in sizes}
    cpu, _ = processors()
    with ExitStack() as stack:
        children = {size: stack.enter_context(Child("benchmarks.scaling", size, cpu=cpu)) for size in sizes}
        for _ in range(rounds):
            for size, child in children.items():
                times = [child.ask("cycle") for _ in range(CYCLES.get(size, 1))]
                each[size].append(spread(times).middle)
    rows = []
    for few, more in pairwise(sizes):
        growth = more / few
        rows.append(
            at_most(
                f"reconcile and render, {more:,} processors x {DATES} dates",
                f"{seconds(spread(each[more]).middle)} ({short(1e6 * spread(each[more]).middle / more)} us each)",
                f"{few:,} processors {seconds(spread(each[few]).middle)}"
                f" ({short(1e6 * spread(each[few]).middle / few)} us each)",
                [many / less for less, many in zip(each[few], each[more], strict=True)],
                1.1 * growth,
            )
        )
    return rows


def measure_rendering(*, smallest: bool = False) -> list[Row]:
    """Samples and bytes of a report, both formats of them, against one `generate_latest` of the same series."""
    rows = []
    cpu, _ = processors()
    for series, rounds in ((1_200, 1),) if smallest else ((12_000, 9), (120_000, 5)):
        with Child("benchmarks.scaling", processors_for(series), cpu=cpu) as child:
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(child.ask("render"))
                theirs.append(child.ask("generate_latest"))
            count = child.ready["series"]
        rows.append(
            at_most(
                f"rendering {count:,} series: samples, plain bytes and gzip",
                seconds(spread(ours).middle),
                f"one generate_latest, plain {seconds(spread(theirs).middle)}",
                [mine / other for mine, other in zip(ours, theirs, strict=True)],
                1,
            )
        )
    return rows


def main(count: int) -> None:
    """Hold a world of this size, and time what is asked for."""
    from prometheus_client import generate_latest

    from benchmarks.servers import registry_of
    from exporter.metrics.catalogue import report_samples
    from exporter.metrics.exposition import render
    from exporter.reconcile import reconcile
    from exporter.run.tuning import settle

    live_briefly()
    settle()
    world = world_of(config_of(count))
    snapshot = world.snapshot()
    rendered = render(report_samples(reconcile(world.config, snapshot, NOW)))
    series = rendered.series

    def cycle() -> None:
        render(report_samples(reconcile(world.config, snapshot, NOW)))

    commands = {"cycle": lambda: _timed(cycle)}
    if series < 10**6:
        report = reconcile(world.config, snapshot, NOW)
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            file = Path(folder) / "series.prom"
            file.write_bytes(rendered.plain)
            registry = registry_of(file)
        commands["render"] = lambda: _timed(lambda: render(report_samples(report)))
        commands["generate_latest"] = lambda: _timed(lambda: generate_latest(registry))
    del rendered
    obey(commands, series=series)


def _timed(action: Callable[[], object]) -> float:
    """Seconds of computing; what others do on the machine in the meantime does not count."""
    began = time.process_time()
    result = action()
    took = time.process_time() - began
    del result
    return took


if __name__ == "__main__":
    main(int(sys.argv[1]))
