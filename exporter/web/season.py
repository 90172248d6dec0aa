"""The season on the status page, as plain values: a table a month, a row a processor, a column a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from exporter.model import Verdict
from exporter.present.season import MARKS, about_gone, legend, months, run_dates, totals
from exporter.present.words import plural
from exporter.reconcile import DISCREPANCIES
from exporter.web.sections import BAD, TONES, UNSURE, time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.present.season import Line, Month, Total
    from exporter.present.words import Moments
    from exporter.reconcile.season import Season
    from exporter.web.sections import Time

MOST_CELLS: Final = 6_000
"""The most cells on the page. If there are more, it shows the processors with the most discrepancies."""


class Cell(NamedTuple):
    """A day of a processor: its mark, how bad that is, and the verdict in full where it is worth a word."""

    mark: str
    tone: str
    said: str


class Row(NamedTuple):
    """A processor in a month."""

    name: str
    cells: Sequence[Cell]


class Rows(NamedTuple):
    """The processors of a phase in a month; `gone` marks the days whose completion document was deleted."""

    name: str
    gone: Sequence[bool]
    rows: Sequence[Row]


class Table(NamedTuple):
    """A month."""

    name: str
    days: Sequence[int]
    groups: Sequence[Rows]


class Grid(NamedTuple):
    """The whole section. `left_out`: how many processors are not shown; `wrong`: run dates with a discrepancy."""

    first: str
    last: str
    read: Time
    unread: Sequence[tuple[str, str]]
    wrong: str
    months: Sequence[Table]
    signs: Sequence[tuple[str, str, str]]
    gone: str
    left_out: int


_OUTSIDE: Final = Cell("", "", "")


def grid(season: Season, unread: Mapping[str, str], moments: Moments) -> Grid:
    """Everything that the section shows; `moments` are those of the page's own report."""
    dates = run_dates(season)
    counted = list(totals(season))
    shown = set(_shown(counted, len(dates)))
    wrong = {one.run_date for one in season.report.processors if one.verdict in DISCREPANCIES}
    return Grid(
        first=dates[0].isoformat(),
        last=dates[-1].isoformat(),
        read=time(season.report.at, moments),
        unread=tuple(unread.items()),
        wrong=f"discrepancies on {len(wrong):,} of {plural(len(dates), 'run date')}",
        months=[_table(month, shown) for month in months(season)],
        signs=[(mark, TONES[verdict], verdict.value) for mark, verdict in legend(season)],
        gone=about_gone(season),
        left_out=len(counted) - len(shown),
    )


def _shown(counted: Sequence[Total], days: int) -> Iterator[tuple[str, str]]:
    """The processors that there is room for, those with the most discrepancies first."""

    def urgency(total: Total) -> tuple[int, int]:
        wrong = sum(count for verdict, count in total.counts.items() if verdict in DISCREPANCIES)
        return -wrong, -total.counts.get(Verdict.UNKNOWN, 0)

    for total in sorted(counted, key=urgency)[: max(1, MOST_CELLS // days)]:
        yield total.group, total.name


def _table(month: Month, shown: set[tuple[str, str]]) -> Table:
    groups: list[Rows] = []
    for group in month.groups:
        rows = [_row(line) for line in group.lines if (group.name, line.name) in shown]
        if rows:
            groups.append(Rows(group.name, group.gone, rows))
    return Table(month.name, range(1, month.days + 1), groups)


def _row(line: Line) -> Row:
    return Row(line.name, list(map(_cell, line.verdicts)))


def _cell(verdict: Verdict | None) -> Cell:
    if verdict is None:
        return _OUTSIDE
    tone = TONES[verdict]
    return Cell(MARKS[verdict], tone, verdict.value if tone in {BAD, UNSURE} else "")
