"""An HTTP server on loopback that answers by a function and stops at once, even while calls hang."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

HOST = "127.0.0.1"
# How long a stop waits for each handler once its connection is closed; only a handler that ignores `stopping` needs it.
_JOIN_SECONDS = 5.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in; `target` is the path with its query string."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(content: object, status: int = 200) -> Answer:
    """The content as a JSON response."""
    return Answer(status, json.dumps(content).encode())


def error_answer(status: int, reason: str, message: str) -> Answer:
    """An error as BigQuery's REST API sends it; `reason` is from its closed list (accessDenied, quotaExceeded, ...)."""
    detail = {"message": message, "domain": "global", "reason": reason}
    return json_answer({"error": {"code": status, "message": message, "errors": [detail]}}, status)


class LoopbackServer:
    """Serves `answer` on a free port of 127.0.0.1 until it is stopped; a context manager.

    `answer` runs in a thread for each connection. It returns the response, or None to close the connection without one.
    A function that waits must wait on `stopping`, so that the server can stop in the middle of a call.
    """

    def __init__(self, answer: Callable[[Call], Answer | None]) -> None:
        self.stopping = threading.Event()
        self._http = _HttpServer(answer)
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(_POLL_SECONDS,), name="loopback-http", daemon=True
        )

    @property
    def address(self) -> str:
        """The server's URL, without a slash at its end."""
        return f"http://{HOST}:{self._http.server_port}"

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection, end every handler and release the port. The second call does nothing."""
        self.stopping.set()
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        self._http.end_handlers()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class _HttpServer(ThreadingHTTPServer):
    """Remembers its handlers' threads and connections, which the standard server forgets."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Call], Answer | None]) -> None:
        self.answer = answer
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._ended = False
        self._lock = threading.Lock()
        super().__init__((HOST, 0), _Handler)

    def handle_error(
        self, request: socket.socket | tuple[bytes, socket.socket], client_address: tuple[str, int]
    ) -> None:
        """Ignore callers that hang up: tests make them do so."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def opened(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections[threading.current_thread()] = connection
            if self._ended:
                _hang_up(connection)

    def closed(self) -> None:
        with self._lock:
            del self._connections[threading.current_thread()]

    def end_handlers(self) -> None:
        with self._lock:
            self._ended = True
            threads = tuple(self._connections)
            for connection in self._connections.values():
                _hang_up(connection)
        for thread in threads:
            thread.join(_JOIN_SECONDS)


def _hang_up(connection: socket.socket) -> None:
    """End what waits on the connection; its own thread closes it."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    """Reads a whole request, asks the server's function and writes the whole response."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _HttpServer

    def setup(self) -> None:
        super().setup()
        self.server.opened(self.connection)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.server.closed()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.server.answer(Call(self.command, self.path, dict(self.headers.items()), body))
        if answer is None:
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.body)

    do_DELETE = do_GET = do_PATCH = do_POST = do_PUT = _serve  # noqa: N815 - the names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in http.server
        """Log nothing: the answering function counts the calls."""
