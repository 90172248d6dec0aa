"""The status page: what rendering it takes from a report that is there, and what it weighs.

python -m benchmarks.statuspage PROCESSORS    does it once, each time it is told `render`
"""

from __future__ import annotations

import gzip
import sys
import time

from benchmarks.child import live_briefly, obey
from benchmarks.figures import Row, at_most, seconds, spread
from benchmarks.processes import Child, processors
from benchmarks.world import DATES, config_of, world_of

PROCESSORS = 500
MOST_SECONDS = 0.05
MOST_BYTES = 300_000


def measure(*, smallest: bool = False) -> list[Row]:
    """One page, rendered again and again in a process of its own."""
    number, rounds = (8, 1) if smallest else (PROCESSORS, 25)
    cpu, _ = processors()
    with Child("benchmarks.statuspage", number, cpu=cpu) as child:
        times = [child.ask("render") for _ in range(rounds)]
        size, compressed = child.ready["bytes"], child.ready["gzip"]
    what = f"status page of {number:,} processors x {DATES} dates"
    return [
        at_most(
            f"{what}: rendering",
            seconds(spread(times).middle),
            f"{seconds(MOST_SECONDS)}, the bound set",
            [taken / MOST_SECONDS for taken in times],
            1,
        ),
        at_most(
            f"{what}: size",
            f"{size / 1000:.0f} kB ({compressed / 1000:.0f} kB with gzip)",
            f"{MOST_BYTES / 1000:.0f} kB, the bound set",
            [size / MOST_BYTES],
            1,
        ),
    ]


def main(number: int) -> None:
    """Hold a report of this size, and time its page."""
    from exporter.present.history import History
    from exporter.run.tuning import settle
    from exporter.web.page import About, render_page
    from exporter.web.state import View

    live_briefly()
    report = world_of(config_of(number)).report()
    view, about = View(report, History().after(report)), About("0")
    page = render_page(view, about).encode()
    settle()

    def render() -> float:
        began = time.process_time()
        render_page(view, about)
        return time.process_time() - began

    obey({"render": render}, bytes=len(page), gzip=len(gzip.compress(page, 6)))


if __name__ == "__main__":
    main(int(sys.argv[1]))
