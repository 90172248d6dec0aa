"""A state for the web side that holds still, and servers and certificates to try it with."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from exporter.config.parsing import parse_yaml
from exporter.metrics.exposition import Rendered, render
from exporter.metrics.samples import Family, Samples
from exporter.model import Report
from exporter.present.transfer import report_json
from exporter.web.app import create_app
from exporter.web.server import WebServer
from exporter.web.state import View
from testing.builders import by_processing_date

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from exporter.config.resolved import Config
    from exporter.web.auth import WebConfigFile
    from exporter.web.refusals import Refusals
    from exporter.web.state import ReloadError

MOMENT = dt.datetime(2026, 2, 1, 18, 0, tzinfo=dt.UTC)
ROWS = Family("orchestration_processor_table_rows", "gauge", "Rows counted.", ("processor",))
RUNS = Family("orchestration_exporter_collector_runs_total", "counter", "Runs.", ("collector",))


def report(series: int) -> Rendered:
    return render({ROWS: [(f'processor="processor_{n}"', n) for n in range(series)]})


def live(runs: int) -> Samples:
    return {RUNS: [('collector="completion"', runs)]}


@dataclass
class ExampleState:
    """Answers what it is told to."""

    report: Rendered = field(default_factory=lambda: report(3))
    self_metrics: Samples = field(default_factory=lambda: live(7))
    not_ready: tuple[str, ...] = ()
    config: str = "project: example\npassword: '***'\n"
    fault: ReloadError | None = None
    shown: View = field(default_factory=lambda: View(Report(MOMENT, "America/New_York", ())))
    whole: bytes = b""
    reloads: int = 0
    settings: Config = field(default_factory=by_processing_date)

    def rendered(self) -> Rendered:
        return self.report

    def live(self) -> Samples:
        return self.self_metrics

    def view(self) -> View:
        return self.shown

    def ready(self) -> tuple[str, ...]:
        return self.not_ready

    def status_json(self) -> bytes:
        return json.dumps({"pipelines": []}).encode()

    def report_json(self) -> bytes:
        return self.whole or report_json(self.shown.report, self.shown.unread, "1.2.3", self.shown.history)

    def configuration(self) -> Config:
        return self.settings

    def config_yaml(self) -> str:
        return self.config

    def config_json(self) -> str:
        return json.dumps(parse_yaml(self.config), default=str)

    def reload(self) -> None:
        self.reloads += 1
        if self.fault:
            raise self.fault


@contextlib.contextmanager
def serving(
    state: ExampleState,
    *,
    lifecycle: bool = False,
    web_config: WebConfigFile | None = None,
    tls: ssl.SSLContext | None = None,
    refusals: Refusals | None = None,
) -> Iterator[WebServer]:
    """The real server on a free port of the loopback."""
    app = create_app(state, lifecycle=lifecycle, version="1.2.3", web_config=web_config, refusals=refusals)
    server = WebServer(app, "127.0.0.1:0", tls=tls, refusals=refusals)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as PEM."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey

    @property
    def cert(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key(self) -> bytes:
        return self.encoded(serialization.NoEncryption())

    def encoded(self, encryption: serialization.KeySerializationEncryption) -> bytes:
        return self.private_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

    def written(self, folder: Path, name: str) -> tuple[Path, Path]:
        """The files that hold certificate and key."""
        cert, key = folder / f"{name}.crt", folder / f"{name}.key"
        cert.write_bytes(self.cert)
        key.write_bytes(self.key)
        return cert, key


def identity(name: str, *, sans: Sequence[x509.GeneralName] = (), issuer: Identity | None = None) -> Identity:
    """A new identity, signed by its issuer, or an authority that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer is None:
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    else:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.private_key.public_key())
        builder = builder.add_extension(authority, critical=False)
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(sans)), critical=False)
    return Identity(builder.sign((issuer.private_key if issuer else key), hashes.SHA256()), key)


def server_identity(authority: Identity) -> Identity:
    """An identity for a server on the loopback."""
    names = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    return identity("server", sans=names, issuer=authority)
