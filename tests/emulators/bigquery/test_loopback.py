from __future__ import annotations

import http.client
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from exporter.emulators.bigquery.loopback import Answer, Call, LoopbackServer, json_answer

if TYPE_CHECKING:
    from collections.abc import Callable


def connection(server: LoopbackServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=10)


def handlers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "process_request_thread" in thread.name]


def test_a_connection_serves_many_calls() -> None:
    calls = []

    def answer(call: Call) -> Answer:
        calls.append((call.method, call.target, call.body, call.headers["X-Key"]))
        return Answer(201, b"made", "text/plain", {"X-Reply": "yes"})

    with LoopbackServer(answer) as server:
        client = connection(server)
        for body in (b"one", b""):
            client.request("POST", "/a?b=c", body, {"X-Key": "v"})
            response = client.getresponse()
            assert (response.status, response.read(), response.headers["X-Reply"]) == (201, b"made", "yes")
        client.close()

    assert calls == [("POST", "/a?b=c", b"one", "v"), ("POST", "/a?b=c", b"", "v")]


def test_a_call_may_be_left_without_an_answer() -> None:
    with LoopbackServer(lambda _: None) as server:
        client = connection(server)
        client.request("GET", "/")
        with pytest.raises(http.client.RemoteDisconnected):
            client.getresponse()
        client.close()


def test_stopping_ends_a_call_that_hangs_and_a_connection_that_idles() -> None:
    entered = threading.Event()

    def hang(call: Call) -> Answer | None:
        if call.target != "/hang":
            return json_answer({})
        entered.set()
        server.stopping.wait()
        return None

    with LoopbackServer(hang) as server:
        idle, hanging = connection(server), connection(server)
        idle.request("GET", "/")
        idle.getresponse().read()
        hanging.request("GET", "/hang")
        assert entered.wait(10)

    assert handlers() == []
    with pytest.raises((http.client.HTTPException, OSError)):
        hanging.getresponse()
    idle.close()
    hanging.close()


def test_a_stopped_server_refuses_connections_and_may_be_stopped_again() -> None:
    server = LoopbackServer(lambda _: None)
    server.start()
    server.stop()
    server.stop()

    with pytest.raises(ConnectionRefusedError):
        connection(server).connect()


def test_a_server_that_never_started_lets_go_of_its_port() -> None:
    server = LoopbackServer(lambda _: None)

    server.stop()

    with pytest.raises(ConnectionRefusedError):
        connection(server).connect()


def test_a_fault_of_the_answering_function_is_reported(capfd: pytest.CaptureFixture[str]) -> None:
    def broken(_: Call) -> Answer:
        raise ZeroDivisionError

    assert "ZeroDivisionError" in complaint_about(broken, capfd)


def test_a_caller_that_hangs_up_is_no_fault(capfd: pytest.CaptureFixture[str]) -> None:
    def left_alone(_: Call) -> Answer:
        raise ConnectionResetError

    assert complaint_about(left_alone, capfd) == ""


def complaint_about(answer: Callable[[Call], Answer], capfd: pytest.CaptureFixture[str]) -> str:
    with LoopbackServer(answer) as server:
        client = connection(server)
        client.request("GET", "/")
        with pytest.raises(http.client.RemoteDisconnected):
            client.getresponse()
        client.close()
    return capfd.readouterr().err
