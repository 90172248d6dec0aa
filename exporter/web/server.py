"""uvicorn, configured for scrapes: a listening socket with clear errors, limits, and a stop that does not wait."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import math
import socket
import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog
import uvicorn

from exporter.messages.errors import UnavailableError
from exporter.web.answers import plain
from exporter.web.auth import OPEN_PATHS
from exporter.web.connections import Connections
from exporter.web.handles import BACKLOG, share_of_connections
from exporter.web.handshakes import Handshakes
from exporter.web.protocol import IDLE_SECONDS, BoundedProtocol
from exporter.web.refusals import Refusals

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send

_log = structlog.get_logger(__name__)

STOP_SECONDS: Final = 0.5
"""Seconds for current responses to finish when the server stops; then their connections are closed."""

JOIN_SECONDS: Final = 10.0
"""The longest that `stop` waits for the server's thread, which ends much sooner unless the machine is overloaded."""

_SWITCH_SECONDS: Final = 0.0005
"""How long another thread may hold the interpreter while a scrape waits (Python's default is ten times that)."""

_MAX_PORT: Final = 65535


class ListenError(UnavailableError):
    """The server cannot listen on its address. The message names the address and the remedy."""


OPTION: Final = "--web.listen-address"
"""The option with the address, unless a program has another one."""


def listen(address: str, option: str = OPTION) -> socket.socket:
    """A socket that listens on `host:port`, `[IPv6]:port`, or `:port` or `*:port` for every address of the machine.

    Port 0 takes a free one. Clients can connect at once, and get answers when the server runs. Raises ListenError,
    whose message names `option` for another address.
    """
    host, port = _parse(address)
    try:
        listener = _open(host, port)
    except OSError as error:
        raise ListenError(f"cannot listen on {address}: {_reason(error, port, option)}") from None
    # Accepted connections inherit it. Without it, the standard event loop delays short answers until the next packet.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _parse(address: str) -> tuple[str, int]:
    wanted = "expected host:port, [IPv6 address]:port, or :port or *:port for every address of this machine"
    host, colon, port = address.rpartition(":")
    if not colon:
        raise ListenError(f"bad listen address {address!r}: no port; {wanted}")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if host and ":" not in host:
            raise ListenError(f"bad listen address {address!r}: brackets are for an IPv6 address; {wanted}")
    elif host == "*":
        # The resolver would make the loopback address of it.
        host = ""
    elif ":" in host:
        raise ListenError(f"bad listen address {address!r}: an IPv6 address needs brackets; {wanted}")
    if not (port.isascii() and port.isdigit() and int(port) <= _MAX_PORT):
        raise ListenError(f"bad listen address {address!r}: the port is not a number from 0 to {_MAX_PORT}; {wanted}")
    return host, int(port)


def _open(host: str, port: int) -> socket.socket:
    if host in {"", "::"} and socket.has_dualstack_ipv6():
        with contextlib.suppress(
            OSError
        ):  # A machine can support IPv6 without having it; the attempt with IPv4 then gives the error.
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
    flags = socket.AI_PASSIVE if not host else socket.AddressInfo(0)
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=flags)
    # If a name has both kinds of address, use IPv4, as Prometheus does.
    family, *_, where = min(found, key=lambda item: item[0] != socket.AF_INET)
    # All of it: the address of an interface is bound with its scope, which is no part of the address's text.
    return socket.create_server(where, family=family)


def _reason(error: OSError, port: int, option: str) -> str:
    if isinstance(error, socket.gaierror):
        return "the host name cannot be resolved; use an address of this machine, or leave it out for all of them"
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"the port is in use; stop the process that has it (ss -ltnp 'sport = :{port}' names it) "
                f"or choose another with {option}"
            )
        case errno.EACCES:
            return f"ports below 1024 need a privilege; choose a higher one with {option}"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address; use one of its own, or leave it out for all of them"
        case _:
            return f"{error.strerror or error}; choose another address with {option}"


class WebServer:
    """Serves an ASGI application on one address, on a thread of its own (`start`) or on the caller's (`serve`).

    It listens from the moment it is made, and raises ListenError if it cannot. The caller handles signals: `stop` may
    be called from any thread and from a signal handler.
    """

    def __init__(
        self,
        app: ASGIApp,
        address: str,
        *,
        tls: ssl.SSLContext | None = None,
        option: str = OPTION,
        refusals: Refusals | None = None,
    ) -> None:
        self._address = address
        refusals = refusals or Refusals()
        share = share_of_connections()
        connections = Connections(refusals, share)
        self._listener = listen(address, option)
        host, port = self._listener.getsockname()[:2]
        self.port: Final[int] = port
        name = {"::": "localhost", "0.0.0.0": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared with, not bound
        self.url: Final = f"{'https' if tls else 'http'}://{name}:{port}"
        config = uvicorn.Config(
            _ending(_reserving(app, connections)),
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=int(IDLE_SECONDS),
            interface="asgi3",
            backlog=math.ceil(BACKLOG * share),
        )
        config.load()
        config.ssl = tls
        self._server = _Server(config, connections, refusals)
        self._serving = False
        self._thread: threading.Thread | None = None
        self._failure: Exception | None = None

    @property
    def connections(self) -> int:
        """The number of connected clients, including idle ones."""
        return len(self._server.server_state.connections)

    def serve(self) -> None:
        """Serve on this thread until `stop` is called, even if it was called already."""
        # Set `_serving` before checking `should_exit`, so that a concurrent `stop` cannot be missed.
        self._serving = True
        if self._server.should_exit:
            self._listener.close()
            return
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
        try:
            with asyncio.Runner(loop_factory=self._server.config.get_loop_factory()) as runner:
                _log.debug("listening", address=self._address, url=self.url)
                runner.run(self._server.serve([self._listener]))
        finally:
            self._listener.close()
        _log.debug("stopped listening", address=self._address)

    def start(self) -> None:
        """Serve on a thread of its own. Returns when requests are answered. Raises ListenError."""
        self._thread = threading.Thread(target=self._serve_or_fail, name="web", daemon=True)
        self._thread.start()
        self._server.ready.wait()
        if self._failure is not None:
            raise ListenError(f"the server on {self.url} could not start: {self._failure}") from self._failure

    def _serve_or_fail(self) -> None:
        try:
            self.serve()
        except Exception as error:  # noqa: BLE001 - it is told where the server was started
            self._failure = error
            _log.exception("web server failed", address=self._address)
        finally:
            self._server.ready.set()

    def stop(self) -> None:
        """Accept no more requests and end within a second, whatever clients do. Waits for the thread of `start`."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(JOIN_SECONDS)
        elif not self._serving:
            self._listener.close()


def _ending(app: ASGIApp) -> ASGIApp:
    """The application, without log lines for cancelled requests: only a stop cancels them."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await app(scope, receive, send)

    return run


def _reserving(app: ASGIApp, connections: Connections) -> ASGIApp:
    """The application, which answers health and readiness alone while there are too many connections."""
    busy = plain("Too many connections.\n", 503, {"Connection": "close", "Retry-After": "10"})

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        await (busy if connections.full and scope["path"] not in OPEN_PATHS else app)(scope, receive, send)

    return run


class _Server(uvicorn.Server):
    """uvicorn's server, changed so that it neither waits for clients when it stops nor takes the process's signals."""

    def __init__(self, config: uvicorn.Config, connections: Connections, refusals: Refusals) -> None:
        super().__init__(config)
        self._connections = connections
        self._refusals = refusals
        self._handshakes: Handshakes | None = None
        self.ready = threading.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        loop = asyncio.get_running_loop()
        protocol = partial(
            BoundedProtocol,
            connections=self._connections,
            refusals=self._refusals,
            config=self.config,
            server_state=self.server_state,
            app_state={},
        )
        listeners = sockets or ()
        if self.config.ssl is None:
            self.servers = [
                await loop.create_server(protocol, sock=listener, backlog=self.config.backlog) for listener in listeners
            ]
        else:
            self.servers = []
            self._handshakes = Handshakes(
                lambda arrived: protocol(arrived=arrived), self.config.ssl, self._connections, self._refusals
            )
            for listener in listeners:
                self._handshakes.accept_from(listener)
        self.started = True
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        if self._handshakes is not None:
            self._handshakes.close()
        for listener in sockets or ():
            listener.close()
        state = self.server_state
        for connection in list(state.connections):
            connection.shutdown()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + STOP_SECONDS
        while (state.connections or state.tasks) and loop.time() < deadline:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        for connection in list(state.connections):
            connection.transport.abort()
        # Let the transports inform their protocols, so that cancelled requests know that nobody waits for an answer.
        await asyncio.sleep(0)
        for task in list(state.tasks):
            task.cancel()
