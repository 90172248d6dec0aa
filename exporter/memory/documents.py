"""Remembers the watched documents from one reading to the next, and over a restart.

`Memory` judges readings by `losses.py` and writes them to the ledger: an observation is on the disk before anything is
concluded from it. If the ledger cannot be used, the log and the metrics say so, and the exporter continues without it.
It tries the ledger again, and then writes what the ledger lacks.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

from exporter.memory.ledger import MEMORY, Ledger, LedgerError, LedgerInUseError
from exporter.memory.losses import joined, watch
from exporter.model import Gap
from exporter.sources.documents import USUAL, read_entry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date, datetime

    from exporter.config.resolved import CompletionConfig, LedgerConfig
    from exporter.memory.ledger import Shapes
    from exporter.memory.states import StateRow
    from exporter.metrics.telemetry import Telemetry
    from exporter.model import Document, DocumentId, Sighting, Watched

log = structlog.get_logger(__name__)

DURABLE: Final = "ledger_durable"
FAILURES: Final = "ledger_failures"
GAPS_KEPT: Final = 50
RETRY: Final = timedelta(minutes=1)
"""The pause before a ledger that could not be opened is tried again."""


def reread(seen: Watched, shape: CompletionConfig) -> Watched:
    """The memory of a document whose entries look as `shape` says."""

    def again(sighting: Sighting) -> Sighting:
        return replace(sighting, entry=read_entry(sighting.content, shape)) if sighting.content else sighting

    return replace(
        seen,
        entries={name: again(sighting) for name, sighting in seen.entries.items()},
        removals=tuple(replace(removal, sighting=again(removal.sighting)) for removal in seen.removals),
    )


@dataclass(frozen=True, slots=True)
class Remembered:
    """Everything remembered at one moment."""

    watched: Mapping[DocumentId, Watched]
    followed_since: datetime | None = None
    gaps: tuple[Gap, ...] = ()


class Memory:
    """Remembers the documents. All methods may be called from any thread."""

    def __init__(
        self, config: LedgerConfig, telemetry: Telemetry, *, read_only: bool = False, shapes: Shapes | None = None
    ) -> None:
        """Open the ledger and load its content. `shapes`: what the documents of each collection look like.

        `read_only`: only read it, as `check` does while an exporter is running. Raises LedgerInUseError if another
        exporter has the ledger; with any other fault, the exporter continues without a ledger.
        """
        self._config = config
        self._telemetry = telemetry
        self._read_only = read_only
        self._shapes = shapes or {}
        self._lock = threading.Lock()
        self._closed = False
        self._tried_at: datetime | None = None
        self._unwritten: dict[DocumentId, Watched] = {}
        self._unnoted = False
        self._oldest: date | None = None
        self._forgotten: date | None = None
        self._followed_until: datetime | None = None
        self._longest_gap = timedelta.max
        self._now = Remembered({})
        self._states: tuple[StateRow, ...] = ()
        self._unwritten_states: list[StateRow] = []
        self._ledger = self._open(config)
        self._write()

    def _open(self, config: LedgerConfig) -> Ledger | None:
        """Load the ledger's content, and note what it lacks."""
        if config.path == MEMORY or (self._read_only and not Path(config.path).exists()):
            return None
        ledger: Ledger | None = None
        try:
            ledger = Ledger(config.path, read_only=self._read_only, shapes=self._shapes)
            held = ledger.load()
            until, gaps = ledger.followed()
            self._states = tuple(ledger.states())
        except LedgerInUseError:
            raise
        except LedgerError as error:
            self._failed(error)
            if ledger is not None:
                ledger.close()
            return None
        self._forgotten = None
        known = {**self._unwritten, **self._now.watched}
        both = {
            key: joined(key, held[key], seen, self._longest_gap) if key in held else seen for key, seen in known.items()
        }
        self._unwritten = {key: seen for key, seen in both.items() if held.get(key) != seen}
        self._unnoted = self._followed_until is not None
        self._followed_until = self._followed_until or until
        gaps = tuple(dict.fromkeys((*gaps, *self._now.gaps)))[-GAPS_KEPT:]
        self._now = Remembered({**held, **both}, self._now.followed_since, gaps)
        return ledger

    @property
    def now(self) -> Remembered:
        """Everything remembered now."""
        return self._now

    @property
    def states(self) -> tuple[StateRow, ...]:
        """The verdicts and trigger states that the ledger had when it was opened, the oldest first."""
        return self._states

    def note_states(self, rows: Iterable[StateRow]) -> None:
        """Keep these verdicts and trigger states over a restart."""
        with self._lock:
            self._unwritten_states += rows
            if self._unwritten_states:
                self._write()

    @property
    def remembers(self) -> bool:
        """Whether earlier readings are remembered: not by one that only reads a ledger, and has none."""
        return self._ledger is not None or not self._read_only

    def reconfigure(self, config: LedgerConfig, shapes: Shapes | None = None) -> None:
        """Continue with another configuration; everything remembered is kept.

        Raises LedgerInUseError, and then nothing has changed.
        """
        with self._lock:
            if config.path != self._config.path or (self._ledger is None and config.path != MEMORY):
                before, self._ledger = self._ledger, self._open(config)
                if before is not None:
                    before.close()
            self._config = config
            self._read_as(shapes or {})
            if config.path == MEMORY:
                # No sample instead of 0: without a ledger file nothing can fail, so no alert may fire.
                self._telemetry.drop(DURABLE)
            self._write()

    def _read_as(self, shapes: Shapes) -> None:
        """Read again what is remembered of documents that look different now: then no entry seems to have changed."""
        before, self._shapes = self._shapes, shapes
        watched = {
            key: reread(seen, shapes.get(key.collection, USUAL))
            if before.get(key.collection, USUAL) != shapes.get(key.collection, USUAL)
            else seen
            for key, seen in self._now.watched.items()
        }
        self._now = replace(self._now, watched=watched)

    def tend(self, now: datetime) -> None:
        """Retry a ledger that could not be used, and write what it lacks. Does nothing if the ledger is in order."""
        with self._lock:
            self._reopen(now)
            self._write()

    def observe(
        self,
        documents: Mapping[DocumentId, Document],
        names: Collection[str],
        now: datetime,
        *,
        longest_gap: timedelta,
        everything: bool,
    ) -> None:
        """Store a reading. `everything`: documents that are not in it are no longer watched."""
        with self._lock:
            self._longest_gap = longest_gap
            self._oldest = None if self._config.path == MEMORY else (now - self._config.keep).date()
            self._reopen(now)
            before = self._now.watched
            seen = watch(before, documents, names, now, longest_gap=longest_gap)
            self._unwritten.update({key: seen[key] for key in seen if seen[key] is not before.get(key)})
            since = self._now.followed_since
            if everything and since is not None:
                # Every polled reading is compared with the listener, so it has missed no change until now.
                self._followed_until, self._unnoted = now, True
            self._write()
            self._now = Remembered(seen if everything else {**before, **seen}, since, self._now.gaps)

    def follow(self, now: datetime) -> None:
        """Note that the documents are followed at this moment. If they were not before, this ends a gap."""
        with self._lock:
            self._reopen(now)
            since, gaps = self._now.followed_since, self._now.gaps
            if since is None:
                if self._followed_until is not None and self._followed_until < now:
                    gaps = (*gaps, Gap(self._followed_until, now))[-GAPS_KEPT:]
                since = now
            self._followed_until, self._unnoted = now, True
            self._now = Remembered(self._now.watched, since, gaps)
            self._write()

    def begin_gap(self) -> None:
        """Note that the documents are no longer followed."""
        with self._lock:
            self._now = Remembered(self._now.watched, None, self._now.gaps)

    def close(self) -> None:
        """Release the ledger for the next exporter. Later observations are not stored."""
        with self._lock:
            self._closed = True
            self._telemetry.drop(DURABLE)
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None

    def _reopen(self, now: datetime) -> None:
        if self._ledger is not None and self._ledger.moved:
            said = "the file was deleted or replaced under the running exporter; it is opened or created again"
            self._failed(LedgerError(f"ledger {self._config.path}: {said}"))
            self._ledger.close()
            self._ledger, self._tried_at = None, now - RETRY
        if self._ledger is not None or self._closed or self._read_only or self._config.path == MEMORY:
            return
        self._tried_at = self._tried_at or now
        # A clock that was set back must not delay it.
        if abs(now - self._tried_at) < RETRY:
            return
        self._tried_at = now
        try:
            self._ledger = self._open(self._config)
        except LedgerInUseError as error:
            self._failed(error)

    def _write(self) -> None:
        """Write what the ledger lacks."""
        if self._closed or self._read_only or self._config.path == MEMORY:
            self._unwritten.clear()
            self._unwritten_states.clear()
        if self._ledger is None:
            return
        try:
            if not self._read_only:
                self._write_to(self._ledger)
        except LedgerError as error:
            self._failed(error)
            return
        if self._telemetry.value(DURABLE) == 0:
            log.info("the ledger holds all that was seen again", path=self._config.path)
        self._telemetry.set(DURABLE, 1)

    def _write_to(self, ledger: Ledger) -> None:
        if self._unwritten:
            ledger.record(self._unwritten)
            self._unwritten.clear()
        if self._unwritten_states:
            ledger.keep_states(self._unwritten_states)
            self._unwritten_states.clear()
        if self._unnoted and self._followed_until is not None:
            ledger.note_following(self._now.followed_since, self._followed_until, self._now.gaps)
            self._unnoted = False
        if self._oldest is not None and self._oldest != self._forgotten:
            ledger.forget(self._oldest)
            self._forgotten = self._oldest

    def _failed(self, error: LedgerError) -> None:
        if self._telemetry.value(DURABLE) != 0:
            log.error("ledger failed, going on in memory", detail=str(error))
        self._telemetry.set(DURABLE, 0)
        self._telemetry.add(FAILURES)
