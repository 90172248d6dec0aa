"""Reads any bytes as each thing that comes from outside, and says what must hold: an answer or a refusal in words."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from google.cloud.firestore_v1.types import Document as WireDocument

from exporter.config.errors import ConfigError
from exporter.config.load import load
from exporter.incidents.incident import IncidentError, parse_incident
from exporter.sources.documents import read_document
from exporter.web.http_config import HttpConfigError, read_http_config
from exporter.web.negotiate import JSON, MOST_BYTES, OPENMETRICS, TEXT, YAML, accepts_gzip, best_media_type
from exporter.web.webconfig import WebConfigError
from exporter.web.webconfig import load as load_web_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exporter.web.server import WebServer

ROOT: Final = Path(__file__).parents[1]
CALLS: Final = 400_000
CALLS_A_BYTE: Final = 600
"""The work that a text may cost: calls of Python functions, at all and for each of its bytes."""
ANSWER_BYTES: Final = 256 * 1024


class TooMuchWork(Exception):  # noqa: N818 - it says what it is
    """A text costs more calls than its length allows."""


@contextlib.contextmanager
def bounded(length: int) -> Iterator[None]:
    """Count the calls of functions, and raise TooMuchWork beyond what this many bytes may cost."""
    most, calls = CALLS + CALLS_A_BYTE * length, 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        if event == "call":
            calls += 1
            if calls > most:
                sys.setprofile(None)
                raise TooMuchWork(f"{calls} calls for {length} bytes")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)


class Files:
    """A file that is written again for each text."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "text.yml"

    def of(self, content: bytes) -> Path:
        """A file with this content."""
        self._path.write_bytes(content)
        return self._path


def _refused(error: Exception) -> None:
    assert str(error).strip(), f"{type(error).__name__} says nothing"
    assert len(str(error)) < 2**20, f"{type(error).__name__} says too much"


def configuration(content: bytes, files: Files) -> None:
    """A configuration file over a preset."""
    try:
        load(file=files.of(content), preset="nba", environ={})
    except ConfigError as error:
        _refused(error)


def web_configuration(content: bytes, files: Files) -> None:
    """A web configuration file."""
    try:
        load_web_config(files.of(content))
    except WebConfigError as error:
        _refused(error)


def client_configuration(content: bytes, files: Files) -> None:
    """The file with user and TLS of a command."""
    try:
        read_http_config(files.of(content))
    except HttpConfigError as error:
        _refused(error)


def incident(content: bytes, _files: Files) -> None:
    """An incident file."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return
    try:
        parse_incident(text, "incident.yaml")
    except IncidentError as error:
        _refused(error)


def document(content: bytes, _files: Files) -> None:
    """A document with fields of whatever type and depth, as these bytes choose them."""
    left = iter(content)
    fields = {NAMES[byte % len(NAMES)]: _value(left, 0) for byte in left}
    wire = WireDocument.pb(WireDocument(name="phase3_completion/2026-02-01", fields=fields))
    read = read_document(wire, None)
    assert read.exists
    assert set(read.contents) == set(fields)


NAMES: Final = (
    "a",
    "b",
    "status",
    "completed_at",
    "record_count",
    "_triggered",
    "_triggered_at",
    "_completed_count",
    "",
    "ü",
)


SCALARS: Final[tuple[Callable[[int], dict[str, Any]], ...]] = (
    lambda _: {"null_value": None},
    lambda size: {"boolean_value": bool(size % 2)},
    lambda size: {"integer_value": (size - 128) << size % 56},
    lambda size: {"double_value": (float("nan"), float("inf"), -0.0, 1e308, size / 7)[size % 5]},
    lambda size: {"string_value": "success\x00\u202e{}"[: size % 12] * (size // 12)},
    lambda size: {"timestamp_value": {"seconds": (size - 128) << size % 31, "nanos": size * 3_921_568}},
    lambda size: {"bytes_value": bytes([size]) * size},
    lambda size: {"reference_value": "projects/p/databases/d/documents/a/b"[: size % 37]},
    lambda size: {"geo_point_value": {"latitude": size, "longitude": -size}},
)


def _value(left: Iterator[int], depth: int) -> dict[str, Any]:
    kind, size = next(left, 0), next(left, 0)
    if kind % 2 or depth == DEEPEST:
        return SCALARS[kind // 2 % len(SCALARS)](size)
    inner = [_value(left, depth + 1) for _ in range(size % 5)]
    if kind % 4:
        return {"array_value": {"values": [value for value in inner if "array_value" not in value]}}
    return {"map_value": {"fields": {NAMES[(size + place) % len(NAMES)]: value for place, value in enumerate(inner)}}}


DEEPEST: Final = 20
"""Firestore takes no document that is nested deeper."""


def accept(content: bytes, _files: Files) -> None:
    """The headers `Accept` and `Accept-Encoding`."""
    header = content.decode("latin-1")
    for offers in ((TEXT, OPENMETRICS), (YAML, JSON)):
        assert best_media_type(header, offers) in offers
    assert best_media_type(header * (MOST_BYTES // max(1, len(header)) + 1), (TEXT, OPENMETRICS)) is TEXT
    accepts_gzip(header)


TARGETS: Final[dict[str, Callable[[bytes, Files], None]]] = {
    function.__name__: function
    for function in (configuration, web_configuration, client_configuration, incident, document, accept)
}


class Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line."""
        self.lines.append(record.getMessage())


def request(content: bytes, server: WebServer, errors: Errors) -> None:
    """Any bytes to the web server: answers of HTTP or none, an end, and no error in the log."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := connection.recv(65536):
                answer += piece
                assert len(answer) < ANSWER_BYTES + 400 * len(content)
    assert not answer or answer.startswith(b"HTTP/1.1 "), answer[:60]
    assert b" 500 " not in answer[:16], answer[:400]
    assert not errors.lines, errors.lines


SEEDS: Final[dict[str, tuple[bytes, ...]]] = {
    "configuration": (
        (ROOT / "docs" / "examples" / "orchestration-exporter.yaml").read_bytes(),
        b"project: p\ndocuments: {past: 1}\n",
    ),
    "web_configuration": (
        b"tls_server_config: {cert_file: a, key_file: b, client_auth_type: NoClientCert}\n",
        b"basic_auth_users: {a: $2b$04$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}\n",
        b"rate_limit: {interval: 1s, burst: 5}\nhttp_server_config: {headers: {X-Frame-Options: deny}}\n",
    ),
    "client_configuration": (
        b"basic_auth: {username: a, password_file: b}\ntls_config: {ca_file: c, insecure_skip_verify: true}\n",
        b"authorization: {type: Bearer, credentials: x}\n",
    ),
    "incident": ((ROOT / "tests" / "incidents" / "healthy-day.yaml").read_bytes(),),
    "document": (bytes(range(256)), b"\x02\x09\x03\x04\x55\x05\x90\x02\x81\x05\x01\x01"),
    "accept": (b"application/openmetrics-text;version=1.0.0;q=0.5,text/plain;q=0.2,*/*;q=0.1", b"gzip, br;q=0"),
    "request": (
        b"GET /metrics HTTP/1.1\r\nHost: a\r\nAccept: text/plain;q=0.5\r\nAccept-Encoding: gzip\r\n\r\n",
        b"POST /-/reload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\nX: a\r\n\r\n",
        b"GET /runbooks/x?phase=y HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc",
        b"GET /api/v1/config HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YTpi\r\nConnection: Upgrade\r\n\r\n",
    ),
}
"""Good bytes, to begin from."""


PIECES: Final = (
    *(b"[", b"]", b"{", b"}", b"&a ", b"*a", b"<<: *a", b"!!int ", b"!!binary ", b"!!timestamp ", b"!x ", b": ", b"- "),
    *(
        b"? ",
        b"| ",
        b'"',
        b"'",
        b"#",
        b"\n",
        b"\r\n\r\n",
        b"\r",
        b"\t",
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xe2\x80\xae",
    ),
    *(
        b"---\n",
        b"...\n",
        b"null",
        b"true",
        b"1e999",
        b"-0",
        b"0x",
        b".nan",
        b"2026-02-30",
        b"9999-12-31",
        b"99:99",
        b"%",
    ),
    *(
        b",",
        b";",
        b"q=",
        b"/",
        b"\\",
        b"HTTP/1.1",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 9\r\n",
        b"0\r\n\r\n",
    ),
    *(b"9" * 40, b"a" * 300, b"${X}", b"$2b$31$", b"preset: ", b"title: ", b"then: [", b"due: +0d 25:00\n"),
)


def changed(content: bytes, edits: Sequence[tuple[int, int, int]]) -> bytes:
    """The content with pieces put in: each edit has a place, how many bytes to leave out there, and a piece."""
    for place, left_out, piece in edits:
        at = place % (len(content) + 1)
        content = content[:at] + PIECES[piece % len(PIECES)] + content[at + left_out :]
    return content


@contextlib.contextmanager
def checking(target: str) -> Iterator[Callable[[bytes], None]]:
    """The function that checks bytes as the target, with what it needs."""
    with contextlib.ExitStack() as stack:
        files = Files(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="orchestration-exporter-fuzzing-"))))
        if target != request.__name__:
            read = TARGETS[target]

            def check(content: bytes) -> None:
                with bounded(len(content)):
                    read(content, files)

            yield check
            return
        from tests.web.example import ExampleState, serving

        errors = Errors()
        logging.getLogger().addHandler(errors)
        stack.callback(logging.getLogger().removeHandler, errors)
        server = stack.enter_context(serving(ExampleState(), lifecycle=True))
        yield lambda content: request(content, server, errors)
