"""A scrape over HTTP: how long it takes and how many there can be, against prometheus_client's server and the limit."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.client import AS_PROMETHEUS, PLAIN, Scraper, at_once, in_turn
from benchmarks.figures import Row, at_least, at_most, quantile, seconds, short, spread
from benchmarks.processes import Child, only_on, processors
from benchmarks.world import processors_for

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = {"plain": PLAIN, "gzip": AS_PROMETHEUS}
CONNECTIONS = 8
SCRAPERS = 64
MOST_SCRAPES = 100_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many series, what must hold for them, and how many scrapes a round and format are worth it.

    `rivals`: scrapes of prometheus_client's server a round; `limits`: scrapes of the constant bytes.
    """

    series: int
    faster: float
    rivals: dict[str, int]
    limits: dict[str, int]
    rival_rounds: int = 5
    limit_rounds: int = 9


SIZES = (
    Size(1_200, 10, {"plain": 40, "gzip": 20}, {"plain": 1000, "gzip": 1000}),
    Size(12_000, 50, {"plain": 8, "gzip": 5}, {"plain": 300, "gzip": 1000}),
    Size(120_000, 100, {"plain": 2, "gzip": 1}, {"plain": 100, "gzip": 600}, 4, 7),
)
SMALLEST = (Size(1_200, 10, {"plain": 1, "gzip": 1}, {"plain": 2, "gzip": 2}, 1, 1),)


@dataclass(frozen=True, slots=True)
class Servers:
    """The exporter, prometheus_client's server with the same series, and the limit; `series` is how many they have."""

    exporter: Child
    rival: Child
    limit: Child
    series: int

    @property
    def port(self) -> int:
        return int(self.exporter.ready["port"])


@contextmanager
def servers(series: int) -> Iterator[Servers]:
    """All three, on one processor while this process keeps to another; only the one that is asked has work."""
    served_on, asked_on = processors()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        exporter = stack.enter_context(Child("benchmarks.servers", "exporter", processors_for(series), cpu=served_on))
        file = folder / "series.prom"
        file.write_bytes(body_of(Scraper(int(exporter.ready["port"]), PLAIN)))
        rival = stack.enter_context(Child("benchmarks.servers", "prometheus", file, cpu=served_on))
        limit = stack.enter_context(Child("benchmarks.servers", "constant", cpu=served_on))
        stack.enter_context(only_on(asked_on))
        yield Servers(exporter, rival, limit, samples_in(file.read_bytes()))


def body_of(scraper: Scraper) -> bytes:
    """The body of one answer."""
    scraper.ask()
    body = bytes(scraper.read())
    scraper.close()
    return body


def samples_in(exposition: bytes) -> int:
    return sum(1 for line in exposition.splitlines() if line and not line.startswith(b"#"))


def measure(*, smallest: bool = False) -> list[Row]:
    """Latency of one scrape at a time, by size and format."""
    rows: list[Row] = []
    for size in SMALLEST if smallest else SIZES:
        with servers(size.series) as running:
            for form in FORMATS:
                rows.append(_against_rival(running, size, form))
                rows += _against_limit(running, size, form)
    # What is promised together stands together.
    return sorted(rows, key=lambda row: ("p50, " in row.what) + 2 * ("p99, " in row.what))


def _against_rival(running: Servers, size: Size, form: str) -> Row:
    ours, theirs = Scraper(running.port, FORMATS[form]), Scraper(running.rival.ready["port"], FORMATS[form])
    in_turn([ours, theirs], 1)
    rounds = [in_turn([ours, theirs], size.rivals[form]) for _ in range(size.rival_rounds)]
    ours.close()
    medians = [tuple(quantile(times, 0.5) for times in both) for both in rounds]
    return at_least(
        f"scrape, {running.series:,} series, {form}",
        f"p50 {seconds(spread([mine for mine, _ in medians]).middle)}",
        f"prometheus_client p50 {seconds(spread([other for _, other in medians]).middle)}",
        [other / mine for mine, other in medians],
        size.faster,
    )


def _against_limit(running: Servers, size: Size, form: str) -> Iterator[Row]:
    ours = Scraper(running.port, FORMATS[form])
    length = len(body_of(ours))
    limit = Scraper(running.limit.ready["port"], FORMATS[form], f"/{length}")
    in_turn([ours, limit], 3)
    rounds = [in_turn([ours, limit], size.limits[form]) for _ in range(size.limit_rounds)]
    ours.close()
    limit.close()
    for share, bound in ((0.5, 1.2), (0.99, 1.5)):
        name = f"p{100 * share:.0f}"
        found = [tuple(quantile(times, share) for times in both) for both in rounds]
        yield at_most(
            f"scrape {name}, {running.series:,} series, {form}",
            f"{name} {seconds(spread([mine for mine, _ in found]).middle)}",
            f"{length:,} constant bytes, {name} {seconds(spread([other for _, other in found]).middle)}",
            [mine / other for mine, other in found],
            bound,
        )


def measure_rate(*, smallest: bool = False) -> list[Row]:
    """Scrapes a second of one process, as Prometheus asks for them."""
    series, rounds, lasting = (1_200, 1, 0.05) if smallest else (12_000, 4, 1.0)
    ratios, ours, theirs, busy = [], [], [], 0.0
    with servers(series) as running:
        for _ in range(rounds):
            rate, used = _rate(running.port, lasting)
            rival, _ = _rate(int(running.rival.ready["port"]), 2 * lasting)
            ours.append(rate)
            theirs.append(rival)
            ratios.append(rate / rival)
            busy = max(busy, used)
        count = running.series
    return [
        at_least(
            f"scrapes a second, {count:,} series, gzip, {CONNECTIONS} connections",
            f"{short(spread(ours).middle)} a second (load generator {100 * busy:.0f} % busy)",
            f"prometheus_client {short(spread(theirs).middle)} a second",
            ratios,
            50,
            word="as many",
        )
    ]


def _rate(port: int, lasting: float) -> tuple[float, float]:
    crowd = [Scraper(port, AS_PROMETHEUS) for _ in range(CONNECTIONS)]
    found, took, busy = at_once(crowd, lasting, MOST_SCRAPES)
    for scraper in crowd:
        scraper.close()
    return len(found) / took, busy


def measure_while_collecting(*, smallest: bool = False) -> list[Row]:
    """64 scrapers at once, with and without collections going on in the serving process."""
    series, rounds, lasting = (1_200, 1, 0.05) if smallest else (12_000, 7, 1.0)
    served_on, asked_on = processors()
    quiet, busy, cycles = [], [], 0
    with Child("benchmarks.servers", "exporter", processors_for(series), cpu=served_on) as exporter, only_on(asked_on):
        crowd = [Scraper(int(exporter.ready["port"]), AS_PROMETHEUS) for _ in range(SCRAPERS)]
        at_once(crowd, lasting / 4, MOST_SCRAPES)
        for _ in range(rounds):
            quiet.append(quantile(at_once(crowd, lasting, MOST_SCRAPES)[0], 0.99))
            exporter.ask("collect")
            busy.append(quantile(at_once(crowd, lasting, MOST_SCRAPES)[0], 0.99))
            cycles += exporter.ask("rest")
        for scraper in crowd:
            scraper.close()
        count = exporter.ready["series"]
    return [
        at_most(
            f"{SCRAPERS} scrapers at once while collections run, {count:,} series, gzip, p99",
            f"{seconds(spread(busy).middle)} ({cycles} collections, one after the other)",
            f"no collection: {seconds(spread(quiet).middle)}",
            [during / before for before, during in zip(quiet, busy, strict=True)],
            1.5,
        )
    ]
