"""What a collector is: what it reads, from which source, and what stays of the readings before when it fails."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from exporter.memory.settling import Settling
from exporter.model import Failure, Reading, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from exporter.collect.following import Follower
    from exporter.config.resolved import CollectorConfig, Config
    from exporter.memory.documents import Memory
    from exporter.model import Matter
    from exporter.sources.ports import Deadline, SourceError, Sources

K = TypeVar("K")
T = TypeVar("T")

FIRESTORE = "firestore"
BIGQUERY = "bigquery"


@dataclass(slots=True, eq=False)
class Run:
    """One run of a collector. Once it is given up, nothing that it still brings counts."""

    now: datetime
    deadline: Deadline
    given_up: bool = False
    woken: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class ReadResult:
    """How a run ended: what of it failed, and whether the rest brought anything."""

    errors: tuple[SourceError, ...] = ()
    anything: bool = True


@dataclass(slots=True, eq=False)
class Board:
    """What the collectors of one configuration share: what they work with, and the snapshot that they change."""

    config: Config
    sources: Sources
    clock: Callable[[], datetime]
    memory: Memory
    follower: Follower | None = None
    settling: Settling = field(default_factory=Settling)
    snapshot: Snapshot = field(default_factory=Snapshot)
    swap: threading.Lock = field(default_factory=threading.Lock)
    """Held while the snapshot changes, and while a run is given up."""
    stopped: threading.Event = field(default_factory=threading.Event)

    def closed(self, run: Run | None) -> bool:
        """Whether nothing of this run (or, without a run, of anything) counts any more."""
        return self.stopped.is_set() if run is None else run.given_up

    def change(self, run: Run | None = None, **changes: Any) -> None:  # noqa: ANN401 - the fields of Snapshot, checked by its constructor
        """Swap in what a run brought, or (no run) what stays after it failed."""
        with self.swap:
            if not self.closed(run):
                self.snapshot = replace(self.snapshot, doubts=self.settling.doubts, **changes)


class Collector(ABC):
    """One kind of reading. A new one is a class, its configuration (`collect.NAME`) and a place in `COLLECTORS`."""

    name: ClassVar[str]
    source: ClassVar[str]
    matters: ClassVar[tuple[Matter, ...]] = ()
    """What it reads that can be gone for a moment."""

    def __init__(self, board: Board) -> None:
        self.board = board

    @abstractmethod
    def read(self, run: Run) -> ReadResult:
        """Read, and change the snapshot. Raises SourceError if nothing at all could be read."""

    @abstractmethod
    def kept(self, failure: Failure) -> dict[str, Any]:
        """The fields of the snapshot after a run that failed: the values of before with the failure beside them."""

    @property
    def settings(self) -> CollectorConfig:
        """Its part of the configuration: interval, deadline, how long a value counts."""
        settings: CollectorConfig = getattr(self.board.config.collect, self.name)
        return settings

    def fresh(self, value: T, now: datetime) -> Reading[T]:
        """The value as it was read at this moment."""
        # A clock that was set back meanwhile would have it read in the future, where it counts for nothing.
        return Reading(value, min(now, self.board.clock()), None, self.settings.max_staleness)

    def failed(self, readings: Mapping[K, Reading[T]], keys: Collection[K], failure: Failure) -> dict[K, Reading[T]]:
        """The readings of these keys, each with the failure beside its last value."""
        empty: Reading[T] = Reading(max_age=self.settings.max_staleness)
        return {key: replace(readings.get(key, empty), failure=failure) for key in keys}
