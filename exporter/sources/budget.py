"""The daily budget of bytes that BigQuery may bill: asked before every job, told after it.

A day is a UTC day. What a job will bill is known only once it has run. So it sets aside the most that it can bill (the
limit that goes with it), and is counted as that until somebody hears what it billed. All jobs together, those of other
processes on the same account included, never bill more than the budget (docs/budget.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.model import ErrorKind
from exporter.sources.errors import CallFailed, Fault

if TYPE_CHECKING:
    from datetime import date, datetime

    from exporter.config.resolved import WarehouseLimits
    from exporter.sources.account import Account

LEAST_BYTES_PER_TABLE: Final = 10 * 1024 * 1024
"""BigQuery bills at least this for every table that a query refers to: https://cloud.google.com/bigquery/pricing"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one job has of the day's budget until it ends. `maximum_bytes_billed` is the limit that goes with it."""

    day: date
    size: int
    maximum_bytes_billed: int


class DailyBudget:
    """The budget of one project on an account. Safe for use by several threads and processes."""

    def __init__(self, limits: WarehouseLimits, project: str, account: Account) -> None:
        self._limits = limits
        self._project = project
        self._account = account

    def reserve(self, now: datetime, tables: int) -> Reservation:
        """Set aside the most that a job over so many tables may bill. Raises CallFailed if the day has no room."""
        day, least = now.date(), tables * LEAST_BYTES_PER_TABLE
        if not tables:
            return Reservation(day, 0, self._limits.maximum_bytes_billed)
        size = 0

        def take(used: int) -> int:
            nonlocal size
            room = max(0, self._limits.daily_budget - used)
            if least > room:
                raise CallFailed(self._exceeded(room, f"this costs at least {mebibytes(least)}"))
            size = min(self._limits.maximum_bytes_billed, room)
            return size

        self._account.change(self._project, day, take)
        return Reservation(day, size, size)

    def settle(self, reservation: Reservation, billed: int) -> None:
        """The job ended and billed so much."""
        self._account.change(self._project, reservation.day, lambda _: billed - reservation.size)

    def remaining(self, now: datetime) -> int:
        """Bytes left of the day's budget."""
        return max(0, self._limits.daily_budget - self._account.used(self._project, now.date()))

    def refused(self, reservation: Reservation, message: str) -> Fault:
        """Why BigQuery refused a job that would bill more than its limit: it is too large, or the day is spent."""
        size, limit = reservation.maximum_bytes_billed, self._limits.maximum_bytes_billed
        if size < limit:
            return self._exceeded(size, f"this would bill more: {message}")
        said = f"more than the {mebibytes(limit)} that one job may bill (maximum_bytes_billed): {message}"
        return Fault(ErrorKind.BUDGET, said, of_request=True)

    def _exceeded(self, room: int, why: str) -> Fault:
        budget = mebibytes(self._limits.daily_budget)
        return Fault(ErrorKind.BUDGET, f"{mebibytes(room)} are left of today's {budget}, and {why}")


def mebibytes(size: int) -> str:
    """A size as messages give it."""
    return f"{size / 2**20:,.0f} MiB"
