"""What one client may cost: bytes, time, connections, log lines. Every state of a connection comes to an end."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.metrics.telemetry import Refusal
from exporter.web import connections, protocol, refusals
from exporter.web.connections import Connections
from exporter.web.refusals import Refusals
from testing.waiting import until
from tests.web.example import ExampleState, report, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict

    from exporter.web.server import WebServer

GET = b"GET /healthz HTTP/1.1\r\nHost: test\r\n"
POST = b"POST /-/reload HTTP/1.1\r\nHost: test\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MEBIBYTE = 1024 * 1024


@dataclass
class Counted:
    """Counts refusals."""

    reasons: list[Refusal] = field(default_factory=list)

    def refusals(self) -> Refusals:
        return Refusals(self.reasons.append)


@contextlib.contextmanager
def connected(server: WebServer, source: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30, source_address=(source, 0)) as connection:
        yield connection


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes or cuts the connection."""
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def sent_before_the_end(connection: socket.socket, head: bytes, piece: bytes) -> int:
    """How many bytes of `head` and endless `piece`s the other side takes, 64 MiB at most."""
    sent = 0
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(head)
        while sent < 64 * MEBIBYTE:
            sent += connection.send(piece)
    return sent


@pytest.mark.parametrize(
    ("head", "piece"),
    {
        "address": (b"GET /", b"a" * 1000),
        "a header's name": (GET, b"a" * 1000),
        "a header": (GET + b"X: ", b"a" * 1000),
        "many headers": (GET, b"X: a\r\n" * 100),
        "body": (POST + b"Content-Length: 1000000000\r\n\r\n", b"a" * 1000),
        "body of a path that has none": (GET + b"Content-Length: 1000000000\r\n\r\n", b"a" * 1000),
        "chunks": (CHUNKED, b"3e8\r\n" + b"a" * 1000 + b"\r\n"),
        "extensions of chunks": (CHUNKED, b"1;" + b"a" * 1000 + b"\r\na\r\n"),
        "one extension": (CHUNKED + b"1;", b"a" * 1000),
        "trailers": (CHUNKED + b"0\r\n", b"X: a\r\n" * 100),
        "a trailer": (CHUNKED + b"0\r\nX: ", b"a" * 1000),
        "empty lines": (b"", b"\r\n" * 500),
        "another protocol": (GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b"a" * 1000),
        "requests in a row": (b"", (GET + b"\r\n") * 100),
    }.values(),
)
def test_whatever_part_of_a_request_is_endless_it_is_cut(head: bytes, piece: bytes) -> None:
    with serving(ExampleState(), lifecycle=True) as server, connected(server) as connection:
        sent = sent_before_the_end(connection, head, piece)

    # The kernel's buffers take some megabytes that the server never reads.
    assert sent < 32 * MEBIBYTE


def test_a_long_address_in_one_piece_is_refused_and_counted() -> None:
    counted = Counted()

    with serving(ExampleState(), refusals=counted.refusals()) as server, connected(server) as connection:
        connection.sendall(b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\nHost: test\r\n\r\n")
        answer = received(connection)

    assert b" 400 " in answer
    assert counted.reasons == [Refusal.TOO_LARGE]


def test_a_connection_may_carry_any_number_of_requests_one_after_the_other() -> None:
    with serving(ExampleState()) as server, httpx.Client() as client:
        padding = "a" * 1000
        answers = {client.get(f"{server.url}/healthz", headers={"X-Padding": padding}).status_code for _ in range(100)}

    assert answers == {200}


@pytest.mark.parametrize(
    "sent",
    {
        "nothing": (),
        "half a head": (GET,),
        "no body": (POST + b"Content-Length: 5\r\n\r\n",),
        "half a body": (POST + b"Content-Length: 5\r\n\r\na",),
        "no end of the chunks": (CHUNKED + b"1\r\na\r\n",),
        "no end of the trailers": (CHUNKED + b"0\r\nX: a\r\n",),
        "answered, then nothing": (GET + b"\r\n",),
        "answered, then half a head": (GET + b"\r\n", GET),
        "answered, then an empty line": (GET + b"\r\n", b"\r\n"),
        "answered before the body, then a part of it": (GET + b"Content-Length: 5\r\n\r\n", b"a"),
        "answered before the body, then all of it": (GET + b"Content-Length: 5\r\n\r\n", b"aaaaa"),
        "two requests at once, and half a third": (2 * (GET + b"\r\n") + GET,),
        "another protocol": (GET + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n", b"a"),
        "a tunnel": (b"CONNECT test:80 HTTP/1.1\r\nHost: test\r\n\r\n", b"a"),
        "no promise kept": (POST + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",),
    }.values(),
)
def test_every_state_of_a_connection_has_a_deadline(monkeypatch: pytest.MonkeyPatch, sent: tuple[bytes, ...]) -> None:
    for name in ("REQUEST_SECONDS", "ANSWER_SECONDS", "IDLE_SECONDS"):
        monkeypatch.setattr(protocol, name, 0.1)

    with serving(ExampleState()) as server, connected(server) as connection:
        for number, piece in enumerate(sent):
            if number:
                connection.recv(65536)
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(piece)
        received(connection)
        deadline = threading.Event()
        while server.connections:
            deadline.wait(0.01)


def test_a_client_that_reads_a_little_at_a_time_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(protocol, "IDLE_SECONDS", 0.3)
    state = ExampleState(report=report(100_000))
    connection = socket.socket()
    connection.settimeout(30)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    with serving(state) as server, connection:
        connection.connect(("127.0.0.1", server.port))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: test\r\nAccept-Encoding: identity\r\n\r\n")
        length = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(512):
                length += len(piece)
                threading.Event().wait(0.002)

    assert length < len(state.report.plain)


def test_connections_that_only_wait_give_way_to_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_OF_A_CLIENT", 8)
    counted = Counted()

    with serving(ExampleState(), refusals=counted.refusals()) as server, contextlib.ExitStack() as stack:
        for _ in range(40):
            stack.enter_context(connected(server))
        answer = httpx.get(f"{server.url}/metrics")

        assert answer.status_code == 200
        assert server.connections <= 9
    assert counted.reasons.count(Refusal.CLIENT_LIMIT) == 33


def test_health_is_answered_while_every_connection_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 4)
    release, entered = threading.Event(), threading.Semaphore(0)

    class Slow(ExampleState):
        def status_json(self) -> bytes:
            entered.release()
            release.wait(30)
            return b"{}"

    with serving(Slow()) as server, contextlib.ExitStack() as stack:
        try:
            for _ in range(4):
                stack.enter_context(connected(server)).sendall(b"GET /api/v1/status HTTP/1.1\r\nHost: test\r\n\r\n")
            for _ in range(4):
                assert entered.acquire(timeout=30)
            answers = {
                path: httpx.get(f"{server.url}{path}").status_code for path in ("/healthz", "/-/ready", "/metrics")
            }
        finally:
            release.set()

    assert answers == {"/healthz": 200, "/-/ready": 200, "/metrics": 503}


def test_clients_that_leave_before_their_answers_are_no_errors(caplog: pytest.LogCaptureFixture) -> None:
    state = ExampleState(report=report(12_000))
    many = b"GET /metrics HTTP/1.1\r\nHost: test\r\nAccept-Encoding: identity\r\n\r\n" * 16

    with serving(state) as server:
        for path in (b"/metrics", b"/api/v1/status"):
            for _ in range(10):
                with connected(server) as connection:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    connection.sendall(many.replace(b"/metrics", path))
                    connection.recv(1000)
        until(lambda: not server.connections, "the connections to end")
        # Requests that were begun have been ended when the next one is answered.
        assert httpx.get(f"{server.url}/metrics").status_code == 200

    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@pytest.mark.parametrize(("number", "answers"), [(protocol.MOST_UNANSWERED, 16), (protocol.MOST_UNANSWERED + 1, 0)])
def test_a_client_may_have_a_bounded_number_of_requests_unanswered(number: int, answers: int) -> None:
    counted = Counted()
    last = b"GET /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"

    with serving(ExampleState(), refusals=counted.refusals()) as server, connected(server) as connection:
        connection.sendall((GET + b"\r\n") * (number - 1) + last)
        said = received(connection)

    assert said.count(b"HTTP/1.1 200 OK") == answers
    assert counted.reasons == [Refusal.TOO_LARGE] * (not answers)


@dataclass(eq=False)
class Wire:
    """A connection of a client, which can be cut."""

    address: str
    all: Connections
    cuts: int = 0

    def cut(self) -> None:
        self.cuts += 1
        self.all.left(self)


def test_the_client_with_most_connections_loses_its_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 6)
    counted = Counted()
    limits = Connections(counted.refusals())
    greedy = [Wire("192.0.2.1", limits) for _ in range(4)]
    modest = [Wire("192.0.2.2", limits) for _ in range(2)]
    for wire in (*greedy, *modest):
        assert limits.admit(wire)
    limits.works(greedy[0])

    assert limits.admit(Wire("192.0.2.3", limits))

    assert [wire.cuts for wire in (*greedy, *modest)] == [0, 1, 0, 0, 0, 0]
    assert (limits.count, counted.reasons) == (6, [Refusal.SERVER_LIMIT])


def test_a_connection_that_was_cut_no_longer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 4)

    class Lingering(Wire):
        """Its end takes another moment, as that of a socket does."""

        def cut(self) -> None:
            self.cuts += 1

    limits = Connections(Refusals())
    greedy = [Lingering("192.0.2.1", limits) for _ in range(50)]
    for wire in greedy:
        assert limits.admit(wire)
        assert not limits.full
    for wire in greedy:
        limits.waits(wire)
        limits.left(wire)

    assert [wire.cuts for wire in greedy] == [1] * 46 + [0] * 4
    assert limits.count == 0


def test_beyond_the_reserve_a_connection_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 2)
    monkeypatch.setattr(connections, "RESERVE", 1)
    limits = Connections(Refusals())
    busy = [Wire(f"192.0.2.{number}", limits) for number in range(4)]

    admitted = []
    for wire in busy:
        admitted.append((limits.admit(wire), limits.full))
        limits.works(wire)

    assert admitted == [(True, False), (True, False), (True, True), (False, True)]


def test_a_client_whose_connections_are_all_busy_gets_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST_OF_A_CLIENT", 1)
    limits = Connections(Refusals())
    first, second, other = Wire("192.0.2.1", limits), Wire("192.0.2.1", limits), Wire("192.0.2.2", limits)
    limits.admit(first)
    limits.works(first)

    assert (limits.admit(second), limits.admit(other)) == (False, True)

    limits.waits(first)
    assert limits.admit(second)
    assert first.cuts == 1


def test_a_client_fills_one_log_line_a_minute_and_reason(events: list[EventDict]) -> None:
    now, counted = 1000.0, Counted()
    kept = Refusals(counted.reasons.append, lambda: now)
    for _ in range(500):
        kept.add(Refusal.MALFORMED, "192.0.2.1")
    kept.add(Refusal.TOO_SLOW, "192.0.2.1")
    now += refusals.QUIET_SECONDS
    kept.add(Refusal.MALFORMED, "192.0.2.1")

    assert [(event["reason"], event["left_out"]) for event in events] == [
        ("malformed", 0),
        ("too_slow", 0),
        ("malformed", 499),
    ]
    assert len(counted.reasons) == 502


def test_many_clients_fill_a_bounded_number_of_log_lines(events: list[EventDict]) -> None:
    now = 1000.0
    kept = Refusals(clock=lambda: now)
    for number in range(5000):
        kept.add(Refusal.MALFORMED, f"192.0.2.{number}")
    now += refusals.QUIET_SECONDS
    kept.add(Refusal.MALFORMED, "198.51.100.1")

    assert len(events) == refusals.MOST_LINES + 1
    assert events[-1]["left_out_of_others"] == 5000 - refusals.MOST_LINES


def test_what_is_no_http_or_wants_another_protocol_is_logged_once(events: list[EventDict]) -> None:
    with serving(ExampleState()) as server:
        for sent in (b"\x16\x03\x01 hello\r\n\r\n", GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n") * 20:
            with connected(server) as connection:
                connection.sendall(sent)
                received(connection)

    assert [event["reason"] for event in events if event["log_level"] != "debug"] == ["malformed"]


def test_many_headers_are_refused_before_they_cost_time() -> None:
    counted = Counted()

    with serving(ExampleState(), refusals=counted.refusals()) as server, connected(server) as connection:
        connection.sendall(GET + b"X: a\r\n" * protocol.MOST_HEADERS + b"\r\n")
        answer = received(connection)

    assert b" 400 " in answer
    assert counted.reasons == [Refusal.TOO_LARGE]


@pytest.mark.parametrize("path", ["/logs", "/runbooks/"])
def test_many_parameters_are_refused_before_they_cost_time(path: str) -> None:
    with serving(ExampleState()) as server:
        answer = httpx.get(f"{server.url}{path}?{'a=b&' * 101}")

    assert (answer.status_code, answer.text) == (404, "The address has more than 100 parameters.\n")
