"""The daily budget of bytes that BigQuery may bill: asked before every job, told after it.

A day is a UTC day. What a job will bill is known only once it has run, so it reserves the least that it can cost, which
is also what it is counted as when nobody ever hears how it ended.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.model import ErrorKind
from exporter.sources.errors import CallFailed, Fault

if TYPE_CHECKING:
    from datetime import date, datetime

    from exporter.config.resolved import WarehouseLimits

LEAST_BYTES_PER_TABLE: Final = 10 * 1024 * 1024
"""BigQuery bills at least this for every table that a query refers to: https://cloud.google.com/bigquery/pricing"""
_DAYS_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one job has of the day's budget until it ends. `maximum_bytes_billed` is the limit that goes with it."""

    day: date
    size: int
    maximum_bytes_billed: int


class DailyBudget:
    """Bytes billed and reserved by UTC day. Safe for use by several threads."""

    def __init__(self, limits: WarehouseLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._used: dict[date, int] = {}

    def reserve(self, now: datetime, tables: int) -> Reservation:
        """Set aside what a job over so many tables costs at least. Raises CallFailed if the day has no room for it."""
        day, size = now.date(), tables * LEAST_BYTES_PER_TABLE
        with self._lock:
            room = self._room(day)
            if size > room:
                raise CallFailed(self._exceeded(room, size))
            self._used[day] = self._used.get(day, 0) + size
            # Some days are kept, so that a clock that is set back does not give a day's budget a second time.
            for old in sorted(self._used.keys() - {day})[:-_DAYS_KEPT]:
                del self._used[old]
        return Reservation(day, size, min(self._limits.maximum_bytes_billed, room))

    def settle(self, reservation: Reservation, billed: int | None) -> None:
        """The job ended and billed so much; None: nobody knows, so it stays counted as reserved."""
        with self._lock:
            if billed is not None and reservation.day in self._used:
                self._used[reservation.day] += billed - reservation.size

    def remaining(self, now: datetime) -> int:
        """Bytes left of the day's budget."""
        with self._lock:
            return self._room(now.date())

    def _room(self, day: date) -> int:
        return max(0, self._limits.daily_budget - self._used.get(day, 0))

    def _exceeded(self, room: int, size: int) -> Fault:
        budget = self._limits.daily_budget
        return Fault(
            ErrorKind.BUDGET,
            f"{_mebibytes(room)} are left of today's {_mebibytes(budget)}, and this costs at least {_mebibytes(size)}",
        )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"
