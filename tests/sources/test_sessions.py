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
