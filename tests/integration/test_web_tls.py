"""TLS as the web configuration file asks for it, with real handshakes."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
from typing import TYPE_CHECKING

import bcrypt
import httpx
import pytest
from cryptography import x509

from exporter.metrics.telemetry import Refusal
from exporter.web import connections, handshakes
from exporter.web.auth import WebConfigFile
from exporter.web.refusals import Refusals
from testing.waiting import until
from tests.web.example import ExampleState, Identity, identity, report, server_identity, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exporter.web.server import WebServer

PAIR = "cert_file: server.crt, key_file: server.key"
CLIENT_CA = "client_ca_file: ca.crt, client_auth_type: RequireAndVerifyClientCert"


@pytest.fixture(scope="module")
def authority() -> Identity:
    return identity("authority")


@pytest.fixture(scope="module")
def stranger() -> Identity:
    """An authority that nobody trusts."""
    return identity("stranger")


@pytest.fixture
def folder(tmp_path: Path, authority: Identity) -> Path:
    server_identity(authority).written(tmp_path, "server")
    (tmp_path / "ca.crt").write_bytes(authority.cert)
    return tmp_path


@pytest.fixture
def serve(folder: Path) -> Iterator[Callable[[str], WebServer]]:
    """Starts the server with these TLS settings."""
    running = []

    def started(settings: str) -> WebServer:
        path = folder / "web.yml"
        path.write_text(f"tls_server_config: {{{PAIR}, {settings}}}\n")
        file = WebConfigFile(path)
        serving_context = serving(ExampleState(report=report(70_000)), web_config=file, tls=file.server_context())
        running.append(serving_context)
        return serving_context.__enter__()

    yield started
    for serving_context in running:
        serving_context.__exit__(None, None, None)


@pytest.fixture
def trusting(authority: Identity) -> ssl.SSLContext:
    """A client that trusts the server's authority."""
    return ssl.create_default_context(cadata=authority.cert.decode())


def with_certificate(context: ssl.SSLContext, client: Identity, folder: Path) -> ssl.SSLContext:
    context.load_cert_chain(*client.written(folder, "client"))
    return context


def status(server: WebServer, context: ssl.SSLContext) -> int:
    """What a scrape over a new connection gets; raises httpx.TransportError without a handshake."""
    return httpx.get(f"{server.url}/metrics", verify=context).status_code


def received(connection: socket.socket) -> bytes:
    """What comes until the server ends the connection."""
    pieces = []
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def client_identity(authority: Identity, *sans: x509.GeneralName) -> Identity:
    return identity("client", sans=sans, issuer=authority)


def test_metrics_are_served_over_tls(serve: Callable[[str], WebServer], trusting: ssl.SSLContext) -> None:
    server = serve("min_version: TLS12")

    assert server.url.startswith("https://")
    answer = httpx.get(f"{server.url}/metrics", verify=trusting, headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    assert len(answer.content) == int(answer.headers["content-length"]) > 4_500_000


def test_plain_http_gets_no_answer(serve: Callable[[str], WebServer]) -> None:
    server = serve("min_version: TLS12")

    with pytest.raises(httpx.TransportError):
        httpx.get(server.url.replace("https", "http"))


@pytest.mark.parametrize(
    ("offered", "wanted", "outcome"),
    [
        ("max_version: TLS12", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("min_version: TLS13", ssl.TLSVersion.TLSv1_2, None),
        ("max_version: TLS12", ssl.TLSVersion.TLSv1_3, None),
    ],
)
def test_versions_are_held_to(
    serve: Callable[[str], WebServer],
    trusting: ssl.SSLContext,
    offered: str,
    wanted: ssl.TLSVersion,
    outcome: str | None,
) -> None:
    server = serve(offered)
    trusting.minimum_version = trusting.maximum_version = wanted

    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain:
        if outcome is None:
            with pytest.raises(ssl.SSLError):
                trusting.wrap_socket(plain, server_hostname="localhost")
        else:
            with trusting.wrap_socket(plain, server_hostname="localhost") as connection:
                assert connection.version() == outcome


def test_cipher_suites_are_held_to(serve: Callable[[str], WebServer], trusting: ssl.SSLContext) -> None:
    server = serve("max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]")

    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain,
        trusting.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        cipher = connection.cipher()

    assert cipher is not None
    assert cipher[0] == "ECDHE-ECDSA-CHACHA20-POLY1305"


@pytest.mark.parametrize(("client_curve", "agree"), [("secp384r1", True), ("secp521r1", False)])
def test_the_curve_is_held_to(
    serve: Callable[[str], WebServer],
    trusting: ssl.SSLContext,
    client_curve: str,
    agree: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    server = serve("curve_preferences: [CurveP384]")
    trusting.set_ecdh_curve(client_curve)

    if agree:
        assert status(server, trusting) == 200
    else:
        with pytest.raises(httpx.TransportError):
            status(server, trusting)


def test_a_required_certificate_is_required(
    serve: Callable[[str], WebServer], trusting: ssl.SSLContext, folder: Path, authority: Identity
) -> None:
    server = serve(CLIENT_CA)

    with pytest.raises(httpx.TransportError):
        status(server, trusting)
    assert status(server, with_certificate(trusting, client_identity(authority), folder)) == 200


def test_a_strangers_certificate_is_refused(
    serve: Callable[[str], WebServer], trusting: ssl.SSLContext, folder: Path, stranger: Identity
) -> None:
    server = serve(CLIENT_CA)

    with pytest.raises(httpx.TransportError):
        status(server, with_certificate(trusting, client_identity(stranger), folder))


def test_a_certificate_that_is_only_verified_if_given_can_be_left_out(
    serve: Callable[[str], WebServer], trusting: ssl.SSLContext, folder: Path, stranger: Identity
) -> None:
    server = serve("client_ca_file: ca.crt, client_auth_type: VerifyClientCertIfGiven, client_allowed_sans: [a]")

    assert status(server, trusting) == 200
    with pytest.raises(httpx.TransportError):
        status(server, with_certificate(trusting, client_identity(stranger), folder))


@pytest.mark.parametrize(
    ("name", "admitted"),
    [
        (x509.DNSName("prometheus.example"), True),
        (x509.DNSName("other.example"), False),
        (x509.IPAddress(ipaddress.ip_address("2001:db8::1")), True),
        (x509.IPAddress(ipaddress.ip_address("2001:db8::2")), False),
        (x509.RFC822Name("ops@example.com"), True),
        (x509.UniformResourceIdentifier("spiffe://example/prometheus"), True),
        (None, False),
    ],
)
def test_only_clients_of_an_allowed_name_are_served(
    serve: Callable[[str], WebServer],
    trusting: ssl.SSLContext,
    folder: Path,
    authority: Identity,
    name: x509.GeneralName | None,
    admitted: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    allowed = "prometheus.example, '2001:db8::1', ops@example.com, 'spiffe://example/prometheus'"
    server = serve(f"{CLIENT_CA}, client_allowed_sans: [{allowed}]")
    context = with_certificate(trusting, client_identity(authority, *([name] if name else [])), folder)

    if admitted:
        assert status(server, context) == 200
    else:
        with pytest.raises(httpx.TransportError):
            status(server, context)


def test_a_new_certificate_is_used_for_new_connections(
    serve: Callable[[str], WebServer], trusting: ssl.SSLContext, folder: Path, stranger: Identity
) -> None:
    server = serve("min_version: TLS12")
    with httpx.Client(base_url=server.url, verify=trusting) as connected:
        before = connected.get("/metrics").status_code
        server_identity(stranger).written(folder, "server")

        kept = connected.get("/metrics").status_code
        renewed = status(server, ssl.create_default_context(cadata=stranger.cert.decode()))

    assert (before, kept, renewed) == (200, 200, 200)
    with pytest.raises(httpx.ConnectError):
        status(server, trusting)


def test_a_new_policy_is_used_for_new_connections(
    serve: Callable[[str], WebServer], trusting: ssl.SSLContext, folder: Path
) -> None:
    server = serve("min_version: TLS12")
    before = status(server, trusting)

    (folder / "web.yml").write_text(f"tls_server_config: {{{PAIR}, {CLIENT_CA}}}\n")

    assert before == 200
    with pytest.raises(httpx.TransportError):
        status(server, trusting)


def test_users_and_tls_work_together(folder: Path, trusting: ssl.SSLContext) -> None:
    hashed = bcrypt.hashpw(b"hunter2", bcrypt.gensalt(4)).decode()
    path = folder / "web.yml"
    path.write_text(f"tls_server_config: {{{PAIR}}}\nbasic_auth_users: {{prometheus: {hashed}}}\n")
    file = WebConfigFile(path)

    with serving(ExampleState(), web_config=file, tls=file.server_context()) as server:
        refused = httpx.get(f"{server.url}/metrics", verify=trusting)
        admitted = httpx.get(f"{server.url}/metrics", verify=trusting, auth=("prometheus", "hunter2"))
        healthy = httpx.get(f"{server.url}/-/healthy", verify=trusting)

    assert (refused.status_code, admitted.status_code, healthy.status_code) == (401, 200, 200)


@pytest.fixture(name="counted")
def _counted() -> list[Refusal]:
    """The reasons of what `limited` refused."""
    return []


@pytest.fixture(name="limited")
def _limited(folder: Path, counted: list[Refusal]) -> Iterator[WebServer]:
    """A server that counts what it refuses."""
    path = folder / "web.yml"
    path.write_text(f"tls_server_config: {{{PAIR}}}\n")
    file = WebConfigFile(path)
    with serving(
        ExampleState(), web_config=file, tls=file.server_context(), refusals=Refusals(counted.append)
    ) as server:
        yield server


def connected(server: WebServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def test_handshakes_that_never_come_are_within_the_limits_on_connections(
    limited: WebServer, trusting: ssl.SSLContext, counted: list[Refusal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_OF_A_CLIENT", 8)

    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connected(limited)) for _ in range(40)]
        assert status(limited, trusting) == 200
        ended = [connection.recv(1) for connection in silent[:32]]
        for connection in silent[33:]:
            connection.settimeout(0)
            with pytest.raises(BlockingIOError):
                connection.recv(1)

    assert ended == [b""] * 32
    assert counted == [Refusal.CLIENT_LIMIT] * 33


def test_a_connection_beyond_the_limits_gets_no_handshake(
    limited: WebServer, trusting: ssl.SSLContext, counted: list[Refusal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_OF_A_CLIENT", 0)

    with pytest.raises(httpx.TransportError):
        status(limited, trusting)

    assert counted == [Refusal.CLIENT_LIMIT]


def test_a_handshake_counts_until_its_connection_does(
    limited: WebServer, trusting: ssl.SSLContext, counted: list[Refusal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "MOST_OF_A_CLIENT", 1)

    answers = {status(limited, trusting) for _ in range(5)}
    with connected(limited) as gone:
        gone.shutdown(socket.SHUT_WR)
        assert gone.recv(1) == b""
    answers.add(status(limited, trusting))

    assert answers == {200}
    # A connection that its client has just closed can still be there for the next one to take the place of.
    assert set(counted) <= {Refusal.CLIENT_LIMIT}


@pytest.mark.parametrize(
    ("sent", "reason"),
    [(b"", Refusal.TOO_SLOW), (b"\x16\x03\x01", Refusal.TOO_SLOW), (b"GET / HTTP/1.1\r\n\r\n", Refusal.MALFORMED)],
)
def test_a_handshake_that_is_too_slow_or_none_is_cut_and_counted(
    limited: WebServer, counted: list[Refusal], monkeypatch: pytest.MonkeyPatch, sent: bytes, reason: Refusal
) -> None:
    monkeypatch.setattr(handshakes, "REQUEST_SECONDS", 0.3)

    with connected(limited) as connection:
        connection.sendall(sent)
        received(connection)

    assert until(lambda: counted, "the refusal to be counted") == [reason]


# uvloop warns of the connection when it closes it, which it then does.
@pytest.mark.filterwarnings("ignore:unclosed resource:ResourceWarning")
def test_a_handshake_that_never_comes_does_not_hold_up_a_stop(serve: Callable[[str], WebServer]) -> None:
    server = serve("min_version: TLS12")

    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as silent:
        server.stop()

        # Ended, or refused where it had not been accepted yet.
        with contextlib.suppress(ConnectionResetError):
            assert silent.recv(1) == b""
