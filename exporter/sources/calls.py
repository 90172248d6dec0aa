"""Calls into a client library that end when they must, whatever the library does.

Google's clients take time-outs for single attempts, and none at all for looking for credentials, for names or for an
answer that comes a byte at a time. So each call runs in a thread of its own and is awaited no longer than it may take.
Inside that time, what is transient is tried again by the one `Retry` that is made here; the clients' own are off.
"""

from __future__ import annotations

import itertools
import math
import threading
import time
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.api_core.retry import Retry

from exporter.model import ErrorKind
from exporter.sources.errors import STOPPING, CallFailed, Fault, transient

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

AWAKE_SECONDS: Final = 0.5
"""How long the main thread waits at a time, whatever it waits for. Signal handlers run on it alone, and a signal that
another thread was given, or that came just before the main thread began to wait, does not wake it."""

T = TypeVar("T")


def ended(futures: Collection[Future[Any]], seconds: float = math.inf) -> bool:
    """Whether all of these ended within so many seconds. The handlers of signals run while it waits."""
    until = time.monotonic() + seconds
    while wait(futures, max(0.0, min(until - time.monotonic(), AWAKE_SECONDS))).not_done:
        if time.monotonic() >= until:
            return False
    return True


_ATTEMPTS: Final = 5
_LONGEST_PAUSE: Final = 10.0

_LATE = Fault(ErrorKind.TIMEOUT, "no answer in time")


def retry(seconds: float, first_pause: float) -> Retry:
    """Tries again what is transient: five attempts in all, and no new one once these seconds are over.

    The pauses double, each drawn between nothing and its length. A source that stays away is the next collection's.
    """
    failures = itertools.count(1)
    return Retry(
        predicate=lambda error: transient(error) and next(failures) < _ATTEMPTS,
        initial=first_pause,
        maximum=_LONGEST_PAUSE,
        timeout=seconds,
    )


class Calls:
    """Runs blocking calls, each awaited for its own time, until it is closed; then all of them end at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._waiting: set[Future[object]] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called: whatever fails from then on fails because of it."""
        return self._closed

    def run(self, call: Callable[[], T], seconds: float) -> T:
        """What the call returns or raises. Raises CallFailed if it takes longer than `seconds`, or on `close`.

        A call that is given up goes on in its thread until its connections end: whoever owns those ends them.
        """
        if seconds <= 0:
            raise CallFailed(_LATE)
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise CallFailed(STOPPING)
            self._waiting.add(future)  # type: ignore[arg-type]  # a set of futures of anything, only ever failed
        try:
            threading.Thread(target=_settle, args=(future, call), name=self._name, daemon=True).start()
            if not ended([future], seconds):
                raise CallFailed(_LATE)
            return future.result()
        finally:
            with self._lock:
                self._waiting.discard(future)

    def close(self) -> None:
        """End every call that runs, and refuse all later ones."""
        with self._lock:
            self._closed = True
            for future in self._waiting:
                with suppress(InvalidStateError):
                    future.set_exception(CallFailed(STOPPING))


def _settle(future: Future[T], call: Callable[[], T]) -> None:
    # A result that comes after the call was given up is thrown away.
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - it is raised again where the call is awaited
        with suppress(InvalidStateError):
            future.set_exception(error)
    else:
        with suppress(InvalidStateError):
            future.set_result(result)
