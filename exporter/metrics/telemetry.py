"""Counts the exporter's own runs, failures and cost: plain numbers behind one lock; `catalogue.py` names them."""

from __future__ import annotations

import threading
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exporter.model import ErrorKind


RELOAD_REFUSED_AT: Final = "reload_refused_at"
"""The name of the value that says when the last reload was refused."""


class Refusal(StrEnum):
    """Why a connection was cut or a request got no answer."""

    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    CLIENT_LIMIT = "client_limit"
    SERVER_LIMIT = "server_limit"
    RATE_LIMIT = "rate_limit"
    UNAUTHORIZED = "unauthorized"
    PASSWORD_QUEUE = "password_queue"  # noqa: S105 - a reason
    CROSS_SITE = "cross_site"


@dataclass(frozen=True, slots=True)
class CollectorState:
    """One collector since the start. Times are Unix seconds, durations seconds; None: not yet.

    `pace`: how long after its last success the next run begins at the latest.
    """

    runs: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    failing: frozenset[str] = frozenset()
    skipped: Mapping[str, int] = field(default_factory=dict)
    duration: float | None = None
    last_success: float | None = None
    last_attempt: float | None = None
    pace: float | None = None


class Telemetry:
    """Thread-safe counters of the running exporter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._version = 0
        self._collectors: dict[str, CollectorState] = {}
        self._source_errors: dict[str, ErrorKind | None] = {}
        self._totals: defaultdict[str, float] = defaultdict(float)
        self._values: dict[str, float] = {}

    @property
    def version(self) -> int:
        """A number that grows with every change, so that rendered samples can be kept until the next one."""
        return self._version

    @contextmanager
    def _change(self) -> Iterator[None]:
        with self._lock:
            self._version += 1
            yield

    def collector_known(self, collector: str) -> None:
        """Make the collector's series exist before its first run."""
        with self._change():
            self._collectors.setdefault(collector, CollectorState())

    def collector_ran(
        self,
        collector: str,
        *,
        seconds: float,
        at: float,
        failures: Iterable[str],
        success: bool,
        pace: float | None = None,
    ) -> None:
        """Count a run that ended at `at` after `seconds`, and each reason once. `success`: it read something."""
        with self._change():
            old = self._collectors[collector]
            counts = dict(old.failures)
            reasons = frozenset(failures)
            for reason in reasons:
                counts[reason] = counts.get(reason, 0) + 1
            self._collectors[collector] = replace(
                old,
                runs=old.runs + 1,
                failures=counts,
                failing=reasons,
                duration=seconds,
                last_success=at if success else old.last_success,
                last_attempt=at,
                pace=pace if success else old.pace,
            )

    def collector_skipped(self, collector: str, reason: str) -> None:
        """Count a run that did not take place: `missed`, `max_instances`, `busy`, `error`."""
        with self._change():
            old = self._collectors[collector]
            counts = dict(old.skipped)
            counts[reason] = counts.get(reason, 0) + 1
            self._collectors[collector] = replace(old, skipped=counts)

    def collectors(self) -> Mapping[str, CollectorState]:
        """Every collector's state."""
        with self._lock:
            return dict(self._collectors)

    def unread(self) -> dict[str, str]:
        """The collectors whose last run could not read everything, each with the reasons."""
        return {name: ", ".join(sorted(state.failing)) for name, state in self.collectors().items() if state.failing}

    def source_attempted(self, source: str, error: ErrorKind | None) -> None:
        """Note the last attempt at a source: None if it succeeded, else the kind of its error."""
        with self._change():
            self._source_errors[source] = error

    def sources(self) -> Mapping[str, ErrorKind | None]:
        """For every source tried so far, the error of the last attempt or None."""
        with self._lock:
            return dict(self._source_errors)

    def add(self, total: str, amount: float = 1) -> None:
        """Count what `catalogue.py` reads by this name: `document_reads`, `jobs`, `ledger_failures` and so on."""
        with self._change():
            self._totals[total] += amount

    def total(self, total: str) -> float:
        """A count since the start."""
        with self._lock:
            return self._totals.get(total, 0.0)

    def set(self, value: str, amount: float) -> None:
        """Note a current value: `budget_remaining`, `ledger_durable`, `listener_connected`, `listener_last_event`."""
        with self._change():
            self._values[value] = amount

    def drop(self, *values: str) -> None:
        """Remove these values, because what they describe has ended."""
        with self._change():
            for value in values:
                self._values.pop(value, None)

    def value(self, value: str) -> float | None:
        """A current value, None while there is none."""
        with self._lock:
            return self._values.get(value)
