"""A proxy in front of a local BigQuery that forwards calls, or answers them with a requested fault."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from exporter.emulators.bigquery.calls import name_of
from exporter.emulators.bigquery.loopback import Answer, Call, LoopbackServer, error_answer

if TYPE_CHECKING:
    from types import TracebackType

_HANG_LIMIT_SECONDS = 600.0
"""Longer than any caller's deadline; after this time a call that hangs is released in any case."""

# These belong to one connection and are not passed on; the gate states its own lengths.
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "content-length", "transfer-encoding", "host"})


class BigQueryFault(StrEnum):
    """The ways in which a faulty BigQuery behaves."""

    UNREACHABLE = "unreachable"
    """The connection is closed without an answer."""
    PERMISSION_DENIED = "permission_denied"
    """403 accessDenied."""
    TIMEOUT = "timeout"
    """No answer at all, until the fault is lifted or the gate stops."""
    QUOTA = "quota"
    """403 quotaExceeded: a daily limit is used up, and the client does not retry."""
    RATE_LIMIT = "rate_limit"
    """403 rateLimitExceeded: too many calls at the moment, and the client retries."""
    SERVER_ERROR = "server_error"
    """503 backendError."""
    NOT_FOUND = "not_found"
    """404 notFound: there is no such project."""


_JOBS = frozenset({"jobs.insert", "jobs.get"})

_REFUSALS = {
    BigQueryFault.PERMISSION_DENIED: error_answer(
        403,
        "accessDenied",
        "Access Denied: User does not have bigquery.jobs.create permission in the project, or it does not exist.",
    ),
    BigQueryFault.QUOTA: error_answer(
        403, "quotaExceeded", "Quota exceeded: Your project exceeded quota for query bytes scanned per day."
    ),
    BigQueryFault.RATE_LIMIT: error_answer(
        403, "rateLimitExceeded", "Exceeded rate limits: too many api requests per user per method."
    ),
    BigQueryFault.SERVER_ERROR: error_answer(
        503, "backendError", "Error encountered during execution. Retrying may solve the problem."
    ),
    BigQueryFault.NOT_FOUND: error_answer(404, "notFound", "Not found: Project"),
}


class BigQueryGate:
    """An HTTP server on loopback in front of the local BigQuery at `upstream` (its URL). A context manager.

    While `fault` is None it forwards every call, after `delay` seconds. `calls` counts all calls, also refused ones, by
    their name in the REST reference (jobs.insert, jobs.getQueryResults). Stopping ends hanging calls.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._server = LoopbackServer(self._answer)
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._passing: set[http.client.HTTPConnection] = set()
        self._fault: BigQueryFault | None = None
        self._delay = 0.0
        # Set when what the waiting calls wait for no longer holds; each change of the orders gets a new one.
        self._changed = threading.Event()

    @property
    def address(self) -> str:
        """The gate's URL, to be used instead of the upstream's."""
        return self._server.address

    @property
    def calls(self) -> Counter[str]:
        """How often each call of the REST API was made so far."""
        with self._lock:
            return Counter(self._calls)

    @property
    def fault(self) -> BigQueryFault | None:
        """The fault of every call from now on; None forwards them. Setting it releases hanging calls."""
        return self._fault

    @fault.setter
    def fault(self, fault: BigQueryFault | str | None) -> None:
        self._order(None if fault is None else BigQueryFault(fault), self._delay)

    @property
    def delay(self) -> float:
        """Seconds that every call waits before it is forwarded or answered."""
        return self._delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        self._order(self._fault, seconds)

    def start(self) -> None:
        """Begin to serve."""
        self._server.start()

    def stop(self) -> None:
        """Close every connection, including those of calls that hang or wait for the upstream."""
        self._server.stopping.set()
        self._order(None, 0.0)
        with self._lock:
            for connection in self._passing:
                with contextlib.suppress(OSError):
                    connection.sock.shutdown(socket.SHUT_RDWR)
        self._server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _order(self, fault: BigQueryFault | None, delay: float) -> None:
        with self._lock:
            self._fault, self._delay = fault, delay
            changed, self._changed = self._changed, threading.Event()
        changed.set()

    def _answer(self, call: Call) -> Answer | None:
        with self._lock:
            self._calls[name_of(call.method, call.target)] += 1
            fault, delay, changed = self._fault, self._delay, self._changed
        if fault is BigQueryFault.TIMEOUT:
            changed.wait(_HANG_LIMIT_SECONDS)
            return None
        if delay:
            changed.wait(delay)
        if fault is BigQueryFault.UNREACHABLE or self._server.stopping.is_set():
            return None
        return self._pass_on(call) if fault is None else _REFUSALS[fault]

    def _pass_on(self, call: Call) -> Answer | None:
        """The upstream's answer; None if it gives none."""
        connection = http.client.HTTPConnection(self._upstream.hostname or "", self._upstream.port)
        try:
            connection.connect()
            with self._lock:
                if self._server.stopping.is_set():
                    return None
                self._passing.add(connection)
            headers = {name: value for name, value in call.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(call.method, call.target, call.body, headers)
            response = connection.getresponse()
            body = response.read()
            kept = {
                name: value
                for name, value in response.getheaders()
                if name.lower() not in _HOP_BY_HOP | {"content-type", "date", "server"}
            }
            if name_of(call.method, call.target) in _JOBS:
                body = _billed(body)
            return Answer(response.status, body, response.headers.get("Content-Type", ""), kept)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            with self._lock:
                self._passing.discard(connection)
            connection.close()


def _billed(body: bytes) -> bytes:
    """A job's resource that says that it billed nothing and has no sizes, as is true for a local BigQuery."""
    with contextlib.suppress(ValueError):
        job = json.loads(body)
        if isinstance(job, dict) and "jobReference" in job:
            statistics = job.setdefault("statistics", {}).setdefault("query", {})
            statistics.setdefault("totalBytesBilled", "0")
            if job.get("configuration", {}).get("dryRun"):
                statistics.setdefault("totalBytesProcessedAccuracy", "UNKNOWN")
            return json.dumps(job).encode()
    return body
