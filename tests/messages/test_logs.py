"""Logs: one line an event, nothing secret, nothing forged."""

from __future__ import annotations

import ast
import io
import json
import logging
import re
import subprocess
import sys
import warnings
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

import exporter
from exporter.messages import logs
from exporter.messages.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Callable

FIELD = re.compile(r'([\w.-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')
KEY = "-----BEGIN PRIVATE KEY-----\nMIIhunter2\nhunter2\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


def logfmt(line: str) -> dict[str, str]:
    """The fields of a logfmt line, read back."""
    return {
        name: json.loads(f'"{quoted}"') if bare == "" and f'{name}="' in line else bare
        for name, quoted, bare in FIELD.findall(line)
    }


READERS: dict[logs.Format, Callable[[str], dict[str, Any]]] = {"logfmt": logfmt, "json": json.loads}
each_format = pytest.mark.parametrize("log_format", list(READERS))


def only_event(stream: io.StringIO, log_format: logs.Format) -> dict[str, Any]:
    [line] = stream.getvalue().splitlines()
    return READERS[log_format](line)


@each_format
def test_an_event_is_one_line_with_time_level_and_origin(stream: io.StringIO, log_format: logs.Format) -> None:
    logs.configure("info", log_format, stream)
    before = datetime.now(UTC)

    structlog.get_logger("exporter.collect.collectors").info("collected", collector="warehouse", seconds=1.5, note=None)

    event = only_event(stream, log_format)
    assert list(event) == ["timestamp", "level", "logger", "event", "collector", "seconds", "note"]
    assert (event["level"], event["logger"], event["event"]) == ("info", "exporter.collect.collectors", "collected")
    assert (event["collector"], str(event["seconds"])) == ("warehouse", "1.5")
    assert before <= datetime.fromisoformat(event["timestamp"]) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warn", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_events_below_the_level_are_left_out(stream: io.StringIO, level: str, expected: list[str]) -> None:
    logs.configure(level, "json", stream)
    log = structlog.get_logger("exporter.x")

    for method in (log.debug, log.info, log.warning, log.error):
        method("event")

    assert [json.loads(line)["level"] for line in stream.getvalue().splitlines()] == expected


def test_no_event_of_the_exporter_has_a_field_that_every_line_has() -> None:
    """Structlog writes a line's own time, level and logger over such a field, without a word."""
    modules = [ast.parse(path.read_text("utf-8")) for path in Path(exporter.__file__).parent.rglob("*.py")]
    calls = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.Call)]
    methods = {"debug", "info", "warning", "error", "exception", "bind"}
    events = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr in methods]
    fields = {keyword.arg for event in events for keyword in event.keywords}

    assert "error" in fields
    assert not fields & {"timestamp", "level", "logger"}


def test_values_keep_their_types_in_json(stream: io.StringIO) -> None:
    logs.configure("info", "json", stream)

    structlog.get_logger("exporter.x").info(
        "types",
        number=3,
        flag=True,
        nothing=None,
        infinite=float("inf"),
        place=Path("a/b"),
        items=("x", 1, {"y"}),
        nested={"a": {"b": [1]}},
    )

    event = json.loads(stream.getvalue())
    assert (event["number"], event["flag"], event["nothing"], event["infinite"]) == (3, True, None, "inf")
    assert (event["place"], event["items"], event["nested"]) == ("a/b", ["x", 1, ["y"]], {"a": {"b": [1]}})


def test_values_are_quoted_in_logfmt_where_they_need_it(stream: io.StringIO) -> None:
    logs.configure("info", "logfmt", stream)

    structlog.get_logger("x").info("two words", a="plain", b="", c="a=b", d='"', e=True, f=[1], **{"odd key": "día"})

    assert stream.getvalue().partition(" event=")[2] == (
        '"two words" a=plain b="" c="a=b" d="\\"" e=true f=[1] odd_key=día\n'
    )


@each_format
def test_an_exception_stays_on_the_line(stream: io.StringIO, log_format: logs.Format) -> None:
    logs.configure("info", log_format, stream)

    try:
        _ = dict[str, str]()["no such key"]
    except KeyError:
        structlog.get_logger("exporter.x").exception("failed")

    event = only_event(stream, log_format)
    assert event["exception"].startswith("Traceback (most recent call last):\n")
    assert event["exception"].endswith("KeyError: 'no such key'")


@each_format
@given(text=st.text(st.characters(categories=None) | st.sampled_from('\n\r\x1b\x85\u2028\u202e\\"= \ud800')))
def test_no_text_breaks_a_log_line(log_format: logs.Format, text: str) -> None:
    stream = io.StringIO()
    logs.configure("info", log_format, stream)

    structlog.get_logger("exporter.x").info(text, value=text)

    line = stream.getvalue()
    assert line.endswith("\n")
    assert line[:-1].isprintable()
    assert READERS[log_format](line)["value"] == masked(text)


def test_a_forged_line_stays_inside_its_event(stream: io.StringIO) -> None:
    logs.configure("info", "logfmt", stream)

    structlog.get_logger("x").info("read", name="a\ntimestamp=2026-02-01 level=error event=forged")

    assert stream.getvalue().count("\n") == 1
    assert "\\ntimestamp=2026-02-01" in stream.getvalue()


@each_format
def test_libraries_use_the_same_log(stream: io.StringIO, log_format: logs.Format) -> None:
    logs.configure("info", log_format, stream)

    logging.getLogger("uvicorn.error").warning("Invalid %s received.", "request\n")

    event = only_event(stream, log_format)
    assert (event["level"], event["logger"], event["event"]) == (
        "warning",
        "uvicorn.error",
        "Invalid request\n received.",
    )


def test_libraries_log_warnings_and_at_debug_level_info(stream: io.StringIO) -> None:
    for level in ("debug", "info", "error"):
        logs.configure(level, "json", stream)
        for name in ("apscheduler.scheduler", "google.auth", "urllib3.connectionpool", "uvicorn.error"):
            library = logging.getLogger(name)
            for said in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
                library.log(said, "%s %s", level, logging.getLevelName(said))

    heard = ["debug INFO", "debug WARNING", "debug ERROR", "info WARNING", "info ERROR", "error ERROR"]
    assert Counter(json.loads(line)["event"] for line in stream.getvalue().splitlines()) == dict.fromkeys(heard, 4)


def test_googles_libraries_do_not_suppress_their_logs() -> None:
    program = """
import logging, sys
from exporter.messages import logs
from exporter.messages.secrets import masked
if "before" in sys.argv:
    import google.cloud.firestore
logs.configure("info", "json")
import google.cloud.firestore
logging.getLogger("google.cloud.firestore").warning("heard")
"""
    for when in ("before", "after"):
        outcome = subprocess.run(
            [sys.executable, "-c", program, when], capture_output=True, text=True, check=True, timeout=120
        )
        assert '"event": "heard"' in outcome.stderr


def test_warnings_of_python_are_logged(stream: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logs.configure("info", "json", stream)
        warnings.warn("take care", stacklevel=1)
        logging.captureWarnings(capture=False)

    event = json.loads(stream.getvalue())
    assert event["logger"] == "py.warnings"
    assert "take care" in event["event"]


@each_format
@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2"},
        {"Authorization": "Basic aHVudGVyMg== hunter2"},
        {"api_key": ["hunter2"]},
        {"private-key": {"pem": "hunter2"}},
        {"headers": {"cookie": "hunter2"}},
        {"access_token": b"hunter2"},
        {"credentials": ("hunter2",)},
        {"note": KEY},
        {"note": KEY.replace("PRIVATE", "EC PRIVATE").partition("-----END")[0]},
        {"note": "Authorization: Basic hunter2hunter2"},
        {"note": "authorization=hunter2"},
        {"note": "{'Authorization': 'Bearer hunter2hunter2'}"},
        {"note": "sent Bearer hunter2hunter2 to it"},
        {"note": "password=hunter2&x=1"},
        {"note": '{"client_secret": "hunter2 and more"}'},
        {"note": "token: 'hunter2'"},
        {"note": "https://user:hunter2@example.com/x"},
        {"note": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2"},
        {"note": "ya29.hunter2"},
        {"note": "AIzahunter2hunter2hunter2hunter2hunter2"},
        {"note": "$2y$10$hunter2hunter2hunter2hunter2hunter2"},
        {"note": ValueError("refresh_token=hunter2")},
        {"note": {"a": [{"b": "secret: hunter2"}]}},
    ],
)
def test_secrets_are_masked(stream: io.StringIO, log_format: logs.Format, fields: dict[str, Any]) -> None:
    logs.configure("info", log_format, stream)

    structlog.get_logger("exporter.x").info("event", **fields)
    logging.getLogger("uvicorn.error").warning("%s", fields)

    assert "hunter2" not in stream.getvalue()
    assert stream.getvalue().count("(hidden)") >= 2


def test_secrets_are_masked_in_tracebacks(stream: io.StringIO) -> None:
    logs.configure("info", "logfmt", stream)

    def fail() -> None:
        raise RuntimeError("https://user:hunter2@example.com refused password=hunter2")

    try:
        fail()
    except RuntimeError:
        logging.getLogger("apscheduler.executors").exception("Job raised an exception")

    event = logfmt(stream.getvalue())
    assert event["exception"].endswith("RuntimeError: https://(hidden)@example.com refused password=(hidden)")


def test_a_value_that_contains_itself_is_logged(stream: io.StringIO) -> None:
    logs.configure("info", "json", stream)
    endless: list[Any] = []
    endless.append(endless)

    structlog.get_logger("x").info("event", value=endless)

    assert json.loads(stream.getvalue())["value"] == [[[[[["[[...]]"]]]]]]
