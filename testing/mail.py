"""A mail server that keeps what it is sent."""

from __future__ import annotations

import email
import email.policy
import socketserver
import threading
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

HOST: Final = "127.0.0.1"


class MailServer:
    """Speaks as much SMTP as a client needs to hand over a message, and passes each to `take`; a context manager."""

    def __init__(self, take: Callable[[EmailMessage], None]) -> None:
        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self._say("220 ready")
                while line := self.rfile.readline():
                    match line[:4].upper():
                        case b"DATA":
                            self._say("354 go on")
                            take(self._message())
                            self._say("250 taken")
                        case b"QUIT":
                            self._say("221 bye")
                            return
                        case _:
                            self._say("250 ok")

            def _say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

            def _message(self) -> EmailMessage:
                lines = iter(self.rfile.readline, b".\r\n")
                content = b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)
                return email.message_from_bytes(content, policy=email.policy.default)

        self._server = socketserver.ThreadingTCPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def address(self) -> str:
        """`host:port`."""
        return f"{HOST}:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
