"""The season on the status page, read at long intervals on a thread of its own."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog

from exporter.collect.season import of_dates, read_season
from exporter.model import ErrorKind
from exporter.reconcile.expectations import ONE_DAY, today

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from exporter.collect.season import SeasonRead
    from exporter.config.load import Loaded
    from exporter.config.resolved import SeasonConfig
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.ports import Sources

log = structlog.get_logger(__name__)

AGAIN: Final = timedelta(minutes=10)
"""The pause before it is read again if a source did not answer."""
_UNANSWERED: Final = frozenset({ErrorKind.UNREACHABLE.value, ErrorKind.TIMEOUT.value})


class SeasonWatch:
    """Reads the season of one configuration until it is stopped, with sources of its own.

    `telemetry` counts what that costs. The daily budget is that of all other readings.
    """

    def __init__(
        self,
        loaded: Loaded,
        config: SeasonConfig,
        open_sources: Callable[[Loaded, Telemetry], Sources],
        clock: Callable[[], datetime],
        telemetry: Telemetry,
        publish: Callable[[SeasonRead], None],
    ) -> None:
        self._loaded = loaded
        self._config = config
        self._open = open_sources
        self._clock = clock
        self._telemetry = telemetry
        self._publish = publish
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._sources: Sources | None = None
        self._thread = threading.Thread(target=self._work, name="season", daemon=True)

    def start(self) -> None:
        """Start reading, on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Read no more, and end what is under way; nothing is published after this."""
        with self._lock:
            self._stopped.set()
            sources = self._sources
        if sources is not None:
            sources.close()

    def read_once(self) -> timedelta:
        """Read and publish, and say how long to wait for the next time."""
        started, every = time.monotonic(), self._config.every
        last = today(self._clock(), self._loaded.config.timezone)
        read = read_season(of_dates(self._loaded, last - ONE_DAY * self._config.past, last), self._own, self._clock)
        with self._lock:
            self._sources = None
            if self._stopped.is_set():
                return every
            self._publish(read)
        seconds = round(time.monotonic() - started, 1)
        log.info("season read", run_dates=self._config.past + 1, seconds=seconds, unread=_said(read.unread))
        return min(every, AGAIN) if _unanswered(read.unread) else every

    def _work(self) -> None:
        pause = timedelta()
        while not self._stopped.wait(pause.total_seconds()):
            try:
                pause = self.read_once()
            except Exception:
                # One that broke must not be the last: the next may have other values before it.
                log.exception("the season could not be read")
                pause = self._config.every

    def _own(self, loaded: Loaded, _: Telemetry) -> Sources:
        sources = self._open(loaded, self._telemetry)
        with self._lock:
            self._sources = sources
            stopped = self._stopped.is_set()
        if stopped:
            sources.close()
        return sources


def _unanswered(unread: Mapping[str, str]) -> bool:
    return any(reason in _UNANSWERED for reasons in unread.values() for reason in reasons.split(", "))


def _said(unread: Mapping[str, str]) -> str | None:
    return ", ".join(f"{name} ({why})" for name, why in unread.items()) or None
