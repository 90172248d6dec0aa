"""A program of Prometheus's family that serves on loopback: started when asked for, ended by its process."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import httpx

from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ENDS_WITHIN = 30.0
_NEWS = re.compile(r"\blevel=(?:info|INFO)\b")


def free_port() -> int:
    """A free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Served(ABC):
    """A running program, whose files are in `folder`; a context manager, inside which it is ready and has a `url`."""

    folder: Path
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack, init=False)

    @abstractmethod
    def _command(self, address: str) -> Sequence[str]:
        """The program and its arguments, for it to serve on this address (host:port)."""

    def __enter__(self) -> Self:
        name = type(self).__name__
        self._log = self.folder / f"{name.lower()}.log"
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        command = self._command(address)
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self._log.open("w"))
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(end, process)
            self._client = stack.enter_context(httpx.Client(base_url=self.url, timeout=30))
            until(lambda: self._is_ready() or process.poll() is not None, f"{name} to answer")
            assert process.poll() is None, self.log
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def log(self) -> str:
        """The program's output so far."""
        return self._log.read_text(encoding="utf-8")

    @property
    def complaints(self) -> list[str]:
        """The warnings and errors in its log. Programs write `level=info`, newer ones `level=INFO`."""
        return [line for line in self.log.splitlines() if not _NEWS.search(line)]

    def _is_ready(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return self._client.get("/-/ready").is_success
        return False


def end(process: subprocess.Popen[bytes], seconds: float = ENDS_WITHIN) -> None:
    """Ask a program to end, and kill it if it does not within so many seconds."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
