"""Sources in memory with content and outcomes of calls that a test sets.

They implement the ports, for cases that Google's clients cannot show because they keep their deadlines: a call that
hangs in spite of its deadline, and an unexpected error.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from exporter.model import Document, Halted, RowCount
from exporter.sources.ports import ContextAnswer, Estimate, SourceError, Sources

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from exporter.config.resolved import TableRef
    from exporter.model import CoverageCounts, DocumentId, ErrorKind, Heartbeat, Run
    from exporter.sources.ports import ChangeReceiver, ContextRequest, Deadline, HeartbeatId, Window

HANG_SECONDS = 60.0
"""The limit after which a forgotten hang ends."""


@dataclass
class Orders:
    """How calls end: with `error`, or held until `release`. `times` has the wall-clock time of each call."""

    error: Exception | None = None
    hanging: bool = False
    times: list[datetime] = field(default_factory=list)
    entered: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def calls(self) -> int:
        """The number of calls so far."""
        return len(self.times)

    def hang(self) -> None:
        """Hold every call from now on."""
        self.entered.clear()
        self.released = threading.Event()
        self.hanging = True

    def release(self) -> None:
        """Release the calls that hang, and hold no more."""
        self.hanging = False
        self.released.set()

    def fail(self, kind: ErrorKind, detail: str = "as ordered") -> None:
        """Fail every call with this error from now on."""
        self.error = SourceError(kind, detail)

    def meet(self) -> None:
        """Apply the orders at the beginning of a call."""
        self.times.append(datetime.now(UTC))
        released = self.released
        if self.hanging:
            self.entered.set()
            released.wait(HANG_SECONDS)
        if self.error is not None:
            raise self.error


@dataclass
class MemoryFollowing:
    """Documents that are followed: the test makes the reports."""

    documents: Collection[DocumentId]
    receiver: ChangeReceiver
    closed: bool = False
    reopened: int = 0

    def reopen(self) -> None:
        self.reopened += 1

    def close(self) -> None:
        self.closed = True


@dataclass
class MemoryStore:
    """A completion store. Only documents that the test added exist."""

    held: dict[DocumentId, Document] = field(default_factory=dict)
    beats: dict[str, Heartbeat] = field(default_factory=dict)
    size: int = 0
    orders: dict[str, Orders] = field(
        default_factory=lambda: {name: Orders() for name in ("documents", "heartbeats", "count")}
    )
    followings: list[MemoryFollowing] = field(default_factory=list)
    closed: bool = False

    def follow(self, ids: Collection[DocumentId], receiver: ChangeReceiver) -> MemoryFollowing:
        self.followings.append(MemoryFollowing(tuple(ids), receiver))
        return self.followings[-1]

    def documents(self, ids: Collection[DocumentId], deadline: Deadline) -> Mapping[DocumentId, Document]:  # noqa: ARG002 - it keeps none
        self.orders["documents"].meet()
        return {key: self.held.get(key, Document(exists=False)) for key in ids}

    def heartbeats(self, ids: Collection[HeartbeatId], deadline: Deadline) -> Mapping[HeartbeatId, Heartbeat | None]:  # noqa: ARG002 - it keeps none
        self.orders["heartbeats"].meet()
        return {key: self.beats.get(key.document) for key in ids}

    def count(self, collection: str, deadline: Deadline) -> int:  # noqa: ARG002 - one collection, no deadline
        self.orders["count"].meet()
        return self.size

    def close(self) -> None:
        self.closed = True


@dataclass
class MemoryWarehouse:
    """A warehouse with the same answer for every table, pipeline and check, which may be an error.

    A date that is not in `rows` has no rows.
    """

    rows: Mapping[date, RowCount] | SourceError = field(default_factory=dict)
    tables: dict[TableRef, Mapping[date, RowCount] | SourceError] = field(default_factory=dict)
    units: Mapping[date, int] | SourceError = field(default_factory=dict)
    runs: tuple[Run, ...] | SourceError = ()
    phase_log: Mapping[tuple[date, str], int] | SourceError = field(default_factory=dict)
    coverage: Mapping[date, CoverageCounts] | SourceError = field(default_factory=dict)
    halts: Halted | SourceError = field(default_factory=lambda: Halted({}))
    orders: dict[str, Orders] = field(default_factory=lambda: {name: Orders() for name in ("rows", "context")})
    closed: bool = False

    def row_counts(
        self,
        tables: Collection[TableRef],
        window: Window,
        deadline: Deadline,  # noqa: ARG002 - it keeps none
    ) -> Mapping[TableRef, Mapping[date, RowCount] | SourceError]:
        self.orders["rows"].meet()
        days = [window.first + timedelta(days=shift) for shift in range((window.last - window.first).days + 1)]
        none = dict.fromkeys(days, RowCount(0))
        counts = {table: self.tables.get(table, self.rows) for table in tables}
        return {
            table: found if isinstance(found, SourceError) else {**none, **found} for table, found in counts.items()
        }

    def context(self, request: ContextRequest, window: Window, deadline: Deadline) -> ContextAnswer:  # noqa: ARG002 - as above
        self.orders["context"].meet()
        return ContextAnswer(
            units=dict.fromkeys(request.calendars, self.units),
            runs=dict.fromkeys(request.run_history, self.runs),
            phase_log=dict.fromkeys(request.phase_log, self.phase_log),
            coverage=dict.fromkeys(request.coverage, self.coverage),
            halts=dict.fromkeys(request.halts, self.halts),
        )

    def dry_run_row_counts(
        self,
        tables: Collection[TableRef],
        window: Window,  # noqa: ARG002 - as above
        deadline: Deadline,  # noqa: ARG002 - as above
    ) -> Mapping[TableRef, Estimate | SourceError]:
        return dict.fromkeys(tables, Estimate(0))

    def dry_run_context(self, request: ContextRequest, window: Window, deadline: Deadline) -> Mapping[str, Estimate]:  # noqa: ARG002 - as above
        return {}

    def close(self) -> None:
        self.closed = True


@dataclass
class Memory:
    """Both sources, as `open_sources` returns them; `opened` counts the calls."""

    store: MemoryStore = field(default_factory=MemoryStore)
    warehouse: MemoryWarehouse = field(default_factory=MemoryWarehouse)
    opened: int = 0

    def sources(self) -> Sources:
        return Sources(self.store, self.warehouse)

    def open(self, *_: object) -> Sources:
        self.opened += 1
        return self.sources()

    def all_orders(self) -> tuple[Orders, ...]:
        return (*self.store.orders.values(), *self.warehouse.orders.values())

    def release(self) -> None:
        """Release everything that hangs."""
        for orders in self.all_orders():
            orders.release()
