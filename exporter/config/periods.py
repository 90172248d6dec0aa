"""Days, weeks and months: how often work is expected, and what a table's rows are of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from exporter.config.wording import describe

ONE_DAY: Final = timedelta(days=1)
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
PERIOD_PATTERN: Final = rf"^(day|week|month|week\(({'|'.join(WEEKDAYS)})\))$"
_PERIOD_HELP = "write day, week (from Monday), week(sunday) for weeks that begin on another day, or month"


class Unit(StrEnum):
    """What a period is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """A day, a week or a month. `first_weekday`: the day on which weeks begin, 0 is Monday."""

    unit: Unit = Unit.DAY
    first_weekday: int = 0

    def begin(self, day: date) -> date:
        """The first date of the period that the date lies in."""
        if self.unit is Unit.WEEK:
            return day - ONE_DAY * ((day.weekday() - self.first_weekday) % 7)
        return day.replace(day=1) if self.unit is Unit.MONTH else day

    def moved(self, day: date, number: int) -> date:
        """The first date of the period that lies so many periods after that of the date; negative: before it."""
        if self.unit is Unit.DAY:
            return day + ONE_DAY * number if number else day
        begin = self.begin(day)
        if self.unit is Unit.MONTH:
            months = begin.year * 12 + begin.month - 1 + number
            return date(months // 12, months % 12 + 1, 1)
        return begin + ONE_DAY * number * 7

    def __str__(self) -> str:
        """As the configuration writes it."""
        if self.unit is Unit.WEEK and self.first_weekday:
            return f"{self.unit}({WEEKDAYS[self.first_weekday]})"
        return self.unit.value


A_DAY: Final = Period()


def parse_period(value: object) -> Period:
    """A period: `day`, `week`, `week(sunday)`, `month`."""
    match = re.fullmatch(PERIOD_PATTERN, value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"{describe(value)} is no period: {_PERIOD_HELP}")
    name, first = match[1].partition("(")[0], match[2]
    return Period(Unit(name), WEEKDAYS.index(first) if first else 0)
