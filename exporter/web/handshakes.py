"""Accepts TLS connections, each counted from the moment it is accepted: handshakes are within the limits too.

A server of asyncio tells nobody of a connection whose handshake has not ended.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from exporter.metrics.telemetry import Refusal
from exporter.web.protocol import REQUEST_SECONDS

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

    from exporter.web.connections import Connections
    from exporter.web.refusals import Refusals

PAUSE_SECONDS: Final = 0.2
"""The pause after the system could not accept a connection, usually for want of a file handle."""


class Handshake:
    """A connection whose handshake has not ended."""

    def __init__(self, address: str, connections: Connections) -> None:
        self.address: Final = address
        self._all = connections
        self.task: asyncio.Task[None] | None = None

    def cut(self) -> None:
        """End the connection at once."""
        if self.task is not None:
            self.task.cancel()

    def ended(self) -> None:
        """The handshake has ended. If there still is a connection, its protocol counts it from now on."""
        self._all.left(self)


class Handshakes:
    """Accepts connections and makes their handshakes. Use it on the event loop's thread only."""

    def __init__(
        self,
        protocol: Callable[[Callable[[], None]], asyncio.Protocol],
        tls: ssl.SSLContext,
        connections: Connections,
        refusals: Refusals,
    ) -> None:
        """`protocol` makes the protocol of one connection, which calls its argument once the handshake has ended."""
        self._protocol = protocol
        self._tls = tls
        self._all = connections
        self._refusals = refusals
        self._tasks: set[asyncio.Task[None]] = set()

    def accept_from(self, listener: socket.socket) -> None:
        """Accept this socket's connections until `close`."""
        listener.settimeout(0)
        self._keep(asyncio.get_running_loop().create_task(self._accept(listener)))

    def close(self) -> None:
        """Accept nothing more, and cut the connections whose handshake has not ended."""
        for task in self._tasks:
            task.cancel()

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, (host, *_) = await loop.sock_accept(listener)
            except OSError:
                self._refusals.add(Refusal.SERVER_LIMIT, "")
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            handshake = Handshake(host, self._all)
            if not self._all.admit(handshake):
                client.close()
                continue
            handshake.task = loop.create_task(self._shake_hands(client, handshake))
            self._keep(handshake.task)
            handshake.task.add_done_callback(partial(_over, client, handshake))

    async def _shake_hands(self, client: socket.socket, handshake: Handshake) -> None:
        try:
            with suppress(ConnectionResetError):
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: self._protocol(handshake.ended),
                    client,
                    ssl=self._tls,
                    ssl_handshake_timeout=REQUEST_SECONDS,
                )
        except ConnectionAbortedError:
            self._refusals.add(Refusal.TOO_SLOW, handshake.address)
        except OSError:
            self._refusals.add(Refusal.MALFORMED, handshake.address)


def _over(client: socket.socket, handshake: Handshake, task: asyncio.Task[None]) -> None:
    handshake.ended()
    if task.cancelled():
        # It can have been cut before it began, when nobody else closes its socket.
        client.close()
