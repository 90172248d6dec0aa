"""The daily budget of bytes that BigQuery may bill. Every job reserves its share first and settles it afterwards.

A day is a UTC day. How much a job bills is known only after it has run. So the job reserves the most that it can bill
(its limit), and is counted with that until it is known what it billed. All jobs together, including those of other
processes on the same account, never bill more than the budget (docs/budget.md).
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

MEBIBYTE: Final = 2**20
GIBIBYTE: Final = 2**30
LEAST_BYTES_PER_TABLE: Final = 10 * MEBIBYTE
"""BigQuery bills at least this for every table that a query refers to: https://cloud.google.com/bigquery/pricing"""


REMEDY: Final = "raise collect.warehouse.daily_budget (of a day) or .maximum_bytes_billed (of a job)"
"""What to do about a job that the budget has no room for."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """The part of the day's budget that one job holds until it ends. `limit` is the most that BigQuery lets it bill."""

    day: date
    size: int
    limit: int


class DailyBudget:
    """The budget of one project on an account. Safe for use by several threads and processes."""

    def __init__(self, limits: WarehouseLimits, project: str, account: Account) -> None:
        self._limits = limits
        self._project = project
        self._account = account

    def reserve(self, now: datetime, tables: int) -> Reservation:
        """Reserve the most that a job over this number of tables may bill. Raises CallFailed if the day has no room."""
        day, least = now.date(), tables * LEAST_BYTES_PER_TABLE
        if not tables:
            return Reservation(day, 0, self._limits.job)
        size = 0

        def take(used: int) -> int:
            nonlocal size
            room = max(0, self._limits.day - used)
            if least > room:
                raise CallFailed(self._exceeded(room, f"this costs at least {mebibytes(least)}"))
            size = min(self._limits.job, room)
            return size

        self._account.change(self._project, day, take)
        return Reservation(day, size, size)

    def settle(self, reservation: Reservation, billed: int) -> None:
        """Replace the reservation of a job that ended by the bytes that it billed."""
        self._account.change(self._project, reservation.day, lambda _: billed - reservation.size)

    def remaining(self, now: datetime) -> int:
        """Bytes left of the day's budget."""
        return max(0, self._limits.day - self._account.used(self._project, now.date()))

    def refused(self, reservation: Reservation, message: str) -> Fault:
        """Why BigQuery refused a job that would bill more than its limit: it is too large, or the day is spent."""
        size, limit = reservation.limit, self._limits.job
        if size < limit:
            return self._exceeded(size, f"this would bill more: {message}")
        said = f"more than the {mebibytes(limit)} that one job may bill (maximum_bytes_billed): {message}"
        return Fault(ErrorKind.BUDGET, said, of_request=True)

    def _exceeded(self, room: int, why: str) -> Fault:
        budget = mebibytes(self._limits.day)
        return Fault(ErrorKind.BUDGET, f"{mebibytes(room)} are left of today's {budget}, and {why}")


def too_large(size: int, limits: WarehouseLimits) -> str | None:
    """Why one job may not bill this number of bytes, and what to do; None if it may."""
    limit = limits.job
    if size <= limit:
        return None
    return (
        f"would bill {readable(size)}, more than one job may (maximum_bytes_billed: {readable(limit)}), so it stays"
        " unknown; raise collect.warehouse.maximum_bytes_billed, or partition the table by its date column"
    )


def day_against_budget(size: float, limits: WarehouseLimits) -> tuple[str, str | None]:
    """How the bytes billed in a day compare with the budget, and what to do if they are more."""
    budget = limits.day
    if size <= budget:
        return f"within the daily budget of {readable(budget)}", None
    remedy = (
        f"The budget lasts about {24 * budget / size:.1f} hours of each day: raise collect.warehouse.daily_budget, or"
        " collect less often (collect.warehouse.every)"
    )
    return f"ABOVE the daily budget of {readable(budget)}", remedy


def mebibytes(size: int) -> str:
    """A size as messages give it."""
    return f"{size / MEBIBYTE:,.0f} MiB"


def readable(size: int) -> str:
    """A size in the unit that fits."""
    return f"{size / GIBIBYTE:.1f} GiB" if size >= GIBIBYTE else f"{size / MEBIBYTE:.0f} MiB"
