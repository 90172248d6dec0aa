"""TLS for the web configuration file, as far as Python's `ssl` supports it. Everything else is refused.

The names of versions, policies, cipher suites and curves are those of Go's crypto/tls, as in Prometheus's format.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import platform
import ssl
from dataclasses import dataclass, field
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
OLD_VERSIONS: Final = frozenset({"TLS10", "TLS11"})

CLIENT_AUTH: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
UNVERIFIED_CLIENT_AUTH: Final = frozenset({"RequestClientCert", "RequireAnyClientCert"})

CIPHER_SUITES: Final = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
}
TLS13_CIPHER_SUITES: Final = frozenset(
    {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
)

CURVES: Final = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}


class TlsError(Exception):
    """A setting that is not supported. `key` is its name in the file. The message contains no secret."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The section `tls_server_config` with the contents of its files: certificates and keys in PEM."""

    cert: bytes
    key: bytes = field(repr=False)
    client_ca: bytes | None = None
    client_auth_type: str = "NoClientCert"
    client_allowed_sans: tuple[str, ...] = ()
    min_version: str = "TLS12"
    max_version: str = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    curve_preferences: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """A context for new connections. Raises TlsError."""
    context = _ServerContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    _set_versions(context, settings)
    _set_certificate(context, settings)
    _set_cipher_suites(context, settings)
    _set_curve(context, settings)
    _set_client_auth(context, settings)
    return context


def _set_versions(context: ssl.SSLContext, settings: TlsSettings) -> None:
    for key, name in (("min_version", settings.min_version), ("max_version", settings.max_version)):
        if name in OLD_VERSIONS:
            raise TlsError(key, f"{name} is not offered, it is no longer safe; use TLS12 or TLS13")
        if name not in VERSIONS:
            raise TlsError(key, "unknown version; use TLS12 or TLS13")
    if VERSIONS[settings.min_version] > VERSIONS[settings.max_version]:
        raise TlsError("max_version", "lower than min_version, which leaves no version at all; swap the two")
    context.minimum_version = VERSIONS[settings.min_version]
    context.maximum_version = VERSIONS[settings.max_version]


def _set_certificate(context: ssl.SSLContext, settings: TlsSettings) -> None:
    if b"-----BEGIN CERTIFICATE-----" not in settings.cert:
        raise TlsError("cert", "no PEM certificate in it; expected -----BEGIN CERTIFICATE-----")
    if b"PRIVATE KEY-----" not in settings.key:
        raise TlsError("key", "no PEM private key in it; expected -----BEGIN PRIVATE KEY-----")
    if b"ENCRYPTED" in settings.key:
        raise TlsError("key", "the key is encrypted, and the format has no place for its password; decrypt it")
    try:
        with _readable(settings.cert) as cert, _readable(settings.key) as key:
            context.load_cert_chain(cert, key, password=b"")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise TlsError("key", "the key does not belong to the certificate; give the pair that does") from None
        raise TlsError("cert", f"certificate or key cannot be used ({error.reason or 'damaged PEM'})") from None


def outside_validity(settings: TlsSettings, now: datetime) -> str | None:
    """What is wrong with the certificate's dates, if anything. It is served all the same: clients decide."""
    first = x509.load_pem_x509_certificates(settings.cert)[0]
    if now > first.not_valid_after_utc:
        return f"the certificate has expired on {first.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    if now < first.not_valid_before_utc:
        return f"the certificate is not valid before {first.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
    return None


@contextlib.contextmanager
def _readable(pem: bytes) -> Iterator[str]:
    """The name of a file from which OpenSSL can read these bytes: it reads certificates from files only.

    On Linux the file is in memory: the key never reaches a disk, and a read-only file system is no obstacle.
    """
    with os.fdopen(os.memfd_create("pem"), "w+b") if hasattr(os, "memfd_create") else TemporaryFile() as file:
        file.write(pem)
        file.flush()
        file.seek(0)
        yield f"/dev/fd/{file.fileno()}"


def _set_cipher_suites(context: ssl.SSLContext, settings: TlsSettings) -> None:
    if not settings.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    chosen = settings.cipher_suites
    if not chosen:
        return
    for name in chosen:
        if name not in CIPHER_SUITES and name not in TLS13_CIPHER_SUITES:
            raise TlsError("cipher_suites", "a suite in the list is unknown or unsafe; use names of Go's crypto/tls")
    if TLS13_CIPHER_SUITES & set(chosen) and not set(chosen) >= TLS13_CIPHER_SUITES:
        raise TlsError("cipher_suites", "Python cannot choose among the suites of TLS 1.3; list all three or none")
    suites = [CIPHER_SUITES[name] for name in chosen if name in CIPHER_SUITES]
    if suites:
        context.set_ciphers(":".join(suites))
    elif settings.min_version == "TLS12":
        raise TlsError("cipher_suites", "no suite for TLS 1.2; add one, or set min_version: TLS13")


def _set_curve(context: ssl.SSLContext, settings: TlsSettings) -> None:
    match settings.curve_preferences:
        case ():
            return
        case (name,) if name in CURVES:
            try:
                context.set_ecdh_curve(CURVES[name])
            except ssl.SSLError as error:
                # Debian 12's Python 3.11.2 cannot choose X25519; 3.11.7 can.
                remedy = "name another curve, or none for its own choice"
                raise TlsError(
                    "curve_preferences", f"Python {platform.python_version()} cannot choose {name}; {remedy}"
                ) from error
        case (_,):
            raise TlsError("curve_preferences", f"unknown curve; use one of {', '.join(CURVES)}")
        case _:
            raise TlsError("curve_preferences", "Python takes one curve only; name one, or none for its own choice")


def _set_client_auth(context: _ServerContext, settings: TlsSettings) -> None:
    policy = settings.client_auth_type
    if policy in UNVERIFIED_CLIENT_AUTH:
        raise TlsError(
            "client_auth_type",
            f"{policy} takes certificates without verifying them, which Python cannot do; "
            "use VerifyClientCertIfGiven or RequireAndVerifyClientCert with a client_ca_file",
        )
    if policy not in CLIENT_AUTH:
        raise TlsError("client_auth_type", f"unknown policy; use one of {', '.join(CLIENT_AUTH)}")
    if policy == "NoClientCert":
        if settings.client_ca is not None:
            raise TlsError("client_ca", "has no effect without client_auth_type; set it to RequireAndVerifyClientCert")
        if settings.client_allowed_sans:
            raise TlsError("client_allowed_sans", "has no effect without client_auth_type: RequireAndVerifyClientCert")
        return
    if settings.client_ca is None:
        raise TlsError("client_auth_type", f"{policy} needs client_ca_file, which says whose certificates count")
    try:
        context.load_verify_locations(cadata=settings.client_ca.decode("ascii"))
    except (ssl.SSLError, UnicodeDecodeError):
        raise TlsError("client_ca", "no PEM certificate in it; expected -----BEGIN CERTIFICATE-----") from None
    context.verify_mode = CLIENT_AUTH[policy]
    if settings.client_allowed_sans:
        context.allowed_sans = frozenset(map(_comparable, settings.client_allowed_sans))
        context.sslobject_class = _NamedClients


class _ServerContext(ssl.SSLContext):
    """A context that also knows the allowed names of clients."""

    allowed_sans: frozenset[str] = frozenset()


class _NamedClients(ssl.SSLObject):
    """Ends the handshake if the client's verified certificate has none of the allowed names."""

    def do_handshake(self) -> None:
        super().do_handshake()
        certificate = self.getpeercert()
        if not certificate:  # The policy allows a client without a certificate.
            return
        allowed = self.context.allowed_sans if isinstance(self.context, _ServerContext) else frozenset()
        names = {_comparable(str(entry[1])) for entry in certificate.get("subjectAltName", ())}
        if not names & allowed:
            raise ssl.SSLCertVerificationError("the client's certificate has none of client_allowed_sans")


def _comparable(name: str) -> str:
    """A name; an IP address in its canonical form, because OpenSSL writes IPv6 addresses differently."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


class CurrentContext(ssl.SSLContext):
    """A context for a server that accepts only one, which gives each new connection the context in force."""

    current: Callable[[], ssl.SSLContext]

    @classmethod
    def of(cls, current: Callable[[], ssl.SSLContext]) -> CurrentContext:
        """A context that asks `current` for each connection."""
        context = cls(ssl.PROTOCOL_TLS_SERVER)
        context.current = current
        return context

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:  # noqa: ANN401 - what it takes is none of its business
        """Wrap a new connection with the context in force."""
        return self.current().wrap_bio(*args, **kwargs)
