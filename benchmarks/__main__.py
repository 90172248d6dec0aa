"""`python -m benchmarks`: all measurements, or those that are named; exit code 1 if a bound does not hold."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from benchmarks import (
    calls,
    changes,
    followed,
    machine,
    memory,
    reads,
    rules,
    scaling,
    scrapes,
    startup,
    states,
    statuspage,
)
from benchmarks.page import page
from benchmarks.table import show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.figures import Row


class Benchmark(Protocol):
    """Measures, and gives the rows of the table."""

    def __call__(self, *, smallest: bool) -> list[Row]: ...


BENCHMARKS: Mapping[str, Benchmark] = {
    "scrapes": scrapes.measure,
    "rate": scrapes.measure_rate,
    "collecting": scrapes.measure_while_collecting,
    "scaling": scaling.measure,
    "rendering": scaling.measure_rendering,
    "changes": changes.measure,
    "followed": followed.measure,
    "calls": calls.measure,
    "reads": reads.measure,
    "memory": memory.measure,
    "sizes": memory.measure_sizes,
    "startup": startup.measure,
    "page": statuspage.measure,
    "states": states.measure,
    "rules": rules.measure,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and say by the exit code whether every bound holds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(BENCHMARKS)}; default all")
    parser.add_argument("--smallest", action="store_true", help="only see that everything runs; judges no bound")
    parser.add_argument("--write", type=Path, metavar="FILE", help="also write the page with these numbers")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark is called {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    description = machine.describe()
    began = time.monotonic()
    rows: list[Row] = []
    for name in options.names or BENCHMARKS:
        started = time.monotonic()
        rows += BENCHMARKS[name](smallest=options.smallest)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    if options.smallest:
        # So few measurements hold to nothing.
        rows = [replace(row, holds=None) for row in rows]
    show(rows)
    print(f"{description}. Took {time.monotonic() - began:.0f} s.")
    if options.write:
        options.write.write_text(page(rows, description), encoding="utf-8")
    return 1 if any(row.holds is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
