"""How `days` and `holidays` are read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from exporter.config.public_holidays import parse_public_calendar
from exporter.config.quantities import parse_day
from exporter.config.schedules import EVERY_DAY, Days
from exporter.config.wording import describe, did_you_mean

if TYPE_CHECKING:
    from datetime import date

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LAST: Final = "last"
LAST_OF_EVERY_MONTH: Final = 28
DAYS_PATTERN: Final = rf"^((?i:{'|'.join(WEEKDAYS)})(-(?i:{'|'.join(WEEKDAYS)}))?|(?i:{LAST})|[1-9]|1[0-9]|2[0-8])$"
_DAYS_HELP = "write weekdays such as mon or mon-fri, days of the month from 1 to 28, or last"


def parse_days(value: object) -> Days:
    """Days as a list: `[mon-fri]`, `[sat, sun]`, `[1, 15]`, `[last]`. A single one may stand without the brackets."""
    entries = list(value) if isinstance(value, list | tuple) else [value]
    if not entries:
        raise ValueError(f"is empty, so nothing would ever be expected: {_DAYS_HELP}, or leave the key out")
    weekdays: set[int] = set()
    numbers: set[int] = set()
    last = False
    said: list[str | int] = []
    for entry in entries:
        text = entry.casefold() if isinstance(entry, str) else entry
        if isinstance(text, int) and not isinstance(text, bool):
            if not 1 <= text <= LAST_OF_EVERY_MONTH:
                raise ValueError(f"{text} is no day that every month has: {_DAYS_HELP}")
            numbers.add(text)
            said.append(text)
            continue
        if text == LAST:
            last = True
        elif isinstance(text, str) and re.fullmatch(DAYS_PATTERN, text):
            weekdays |= _weekdays(text)
        else:
            meant = did_you_mean(text, WEEKDAYS) if isinstance(text, str) else ""
            raise ValueError(f"{describe(entry)} is no day{meant}: {_DAYS_HELP}")
        said.append(text)
    if {*weekdays} == {*range(7)}:
        return EVERY_DAY
    return Days(frozenset(weekdays), frozenset(numbers), last, tuple(said))


def _weekdays(text: str) -> set[int]:
    begin, _, end = text.partition("-")
    first, final = WEEKDAYS.index(begin), WEEKDAYS.index(end or begin)
    # `sat-mon` goes over the week's end.
    return {day % 7 for day in range(first, final + 1 + (7 if final < first else 0))}


def format_days(days: Days) -> list[str | int]:
    """The list that `parse_days` reads back as the same days."""
    return list(days.said) or ["mon-sun"]


def parse_holidays(value: object) -> tuple[date | str, ...]:
    """Dates, and public calendars by name, as a list; a single calendar may stand without the brackets."""
    entries = list(value) if isinstance(value, list | tuple) else [value]
    return tuple(_holiday(entry) for entry in entries)


def _holiday(entry: object) -> date | str:
    if isinstance(entry, str) and entry[:1].isalpha():
        return parse_public_calendar(entry)
    try:
        return parse_day(entry)
    except ValueError as error:
        raise ValueError(f"{error}; or name a public calendar such as DE, DE-BE or NYSE") from error


def format_holidays(holidays: tuple[date | str, ...]) -> list[str]:
    """The list that `parse_holidays` reads back as the same holidays."""
    return [str(one) for one in holidays]
