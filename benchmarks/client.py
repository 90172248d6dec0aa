"""A scraper that costs next to nothing: raw sockets, one buffer, the head searched for two things only.

Like Prometheus it keeps its connection where the server does (HTTP/1.1), and makes a new one where it does not; what
that takes counts, as it does for Prometheus.
"""

from __future__ import annotations

import gc
import select
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HOST = "127.0.0.1"
TIMEOUT_SECONDS = 60.0
PLAIN = "Accept: text/plain;version=0.0.4\r\nAccept-Encoding: identity\r\n"
AS_PROMETHEUS = (
    "User-Agent: Prometheus/2.42.0\r\n"
    "Accept: application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n"
    "Accept-Encoding: gzip\r\n"
    "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n"
)
_BUFFER = bytearray(64 * 2**20)
"""Every answer is read into the same memory: each is over before the next is read."""


class Scraper:
    """One client of one server."""

    def __init__(self, port: int, headers: str, path: str = "/metrics") -> None:
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\n{headers}\r\n".encode()
        self._socket: socket.socket | None = None
        self.asked_at = 0.0

    def fileno(self) -> int:
        """The connection's, for a poll; only between `ask` and `read`."""
        assert self._socket is not None
        return self._socket.fileno()

    def ask(self) -> None:
        """Send the request."""
        self.asked_at = time.perf_counter()
        if self._socket is None:
            self._socket = socket.create_connection((HOST, self._port), TIMEOUT_SECONDS)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # With a time-out of its own Python would poll before every read.
            self._socket.setblocking(True)  # noqa: FBT003 - the only way to say it
        self._socket.sendall(self._request)

    def read(self) -> memoryview:
        """The body of the answer, valid until the next one is read. Raises RuntimeError for anything but 200."""
        assert self._socket is not None
        view = memoryview(_BUFFER)
        got, end = 0, -1
        while end < 0:
            received = self._socket.recv_into(view[got:])
            if not received:
                raise RuntimeError("the server closed the connection before it answered")
            got += received
            end = _BUFFER.find(b"\r\n\r\n", 0, got)
        head = bytes(view[:end]).lower()
        if head[8:13] != b" 200 ":
            raise RuntimeError(f"the server answered {head.splitlines()[0].decode()}")
        start = end + 4
        stop = start + int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
        while got < stop:
            received = self._socket.recv_into(view[got:stop], 0, socket.MSG_WAITALL)
            if not received:
                raise RuntimeError("the server closed the connection in the middle of its answer")
            got += received
        if head.startswith(b"http/1.0"):
            self.close()
        return view[start:stop]

    def scrape(self) -> float:
        """Ask and read; seconds."""
        self.ask()
        self.read()
        return time.perf_counter() - self.asked_at

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection of our own while others are measured."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def in_turn(scrapers: Sequence[Scraper], times: int) -> list[list[float]]:
    """Scrape each of them `times` times, by turns. Returns each one's durations in seconds."""
    found: list[list[float]] = [[] for _ in scrapers]
    with undisturbed():
        for _ in range(times):
            for scraper, took in zip(scrapers, found, strict=True):
                took.append(scraper.scrape())
    return found


def at_once(scrapers: Sequence[Scraper], seconds: float, most: int) -> tuple[list[float], float, float]:
    """All of them scrape all the time, for so long and no more than so often.

    The seconds of each scrape, those from the first request to the last answer, and how busy this process was (0 to 1).
    """
    found: list[float] = []
    waiting = select.epoll()
    asked: dict[int, Scraper] = {}

    def ask(scraper: Scraper) -> None:
        scraper.ask()
        waiting.register(scraper.fileno(), select.EPOLLIN)
        asked[scraper.fileno()] = scraper

    with undisturbed(), waiting:
        began, busy = time.perf_counter(), time.process_time()
        for scraper in scrapers:
            ask(scraper)
        while asked:
            for number, _ in waiting.poll(TIMEOUT_SECONDS):
                scraper = asked.pop(number)
                waiting.unregister(number)
                scraper.read()
                now = time.perf_counter()
                found.append(now - scraper.asked_at)
                if now - began < seconds and len(found) + len(asked) < most:
                    ask(scraper)
        took = time.perf_counter() - began
        return found, took, (time.process_time() - busy) / took


def until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Look until it is so. Raises RuntimeError if it does not become so."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.002)
