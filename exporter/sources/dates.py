"""Date columns: DATE, DATETIME or TIMESTAMP, each selected and grouped by the pipeline's own calendar dates.

A column counts as a DATE until an answer shows otherwise: BigQuery refuses the query, or `day` has another type. Then
one dry run, which costs nothing, gives the types of all columns of that query, and they are remembered. So a column
that is a DATE never costs an extra call, and the next reading notices a table that was recreated with another type.

The condition compares the bare column, so that partitions are pruned. A DATETIME has no zone and counts as local time.
A TIMESTAMP is compared with the instants at which the window's dates begin and end in the zone, so that days of 23 and
25 hours are right.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from exporter.config.identifiers import is_column
from exporter.config.periods import Unit
from exporter.model import ErrorKind
from exporter.sources.errors import CallFailed, Fault
from exporter.sources.queries import Parameter, Query, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from exporter.config.periods import Period
    from exporter.config.resolved import TableRef
    from exporter.sources.ports import Window
    from exporter.sources.queries import Part

    Column = tuple[str, str]
    """A table and its date column, as SQL names them."""


class DateType(StrEnum):
    """The types that a date column may have."""

    DATE = "DATE"
    DATETIME = "DATETIME"
    TIMESTAMP = "TIMESTAMP"


@dataclass(frozen=True, slots=True)
class _Form:
    """The SQL for a column of one type: its date, and the condition that it lies within the window."""

    day: str
    within: str
    first: str
    end: str


_FORMS: Final[Mapping[DateType, _Form]] = {
    DateType.DATE: _Form("{column}", "{column} BETWEEN {first} AND {end}", "@first", "@last"),
    DateType.DATETIME: _Form(
        "DATE({column})", "{column} >= {first} AND {column} < {end}", "@first_datetime", "@end_datetime"
    ),
    DateType.TIMESTAMP: _Form(
        "DATE({column}, '{zone}')", "{column} >= {first} AND {column} < {end}", "@first_timestamp", "@end_timestamp"
    ),
}


class DateColumns:
    """The known types of date columns, and the SQL that follows from them."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._types: dict[Column, DateType] = {}
        self._lacking: dict[str, set[str]] = defaultdict(set)

    def union(self, parts: Sequence[Part], window: Window) -> Query:
        """One query of all parts; the rows of the n-th carry n, from 0, in `PART`."""
        selects = [
            part.select(number, *self._day_and_condition(part), self._lacking[part.source])
            for number, part in enumerate(parts)
        ]
        types = dict.fromkeys(self._type_of(part) for part in parts)
        bounds = tuple(parameter for kind in types for parameter in _bounds(kind, window, self.zone))
        own = tuple(parameter for part in parts for parameter in part.parameters)
        return Query("\nUNION ALL\n".join(selects), bounds + own, len(parts), parts[0].answer)

    def learn(
        self, parts: Collection[Part], types_of: Callable[[Query], Mapping[str, str]]
    ) -> tuple[bool, Mapping[Part, Fault]]:
        """Look up the types of these parts' columns. Returns whether anything new is known, and what is no date column.

        `types_of` gives the types of a query's columns by a dry run; if it raises CallFailed, nothing new is known.
        """
        columns = list(dict.fromkeys(_column(part) for part in parts))
        try:
            answered = types_of(_types_query(columns))
        except CallFailed:
            return False, {}
        if len(answered) != len(columns):
            return False, {}
        types = dict(zip(columns, answered.values(), strict=True))
        faults = {part: _no_date(part, types[_column(part)]) for part in parts if types[_column(part)] not in _FORMS}
        known = {column: DateType(kind) for column, kind in types.items() if kind in _FORMS}
        news = any(self._types.get(column, DateType.DATE) is not kind for column, kind in known.items())
        self._types |= known
        return news or bool(faults), faults

    def lacks(self, parts: Collection[Part], said: str) -> bool:
        """Learn from the words in which a query was refused which columns a table lacks; whether that is anything new.

        BigQuery names the column, and not the table: it is no longer asked of any of these parts.
        """
        news = False
        for part in parts:
            lacking = {name for name in part.may_lack if name in said} - self._lacking[part.source]
            news = news or bool(lacking)
            self._lacking[part.source] |= lacking
        return news

    def _type_of(self, part: Part) -> DateType:
        return self._types.get(_column(part), DateType.DATE)

    def _day_and_condition(self, part: Part) -> tuple[str, str]:
        kind, column = self._type_of(part), day_of(part.table)
        form, first, end = _FORMS[kind], _FORMS[kind].first, _FORMS[kind].end
        if part.reach:
            first = f"{kind}_SUB({first}, INTERVAL {part.reach} DAY)"
            end = f"{kind}_ADD({end}, INTERVAL {part.reach} DAY)"
        day = _first_day(form.day.format(column=column, zone=self.zone.key), part.table.period)
        return day, form.within.format(column=column, first=first, end=end)


def day_of(table: TableRef) -> str:
    """A table's date column, or the expression in its place, as SQL has it."""
    return quoted(table.day_column) if is_column(table.day_column) else f"({table.day_column})"


def _column(part: Part) -> Column:
    return part.source, day_of(part.table)


def _first_day(day: str, period: Period) -> str:
    """The SQL for the first day of the period that a date lies in. Its type is that of `day`, which must be a DATE.

    In BigQuery DATE_TRUNC(day, WEEK(MONDAY)) would do. The local BigQuery begins every week on Sunday.
    """
    if period.unit is Unit.DAY:
        return day
    if period.unit is Unit.WEEK:
        since = f"MOD(EXTRACT(DAYOFWEEK FROM {day}) + {5 - period.first_weekday}, 7)"
    else:
        since = f"EXTRACT(DAY FROM {day}) - 1"
    return f"IF(FALSE, {day}, DATE_SUB({day}, INTERVAL {since} DAY))"


def _bounds(kind: DateType, window: Window, zone: ZoneInfo) -> tuple[Parameter, Parameter]:
    """The window in this type: its first and last date, or the instants of its begin and its end (exclusive)."""
    if kind is DateType.DATE:
        return Parameter("first", kind, window.first), Parameter("last", kind, window.last)
    begin, end = (datetime.combine(day, time()) for day in (window.first, window.last + timedelta(days=1)))
    if kind is DateType.TIMESTAMP:
        begin, end = (midnight.replace(tzinfo=zone).astimezone(UTC) for midnight in (begin, end))
    return Parameter(f"first_{kind.lower()}", kind, begin), Parameter(f"end_{kind.lower()}", kind, end)


def _types_query(columns: Sequence[Column]) -> Query:
    """A query whose dry run gives the type of every column, in order. Its condition is valid for every type."""
    selects = (
        f"(SELECT ANY_VALUE({column}) FROM {source} WHERE {column} IS NULL) AS column_{number}"
        for number, (source, column) in enumerate(columns)
    )
    return Query("SELECT " + ",\n".join(selects), (), len(columns))


def _no_date(part: Part, kind: str) -> Fault:
    column = part.table.day_column
    return Fault(
        ErrorKind.INVALID,
        f"its date_column {column} is {kind}, and only DATE, DATETIME and TIMESTAMP say which date a row is of;"
        f" configure another column, or an expression that gives one, such as CAST({column} AS DATE)",
        of_request=True,
    )
