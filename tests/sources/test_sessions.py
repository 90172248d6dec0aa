from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import requests
from cryptography import x509

from exporter.sources.sessions import _EndableAdapter
from tests.web.example import identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Endless:
    """A TLS server that sends an answer a byte at a time, for ever; it answers a greeting when it is told to go on."""

    def __init__(self, folder: Path) -> None:
        own = identity("local", sans=[x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        self.certificate, key = own.written(folder, "server")
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.greeted, self.go_on = threading.Event(), threading.Event()
        self.begun, self.ended, self._stopping = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self._listener.getsockname()[1]}/"

    def stop(self) -> None:
        self._stopping.set()
        self._listener.close()
        self._thread.join(10)

    def _serve(self) -> None:
        plain, _ = self._listener.accept()
        plain.recv(1, socket.MSG_PEEK)
        self.greeted.set()
        self.go_on.wait(60)
        with suppress(OSError), self._context.wrap_socket(plain, server_side=True) as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            self.begun.set()
            while not self._stopping.wait(0.01):
                connection.sendall(b"x")
        self.ended.set()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Endless]:
    server = Endless(tmp_path)
    yield server
    server.stop()


@pytest.mark.parametrize("moment", ["greeted", "begun"])
def test_a_request_that_was_given_up_ends_on_both_sides(server: Endless, moment: str) -> None:
    adapter = _EndableAdapter()
    adapter.seconds = 60.0
    session = requests.Session()
    session.mount("https://", adapter)

    def end() -> None:
        if moment == "begun":
            server.go_on.set()
        getattr(server, moment).wait(60)
        adapter.end()
        server.go_on.set()

    ending = threading.Thread(target=end)
    ending.start()
    with pytest.raises(requests.exceptions.RequestException):
        session.get(server.url, verify=str(server.certificate), timeout=1000)
    ending.join(60)

    assert server.ended.wait(60)
    with pytest.raises(requests.exceptions.RequestException, match="given up"):
        session.get(server.url, timeout=1000)
    session.close()


def test_the_time_for_a_request_is_the_adapters_whatever_its_caller_says() -> None:
    adapter = _EndableAdapter()
    adapter.seconds = 0.05
    session = requests.Session()
    session.mount("http://", adapter)

    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        pytest.raises(requests.exceptions.ReadTimeout),
    ):
        session.get(f"http://127.0.0.1:{mute.getsockname()[1]}/", timeout=1000)
    adapter.end()


def test_an_answer_that_asks_to_come_back_tomorrow_is_returned_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The HTTP library's own retries would sleep as long as `Retry-After` says, whatever the time for a request."""
    adapter = _EndableAdapter()
    adapter.seconds = 60.0
    session = requests.Session()
    session.mount("http://", adapter)
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(
            target=_answer_tomorrow, args=(listener, 1 + (adapter.max_retries.total or 0)), daemon=True
        )
        answering.start()
        answer = session.get(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        answering.join(60)
    adapter.end()

    assert (answer.status_code, slept) == (503, [])


def _answer_tomorrow(listener: socket.socket, times: int) -> None:
    for _ in range(times):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 503 Busy\r\nRetry-After: 86400\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
