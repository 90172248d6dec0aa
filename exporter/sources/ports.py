"""The two ports through which the sources are read, and the one error that they raise.

SourceError (kind: one of `ErrorKind`)
├── unreachable        no answer: connection refused or broken, service unavailable
├── permission_denied  the credentials may not read this
├── not_found          the table, data set or database does not exist
├── invalid            the query or the answer makes no sense (a column that is not there, odd JSON)
├── timeout            no answer within the deadline; the work behind it was cancelled
├── quota              the service refuses more work
└── budget             our own daily limit of bytes is used up; nothing was asked

Every call gets a `Deadline` and ends by it; retries happen inside it and nowhere else.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from exporter.config.resolved import (
        CalendarConfig,
        CoverageConfig,
        HaltsConfig,
        PhaseLogConfig,
        RunHistoryConfig,
        TableRef,
    )
    from exporter.model import (
        CoverageCounts,
        Document,
        DocumentId,
        ErrorKind,
        Halted,
        Heartbeat,
        RowCount,
        Run,
    )


class SourceError(Exception):
    """A source gave no value. `kind` says why in one word; `detail` names the subject and says what to do."""

    def __init__(self, kind: ErrorKind, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class Deadline:
    """The moment on the monotonic clock by which a call must have ended."""

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - time.monotonic())


@dataclass(frozen=True, slots=True)
class HeartbeatId:
    """A heartbeat document: collection and document id."""

    collection: str
    document: str


@dataclass(frozen=True, slots=True)
class Window:
    """The data dates of one reading, first and last included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Estimate:
    """The result of a dry run. `size`: the bytes that the query would process; None where BigQuery does not say it.

    `exact`: it would process no more than that. `location`: where it would run. `types`: those of its columns, by name.
    """

    size: int | None
    exact: bool = True
    location: str | None = None
    types: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class RunHistoryRequest:
    """The runs of these processors (class names) in the window."""

    table: RunHistoryConfig
    processors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContextRequest:
    """What to read besides the row counts, by pipeline (coverage by pipeline and check, halts by themselves)."""

    calendars: Mapping[str, CalendarConfig] = field(default_factory=dict)
    run_history: Mapping[str, RunHistoryRequest] = field(default_factory=dict)
    phase_log: Mapping[str, PhaseLogConfig] = field(default_factory=dict)
    coverage: Mapping[tuple[str, str], CoverageConfig] = field(default_factory=dict)
    halts: tuple[HaltsConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class ContextAnswer:
    """The answers to a `ContextRequest`: for every key of it a value, or the error.

    Units, coverage and phase log rows have a value for every date of the window (and every configured transition);
    zero where the table has no row. `calendars_end`: the last date with any row, within the window or beyond it, of
    each calendar that was read; None if it has no row at all. `left_out`: units of rows that a
    calendar has of a date and does not count.
    """

    units: Mapping[str, Mapping[date, int] | SourceError]
    runs: Mapping[str, tuple[Run, ...] | SourceError]
    phase_log: Mapping[str, Mapping[tuple[date, str], int] | SourceError]
    coverage: Mapping[tuple[str, str], Mapping[date, CoverageCounts] | SourceError]
    calendars_end: Mapping[str, date | None] = field(default_factory=dict)
    left_out: Mapping[str, Mapping[date, int]] = field(default_factory=dict)
    halts: Mapping[HaltsConfig, Halted | SourceError] = field(default_factory=dict)


class ChangeReceiver(Protocol):
    """Receives changes to the watched documents, on the follower's thread, one call at a time."""

    def changed(self, documents: Mapping[DocumentId, Document], *, first: bool) -> None:
        """These documents changed. `first`: the stream was opened, and these are all documents."""

    def stream_broke(self, error: SourceError) -> None:
        """The stream is broken: changes go unseen until the next report with `first`."""


class Following(Protocol):
    """Documents that are being followed."""

    @property
    def documents(self) -> Collection[DocumentId]:
        """The documents that are followed."""

    def reopen(self) -> None:
        """Break the stream, so that all documents are reported again."""

    def close(self) -> None:
        """Stop following."""


class CompletionStore(Protocol):
    """Completion documents and heartbeats (Firestore)."""

    def documents(self, ids: Collection[DocumentId], deadline: Deadline) -> Mapping[DocumentId, Document]:
        """Read all these documents in one batch; one that is not there comes back with `exists` False.

        Raises SourceError.
        """

    def follow(self, ids: Collection[DocumentId], receiver: ChangeReceiver) -> Following:
        """Report every change of these documents to the receiver from now on, whether they exist yet or not."""

    def heartbeats(self, ids: Collection[HeartbeatId], deadline: Deadline) -> Mapping[HeartbeatId, Heartbeat | None]:
        """Read all these heartbeats in one batch; None for one that is not there. Raises SourceError."""

    def count(self, collection: str, deadline: Deadline) -> int:
        """Count the collection's documents by one aggregation. Raises SourceError."""

    def close(self) -> None:
        """Close the connections; calls that hang end with SourceError."""


class Explorer(Protocol):
    """Looks at what a Firestore database holds, whatever the configuration names."""

    def collections(self, above: str, deadline: Deadline) -> Sequence[str]:
        """The ids of the collections below a document, or (empty) at the root. Raises SourceError."""

    def names(self, collection: str, most: int, deadline: Deadline) -> Sequence[str]:
        """The ids of some documents of a collection, also of those that only hold collections. Raises SourceError."""

    def sample(self, collection: str, first: str, most: int, deadline: Deadline) -> Mapping[str, Mapping[str, object]]:
        """The fields of some documents of a collection by id, in the order of their ids, from `first` on.

        Raises SourceError.
        """


class Warehouse(Protocol):
    """Tables read by date (BigQuery)."""

    def row_counts(
        self, tables: Collection[TableRef], window: Window, deadline: Deadline
    ) -> Mapping[TableRef, Mapping[date, RowCount] | SourceError]:
        """Count every table's rows for every date of the window (zero rows where there are none), in one job.

        A table that cannot be read has its own SourceError as its value; nothing is raised for it. Raises SourceError
        only where nothing at all could be read.
        """

    def context(self, request: ContextRequest, window: Window, deadline: Deadline) -> ContextAnswer:
        """Read calendars, run history, phase logs and coverage, in one job; errors as in `row_counts`."""

    def dry_run_row_counts(
        self, tables: Collection[TableRef], window: Window, deadline: Deadline
    ) -> Mapping[TableRef, Estimate | SourceError]:
        """Estimate what counting each table's rows would read, or say why it cannot be counted. Costs nothing."""

    def dry_run_context(
        self, request: ContextRequest, window: Window, deadline: Deadline
    ) -> Mapping[str, Estimate | SourceError]:
        """The same for `context`, by subject."""

    def close(self) -> None:
        """Cancel running jobs and close the connections."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The two stores a collection reads from. `explorer`: of the same database, None where nobody looks around."""

    completions: CompletionStore
    warehouse: Warehouse
    explorer: Explorer | None = None

    def close(self) -> None:
        """End running calls and close the connections."""
        self.warehouse.close()
        self.completions.close()
