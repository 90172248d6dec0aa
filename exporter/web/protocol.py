"""HTTP/1.1 connections with limits on time and memory, which uvicorn's own protocol does not have.

A connection is in one of three states, and each has a deadline: the client sends a request, the request is answered, or
the connection is idle. At the deadline it is cut, whatever is left unsent.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from exporter.metrics.telemetry import Refusal

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport
    from collections.abc import Callable

    from exporter.web.connections import Connections
    from exporter.web.refusals import Refusals

REQUEST_BYTES: Final = 32 * 1024
"""All that a client may send before it is answered: request line, headers, body, chunk framing and trailers.

Scrapers send about 400 bytes; no path here has a use for a body.
"""

MOST_HEADERS: Final = 100
"""Headers and trailers of a request; scrapers and browsers send up to 30. 7,000 of them took as long as ten scrapes."""

MOST_UNANSWERED: Final = 16
"""Requests that a client may send before the first of them is answered. Each takes 50 times the memory of its bytes."""

REQUEST_SECONDS: Final = 10.0
"""Seconds from the start of a connection, or the first byte of a request, to the request's last byte."""

ANSWER_SECONDS: Final = 120.0
"""Seconds from there to the end of the answer, however slowly the client reads it."""

IDLE_SECONDS: Final = 120.0
"""Seconds without a request before a connection is closed: longer than usual scrape intervals, so that scrapers reuse
connections. What the client has not read of the last answer by then is lost."""


class BoundedProtocol(HttpToolsProtocol):
    """Cuts connections whose client sends too much, sends too slowly, or does not read its answer."""

    # The application writes its own access log, which includes the duration.
    access_log: bool = False

    _deadline: TimerHandle | None = None
    _request_open = True
    """Whether the client has yet to send the rest of its request."""
    _idle = False
    _upgrade = False
    """Whether the client asked for another protocol, in which the rest may be."""
    _received = 0
    """Bytes since the last answer."""

    def __init__(
        self,
        *,
        connections: Connections,
        refusals: Refusals,
        arrived: Callable[[], None] = lambda: None,
        **uvicorn: Any,  # noqa: ANN401 - its own
    ) -> None:
        """`arrived` is called when the connection is made, before it is counted: with TLS its handshake was counted."""
        super().__init__(**uvicorn)
        self._arrived = arrived
        # Every request that is not answered yet: uvicorn tells only the newest one that the client has left.
        self._unanswered: deque[RequestResponseCycle] = deque()
        self._all = connections
        self._refusals = refusals

    @property
    def address(self) -> str:
        """The client's address."""
        return self.client[0] if self.client else ""

    def cut(self) -> None:
        """End the connection at once."""
        self._leave()
        self.transport.abort()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Start the first request's deadline, or cut the connection if there are too many."""
        super().connection_made(transport)
        self.access_log = False
        self._arrived()
        if self._all.admit(self):
            self._within(REQUEST_SECONDS)
        else:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and its deadline."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._all.left(self)
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse the data, unless the client has sent too much."""
        if self.transport.is_closing() or self._upgrade:
            return
        self._received += len(data)
        if self._received > REQUEST_BYTES:
            self._refuse(Refusal.TOO_LARGE, f"The request exceeds {REQUEST_BYTES} bytes.")
            return
        if self._idle:
            self._idle, self._request_open = False, True
            self._within(REQUEST_SECONDS)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            if len(self.headers) > MOST_HEADERS:
                self._refuse(Refusal.TOO_LARGE, f"The request has more than {MOST_HEADERS} headers.")
            else:
                self._refuse(Refusal.MALFORMED, "The request is not valid HTTP.")
        except httptools.HttpParserUpgrade:
            # Answer it as HTTP/1.1, then close.
            self._upgrade, self.cycle.keep_alive = True, False

    def on_message_begin(self) -> None:
        """Note that the request is incomplete."""
        super().on_message_begin()
        self._request_open = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note a header. The parser stops at one too many."""
        super().on_header(name, value)
        if len(self.headers) > MOST_HEADERS:
            raise ValueError

    def on_headers_complete(self) -> None:
        """Note the request, which waits for its answer from now on, unless too many do already."""
        if self.transport.is_closing():
            return
        if len(self._unanswered) >= MOST_UNANSWERED:
            self._refusals.add(Refusal.TOO_LARGE, self.address)
            self.cut()
            return
        super().on_headers_complete()
        self._unanswered.append(self.cycle)

    def on_message_complete(self) -> None:
        """Start the deadline of the answer, unless the request was answered before all of it was there."""
        super().on_message_complete()
        self._request_open = False
        if self.cycle.response_complete:
            self._wait()
        else:
            self._all.works(self)
            self._within(ANSWER_SECONDS)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._unanswered.popleft()
        pipelined = bool(self.pipeline)
        super().on_response_complete()
        # uvicorn's own limit for idle connections would wait until the client has read everything.
        self._unset_keepalive_if_required()
        if pipelined or self.transport.is_closing():
            return
        if self._request_open:
            self._all.waits(self)
            self._within(REQUEST_SECONDS)
        else:
            self._wait()

    def _wait(self) -> None:
        self._received, self._idle = 0, True
        self._all.waits(self)
        self._within(IDLE_SECONDS)

    def _within(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if not self._idle:
            self._refusals.add(Refusal.TOO_SLOW, self.address)
        self.cut()

    def _leave(self) -> None:
        """Tell every request that nobody waits for its answer: uvloop raises an error for writing to who has left."""
        self.pipeline.clear()
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        self._unanswered.clear()

    def _refuse(self, reason: Refusal, text: str) -> None:
        self._refusals.add(reason, self.address)
        self.send_400_response(text)
