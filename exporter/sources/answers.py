"""Turns the rows of BigQuery's answers into values for every date of the window, and into one row for each run.

A value of a type that the query did not promise is an error of the whole part, never a zero; a moment that cannot be
read is named beside the row that has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final, Protocol

from exporter.config.fields import meaning_of
from exporter.config.periods import ONE_DAY
from exporter.messages.secrets import masked
from exporter.model import CoverageCounts, ErrorKind, Halted, RowCount, Run, UnusableField
from exporter.sources.errors import CallFailed, Fault
from exporter.sources.fields import FLAGS, count, datetime_in, flag, moment, said, unusable
from exporter.sources.ports import Window
from exporter.sources.queries import OUTSIDE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from exporter.config.resolved import RunHistoryConfig, TableRef

# The order of the statuses that one run was logged with. A clean-up job turns the `running` row of a run that ended
# well into `failed`, so the status that the run itself logged at its end counts for more.
_STATUS_ORDER: Final = ("success", "partial", "skipped", "failed")
_BEGUN: Final = "running"
_NO_STATUS: Final = "unknown"
_UNITS_REMEDY: Final = (
    "let the calendar's `units` give a whole number for each date that has rows; SUM gives NULL where all values are"
)
_FLAG_REMEDY: Final = f"write one of {', '.join(FLAGS)}, or say `backfill_mode: []` in `run_history.columns`"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Row(Protocol):
    """A row of an answer."""

    def __getitem__(self, column: str, /) -> object:
        """The value of a column."""


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """A row of the run history: a run under one status. `run_id` None: the row has none.

    `unusable`: columns that were there and could not be used.
    """

    processor: str
    run_id: str | None
    data_date: date
    status: str
    phase: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    backfill: bool = False
    category: str | None = None
    unusable: tuple[UnusableField, ...] = ()


def window_dates(window: Window) -> tuple[date, ...]:
    """Every date of the window, first and last included."""
    return tuple(window.first + timedelta(days=day) for day in range((window.last - window.first).days + 1))


def read_row_counts(rows: Iterable[Row], window: Window, zone: ZoneInfo, table: TableRef) -> Mapping[date, RowCount]:
    """Rows of every date, zero where the table has none; of one that may be unused also of dates beyond the window."""
    found = dict.fromkeys(dates_of(table, window), RowCount(0))
    for row in rows:
        times, day, duplicates = _Times(row, zone), _date(row["day"]), row["duplicates"]
        if day not in found and not table.optional:
            continue
        found[day] = RowCount(
            _int(row["counted"]),
            times.read("written", table.write_time_column or "written"),
            # Rows are there and cover nothing: they do not say what they cover.
            _number(_text(row["units"])) or None,
            None if duplicates is None else _int(duplicates),
            times.unusable,
        )
    return found


def dates_of(table: TableRef, window: Window) -> tuple[date, ...]:
    """Every date of the window; of a table of weeks or months the first date of each that is read completely."""
    reach = timedelta(days=table.reach)
    wider = Window(window.first - reach, window.last + reach)
    return tuple(
        day
        for day in window_dates(wider)
        if table.period.begin(day) == day and table.period.moved(day, 1) - ONE_DAY <= wider.last
    )


@dataclass(frozen=True, slots=True)
class CalendarAnswer:
    """Units of every date of the window, the last date that has any row at all, and units that do not count."""

    units: Mapping[date, int]
    last: date | None
    left_out: Mapping[date, int]


def read_calendar(rows: Iterable[Row], window: Window) -> CalendarAnswer:
    """What the calendar says of the window, and how far it goes."""
    found = dict.fromkeys(window_dates(window), 0)
    left_out: dict[date, int] = {}
    dates: list[date] = []
    for row in rows:
        day, units = _date(row["day"]), _text(row["units"])
        dates.append(day)
        if day not in found:
            continue
        if _text(row["name"]) is None:
            found[day] = _units(units, day)
        elif number := _number(units):
            left_out[day] = number
    return CalendarAnswer(found, max(dates, default=None), left_out)


def read_halts(rows: Iterable[Row], zone: ZoneInfo, write_time_column: str | None) -> Halted:
    """Every date that is halted, also beyond the window."""
    dates: dict[date, str] = {}
    written: list[datetime] = []
    for row in rows:
        if (at := _Times(row, zone).read("finished", write_time_column or "written")) is not None:
            written.append(at)
        if (reason := row["name"]) != OUTSIDE:
            dates[_date(row["day"])] = masked(_text(reason) or "")
    return Halted(dates, max(written, default=None))


def read_phase_log(rows: Iterable[Row], transitions: Sequence[str], window: Window) -> Mapping[tuple[date, str], int]:
    """Rows of every date and transition."""
    found = {}
    for row in rows:
        (logged,) = _ints(row["counts"])
        found[_date(row["day"]), _text(row["name"])] = logged
    return {(day, name): found.get((day, name), 0) for day in window_dates(window) for name in transitions}


def read_coverage(
    rows: Iterable[Row], buckets: Sequence[str], window: Window, table: TableRef
) -> Mapping[date, CoverageCounts]:
    """Coverage of every date, or of every week or month of the table."""
    found = {_date(row["day"]): _coverage(_ints(row["counts"]), buckets) for row in rows}
    nothing = CoverageCounts(0, 0, 0, dict.fromkeys(buckets, 0))
    return {day: found.get(day, nothing) for day in dates_of(table, window)}


def read_runs(rows: Iterable[Row], zone: ZoneInfo, history: RunHistoryConfig) -> tuple[Run, ...]:
    """The runs, each once. Rows that name no processor are left out."""
    return reduce_runs(_logged(row, processor, zone, history) for row in rows if (processor := _text(row["name"])))


def _logged(row: Row, processor: str, zone: ZoneInfo, history: RunHistoryConfig) -> LoggedRun:
    times = _Times(row, zone)
    # Mask before the text is lowered: in small letters some secrets have no recognisable form.
    status = masked(_text(row["status"]) or _NO_STATUS).strip().lower()
    return LoggedRun(
        processor=processor,
        run_id=_text(row["run"]),
        data_date=_date(row["day"]),
        status=meaning_of(status, history.statuses) or status,
        phase=_text(row["phase"]),
        category=masked(_text(row["category"]) or "") or None,
        started_at=times.read("started", next(iter(history.columns["started_at"]), "started_at")),
        finished_at=times.read("finished", history.finished_column),
        backfill=_backfill(row["backfill"], history),
        unusable=times.unusable,
    )


def reduce_runs(logged: Iterable[LoggedRun]) -> tuple[Run, ...]:
    """One run for each processor, run id and date, in the order of their dates and starts.

    `success` wins, then `partial`, `skipped`, `failed`, any other status, and `running` last. Without an id every
    row is a run of its own.
    """
    groups: dict[tuple[object, ...], list[LoggedRun]] = {}
    for number, run in enumerate(logged):
        identity = (run.processor, run.run_id, run.data_date) if run.run_id else (number,)
        groups.setdefault(identity, []).append(run)
    runs = [_reduce(group) for group in groups.values()]
    return tuple(sorted(runs, key=lambda run: (run.data_date, run.processor, run.started_at or _NEVER, run.run_id)))


def _reduce(group: Sequence[LoggedRun]) -> Run:
    best = min(group, key=lambda run: _rank(run.status))
    ends = (run.finished_at for run in group if run.status == best.status and run.finished_at)
    return Run(
        processor=best.processor,
        run_id=best.run_id or "",
        status=best.status,
        data_date=best.data_date,
        phase=best.phase or next((run.phase for run in group if run.phase), None),
        started_at=min((run.started_at for run in group if run.started_at), default=None),
        finished_at=None if best.status == _BEGUN else max(ends, default=None),
        backfill=any(run.backfill for run in group),
        category=best.category,
        unusable=tuple(dict.fromkeys(field for run in group for field in run.unusable)),
    )


def _rank(status: str) -> int:
    if status in _STATUS_ORDER:
        return _STATUS_ORDER.index(status)
    return len(_STATUS_ORDER) + (status == _BEGUN)


def _coverage(counts: Sequence[int], buckets: Sequence[str]) -> CoverageCounts:
    rows, eligible, covered, *excluded = counts
    return CoverageCounts(rows, eligible, covered, dict(zip(buckets, excluded, strict=True)))


class _Times:
    """Reads the moments of a row, and remembers which were there and could not be used."""

    def __init__(self, row: Row, zone: ZoneInfo) -> None:
        self._row = row
        self._zone = zone
        self._unusable: list[UnusableField] = []

    @property
    def unusable(self) -> tuple[UnusableField, ...]:
        """The values that could not be used."""
        return tuple(self._unusable)

    def read(self, column: str, name: str) -> datetime | None:
        """The moment in this column of the answer; `name` is the table's own column, for messages."""
        value = self._row[column]
        found = None if value is None else read_moment(value, self._zone)
        if value is not None and found is None:
            self._unusable.append(unusable(name, value))
        return found


def read_moment(value: object, zone: ZoneInfo) -> datetime | None:
    """A moment in UTC from a TIMESTAMP of any precision or a DATETIME, as such or as text.

    A DATETIME is local time; one that the clocks skip, or show twice, is no moment, and neither is a DATE.
    """
    written = datetime_in(value.strip()) if isinstance(value, str) else value
    if isinstance(written, datetime) and written.tzinfo is None:
        first, second = (written.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
        return moment(first) if first.utcoffset() == second.utcoffset() else None
    return moment(value)


def _date(value: object) -> date:
    # In Python a datetime is also a date, but it equals no date.
    if type(value) is date:
        return value
    raise TypeError(f"a date was expected, not {said(value)}")


def _int(value: object) -> int:
    # The local BigQuery gives counts in arrays as decimals.
    number = count(value) if isinstance(value, int | Decimal) else None
    if number is None:
        raise TypeError(f"a count was expected, not {said(value)}")
    return number


def _number(value: str | None) -> int | None:
    """A whole number that is not negative, of any type as text; None for anything else."""
    try:
        return None if value is None else count(Decimal(value))
    except InvalidOperation:
        return None


def _units(value: str | None, day: date) -> int:
    number = _number(value)
    if number is None:
        raise CallFailed(Fault(ErrorKind.INVALID, f"its units on {day} are {said(value)}", remedy=_UNITS_REMEDY))
    return number


def _ints(value: object) -> tuple[int, ...]:
    if isinstance(value, list):
        return tuple(_int(item) for item in value)
    raise TypeError(f"a list of counts was expected, not {said(value)}")


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value or None
    raise TypeError(f"a text was expected, not {said(value)}")


def _backfill(value: object, history: RunHistoryConfig) -> bool:
    written = _text(value)
    found = False if written is None else flag(written)
    if found is None:
        name = next(iter(history.columns["backfill_mode"]))
        raise CallFailed(Fault(ErrorKind.INVALID, f"its {name} is {said(value)}", remedy=_FLAG_REMEDY))
    return found
