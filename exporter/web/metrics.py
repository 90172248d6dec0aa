"""`/metrics`: the prepared bytes of the report, followed by a short live part.

It bypasses Starlette, so that a scrape of a few thousand series costs no more than an answer of constant bytes.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.metrics.exposition import render_live
from exporter.web.negotiate import OPENMETRICS, TEXT, exposition

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from exporter.metrics.exposition import Rendered
    from exporter.metrics.samples import Samples
    from exporter.web.negotiate import MediaType
    from exporter.web.state import ServerState

_JOINED: Final = 4 * 1024 * 1024
"""Up to this size the two parts are joined into one message to the server; above it, a copy would cost memory."""

_PIECE: Final = 256 * 1024
"""The size of pieces of a large body, where sending copies or encrypts it. Other requests are served in between."""


def _headers(media_type: MediaType, *, gzip: bool) -> list[tuple[bytes, bytes]]:
    headers = [
        (b"content-type", str(media_type).encode()),
        (b"vary", b"Accept, Accept-Encoding"),
        (b"x-content-type-options", b"nosniff"),
    ]
    return [*headers, (b"content-encoding", b"gzip")] if gzip else headers


_HEADERS: Final = {
    (media_type, gzip): _headers(media_type, gzip=gzip) for media_type in (TEXT, OPENMETRICS) for gzip in (False, True)
}


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """The answer for one kind of client, until the report or the live part changes."""

    rendered: Rendered
    live: Samples
    headers: list[tuple[bytes, bytes]]
    body: bytes
    end: bytes


class MetricsEndpoint:
    """The ASGI application behind `/metrics`: GET and HEAD, both formats, plain and gzip.

    Use it on the event loop's thread only.
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._answers: dict[tuple[MediaType, bool], _Answer] = {}

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one scrape."""
        if scope["method"] not in {"GET", "HEAD"}:
            await _method_not_allowed(send)
            return
        answer = self._answer(*exposition(*_preferences(scope["headers"])))
        await send({"type": "http.response.start", "status": 200, "headers": answer.headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body"})
            return
        if answer.body:
            if _keeps_bytes(scope):
                await send({"type": "http.response.body", "body": answer.body, "more_body": True})
            else:
                view = memoryview(answer.body)
                for start in range(0, len(view), _PIECE):
                    await send({"type": "http.response.body", "body": view[start : start + _PIECE], "more_body": True})
        await send({"type": "http.response.body", "body": answer.end})

    def _answer(self, media_type: MediaType, gzip: bool) -> _Answer:  # noqa: FBT001 - it is half of the key
        """The prepared answer, or a new one if the report or the live part has changed."""
        rendered, live = self._state.rendered(), self._state.live()
        known = self._answers.get((media_type, gzip))
        if known is not None and known.rendered is rendered and (known.live is live or known.live == live):
            return known
        # Most often the live part alone has changed. Joining a large report again takes as long as sending it.
        body = known.body if known is not None and known.rendered is rendered else b""
        # Drop all old answers: one that nobody requests any more would keep its report in memory.
        for key in [key for key, kept in self._answers.items() if kept.rendered is not rendered]:
            del self._answers[key]
        end = render_live(live, openmetrics=media_type is OPENMETRICS)
        if gzip:
            body, end = rendered.gzip_open, rendered.gzip_end(end)
        else:
            body = body or rendered.plain
        headers = [*_HEADERS[media_type, gzip], (b"content-length", b"%d" % (len(body) + len(end)))]
        if len(body) <= _JOINED:
            body, end = b"", body + end
        answer = self._answers[media_type, gzip] = _Answer(rendered, live, headers, body, end)
        return answer


def _preferences(headers: list[tuple[bytes, bytes]]) -> tuple[str, str]:
    """The values of Accept and Accept-Encoding. A header that is sent twice is joined into one list."""
    accept: list[bytes] = []
    accept_encoding: list[bytes] = []
    for name, value in headers:
        if name == b"accept":
            accept.append(value)
        elif name == b"accept-encoding":
            accept_encoding.append(value)
    return b",".join(accept).decode("latin-1"), b",".join(accept_encoding).decode("latin-1")


def _keeps_bytes(scope: Scope) -> bool:
    """Whether the connection accepts a body of any size without copying it and sends it in the background.

    uvloop does, unless it encrypts. The standard event loop copies what the socket does not accept at once.
    """
    return scope["scheme"] == "http" and type(asyncio.get_running_loop()).__module__.startswith("uvloop")


async def _method_not_allowed(send: Send) -> None:
    body = b"Only GET and HEAD.\n"
    headers = [
        (b"allow", b"GET, HEAD"),
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
    ]
    await send({"type": "http.response.start", "status": 405, "headers": headers})
    await send({"type": "http.response.body", "body": body})
