"""Faults that tests set while the server runs: status codes, hangs, delays, broken streams."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grpc import ServicerContext, StatusCode

from exporter.emulators.firestore.errors import CallError
from exporter.emulators.firestore.messages import Message

METHODS: Final = frozenset(
    {
        *("BatchGetDocuments", "BatchWrite", "BeginTransaction", "Commit", "GetDocument", "ListCollectionIds"),
        *("ListDocuments", "Listen", "Rollback", "RunAggregationQuery", "RunQuery"),
    }
)
"""The methods that the server implements."""

_SHORTEST_REFUSAL: Final = 0.05  # seconds; a refused listener comes back at once and for ever


@dataclass(slots=True, eq=False)
class _Fault:
    """A fault.

    Attributes:
        code: the call ends with it, and with the message; None lets the call go on.
        seconds: how long the call is held before that; None holds it until the fault is lifted.
        left: how many more calls it affects; None sets no limit.
        details: the details of the error besides its message.
        lifted: set when the fault is over, also for the calls that it holds.

    """

    code: StatusCode | None
    message: str
    seconds: float | None
    left: int | None
    details: Sequence[Message] = ()
    lifted: bool = False


class Faults:
    """The faults in force: one for each method, and one for all methods that have none of their own.

    A new fault replaces the earlier one. All methods may be called from any thread.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._faults: dict[str | None, _Fault] = {}
        self._holding = 0
        self._stopping = False
        self._breaks = 0
        self._broken_with = StatusCode.UNAVAILABLE

    def fail(
        self,
        code: StatusCode | str,
        *,
        method: str | None = None,
        times: int | None = None,
        after: float = 0.0,
        message: str = "a fault was ordered",
        details: Sequence[Message] = (),
    ) -> None:
        """Answer calls with a status code (or its name, as in `"PERMISSION_DENIED"`), `after` so many seconds.

        `details` are messages of google.rpc (`ErrorInfo`), sent as Google's servers send them. Listeners that are
        open stay so: see `break_streams`. Raises ValueError for an unknown code or method.
        """
        self._order(method, _Fault(_status(code), message, after, times, details))

    def delay(self, seconds: float, *, method: str | None = None, times: int | None = None) -> None:
        """Hold calls for this time, then answer them. Raises ValueError for an unknown method."""
        self._order(method, _Fault(None, "", seconds, times))

    def hang(self, *, method: str | None = None, times: int | None = None) -> None:
        """Hold calls until the fault is cleared, then answer them; raises ValueError for an unknown method.

        A call that its client gives up, or whose deadline passes, is released.
        """
        self._order(method, _Fault(None, "", None, times))

    def unreachable(self) -> None:
        """Answer every call as if the server did not exist, and break all open listeners.

        (To have connections refused, stop the server; it starts again at the same address with the same documents.)
        """
        self.fail(StatusCode.UNAVAILABLE, message="failed to connect to all addresses")
        self.break_streams()

    def break_streams(self, code: StatusCode | str = StatusCode.UNAVAILABLE) -> None:
        """End every open Listen stream with that code, once; raises ValueError for an unknown code."""
        status = _status(code)
        with self._changed:
            self._breaks += 1
            self._broken_with = status
            self._changed.notify_all()

    def clear(self, method: str | None = None) -> None:
        """Lift the fault of one method, or all faults; hanging calls continue."""
        with self._changed:
            for scope in [*self._faults] if method is None else [method]:
                self._lift(scope)
            self._changed.notify_all()

    def stopping(self, *, now: bool) -> None:
        """Release all held calls because the server stops, or (`now=False`) hold again because it starts."""
        with self._changed:
            self._stopping = now
            self._changed.notify_all()

    def meet(self, method: str, context: ServicerContext) -> None:
        """Apply the faults to a call: wait or fail. Raises CallError if it fails."""
        with self._changed:
            fault = self._next(method)
            if fault is None:
                if self._stopping:
                    raise _stopping()
                return
            context.add_callback(self._wake)
            least = _SHORTEST_REFUSAL if fault.code and method == "Listen" else 0.0
            self._holding += 1
            self._changed.wait_for(
                lambda: fault.lifted or self._stopping or not context.is_active(),
                None if fault.seconds is None else max(fault.seconds, least),
            )
            self._holding -= 1
            if self._stopping:
                raise _stopping()
            if not context.is_active():
                raise CallError(StatusCode.CANCELLED, "the client gave up")
        if fault.code is not None:
            raise CallError(fault.code, fault.message, fault.details)

    @property
    def holding(self) -> int:
        """How many calls hang or are delayed at this moment."""
        with self._changed:
            return self._holding

    @property
    def breaks(self) -> int:
        """How often open streams were broken. A stream passes the number at its opening to `broken`."""
        return self._breaks

    def broken(self, since: int) -> CallError | None:
        """The code with which a stream must end that opened when `breaks` was `since`; None if it need not end."""
        if self._stopping:
            return _stopping()
        return None if self._breaks == since else CallError(self._broken_with, "the stream was broken")

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _order(self, method: str | None, fault: _Fault) -> None:
        if method is not None and method not in METHODS:
            raise ValueError(
                f"{method!r} is no method of the local Firestore: expected one of {', '.join(sorted(METHODS))}"
            )
        with self._changed:
            self._lift(method)
            self._faults[method] = fault
            self._changed.notify_all()

    def _lift(self, scope: str | None) -> None:
        fault = self._faults.pop(scope, None)
        if fault is not None:
            fault.lifted = True

    def _next(self, method: str) -> _Fault | None:
        for scope in (method, None):
            fault = self._faults.get(scope)
            if fault is not None and fault.left != 0:
                fault.left = None if fault.left is None else fault.left - 1
                return fault
        return None


def _stopping() -> CallError:
    return CallError(StatusCode.UNAVAILABLE, "the server is stopping")


def _status(code: StatusCode | str) -> StatusCode:
    if isinstance(code, StatusCode):
        return code
    try:
        return StatusCode[code]
    except KeyError:
        expected = ", ".join(status.name for status in StatusCode)
        raise ValueError(f"{code!r} is no gRPC status code: expected one of {expected}") from None
