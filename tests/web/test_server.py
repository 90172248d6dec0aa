"""The server: where it listens, how it ends, and what it does not put up with."""

from __future__ import annotations

import asyncio
import errno
import os
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
from exporter.web.server import ListenError, WebServer, listen
from exporter.web.threads import in_thread
from testing.processes import Process
from tests.web.example import ExampleState, report, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from structlog.typing import EventDict


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


EVERYWHERE = [":0", "0.0.0.0:0", "127.0.0.1:0", "localhost:0", *(["[::1]:0", "[::]:0"] if _has_ipv6() else [])]

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n"


@pytest.fixture
def server() -> Iterator[WebServer]:
    with serving(ExampleState()) as server:
        yield server


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


@pytest.mark.parametrize("address", EVERYWHERE)
def test_a_free_port_is_known_before_the_server_runs(address: str) -> None:
    with listen(address) as listener:
        assert listener.getsockname()[1] > 0


def test_a_name_with_several_addresses_means_the_ipv4_one() -> None:
    with listen("localhost:0") as listener:
        assert listener.family == socket.AF_INET


def test_every_address_is_listened_on_when_none_is_named() -> None:
    with listen(":0") as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            assert connection.getpeername()[1] == port


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("9189", "bad listen address '9189': no port; expected host:port"),
        ("", "bad listen address '': no port"),
        ("localhost:", "the port is not a number from 0 to 65535"),
        ("localhost:http", "the port is not a number from 0 to 65535"),
        ("localhost:65536", "the port is not a number from 0 to 65535"),
        ("localhost:-1", "the port is not a number from 0 to 65535"),
        ("localhost:٣", "the port is not a number from 0 to 65535"),
        ("::1:9189", "an IPv6 address needs brackets"),
        ("host.invalid:9189", "cannot listen on host.invalid:9189: the host name cannot be resolved"),
        ("192.0.2.1:9189", "cannot listen on 192.0.2.1:9189: this machine does not have that address"),
    ],
)
def test_a_bad_address_is_named_with_what_to_do(address: str, expected: str) -> None:
    with pytest.raises(ListenError) as caught:
        listen(address)

    assert expected in str(caught.value)


def test_a_port_in_use_is_named_with_what_to_do(server: WebServer) -> None:
    with pytest.raises(ListenError) as caught:
        WebServer(create_app(ExampleState(), lifecycle=False, version="1"), f"127.0.0.1:{server.port}")

    assert str(caught.value) == (
        f"cannot listen on 127.0.0.1:{server.port}: the port is in use; stop the process that has it "
        f"(ss -ltnp 'sport = :{server.port}' names it) or choose another with --web.listen-address"
    )


def test_a_port_in_use_is_found_when_every_address_is_meant(server: WebServer) -> None:
    with pytest.raises(ListenError, match="the port is in use"):
        listen(f":{server.port}")


@pytest.mark.parametrize(
    ("code", "expected"),
    [(errno.EACCES, "ports below 1024 need a privilege"), (errno.ENOBUFS, "No buffer space available; choose")],
)
def test_other_reasons_are_told_as_well(monkeypatch: pytest.MonkeyPatch, code: int, expected: str) -> None:
    def refuse(*_args: object, **_options: object) -> socket.socket:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(socket, "create_server", refuse)

    with pytest.raises(ListenError, match=expected):
        listen("127.0.0.1:80")


def test_the_address_to_ask_is_known(server: WebServer) -> None:
    assert server.url == f"http://127.0.0.1:{server.port}"


@pytest.mark.parametrize("address", EVERYWHERE)
def test_the_address_to_ask_is_one_that_answers(address: str) -> None:
    server = WebServer(create_app(ExampleState(), lifecycle=False, version="1"), address)
    server.start()
    try:
        assert httpx.get(f"{server.url}/healthz").status_code == 200
    finally:
        server.stop()


def test_a_server_that_never_ran_gives_its_port_back() -> None:
    app = create_app(ExampleState(), lifecycle=False, version="1")
    server = WebServer(app, "127.0.0.1:0")

    server.stop()

    listen(f"127.0.0.1:{server.port}").close()


def test_a_server_stopped_before_it_runs_does_not_run() -> None:
    server = WebServer(create_app(ExampleState(), lifecycle=False, version="1"), "127.0.0.1:0")

    server.stop()
    server.serve()
    server.start()

    listen(f"127.0.0.1:{server.port}").close()


def test_a_stopped_server_gives_its_port_back() -> None:
    with serving(ExampleState()) as server:
        httpx.get(server.url)

    listen(f"127.0.0.1:{server.port}").close()


def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, events: list[EventDict]) -> None:
    def refuse() -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    server = WebServer(create_app(ExampleState(), lifecycle=False, version="1"), "127.0.0.1:0")
    monkeypatch.setattr("uvloop.new_event_loop", refuse)

    with pytest.raises(ListenError, match=rf"{server.url} could not start: \[Errno 24\] Too many open files"):
        server.start()

    assert "web server failed" in [event["event"] for event in events]


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
    assert b"exceed 32768 bytes" in answer


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
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)

    with serving(ExampleState()) as server, connected(server) as connection:
        if sent:
            connection.sendall(sent)

        answer = received(connection)

    assert answer.count(b"HTTP/1.1") == (1 if sent.startswith(REQUEST) else 0)


def test_a_client_that_does_not_read_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "WRITE_SECONDS", 0.05)
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
