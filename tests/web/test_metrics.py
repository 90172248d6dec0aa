"""What `/metrics` keeps in memory."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from exporter.web.metrics import MetricsEndpoint
from tests.web.example import ExampleState, live, report

if TYPE_CHECKING:
    from starlette.types import Message


def _messages(endpoint: MetricsEndpoint, encoding: bytes) -> list[bytes | memoryview]:
    """The bodies of the messages that make an answer with this encoding."""
    pieces: list[bytes | memoryview] = []

    async def send(message: Message) -> None:
        pieces.append(message.get("body", b""))

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "GET", "scheme": "http", "headers": [(b"accept-encoding", encoding)]}
    asyncio.run(endpoint(scope, receive, send))
    return pieces


def _get(endpoint: MetricsEndpoint, encoding: bytes) -> bytes:
    """The body of an answer with this encoding."""
    return b"".join(_messages(endpoint, encoding))


def test_an_old_report_is_let_go_also_where_nobody_asks_for_its_format_again() -> None:
    old = report(3)
    references = sys.getrefcount(old)
    state = ExampleState(report=old)
    endpoint = MetricsEndpoint(state)
    before = _get(endpoint, b"identity")

    state.report = report(4)
    assert _get(endpoint, b"gzip")

    assert sys.getrefcount(old) == references
    assert _get(endpoint, b"identity") != before


def test_a_large_report_is_joined_once_however_often_the_live_part_changes() -> None:
    state = ExampleState(report=report(100_000))
    endpoint = MetricsEndpoint(state)
    _, first, *_, end = _messages(endpoint, b"identity")

    state.self_metrics = live(8)
    _, again, *_, other_end = _messages(endpoint, b"identity")

    assert memoryview(first).obj is memoryview(again).obj
    assert end != other_end
