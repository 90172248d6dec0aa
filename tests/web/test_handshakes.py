"""Accepting connections whose TLS handshakes take place apart."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from typing import TYPE_CHECKING, Any

from exporter.metrics.telemetry import Refusal
from exporter.web import connections, handshakes
from exporter.web.refusals import Refusals

if TYPE_CHECKING:
    import pytest


class Short(asyncio.SelectorEventLoop):
    """The loop of a process that is short of file handles: twice it accepts no connection."""

    asked = 0

    async def sock_accept(self, sock: socket.socket) -> tuple[socket.socket, Any]:
        self.asked += 1
        if self.asked <= 2:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return await super().sock_accept(sock)


def test_a_system_that_accepts_no_connection_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshakes, "PAUSE_SECONDS", 0.01)
    counted: list[Refusal] = []

    async def accepting() -> None:
        accepted = asyncio.Event()

        def count(reason: Refusal) -> None:
            counted.append(reason)
            if reason is Refusal.MALFORMED:
                accepted.set()

        refusals, tls = Refusals(count), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        accepts = handshakes.Handshakes(lambda _: asyncio.Protocol(), tls, connections.Connections(refusals), refusals)
        with (
            socket.create_server(("127.0.0.1", 0)) as listener,
            socket.create_connection(listener.getsockname()) as client,
        ):
            client.sendall(b"no handshake")
            accepts.accept_from(listener)
            await accepted.wait()
            accepts.close()

    with asyncio.Runner(loop_factory=Short) as runner:
        runner.run(asyncio.wait_for(accepting(), 60))

    assert counted == [Refusal.SERVER_LIMIT, Refusal.SERVER_LIMIT, Refusal.MALFORMED]
