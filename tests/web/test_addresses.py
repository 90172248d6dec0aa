"""The addresses that the server listens on, and the ports that it gives back."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.web.app import create_app
from exporter.web.server import ListenError, WebServer, listen
from tests.web.example import ExampleState, serving

if TYPE_CHECKING:
    from structlog.typing import EventDict


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def _of_interfaces() -> list[str]:
    """This machine's addresses that are only whole with the name of their interface."""
    try:
        lines = Path("/proc/net/if_inet6").read_text("ascii").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    numbers = [(ipaddress.ip_address(bytes.fromhex(word[0])), word[5]) for word in words]
    return [f"{number}%{interface}" for number, interface in numbers if number.is_link_local]


EVERYWHERE = [":0", "0.0.0.0:0", "127.0.0.1:0", "localhost:0", *(["[::1]:0", "[::]:0"] if _has_ipv6() else [])]


@pytest.mark.parametrize("address", EVERYWHERE)
def test_a_free_port_is_known_before_the_server_runs(address: str) -> None:
    with listen(address) as listener:
        assert listener.getsockname()[1] > 0


@pytest.mark.parametrize("address", [":0", "*:0"])
def test_without_a_host_and_with_an_asterisk_every_address_is_listened_on(address: str) -> None:
    with listen(address) as listener:
        assert listener.getsockname()[0] in {"::", "0.0.0.0"}


def test_the_address_of_an_interface_is_listened_on_there() -> None:
    for scoped in _of_interfaces():
        with listen(f"[{scoped}]:0") as listener:
            host, _, _, interface = listener.getsockname()
            assert f"{host}%{socket.if_indextoname(interface)}" == scoped


def test_the_address_of_an_interface_that_has_another_one_is_refused() -> None:
    if _has_ipv6():
        with pytest.raises(ListenError, match="this machine does not have that address"):
            listen("[fe80::1234%lo]:0")


@pytest.mark.parametrize("address", ["[*]:0", "[127.0.0.1]:0", "[localhost]:0"])
def test_brackets_around_what_is_no_ipv6_address_are_refused(address: str) -> None:
    with pytest.raises(ListenError, match="brackets are for an IPv6 address"):
        listen(address)


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
