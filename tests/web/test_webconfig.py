"""The web configuration file: what it takes, and what it says of what it does not."""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime, timedelta
from textwrap import dedent
from typing import TYPE_CHECKING

import bcrypt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.web.tls import CURVES
from exporter.web.webconfig import RateLimit, WebConfigError, load
from tests.web.example import Identity, server_identity

if TYPE_CHECKING:
    from pathlib import Path

HASH = bcrypt.hashpw(b"hunter2", b"$2b$04$nzl/XuI1kBxjdctglVrnte").decode()


@pytest.fixture
def folder(tmp_path: Path, authority: Identity) -> Path:
    """A folder with a server's certificate and key, and the authority that signed them."""
    server_identity(authority).written(tmp_path, "server")
    (tmp_path / "ca.crt").write_bytes(authority.cert)
    return tmp_path


def written(folder: Path, text: str) -> Path:
    path = folder / "web.yml"
    path.write_text(dedent(text))
    return path


def faults(folder: Path, text: str) -> list[str]:
    """What is wrong with the file, without its name."""
    path = written(folder, text)
    with pytest.raises(WebConfigError) as caught:
        load(path)
    return [line.removeprefix(f"{path}:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize("text", ["", "---\n", "# nothing\n", "basic_auth_users:\n", "tls_server_config: {}\n"])
def test_an_empty_file_configures_nothing(folder: Path, text: str) -> None:
    config = load(written(folder, text))

    assert (config.users, config.headers, config.rate_limit, config.tls) == ({}, (), None, None)


def test_everything_at_once(folder: Path) -> None:
    path = written(
        folder,
        f"""\
        tls_server_config:
          cert_file: server.crt
          key_file: {folder}/server.key
          client_auth_type: RequireAndVerifyClientCert
          client_ca_file: ca.crt
          client_allowed_sans: [prometheus.example]
          min_version: TLS12
          max_version: TLS13
          cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]
          curve_preferences: [CurveP256]
          prefer_server_cipher_suites: no
        http_server_config:
          http2: true
          headers:
            X-Frame-Options: deny
            Strict-Transport-Security: max-age=31536000; includeSubDomains
        basic_auth_users:
          prometheus: {HASH}
          123: {HASH}
        rate_limit: {{interval: 1m0.5s, burst: 20}}
        """,
    )

    config = load(path)

    assert config.tls is not None
    assert config.tls.verify_mode is ssl.CERT_REQUIRED
    assert not config.tls.options & ssl.OP_CIPHER_SERVER_PREFERENCE
    assert config.users == {"prometheus": HASH.encode(), "123": HASH.encode()}
    assert config.headers == (
        (b"x-frame-options", b"deny"),
        (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    )
    assert config.rate_limit == RateLimit(60.5, 20)
    assert config.http2_wanted
    assert config.files == (path, folder / "server.crt", folder / "server.key", folder / "ca.crt")


def test_certificates_can_stand_in_the_file_itself(tmp_path: Path, authority: Identity) -> None:
    server = server_identity(authority)
    indented = {
        name: pem.decode().replace("\n", "\n    ")
        for name, pem in (("cert", server.cert), ("key", server.key), ("client_ca", authority.cert))
    }
    text = "".join(f"  {name}: |\n    {pem}\n" for name, pem in indented.items())
    path = tmp_path / "web.yml"
    path.write_text(f"tls_server_config:\n{text}  client_auth_type: VerifyClientCertIfGiven\n")

    config = load(path)

    assert config.tls is not None
    assert config.tls.verify_mode is ssl.CERT_OPTIONAL
    assert config.files == (path,)


@pytest.mark.parametrize("prefix", ["$2a$", "$2b$", "$2y$"])
def test_hashes_of_all_makers_are_taken(folder: Path, prefix: str) -> None:
    config = load(written(folder, f"basic_auth_users: {{a: {HASH.replace('$2b$', prefix)}}}"))

    assert config.users["a"].startswith(prefix.encode())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("basic_auth_user: {}", "1: unknown key in the file; did you mean basic_auth_users?"),
        (
            "\nx: 1",
            (
                "2: unknown key in the file; known are: "
                "tls_server_config, http_server_config, basic_auth_users, rate_limit"
            ),
        ),
        ("- a", "1: the file must be a mapping (key: value)"),
        ("? [a]\n: b", "1: a key in the file is not text"),
        ("rate_limit: 5", "1: rate_limit must be a mapping (key: value)"),
        ("rate_limit:\n  burst: 5\n  burst: 6", "3: a key in rate_limit is there twice, first on line 2"),
        ("rate_limit: {interval: often, burst: 1}", "1: interval must be a duration: 100ms, 1s, 1m30s"),
        ("rate_limit: {interval: [1s], burst: 1}", "1: interval must be text"),
        ("rate_limit: {interval: 1s, burst: -1}", "1: burst must be a whole number"),
        ("rate_limit: {interval: 1s}", "1: an interval without a burst refuses every request; set burst"),
        ("http_server_config: {http3: true}", "1: unknown key in http_server_config; did you mean http2?"),
        ("http_server_config: {http2: 1}", "1: http2 must be true or false"),
        (
            "http_server_config:\n  headers:\n    Server: none",
            (
                "3: unknown header; known are: Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, "
                "X-XSS-Protection, Content-Security-Policy"
            ),
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: never}}",
            "1: X-Frame-Options takes deny or sameorigin",
        ),
        (
            'http_server_config: {headers: {X-XSS-Protection: "1\\r\\nSet-Cookie: a"}}',
            "1: X-XSS-Protection holds characters that HTTP cannot send; use printable ASCII",
        ),
        (
            f"basic_auth_users: {{'a:b': {HASH}}}",
            "1: a user's name in basic_auth_users is empty or has a colon: choose another",
        ),
        (
            "basic_auth_users:\n  a: hunter2",
            "2: a user's value in basic_auth_users is not a bcrypt hash ($2y$...); make one with: htpasswd -nBC 10 ''",
        ),
        ("tls_server_config: {min_version: TLS13}", None),
    ],
)
def test_a_fault_is_named_with_its_line_and_what_to_do(folder: Path, text: str, expected: str | None) -> None:
    found = faults(folder, text)

    if expected is None:
        expected = "1: tls_server_config needs cert_file (or cert)"
        assert found == [expected, "1: tls_server_config needs key_file (or key)"]
    else:
        assert found == [expected]


def test_all_faults_are_found_at_once_in_the_order_of_the_file(folder: Path) -> None:
    found = faults(
        folder,
        """\
        basic_auth_users: {a: b}
        http_server_config: {http2: perhaps}
        extra: 1
        """,
    )

    assert [fault.partition(":")[0] for fault in found] == ["1", "2", "3"]


PAIR = "cert_file: server.crt, key_file: server.key"
UNKNOWN_SUITE = "a suite in the list is unknown or unsafe; use names of Go's crypto/tls"


@pytest.mark.parametrize(
    ("settings_text", "expected"),
    [
        ("cert_file: none.crt, key_file: server.key", "cert_file: {folder}/none.crt cannot be read: No such file"),
        ("cert_file: ., key_file: server.key", "cert_file: {folder} cannot be read: Is a directory"),
        ("cert_file: pipe, key_file: server.key", "cert_file: {folder}/pipe is not a regular file"),
        ("cert_file: server.key, key_file: server.key", "cert_file: no PEM certificate in it"),
        ("cert_file: server.crt, key_file: server.crt", "key_file: no PEM private key in it"),
        ("cert_file: server.crt, key_file: other.key", "key_file: the key does not belong to the certificate"),
        ("cert_file: server.crt, key_file: locked.key", "key_file: the key is encrypted"),
        ("cert_file: broken.crt, key_file: server.key", "cert_file: certificate or key cannot be used"),
        ("cert_file: huge.crt, key_file: server.key", "cert_file: {folder}/huge.crt is larger than 1 MiB"),
        ("cert: x, cert_file: server.crt, key_file: server.key", "cert and cert_file are both there; keep one"),
        (
            'cert_file: server.crt, key_file: "-----BEGIN PRIVATE KEY-----"',
            "key_file holds a certificate or key",
        ),
        (f"{PAIR}, min_version: TLS10", "min_version: TLS10 is not offered"),
        (f"{PAIR}, max_version: TLS11", "max_version: TLS11 is not offered"),
        (f"{PAIR}, min_version: SSL30", "min_version: unknown version"),
        (f"{PAIR}, min_version: TLS13, max_version: TLS12", "max_version: lower than min_version"),
        (f"{PAIR}, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]", f"cipher_suites: {UNKNOWN_SUITE}"),
        (f"{PAIR}, cipher_suites: [TLS_AES_128_GCM_SHA256]", "cipher_suites: Python cannot choose among the suites"),
        (f"{PAIR}, cipher_suites: {{}}", "cipher_suites must be a list of texts"),
        (
            f"{PAIR}, cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256]",
            "cipher_suites: no suite for TLS 1.2",
        ),
        (f"{PAIR}, curve_preferences: [CurveP256, CurveP384]", "curve_preferences: Python takes one curve only"),
        (f"{PAIR}, curve_preferences: [Curve25519]", "curve_preferences: unknown curve"),
        (f"{PAIR}, client_auth_type: RequestClientCert", "client_auth_type: RequestClientCert takes certificates"),
        (
            f"{PAIR}, client_auth_type: RequireAnyClientCert",
            "client_auth_type: RequireAnyClientCert takes",
        ),
        (f"{PAIR}, client_auth_type: Maybe", "client_auth_type: unknown policy"),
        (f"{PAIR}, client_auth_type: RequireAndVerifyClientCert", "client_auth_type: RequireAndVerifyClientCert needs"),
        (f"{PAIR}, client_ca_file: ca.crt", "client_ca_file: has no effect without client_auth_type"),
        (f"{PAIR}, client_allowed_sans: [a]", "client_allowed_sans: has no effect without client_auth_type"),
        (
            f"{PAIR}, client_ca_file: server.key, client_auth_type: VerifyClientCertIfGiven",
            "client_ca_file: no PEM certificate in it",
        ),
        (
            f"{PAIR}, client_ca: ümlaut, client_auth_type: VerifyClientCertIfGiven",
            "client_ca: no PEM certificate in it",
        ),
    ],
)
def test_what_tls_cannot_do_is_refused(folder: Path, authority: Identity, settings_text: str, expected: str) -> None:
    other = server_identity(authority)
    other.written(folder, "other")
    (folder / "locked.key").write_bytes(other.encoded(serialization.BestAvailableEncryption(b"hunter2")))
    (folder / "broken.crt").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (folder / "huge.crt").write_bytes(other.cert + b"\n" * 2_000_000)
    os.mkfifo(folder / "pipe")

    [fault] = faults(folder, f"tls_server_config: {{{settings_text}}}")

    assert fault.startswith("1: ")
    assert fault.removeprefix("1: ").removeprefix("tls_server_config.").startswith(expected.format(folder=folder))


def test_a_pipe_as_web_configuration_is_refused_instead_of_waited_for(folder: Path) -> None:
    pipe = folder / "web.yml"
    os.mkfifo(pipe)

    with pytest.raises(WebConfigError, match="is not a regular file; a pipe or a device cannot be read again"):
        load(pipe)


@pytest.mark.parametrize(
    ("days", "fault"),
    [(0, None), (2, "the certificate has expired on "), (-2, "the certificate is not valid before ")],
)
def test_a_certificate_outside_its_dates_is_named(folder: Path, days: int, fault: str | None) -> None:
    path = written(folder, f"tls_server_config: {{{PAIR}}}")

    found = load(path, datetime.now(UTC) + timedelta(days=days)).certificate_fault

    assert (found or "").startswith(fault or "")
    assert bool(found) is bool(fault)


@pytest.mark.parametrize(
    "settings_text",
    [
        (
            "min_version: TLS13, cipher_suites: "
            "[TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256]"
        ),
        "curve_preferences: [CurveP521]",
        "client_auth_type: NoClientCert",
    ],
)
def test_what_tls_can_do_is_taken(folder: Path, settings_text: str) -> None:
    assert load(written(folder, f"tls_server_config: {{{PAIR}, {settings_text}}}")).tls is not None


@pytest.mark.parametrize("name", CURVES)
def test_a_curve_is_taken_or_refused_in_words_where_this_python_cannot_choose_it(folder: Path, name: str) -> None:
    file = written(folder, f"tls_server_config: {{{PAIR}, curve_preferences: [{name}]}}")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).set_ecdh_curve(CURVES[name])
    except ssl.SSLError:
        with pytest.raises(WebConfigError, match=rf"Python [\d.]+ cannot choose {name}; name another curve"):
            load(file)
    else:
        assert load(file).tls is not None


@pytest.mark.parametrize(
    "text",
    [
        "basic_auth_users:\n  a: 'hunter2\n",
        "basic_auth_users: {a: *hunter2}",
        "basic_auth_users: {a: !hunter2 b}",
        "basic_auth_users: hunter2",
        "basic_auth_users: {a: hunter2}",
        "hunter2: hunter2",
        "rate_limit: {interval: hunter2, burst: hunter2}",
        "http_server_config: {http2: hunter2, headers: {X-Frame-Options: hunter2}}",
        f"tls_server_config: {{{PAIR}, client_auth_type: hunter2}}",
        f"tls_server_config: {{{PAIR}, min_version: hunter2}}",
        f"tls_server_config: {{{PAIR}, cipher_suites: [hunter2], curve_preferences: [hunter2]}}",
        "tls_server_config: {cert: hunter2, key: hunter2}",
        "tls_server_config: {cert_file: server.crt, key_file: '-----BEGIN hunter2'}",
        "a: b: hunter2",
    ],
)
def test_no_message_repeats_what_can_be_a_secret(folder: Path, text: str) -> None:
    assert "hunter2" not in "\n".join(faults(folder, text))


@pytest.mark.parametrize("content", [b"a: \xff\xfe", b"a: \0", b"[" * 400, b"a: [", b"\t a"])
def test_a_file_that_is_no_yaml_is_reported(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "web.yml"
    path.write_bytes(content)

    with pytest.raises(WebConfigError, match=r"web\.yml.*: not valid YAML"):
        load(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(WebConfigError, match=r"absent\.yml: cannot be read: No such file or directory; see --web"):
        load(tmp_path / "absent.yml")


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "web.yml"
    path.write_bytes(b"#" * 2_000_000)

    with pytest.raises(WebConfigError, match=r"web\.yml: is larger than 1 MiB; is it the right file\?"):
        load(path)


def test_a_configuration_does_not_show_its_users(folder: Path) -> None:
    assert HASH not in repr(load(written(folder, f"basic_auth_users: {{a: {HASH}}}")))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.sampled_from(["tls_server_config", "cert", "key_file", "rate_limit", "burst", "5", "null", "true", "!!x y"]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            st.lists(st.tuples(inner, inner), max_size=3).map(
                lambda items: f"{{{', '.join(f'{key}: {value}' for key, value in items)}}}"
            ),
        ),
    )
)
def test_any_shape_ends_in_a_configuration_or_in_named_faults(folder: Path, text: str) -> None:
    path = folder / "web.yml"
    path.write_text(text)

    try:
        load(path)
    except WebConfigError as error:
        assert all(line.startswith(f"{path}:") for line in str(error).splitlines())  # noqa: PT017 - either outcome is right
