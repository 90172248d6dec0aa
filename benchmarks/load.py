"""Scrapes beside everything else that clients can do to a server: `python -m benchmarks.load SECONDS [SERIES [RATE]]`.

One process serves (`serve`), one is all the other clients (`trouble`), and this one scrapes, first while it is quiet.
Elsewhere clients run on other machines: here the server has a processor of its own where there are two, and the scraper
goes before the other clients, so that their own work is not counted as the server's.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import os
import random
import re
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.child import obey
from benchmarks.client import AS_PROMETHEUS, Scraper
from benchmarks.figures import quantile
from benchmarks.processes import Child, only_on, processors

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

LONGEST_LIFE_SECONDS: Final = 1200
EVERY_SECONDS: Final = 10
"""How often each collector runs."""
SCRAPERS: Final = 8
IDLE: Final = 500
SLOW: Final = 8
"""Clients that send slowly, and as many that read slowly."""
BEHIND: Final = 10
"""By how much the other clients are nicer than the scraper."""
USER: Final = "prometheus"
PASSWORD: Final = "correct horse"
_RUNS: Final = re.compile(r'^orchestration_exporter_collector_runs_total\{collector="(\w+)"\} (\S+)$', re.MULTILINE)
_SKIPPED: Final = re.compile(r"^orchestration_exporter_collector_skipped_total\{[^}]*\} (\S+)$", re.MULTILINE)
_REFUSED: Final = re.compile(r'^orchestration_exporter_http_refused_total\{reason="(\w+)"\} (\S+)$', re.MULTILINE)


def authorization(password: str) -> str:
    """The header of a user with this password."""
    return f"Authorization: Basic {base64.b64encode(f'{USER}:{password}'.encode()).decode()}\r\n"


def serve(count: int) -> None:
    """The exporter with users, collecting from sources in its memory by the machine's clock."""
    import bcrypt

    from benchmarks.client import until
    from benchmarks.world import NOW, config_of, world_of
    from exporter.config.load import Loaded
    from exporter.messages import logs
    from exporter.run.service import Service
    from exporter.run.tuning import settle
    from exporter.web.app import create_app
    from exporter.web.auth import WebConfigFile
    from exporter.web.refusals import Refusals
    from exporter.web.server import WebServer

    signal.alarm(LONGEST_LIFE_SECONDS)
    logs.configure("error", "logfmt")
    world = world_of(config_of(count, every=timedelta(seconds=EVERY_SECONDS)))
    loaded = Loaded(world.config, {}, "benchmark", "0" * 64)
    service = Service(lambda: loaded, world.memory().open, lambda: NOW)
    with tempfile.TemporaryDirectory(prefix="orchestration-exporter-load-") as folder:
        web_config = Path(folder, "web.yml")
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(8)).decode()
        web_config.write_text(f"basic_auth_users: {{{USER}: {hashed}}}\n", encoding="utf-8")
        refusals = Refusals(lambda reason: service.telemetry.add(f"refused_{reason}"))
        file = WebConfigFile(web_config)
        app = create_app(service, lifecycle=False, version="0", web_config=file, refusals=refusals)
        server = WebServer(app, "127.0.0.1:0", refusals=refusals)
        server.start()
        settle()
        service.start()
        until(lambda: not service.ready(), LONGEST_LIFE_SECONDS, "the first collections")
        obey(port=server.port, series=service.rendered().series)
        service.stop()
        server.stop()


class Trouble:
    """All clients but the scrapers, each kind from an address of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._chance = random.Random(port)  # noqa: S311 - no secret

    async def everything(self) -> None:
        """Every kind of trouble at once, for ever."""
        kinds: list[Coroutine[None, None, None]] = [
            *(self._again(self._idle, f"127.0.1.{number % 4 + 1}") for number in range(IDLE)),
            *(self._again(self._send_slowly, "127.0.2.1") for _ in range(SLOW)),
            *(self._again(self._read_slowly, "127.0.2.2") for _ in range(SLOW)),
            *(self._again(self._abort, "127.0.2.3") for _ in range(4)),
            *(self._again(self._guess, "127.0.2.4") for _ in range(2)),
        ]
        await asyncio.gather(*kinds)

    async def _again(self, act: Callable[[str], Awaitable[None]], source: str) -> None:
        await asyncio.sleep(self._chance.uniform(0, 2))
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await act(source)
            await asyncio.sleep(0.05)

    @contextlib.asynccontextmanager
    async def _connected(self, source: str) -> AsyncIterator[tuple[StreamReader, StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(source, 0))
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def _get(self, more: str = "") -> bytes:
        return f"GET /metrics HTTP/1.1\r\nHost: load\r\n{more}\r\n".encode()

    async def _idle(self, source: str) -> None:
        async with self._connected(source) as (reader, writer):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: load\r\n\r\n")
            while await reader.read(4096):
                pass

    async def _send_slowly(self, source: str) -> None:
        async with self._connected(source) as (_, writer):
            for byte in self._get(authorization(PASSWORD)):
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.2)

    async def _read_slowly(self, source: str) -> None:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(0)
        connection.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self._port))
        with connection:
            await asyncio.get_running_loop().sock_sendall(connection, self._get(authorization(PASSWORD)))
            received = b"x"
            while received:
                received = await asyncio.get_running_loop().sock_recv(connection, 1024)
                await asyncio.sleep(0.1)

    async def _abort(self, source: str) -> None:
        async with self._connected(source) as (reader, writer):
            writer.write(self._get(authorization(PASSWORD)))
            await reader.readexactly(1000)
            option = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
        await asyncio.sleep(0.2)

    async def _guess(self, source: str) -> None:
        async with self._connected(source) as (reader, writer):
            writer.write(self._get(authorization(f"guess {self._chance.random()}")))
            await reader.read(100)
        await asyncio.sleep(0.2)


def trouble(port: int) -> None:
    """Make trouble from the first command to the end of standard input."""
    signal.alarm(LONGEST_LIFE_SECONDS)
    os.nice(BEHIND)

    def begin() -> None:
        threading.Thread(target=lambda: asyncio.run(Trouble(port).everything()), daemon=True).start()

    obey({"begin": begin})


@dataclass
class Measured:
    """What the scrapers saw, in seconds; `wrong` are answers other than 200 and broken connections."""

    took: list[float]
    wrong: int
    seconds: float
    rate: float

    def __str__(self) -> str:
        found = quantile(self.took, 0.5), quantile(self.took, 0.99), max(self.took)
        p50, p99, most = (1000 * value for value in found)
        return (
            f"{len(self.took) / self.seconds:.0f} scrapes a second, p50 {p50:.2f} ms, p99 {p99:.2f} ms,"
            f" longest {most:.0f} ms, {self.wrong} errors"
        )


def scrape(port: int, seconds: float, rate: float) -> Measured:
    """Scrape at this rate, over several connections in turn."""
    scrapers = [Scraper(port, AS_PROMETHEUS + authorization(PASSWORD)) for _ in range(SCRAPERS)]
    found = Measured([], 0, seconds, rate)
    gc.disable()
    begin = time.perf_counter()
    number = 0
    while (now := time.perf_counter()) < begin + seconds:
        due = begin + number / rate
        if due > now:
            time.sleep(due - now)
        scraper = scrapers[number % SCRAPERS]
        try:
            found.took.append(scraper.scrape())
        except (OSError, RuntimeError):
            found.wrong += 1
            scraper.close()
        number += 1
    gc.enable()
    for scraper in scrapers:
        scraper.close()
    return found


def counters(port: int) -> tuple[dict[str, float], float, dict[str, float]]:
    """Runs of the collectors, runs that were left out, and refusals by reason."""
    scraper = Scraper(port, authorization(PASSWORD) + "Accept-Encoding: identity\r\n")
    scraper.ask()
    text = bytes(scraper.read()).decode()
    scraper.close()
    runs = {name: float(value) for name, value in _RUNS.findall(text)}
    refused = {name: float(value) for name, value in _REFUSED.findall(text) if float(value)}
    return runs, sum(map(float, _SKIPPED.findall(text))), refused


@dataclass
class Outcome:
    """The result of a load: the scrapes while it was quiet and while it was not."""

    series: int
    quiet: Measured
    loaded: Measured
    memory: tuple[int, int]
    runs: dict[str, float]
    skipped: float
    refused: dict[str, float]

    def faults(self) -> list[str]:
        """What does not hold of what must hold."""
        p99 = quantile(self.loaded.took, 0.99) / quantile(self.quiet.took, 0.99)
        reached = len(self.loaded.took) / self.loaded.seconds / self.loaded.rate
        growth = self.memory[1] / self.memory[0] - 1
        wanted = 0.8 * self.loaded.seconds / EVERY_SECONDS
        return [
            *([f"{self.loaded.wrong} scrapes failed"] if self.loaded.wrong or self.quiet.wrong else []),
            *([f"only {reached:.0%} of the scrapes were made in time"] if reached < 0.95 else []),
            *([f"p99 is {p99:.1f} times that while it was quiet, more than 3"] if p99 > 3 else []),
            *([f"memory grew by {growth:.1%}, more than 5 %"] if growth > 0.05 else []),
            *(f"{name} ran {runs:.0f} times, not {wanted:.0f}" for name, runs in self.runs.items() if runs < wanted),
            *([f"{self.skipped:.0f} runs were left out"] if self.skipped else []),
        ]

    def __str__(self) -> str:
        before, after = (size / 2**20 for size in self.memory)
        return (
            f"{self.series} series\nquiet: {self.quiet}\nloaded: {self.loaded}\n"
            f"memory: {before:.0f} MiB, then {after:.0f} MiB\n"
            f"collections: {self.runs}, {self.skipped:.0f} left out\nrefused: {self.refused}\n"
        )


def load(seconds: float, series: int, rate: float) -> Outcome:
    """Scrape for a quarter of the seconds while it is quiet, then for all of them beside the trouble."""
    from benchmarks.world import processors_for

    ours, theirs = processors()
    with Child("benchmarks.load", "serve", processors_for(series), cpu=ours) as server, only_on(theirs):
        port = server.ready["port"]
        scrape(port, 1, rate)
        quiet = scrape(port, seconds / 4, rate)
        with Child("benchmarks.load", "trouble", port, cpu=theirs) as others:
            others.ask("begin")
            # Until every connection is there.
            scrape(port, 3 + seconds / 20, rate)
            memory = server.memory()
            before, skipped, _ = counters(port)
            loaded = scrape(port, seconds, rate)
            after, skipped_then, refused = counters(port)
            grown = server.memory()
        runs = {name: after[name] - before[name] for name in after}
        return Outcome(server.ready["series"], quiet, loaded, (memory, grown), runs, skipped_then - skipped, refused)


def main(what: str, series: int = 12_000, rate: int = 1000) -> None:
    """Serve, make trouble, or load for so many seconds; ends with 1 if something did not hold."""
    match what:
        case "serve":
            serve(series)
        case "trouble":
            trouble(series)
        case _:
            outcome = load(float(what), series, rate)
            sys.stdout.write(str(outcome))
            faults = outcome.faults()
            sys.stdout.write("".join(f"FAULT: {fault}\n" for fault in faults))
            sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
