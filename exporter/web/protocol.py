"""HTTP/1.1 connections with limits on time and memory, which uvicorn's own protocol does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport

HEAD_BYTES: Final = 32 * 1024
"""Request line and headers; scrapers send about 400 bytes."""

HEAD_SECONDS: Final = 10.0
"""Seconds from the start of a connection, or the first byte of a request, to the end of its headers."""

WRITE_SECONDS: Final = 120.0
"""Seconds that a client may leave a response unread that does not fit into the socket."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections whose client sends endless headers or none, or does not read the response."""

    # The application writes its own access log, which includes the duration.
    access_log: bool = False

    _head_open = True
    _head_bytes = 0
    _head_timer: TimerHandle | None = None
    _write_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        """Start the time limit of the first request."""
        super().connection_made(transport)
        self.access_log = False
        self._head_timer = self.loop.call_later(HEAD_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the time limits of a closed connection."""
        self._cancel_head_timer()
        self._cancel_write_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Mark the beginning of a request's headers."""
        super().on_message_begin()
        self._head_open = True

    def on_headers_complete(self) -> None:
        """End the time limit of a request's headers."""
        self._head_open = False
        self._head_bytes = 0
        self._cancel_head_timer()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Parse the data, and close the connection if the headers are too large."""
        super().data_received(data)
        if not self._head_open or self.transport.is_closing():
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self.send_400_response(f"The request's headers exceed {HEAD_BYTES} bytes.")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def pause_writing(self) -> None:
        """Start the time limit of a client that does not read its response."""
        super().pause_writing()
        self._write_timer = self.loop.call_later(WRITE_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """End that time limit: the client reads again."""
        self._cancel_write_timer()
        super().resume_writing()

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _cancel_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
