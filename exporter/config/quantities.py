"""Durations, sizes, dates and deadlines as the YAML writes them, read and written back.

Every reader takes a value of any type from the YAML, and raises ValueError with a sentence that says what to write.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from exporter.config.resolved import Due, RowsPerUnit
from exporter.config.wording import describe

DURATION_PATTERN = r"^([0-9]{1,9}d)?([0-9]{1,9}h)?([0-9]{1,9}m)?([0-9]{1,9}s)?$"
SIZE_PATTERN = r"^[0-9]{1,19} ?([kMGTP]?B|[KMGTP]iB)$"
DAY_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
DUE_PATTERN = r"^([+-]?[0-9]{1,2}d )?([01][0-9]|2[0-3]):[0-5][0-9]$"

LONGEST = timedelta(days=366)
LARGEST = 2**63 - 1
FURTHEST_DAY = 31

_DURATION_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_SIZE_UNITS: dict[str, int] = {
    **{f"{prefix}iB": 1024**power for power, prefix in enumerate("KMGTP", start=1)},
    **{f"{prefix}B": 1000**power for power, prefix in enumerate(("k", *"MGTP"), start=1)},
    "B": 1,
}
_DURATION_HELP = "write a number and a unit, such as 60s, 10m, 2h, 1d or 1h30m"
_SIZE_HELP = "write a whole number and a unit, such as 1GiB, 500MB or 100MiB, or a number of bytes"
_DUE_HELP = (
    'write a local time such as "11:30" (on the document\'s date), or with days after that date: "+1d 11:30" (the next)'
)
_CRON_FIELDS = 5


def parse_duration(value: object) -> timedelta:
    """A positive duration of whole seconds: `60s`, `10m`, `2h`, `1d`, `1h30m`."""
    match value:
        case str():
            text = value
        case int() | float() if not isinstance(value, bool):
            raise ValueError(f"{value} has no unit: write {value}s, {value}m or {value}h for seconds, minutes or hours")
        case _:
            raise ValueError(f"must be a duration, not {describe(value)}: {_DURATION_HELP}")
    if len(text.split()) >= _CRON_FIELDS or "*" in text or text.startswith("@"):
        raise ValueError(f"{describe(text)} looks like a cron expression: write the interval itself, such as 10m")
    match = re.fullmatch(DURATION_PATTERN, text)
    if match is None or not text:
        raise ValueError(f"{describe(text)} is not a duration: {_DURATION_HELP}")
    seconds = sum(int(part[:-1]) * _DURATION_UNITS[part[-1]] for part in match.groups() if part)
    if seconds == 0:
        raise ValueError(f"{describe(value)} is no time at all: it must be longer than 0s")
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"{describe(value)} is longer than a year: write at most {LONGEST.days}d")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """The shortest spelling that `parse_duration` reads back as the same duration (whole seconds)."""
    rest = int(duration.total_seconds())
    parts: list[str] = []
    for unit, length in _DURATION_UNITS.items():
        count, rest = divmod(rest, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_size(value: object) -> int:
    """A positive number of bytes: `1GiB`, `500MB`, or a plain whole number."""
    match value:
        case int() if not isinstance(value, bool):
            size = value
        case str() if match := re.fullmatch(SIZE_PATTERN, value):
            size = int(value.removesuffix(match[1])) * _SIZE_UNITS[match[1]]
        case _:
            raise ValueError(f"{describe(value)} is not a size: {_SIZE_HELP}")
    if size <= 0:
        raise ValueError(f"{describe(value)} is no size: it must be more than 0 bytes")
    if size > LARGEST:
        raise ValueError(f"{describe(value)} is more bytes than BigQuery counts: write at most {LARGEST}")
    return size


def format_size(size: int) -> str | int:
    """The shortest spelling that `parse_size` reads back as the same number of bytes."""
    fitting = [(size // factor, unit) for unit, factor in _SIZE_UNITS.items() if factor > 1 and size % factor == 0]
    if not fitting:
        return size
    count, unit = min(fitting)
    return f"{count}{unit}"


def parse_due(value: object) -> Due:
    """A deadline relative to a document's date, local time: `+1d 11:30`; `11:30` is on that date."""
    if not isinstance(value, str) or not (match := re.fullmatch(DUE_PATTERN, value)):
        raise ValueError(f"{describe(value)} is not a deadline: {_DUE_HELP}")
    days, clock = int(value.partition("d")[0]) if match[1] else 0, value[-5:]
    if abs(days) > FURTHEST_DAY:
        raise ValueError(f"{describe(value)} is {abs(days)} days from the document's date: at most {FURTHEST_DAY}")
    return Due(days=days, at=time.fromisoformat(clock))


def format_due(due: Due) -> str:
    """The spelling that `parse_due` reads back as the same deadline."""
    return f"{due.days:+d}d {due.at:%H:%M}"


def parse_day(value: object) -> date:
    """A calendar date, as text or as a YAML reader made it."""
    match value:
        case date() if not isinstance(value, datetime):
            return value
        case str() if re.fullmatch(DAY_PATTERN, value):
            try:
                return date.fromisoformat(value)
            except ValueError as error:
                raise ValueError(f"{describe(value)} is in no calendar: {error}") from error
        case _:
            raise ValueError(f"{describe(value)} is not a date: write it as 2026-02-01")


def parse_rows_per_unit(value: object) -> RowsPerUnit:
    """The fewest and the most rows of one unit (a game): `[28, 56]`; `4` and `[4, null]` have no upper bound."""
    if isinstance(value, int | float):
        value = (value, None)
    if not isinstance(value, list | tuple) or len(value) != len(("minimum", "maximum")):
        raise ValueError(
            "must be two numbers, the fewest and the most rows of a unit, such as [28, 56], or the fewest alone: not"
            f" {describe(value)}"
        )
    minimum, maximum = value
    for bound in (minimum,) if maximum is None else (minimum, maximum):
        if isinstance(bound, bool) or not isinstance(bound, int | float) or not 0 <= bound < LARGEST:
            raise ValueError(f"{describe(bound)} is no number of rows: write two numbers such as [28, 56]")
    if maximum is not None and (minimum > maximum or maximum == 0):
        raise ValueError(f"[{minimum}, {maximum}] allows no rows: the first number is the fewest, the second the most")
    return RowsPerUnit(minimum, maximum)


def format_rows_per_unit(rows: RowsPerUnit) -> list[float | None]:
    """The pair that `parse_rows_per_unit` reads back as the same bounds."""
    return [rows.minimum, rows.maximum]
