"""What the exporter remembers of the documents it watches, from one reading to the next and over a restart.

`Memory` joins the judgement of `losses.py` with the ledger: an observation is durable before anything is made of it. A
ledger that cannot be used is said in the log and in the metrics, and the exporter goes on without it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from exporter.ledger import MEMORY, Ledger, LedgerError, LedgerInUseError
from exporter.losses import watch
from exporter.model import Gap

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime, timedelta

    from exporter.config.resolved import LedgerConfig
    from exporter.model import Document, DocumentId, Watched
    from exporter.telemetry import Telemetry

log = structlog.get_logger(__name__)

DURABLE: Final = "ledger_durable"
FAILURES: Final = "ledger_failures"
GAPS_KEPT: Final = 50


@dataclass(frozen=True, slots=True)
class Remembered:
    """What is remembered at one moment."""

    watched: Mapping[DocumentId, Watched]
    followed_since: datetime | None = None
    gaps: tuple[Gap, ...] = ()


class Memory:
    """Everything remembered of the documents. All methods may be called from any thread."""

    def __init__(self, config: LedgerConfig, telemetry: Telemetry, *, read_only: bool = False) -> None:
        """Open the ledger and take over what it holds.

        `read_only`: only look at it, as `check` does beside an exporter that runs. Raises LedgerInUseError if another
        exporter has the ledger; a ledger with any other fault is done without.
        """
        self._config = config
        self._telemetry = telemetry
        self._read_only = read_only
        self._lock = threading.Lock()
        self._unwritten: set[DocumentId] = set()
        self._forgotten: date | None = None
        self._followed_until: datetime | None = None
        self._now = Remembered({})
        self._ledger = self._open(config)

    def _open(self, config: LedgerConfig) -> Ledger | None:
        if config.path == MEMORY or (self._read_only and not Path(config.path).exists()):
            return None
        ledger: Ledger | None = None
        try:
            ledger = Ledger(config.path, read_only=self._read_only)
            self._now = Remembered(ledger.load() | dict(self._now.watched), self._now.followed_since, self._now.gaps)
            until, gaps = ledger.followed()
        except LedgerInUseError:
            raise
        except LedgerError as error:
            self._failed(error)
            if ledger is not None:
                ledger.close()
            return None
        self._followed_until = self._followed_until or until
        self._now = Remembered(self._now.watched, self._now.followed_since, self._now.gaps or gaps)
        self._telemetry.set(DURABLE, 1)
        return ledger

    @property
    def now(self) -> Remembered:
        """What is remembered now."""
        return self._now

    def reconfigure(self, config: LedgerConfig) -> None:
        """Go on with another configuration; what is remembered stays.

        Raises LedgerInUseError, and then nothing has changed.
        """
        with self._lock:
            if config == self._config and self._ledger is not None:
                return
            if config.path != self._config.path or self._ledger is None:
                before, self._ledger = self._ledger, self._open(config)
                self._unwritten.update(self._now.watched)
                if before is not None:
                    before.close()
            self._config = config

    def observe(
        self,
        documents: Mapping[DocumentId, Document],
        names: Collection[str],
        now: datetime,
        *,
        longest_gap: timedelta,
        everything: bool,
    ) -> None:
        """Take a reading; `everything`: documents that are not in it are no longer of interest."""
        with self._lock:
            before = self._now.watched
            seen = watch(before, documents, names, now, longest_gap=longest_gap)
            self._unwritten.update(key for key in seen if seen[key] is not before.get(key))
            watched = seen if everything else {**before, **seen}
            self._write(watched, now)
            self._now = Remembered(watched, self._now.followed_since, self._now.gaps)
            if everything and self._now.followed_since is not None:
                # The listener is held against every polled reading, so it was no deaf one until now.
                self._followed_until = now
                self._note(self._now.followed_since, now)

    def follow(self, now: datetime) -> None:
        """Note that the documents are followed at this moment; if they were not until now, a gap ends with that."""
        with self._lock:
            since, gaps = self._now.followed_since, self._now.gaps
            if since is None:
                if self._followed_until is not None and self._followed_until < now:
                    gaps = (*gaps, Gap(self._followed_until, now))[-GAPS_KEPT:]
                since = now
            self._followed_until = now
            self._now = Remembered(self._now.watched, since, gaps)
            self._note(since, now)

    def lose(self) -> None:
        """Note that the documents are followed no longer."""
        with self._lock:
            self._now = Remembered(self._now.watched, None, self._now.gaps)

    def close(self) -> None:
        """Let the next exporter have the ledger."""
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None

    def _write(self, watched: Mapping[DocumentId, Watched], now: datetime) -> None:
        if self._ledger is None or self._read_only:
            self._unwritten.clear()
            return
        try:
            self._ledger.record({key: watched[key] for key in self._unwritten if key in watched})
            oldest = (now - self._config.keep).date()
            if oldest != self._forgotten:
                self._ledger.forget(oldest)
                self._forgotten = oldest
        except LedgerError as error:
            self._failed(error)
            return
        self._unwritten.clear()
        self._telemetry.set(DURABLE, 1)

    def _note(self, since: datetime, now: datetime) -> None:
        if self._ledger is None or self._read_only:
            return
        try:
            self._ledger.note_following(since, now, self._now.gaps)
        except LedgerError as error:
            self._failed(error)

    def _failed(self, error: LedgerError) -> None:
        if self._telemetry.value(DURABLE) != 0:
            log.error("ledger failed, going on in memory", detail=str(error))
        self._telemetry.set(DURABLE, 0)
        self._telemetry.add(FAILURES)
