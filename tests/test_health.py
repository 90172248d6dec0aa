from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from exporter import health

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Exporter(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/-/healthy" else 503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class names it so
        pass


@contextmanager
def _serving(context: ssl.SSLContext | None = None) -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Exporter) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'http' if context is None else 'https'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(name="exporter")
def _exporter() -> Iterator[str]:
    with _serving() as url:
        yield url


@pytest.fixture(name="context")
def _context(tmp_path: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "exporter.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("192.0.2.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_an_exporter_that_answers_is_healthy(exporter: str) -> None:
    assert health.main([f"{exporter}/-/healthy"]) == 0


def test_a_self_signed_certificate_for_another_name_is_healthy(context: ssl.SSLContext) -> None:
    with _serving(context) as url:
        assert health.problem(f"{url}/-/healthy") is None


def test_an_exporter_that_answers_an_error_is_not_healthy(exporter: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main([exporter]) == 1
    assert capsys.readouterr().err == f"{exporter}: status 503\n"


def test_an_exporter_that_is_not_there_is_not_healthy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        reason = health.problem(f"http://127.0.0.1:{taken.getsockname()[1]}/-/healthy")

    assert reason is not None
    assert "refused" in reason


def test_an_exporter_that_hangs_is_not_healthy() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()

        reason = health.problem(f"http://127.0.0.1:{silent.getsockname()[1]}/-/healthy", timeout=0.05)

    assert reason == "timed out"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("127.0.0.1:9189", "not an http or https address"),
        ("ftp://127.0.0.1/", "not an http or https address"),
        ("http://127.0.0.1:99999/", "Port out of range 0-65535"),
        ("http://[::1/", "Invalid IPv6 URL"),
    ],
)
def test_an_address_that_is_none_is_named(url: str, reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert health.main([url]) == 1
    assert capsys.readouterr().err == f"{url}: {reason}\n"


def test_the_module_runs_as_a_command(exporter: str) -> None:
    command = [sys.executable, "-m", "exporter.health", f"{exporter}/-/healthy"]

    assert subprocess.run(command, check=False, timeout=30).returncode == 0
