"""Counts the requests and connections that the server refuses, and logs them within bounds."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.metrics.telemetry import Refusal

_log = structlog.get_logger(__name__)

QUIET_SECONDS: Final = 60.0
"""Seconds between two log lines about the same client and reason; the second line has the number of those between."""

MOST_LINES: Final = 30
"""Log lines in `QUIET_SECONDS` about all clients together."""

_MOST_KNOWN: Final = 1024
"""Clients and reasons whose last line is remembered."""


class Refusals:
    """Counts every refusal, and logs one line a minute for each client and reason.

    Use it on the event loop's thread.
    """

    def __init__(
        self, count: Callable[[Refusal], None] = lambda _: None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count = count
        self._clock = clock
        self._lines: OrderedDict[tuple[str, Refusal], tuple[float, int]] = OrderedDict()
        self._minute = 0.0
        self._written = 0
        self._left_out = 0

    def add(self, reason: Refusal, client: str) -> None:
        """Count one refusal; `client` is the address it came from."""
        self._count(reason)
        now, key = self._clock(), (client, reason)
        since, left_out = self._lines.get(key, (-QUIET_SECONDS, 0))
        if now - since < QUIET_SECONDS:
            self._lines[key] = (since, left_out + 1)
            return
        if now - self._minute >= QUIET_SECONDS:
            self._minute, self._written = now, 0
        if self._written >= MOST_LINES:
            self._left_out += 1
            return
        self._written += 1
        _log.warning("refused", reason=str(reason), client=client, left_out=left_out, left_out_of_others=self._left_out)
        self._left_out = 0
        self._lines[key] = (now, 0)
        self._lines.move_to_end(key)
        if len(self._lines) > _MOST_KNOWN:
            self._lines.popitem(last=False)
