"""The server: how it ends, and which connections it cuts."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.web import protocol
from exporter.web.app import create_app
from exporter.web.server import WebServer
from exporter.web.threads import in_thread
from testing.processes import Process
from tests.web.example import ExampleState, report, serving

if TYPE_CHECKING:
    from collections.abc import Callable


REQUEST = b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n"


def connected(server: WebServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def connected_through_a_needle(server: WebServer) -> socket.socket:
    """A connection whose client takes next to nothing that it does not read."""
    connection = socket.socket()
    connection.settimeout(30)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    return connection


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        threading.Event().wait(0.01)


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes or cuts the connection."""
    pieces: list[bytes] = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def test_it_can_serve_on_the_callers_thread_until_another_stops_it() -> None:
    server = WebServer(create_app(ExampleState(), lifecycle=False, version="1"), "127.0.0.1:0")
    answers: list[int] = []

    def ask_and_stop() -> None:
        answers.append(httpx.get(f"{server.url}/healthz").status_code)
        server.stop()

    asking = threading.Thread(target=ask_and_stop)
    asking.start()
    server.serve()
    asking.join(30)

    assert answers == [200]


def test_a_signal_handler_can_stop_it() -> None:
    program = """
import signal
from exporter.web.app import create_app
from exporter.web.server import WebServer
from tests.web.example import ExampleState

server = WebServer(create_app(ExampleState(), lifecycle=False, version="1"), "127.0.0.1:0")
signal.signal(signal.SIGTERM, lambda *_: server.stop())
print("ready", flush=True)
server.serve()
print("clean end", flush=True)
"""
    with Process([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        output, _ = process.communicate(timeout=30)

    assert (process.returncode, output.splitlines()[-1]) == (0, "clean end")


def test_neither_idle_nor_slow_clients_hold_up_a_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    state = ExampleState(report=report(100_000))
    with (
        serving(state) as server,
        connected(server) as idle,
        connected_through_a_needle(server) as slow,
        connected(server) as silent,
    ):
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n")
        assert b"200 OK" in idle.recv(4096)
        slow.sendall(REQUEST)
        assert slow.recv(1) == b"H"

        server.stop()

        assert "web" not in {thread.name for thread in threading.enumerate()}
        assert b"503" not in received(idle)
        assert len(received(slow)) < len(state.report.plain)
        assert received(silent) == b""
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_reload_that_hangs_does_not_hold_up_a_stop(caplog: pytest.LogCaptureFixture) -> None:
    entered, release = threading.Event(), threading.Event()

    class Hanging(ExampleState):
        def reload(self) -> None:
            entered.set()
            release.wait(60)

    try:
        with serving(Hanging(), lifecycle=True) as server, connected(server) as connection:
            connection.sendall(b"POST /-/reload HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n")
            assert entered.wait(30)

            server.stop()

            assert b"200 OK" not in received(connection)
    finally:
        release.set()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_responses_under_way_are_finished() -> None:
    entered, release = threading.Event(), threading.Event()

    class Slow(ExampleState):
        def status_json(self) -> bytes:
            entered.set()
            release.wait(30)
            return b"{}"

    with serving(Slow()) as server, connected(server) as connection:
        connection.sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: test\r\n\r\n")
        assert entered.wait(30)
        stopping = threading.Thread(target=server.stop)
        stopping.start()
        release.set()

        assert received(connection).endswith(b"{}")
        stopping.join(30)


def test_headers_without_end_are_refused(server: WebServer) -> None:
    with connected(server) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: test\r\nX-Long: " + b"a" * 40_000)

        answer = received(connection)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"exceeds 32768 bytes" in answer


def test_headers_that_come_in_pieces_are_read(server: WebServer) -> None:
    with connected(server) as connection:
        for piece in (REQUEST[:10], REQUEST[10:30], REQUEST[30:]):
            connection.sendall(piece)

        assert connection.recv(12) == b"HTTP/1.1 200"


def test_a_connection_takes_one_request_after_the_other(server: WebServer) -> None:
    with connected(server) as connection:
        for _ in range(3):
            connection.sendall(REQUEST[:20])
            connection.sendall(REQUEST[20:])
            answer = b""
            while b"runs_total{" not in answer:
                answer += connection.recv(65536)

            assert answer.startswith(b"HTTP/1.1 200")


def test_what_is_no_http_is_refused(server: WebServer) -> None:
    with connected(server) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")

        assert received(connection).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("sent", [b"", b"GET /metrics HTTP/1.1\r\nHost:", REQUEST + b"GET /met"])
def test_a_request_that_does_not_come_to_an_end_is_cut(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.05)

    with serving(ExampleState()) as server, connected(server) as connection:
        if sent:
            connection.sendall(sent)

        answer = received(connection)

    assert answer.count(b"HTTP/1.1") == (1 if sent.startswith(REQUEST) else 0)


def test_a_client_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "ANSWER_SECONDS", 0.05)
    state = ExampleState(report=report(100_000))

    with serving(state) as server, connected_through_a_needle(server) as connection:
        connection.sendall(REQUEST)
        connection.recv(1, socket.MSG_PEEK)
        wait_until(lambda: server.connections == 0)

        assert len(received(connection)) < len(state.report.plain)


def test_a_client_that_reads_slowly_gets_everything() -> None:
    state = ExampleState(report=report(100_000))

    with serving(state) as server, connected(server) as connection:
        connection.sendall(REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

        answer = received(connection)

    assert answer.partition(b"\r\n\r\n")[2].startswith(state.report.plain)


def test_the_standard_event_loop_serves_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    state = ExampleState(report=report(70_000))

    with serving(state) as server:
        answer = httpx.get(f"{server.url}/metrics", headers={"Accept-Encoding": "identity"})

    assert answer.content.startswith(state.report.plain)


def test_a_fault_in_the_exporter_is_an_error_and_not_the_end() -> None:
    class Faulty(ExampleState):
        def ready(self) -> tuple[str, ...]:
            raise RuntimeError("a fault")

    with serving(Faulty()) as faulty:
        answers = [httpx.get(f"{faulty.url}{path}").status_code for path in ("/readyz", "/healthz")]

    assert answers == [500, 200]


def test_work_on_a_thread_gives_its_result_or_its_error() -> None:
    async def both() -> tuple[int, type[BaseException]]:
        result = await in_thread(lambda: 6 * 7)
        try:
            await in_thread(lambda: 1 // 0)
        except ZeroDivisionError as error:
            return result, type(error)
        return result, Exception

    assert asyncio.run(both()) == (42, ZeroDivisionError)


def test_work_that_ends_after_everyone_has_left_is_forgotten() -> None:
    release, ended = threading.Event(), threading.Event()

    def work() -> None:
        release.wait(30)
        ended.set()

    async def impatient() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(in_thread(work), 0.01)

    asyncio.run(impatient())
    release.set()

    assert ended.wait(30)
    for thread in threading.enumerate():
        if thread.name == "web-work":
            thread.join(30)
