"""A local BigQuery for the real client: PyPI's bqemulator in a process of its own."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from exporter.messages.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from google.cloud import bigquery
    from requests import Response

_PACKAGES = {
    "bqemulator": "bqemulator",
    "duckdb": "duckdb",
    "duckdb_extension_spatial": "duckdb-extension-spatial",
    "numpy": "numpy",
}
"""The distribution of every module that the process imports."""

_START_SECONDS = 60.0
_TERMINATE_SECONDS = 2.0
_LAST_WORDS = 5
_PREFIX = "orchestration-exporter-bigquery-"
# The emulator's own settings, and those of a tracer, with which it takes two to three times as long (measured).
_FOREIGN_VARIABLES = ("BQEMU_", "COVERAGE_")


class EmulatorError(UnavailableError):
    """The local BigQuery cannot be started. The message says why and what to do."""


class BigQueryEmulator:
    """A local BigQuery in memory, on loopback only, that ends with this process in any case. A context manager.

    It takes about a second to start. `start` begins, `wait` waits for it, entering the context does both.
    """

    def __init__(self) -> None:
        self._running = contextlib.ExitStack()
        self._link: socket.socket | None = None
        self._log = Path()
        self._port: int | None = None
        self.changes = 0
        """Calls of its clients so far that may have changed what it holds."""

    @property
    def address(self) -> str:
        """The server's URL, without a slash at its end. Raises EmulatorError if it is not running."""
        if self._port is None:
            raise EmulatorError("the local BigQuery is not running")
        return f"http://127.0.0.1:{self._port}"

    def client(self, project: str) -> bigquery.Client:
        """A real client of this server; it is closed when the server stops."""
        client = local_client(self.address, project, self._called)
        self._running.callback(client.close)
        return client

    def _called(self, response: Response, **_: object) -> None:
        self.changes += response.request.method != "GET"

    def start(self) -> None:
        """Start the process and return at once. Raises EmulatorError if the demo extra is not installed."""
        require_packages()
        with contextlib.ExitStack() as stack:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)))
            ours, theirs = socket.socketpair()
            self._link = stack.enter_context(ours)
            self._log = home / "log"
            with theirs, self._log.open("wb") as log:
                process = subprocess.Popen(
                    # -P, so that the modules beside the script do not hide others of the same name.
                    [sys.executable, "-P", str(Path(__file__).with_name("serve.py")), str(home)],
                    stdin=theirs.fileno(),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=_environment(home),
                    # Ctrl-C in the terminal is for the starting process, which then stops this one.
                    start_new_session=True,
                )
            stack.callback(_end, process)
            self._running = stack.pop_all()

    def wait(self, seconds: float = _START_SECONDS) -> None:
        """Wait until it answers. If it does not within `seconds`, stops it and raises EmulatorError."""
        if self._link is None:
            raise EmulatorError("the local BigQuery is not started")
        try:
            self._port = _read_port(self._link, self._log, seconds)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Close the clients, end the process and remove its files. Does nothing if it is not running."""
        self._port = self._link = None
        self._running.close()

    def __enter__(self) -> Self:
        self.start()
        self.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _read_port(link: socket.socket, log: Path, seconds: float) -> int:
    """The port that the process reports. Raises EmulatorError if the process ends or the time is over."""
    end = time.monotonic() + seconds
    said = b""
    while not said.endswith(b"\n"):
        link.settimeout(max(0.001, end - time.monotonic()))
        try:
            part = link.recv(64)
        except TimeoutError:
            raise EmulatorError(f"the local BigQuery was not ready within {seconds:g} s") from None
        if not part:
            words = log.read_text(errors="replace").splitlines()[-_LAST_WORDS:]
            raise EmulatorError("\n".join(["the local BigQuery ended before it was ready; its last words:", *words]))
        said += part
    return int(said)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_TERMINATE_SECONDS)
    except subprocess.TimeoutExpired:
        # It answers one query at a time and hears of a signal in between.
        process.kill()
        process.wait()


def require_packages() -> None:
    """Raise EmulatorError, naming them, if packages of the demo extra are missing."""
    missing = [name for module, name in _PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise EmulatorError(
            f"the local BigQuery needs {', '.join(missing)}, which {verb} not installed:"
            " pip install '.[demo]' in a checkout"
        )


def local_client(address: str, project: str, called: Callable[..., None] | None = None) -> bigquery.Client:
    """A real client of the server at this URL, without credentials. The caller closes it.

    `called` receives every response.
    """
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import AuthorizedSession
    from google.cloud import bigquery

    credentials = AnonymousCredentials()
    session = AuthorizedSession(credentials)
    # A proxy that the environment names is for the world outside; looking for one takes a fifth of a call's time.
    session.trust_env = False
    if called is not None:
        session.hooks["response"].append(called)
    return bigquery.Client(
        project=project,
        credentials=credentials,
        client_options=ClientOptions(api_endpoint=address),
        _http=session,
    )


def _environment(home: Path) -> dict[str, str]:
    """The environment of the process: its own home, and no variables that configure or slow down the emulator."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN_VARIABLES)}
    return kept | {"HOME": str(home), "TMPDIR": str(home)}
