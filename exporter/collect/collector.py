"""The base class of collectors: what one reads, from which source, and which earlier values it keeps if it fails."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from datetime import timedelta
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
    """One run of a collector. After it is given up, its results are discarded."""

    now: datetime
    deadline: Deadline
    given_up: bool = False
    woken: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class ReadResult:
    """How a run ended: the errors of its parts, and whether any part succeeded."""

    errors: tuple[SourceError, ...] = ()
    anything: bool = True


@dataclass(slots=True, eq=False)
class Board:
    """What the collectors of one configuration share: sources, clock and memory, and the snapshot that they change."""

    config: Config
    sources: Sources
    clock: Callable[[], datetime]
    memory: Memory
    follower: Follower | None = None
    apart: bool = False
    """Whether each table is read in a job of its own, so that BigQuery bills only those that changed."""
    settling: Settling = field(default_factory=Settling)
    snapshot: Snapshot = field(default_factory=Snapshot)
    swap: threading.Lock = field(default_factory=threading.Lock)
    """Held while the snapshot is changed, and while a run is given up."""
    stopped: threading.Event = field(default_factory=threading.Event)

    def closed(self, run: Run | None) -> bool:
        """Whether the results of this run (or, without a run, any results) are discarded from now on."""
        return self.stopped.is_set() if run is None else run.given_up

    def change(self, run: Run | None = None, **changes: Any) -> None:  # noqa: ANN401 - the fields of Snapshot, checked by its constructor
        """Put the values that a run read into the snapshot, or (no run) those that are kept after it failed."""
        with self.swap:
            if not self.closed(run):
                self.snapshot = replace(self.snapshot, doubts=self.settling.doubts, **changes)


class Collector(ABC):
    """One kind of reading. A new one is a class, its configuration (`collect.NAME`) and a place in `COLLECTORS`."""

    name: ClassVar[str]
    source: ClassVar[str]
    matters: ClassVar[tuple[Matter, ...]] = ()
    """The kinds of values that it reads and that can be missing for a short time."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.interval = self.settings.every
        """How long after the beginning of its last reading the next one begins at the latest."""

    @abstractmethod
    def read(self, run: Run) -> ReadResult:
        """Read the source and change the snapshot. Raises SourceError if nothing could be read."""

    @abstractmethod
    def kept(self, failure: Failure) -> dict[str, Any]:
        """The fields of the snapshot after a failed run: the last values, with the failure beside them."""

    @property
    def settings(self) -> CollectorConfig:
        """Its part of the configuration: interval, time limit, and how long a value counts."""
        settings: CollectorConfig = getattr(self.board.config.collect, self.name)
        return settings

    @property
    def max_age(self) -> timedelta:
        """How long a value that it read counts: as long beyond the next reading as at the configured interval."""
        return self.settings.max_staleness + max(self.interval - self.settings.every, timedelta())

    def read_at(self, now: datetime) -> datetime:
        """The time to give to a reading that began at `now`."""
        # If the clock was set back meanwhile, the reading would lie ahead of it and count for nothing.
        return min(now, self.board.clock())

    def failed(self, readings: Mapping[K, Reading[T]], keys: Collection[K], failure: Failure) -> dict[K, Reading[T]]:
        """The readings of these keys, each with the failure beside its last value."""
        empty: Reading[T] = Reading(max_age=self.max_age)
        return {key: replace(readings.get(key, empty), failure=failure) for key in keys}
