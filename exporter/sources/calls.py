"""Ends every call into a client library within its time limit, whatever the library does.

Google's clients apply time-outs to single attempts, and none at all to the search for credentials, to name resolution
or to an answer that comes a byte at a time. So each call runs in a thread of its own and is awaited no longer than it
may take. Within that time, the one `Retry` made here repeats transient failures; the clients' own retries are off.
"""

from __future__ import annotations

import itertools
import math
import threading
from concurrent.futures import Future, InvalidStateError, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.api_core.retry import Retry

from exporter.model import ErrorKind
from exporter.sources.errors import STOPPING, CallFailed, Fault, transient

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

T = TypeVar("T")


def ended(futures: Collection[Future[Any]], seconds: float = math.inf) -> bool:
    """Whether all of these ended within this number of seconds."""
    return not wait(futures, None if seconds == math.inf else seconds).not_done


_ATTEMPTS: Final = 5
_LONGEST_PAUSE: Final = 10.0

_LATE = Fault(ErrorKind.TIMEOUT, "no answer in time")


def retry(seconds: float, first_pause: float) -> Retry:
    """Repeats transient failures: five attempts in all, and no new one once these seconds are over.

    The pauses double, each drawn at random from zero to its length. If the source stays away, the next collection
    tries again.
    """
    failures = itertools.count(1)
    return Retry(
        predicate=lambda error: transient(error) and next(failures) < _ATTEMPTS,
        initial=first_pause,
        maximum=_LONGEST_PAUSE,
        timeout=seconds,
    )


class Calls:
    """Runs blocking calls, each with its own time limit. `close` ends all of them at once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._waiting: set[Future[object]] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called. Every failure after that is its consequence."""
        return self._closed

    def run(self, call: Callable[[], T], seconds: float) -> T:
        """Return or raise what the call does. Raises CallFailed if it takes longer than `seconds`, or on `close`.

        A call that was given up continues in its thread until its connections end; the owner of the connections ends
        them.
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
        """End every running call, and refuse later ones."""
        with self._lock:
            self._closed = True
            for future in self._waiting:
                with suppress(InvalidStateError):
                    future.set_exception(CallFailed(STOPPING))


def _settle(future: Future[T], call: Callable[[], T]) -> None:
    # A result that arrives after the call was given up is discarded.
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - it is raised again where the call is awaited
        with suppress(InvalidStateError):
            future.set_exception(error)
    else:
        with suppress(InvalidStateError):
            future.set_result(result)
