"""`docs/benchmarks.md`: what is measured, how, and what a run gave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.table import markdown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.figures import Row

_HEAD = """\
# Benchmarks

`make bench` measures this in a quarter of an hour, prints the table and exits 1 if a bound does not hold.
`make bench ARGS="scrapes memory"` measures parts of it; `make bench ARGS=--help` lists them; with
`ARGS="--write docs/benchmarks.md"` it writes this page, which is how the numbers got here.

## How

- The two sides of a ratio are measured in turn (one scrape of ours, one of theirs, and so on) in rounds. `ratio` is the
  median of the rounds' ratios, `lowest .. highest` the range of them, what stands in `measured` and `against` the
  medians of the rounds.
- Every server runs in a process of its own, on the first processor; the load generator has the second for itself. It
  uses raw sockets and reads every answer into the same buffer, so that it is not what is measured (the row about
  scrapes a second says how busy it was). All of it stays on the loopback and is bounded in number and time.
- "plain" asks for text without compression; "gzip" sends the headers that Prometheus sends (OpenMetrics, gzip). Like
  Prometheus, the client keeps its connection where the server does; prometheus_client's server closes it.
- The exporter is measured whole (service, schedule, web server) on sources in memory that hold a usual day for as
  many processors as make so many series. prometheus_client's server has the very same series in its registry.
- "Constant bytes" is the exporter's own web server with an application that has nothing to decide.
- Collections that run during scrapes read, reconcile and render back to back, without a pause: more than ever happens.
- From a write in Firestore to `/metrics`: a local Firestore in a process of its own reports the write to Google's
  client, and the time ends with the first scrape that has the new number, as Prometheus asks for it.
- Calls and reads are counted by the servers that Google's clients talk to: the local Firestore, and a stand-in for
  BigQuery's REST API. "The old scripts" are `benchmarks/seed_scripts.py`: a stream of all heartbeats, one query a
  table. BigQuery refuses a query over more than 1,000 tables, so that 2,000 tables take three.
- Reconciling and rendering are pure computing and measured in processor time, each size in a process of its own.
- The status page is rendered again for each measurement, from one report, in processor time. The exporter renders it
  once for each report, and only if somebody looks.
- Memory is what a fresh process grew by after its imports.
- For the cost in Prometheus, a server scrapes one report 20 times, and then says how much of its heap is in use.
- The rules are evaluated by a real Prometheus that scrapes every series of a day on which all processors are missing.
  `benchmarks/rules_before.yml`, the rules as they were, stands beside those of today in a group of its own. Both make
  the same alerts with the same words, or nothing is measured. `VERSIONS=FOLDER:FOLDER` names those of other versions.

## Numbers

"""


def page(rows: Iterable[Row], machine: str) -> str:
    """The page's text; `machine` is what the rows were measured on."""
    return f"{_HEAD}{machine}.\n\n{markdown(rows)}"
