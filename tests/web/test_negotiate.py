"""What a client gets for the headers it sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.negotiate import JSON, OPENMETRICS, TEXT, YAML, MediaType, accepts_gzip, best_media_type, exposition

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        (BROWSER, TEXT),
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (PROMETHEUS_PROTOBUF, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text ; Version=1.0.0 ; Charset=UTF-8", OPENMETRICS),
        ('application/openmetrics-text;version="1.0.0"', OPENMETRICS),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;charset=latin-1", TEXT),
        ("text/plain;version=1.0.0", TEXT),
        ("text/plain, application/openmetrics-text", TEXT),
        ("application/openmetrics-text, text/plain", OPENMETRICS),
        ("text/plain;q=0.5, application/openmetrics-text;q=0.4", TEXT),
        ("text/plain;q=0.4, application/openmetrics-text;q=0.5", OPENMETRICS),
        ("text/*;q=0.4, application/*;q=0.5", OPENMETRICS),
        ("text/plain;q=0, */*", OPENMETRICS),
        ("text/plain;q=0.000, */*;q=0.001", OPENMETRICS),
        ("application/openmetrics-text;version=1.0.0;q=0, application/*;q=0.5", TEXT),
        ("text/plain;q=0.1, text/plain;version=0.0.4;q=0.9, application/openmetrics-text;q=0.5", TEXT),
        ("application/json", TEXT),
        ("text/plain;q=0, application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=2", TEXT),
        ("application/openmetrics-text;q=high", TEXT),
        ("application/openmetrics-text;q=1.", OPENMETRICS),
        (" , ;, application/openmetrics-text;; ,", OPENMETRICS),
        ('text/plain;version="a,b;c", application/openmetrics-text', OPENMETRICS),
        ('text/plain;version="never closed, application/openmetrics-text', TEXT),
    ],
)
def test_the_format_that_the_client_prefers_is_chosen(accept: str, expected: MediaType) -> None:
    media_type, _ = exposition(accept, "")

    assert media_type is expected


def test_the_offers_say_version_and_character_set() -> None:
    assert str(TEXT) == "text/plain; version=0.0.4; charset=utf-8"
    assert str(OPENMETRICS) == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert str(JSON) == "application/json"


@pytest.mark.parametrize(
    ("accept", "expected"), [("*/*", YAML), ("application/json", JSON), ("application/json;q=0.1, text/plain", JSON)]
)
def test_other_offers_are_negotiated_the_same_way(accept: str, expected: MediaType) -> None:
    assert best_media_type(accept, (YAML, JSON)) is expected


@pytest.mark.parametrize(
    ("accept_encoding", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("gzip, deflate, br", True),
        ("identity", False),
        ("identity, gzip", True),
        ("gzip;q=0.5, identity", False),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0, *", False),
        ("*", True),
        ("*;q=0", False),
        ("*;q=0, gzip;q=0.1", True),
        ("identity;q=0", False),
        ("br, zstd", False),
        ("gzip;q=nan", False),
    ],
)
def test_gzip_is_used_if_the_client_does_not_prefer_plain_bytes(accept_encoding: str, expected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    assert accepts_gzip(accept_encoding) is expected


@given(st.text('text/plain*;,="\\q01. versionapplication-opmc', max_size=200))
def test_no_header_is_too_odd_to_answer(header: str) -> None:
    media_type, gzip = exposition(header, header)

    assert media_type in {TEXT, OPENMETRICS}
    assert gzip in {True, False}
