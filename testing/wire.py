"""A TCP connection that can fail in the ways networks do, between the exporter and a local server."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

HOST = "127.0.0.1"
_PIECE = 65_536
_SLOW_BYTES, _SLOW_SECONDS = 16, 0.05
_GARBAGE = bytes(range(1, 256)) * 4


class WireFault(StrEnum):
    """What happens to every connection."""

    REFUSED = "refused"
    """Nobody listens."""
    HANG = "hang"
    """The request is read and never answered."""
    SLOW = "slow"
    """The answer comes 16 bytes at a time, 20 times a second."""
    RESET = "reset"
    """The connection is reset in the middle of the answer."""
    GARBAGE = "garbage"
    """The answer is no HTTP."""
    EMPTY = "empty"
    """The connection is closed instead of answered."""


class Wire:
    """Forwards connections on a port of its own to a port of this machine; a context manager."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self._fault: WireFault | None = None
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._accept()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._cut()
        self._stop_listening()

    def set(self, fault: WireFault | None) -> None:
        """Reset all connections; from now on they have this fault, or none."""
        was, self._fault = self._fault, fault
        if fault is WireFault.REFUSED:
            self._stop_listening()
        elif was is WireFault.REFUSED:
            self._listener = socket.create_server((HOST, self.port))
            self._accept()
        self._cut()

    def _stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        threading.Thread(target=self._serve, args=(self._listener,), name="wire", daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client, self._fault), name="wire", daemon=True).start()

    def _connect(self, client: socket.socket, fault: WireFault | None) -> None:
        server = socket.create_connection((HOST, self._upstream))
        with client, server:
            with self._lock:
                self._open |= {client, server}
            back = threading.Thread(target=_answers, args=(server, client, fault), name="wire", daemon=True)
            back.start()
            _requests(client, server, fault)
            back.join()
            with self._lock:
                self._open -= {client, server}

    def _cut(self) -> None:
        with self._lock:
            for end in self._open:
                _reset(end)


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)


def _requests(client: socket.socket, server: socket.socket, fault: WireFault | None) -> None:
    with contextlib.suppress(OSError):
        while piece := client.recv(_PIECE):
            if fault is WireFault.EMPTY:
                break
            if fault is WireFault.GARBAGE:
                client.sendall(_GARBAGE)
                break
            if fault is not WireFault.HANG:
                server.sendall(piece)
    for end in (server, client) if fault in {WireFault.EMPTY, WireFault.GARBAGE} else (server,):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR if end is client else socket.SHUT_WR)


def _answers(server: socket.socket, client: socket.socket, fault: WireFault | None) -> None:
    with contextlib.suppress(OSError):
        while piece := server.recv(_SLOW_BYTES if fault is WireFault.SLOW else _PIECE):
            if fault is WireFault.RESET:
                client.sendall(piece[: len(piece) // 2])
                _reset(client)
                break
            client.sendall(piece)
            if fault is WireFault.SLOW:
                threading.Event().wait(_SLOW_SECONDS)
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_WR)
