"""On which run dates something is expected: days, how often, holidays, since and until when.

Only the date itself decides, no table.

A run date is the date that names a completion document. The rows may be of another date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.config.periods import A_DAY, ONE_DAY, Period, Unit
from exporter.config.public_holidays import holiday_name

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class Days:
    """Weekdays (0 is Monday), days of the month, and whether its last one; `said`: as they were written."""

    weekdays: frozenset[int]
    numbers: frozenset[int] = frozenset()
    last: bool = False
    said: tuple[str | int, ...] = ()

    def __contains__(self, day: date) -> bool:
        return (
            day.weekday() in self.weekdays
            or day.day in self.numbers
            or (self.last and (day + ONE_DAY).month != day.month)
        )

    def __str__(self) -> str:
        return ", ".join(map(str, self.said))


LIMITS: Final = ("since", "until")
EVERY_DAY: Final = Days(frozenset(range(7)))


@dataclass(frozen=True, slots=True)
class Schedule:
    """The run dates on which something is expected: the `days` that are no holiday, all or the first of a period.

    `holidays`: dates, and public calendars by name (`DE`, `DE-BE`, `NYSE`). `since`, `until`: its first and its last
    run date; None: it has no such limit. They do not move the first of a period: work of each week that begins on a
    Wednesday is first asked for on the next week's day.
    """

    every: Period = A_DAY
    days: Days = EVERY_DAY
    holidays: tuple[date | str, ...] = ()
    since: date | None = None
    until: date | None = None

    @property
    def limits(self) -> tuple[date | None, date | None]:
        """The first and the last run date; None: there is no such limit."""
        return self.since, self.until

    def covers(self, run_date: date) -> bool:
        """Whether the run date is neither before `since` nor after `until`."""
        return (self.since or run_date) <= run_date <= (self.until or run_date)

    def asks(self, run_date: date) -> bool:
        """Whether anything is expected of this run date."""
        return self.why_not(run_date) is None

    def why_not(self, run_date: date) -> str | None:
        """The sentence that says why nothing is expected of this run date; None if something is."""
        if self.since and run_date < self.since:
            return f"run date {run_date} is before {self.since}, the first on which it is expected (`since`)"
        if self.until and run_date > self.until:
            return f"run date {run_date} is after {self.until}, the last on which it was expected (`until`)"
        if holiday := self._holiday(run_date):
            return f"run date {run_date} is a holiday ({holiday})"
        if run_date not in self.days:
            return f"run date {run_date} is a {run_date:%A}: expected {self}"
        day = self.every.begin(run_date)
        while day < run_date:
            if self._fits(day):
                return (
                    f"run date {run_date} is not the first of its {self.every.unit}, which was {day}: expected {self}"
                )
            day += ONE_DAY
        return None

    def _fits(self, day: date) -> bool:
        return day in self.days and not self._holiday(day)

    def _holiday(self, day: date) -> str | None:
        for one in self.holidays:
            if isinstance(one, str):
                if name := holiday_name(one, day):
                    return f"{name}, {one}"
            elif one == day:
                return "in the configured list"
        return None

    def __str__(self) -> str:
        days = "" if self.days == EVERY_DAY else str(self.days)
        if self.every.unit is Unit.DAY:
            said = days or "every day"
        else:
            said = f"once a {self.every.unit} ({f'the first of {days}' if days else 'its first day'})"
        calendars = [str(one) for one in self.holidays if isinstance(one, str)]
        listed = len(self.holidays) - len(calendars)
        if listed:
            calendars.append(f"{listed} listed date{'s' if listed > 1 else ''}")
        if calendars:
            said = f"{said}, except holidays ({', '.join(calendars)})"
        return said + "".join(f", {key} {day}" for key in LIMITS if (day := getattr(self, key)))


DAILY: Final = Schedule()
