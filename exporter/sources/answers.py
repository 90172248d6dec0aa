"""What the rows of the warehouse's answers mean: values for every date of the window, and runs reduced to one each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from exporter.model import CoverageCounts, RowCount, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.sources.ports import Window

# Of the statuses that one run was logged with: a clean-up job turns the `running` row of a run that ended well into
# `failed`, so what a run says of its own end counts for more.
_STATUS_ORDER: Final = ("success", "partial", "skipped", "failed")
_BEGUN: Final = "running"
_NO_STATUS: Final = "unknown"
_NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Row(Protocol):
    """A row of an answer."""

    def __getitem__(self, column: str, /) -> object:
        """The value of a column."""


@dataclass(frozen=True, slots=True)
class LoggedRun:
    """What the run history says of a run under one status. `run_id` None: it carries none."""

    processor: str
    run_id: str | None
    data_date: date
    status: str
    phase: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    backfill: bool = False


def window_dates(window: Window) -> tuple[date, ...]:
    """Every date of the window, first and last included."""
    return tuple(window.first + timedelta(days=day) for day in range((window.last - window.first).days + 1))


def read_row_counts(rows: Iterable[Row], window: Window) -> Mapping[date, RowCount]:
    """Rows of every date; zero where the table has none."""
    found = {_date(row["day"]): RowCount(_int(row["counted"]), _time(row["written"])) for row in rows}
    return {day: found.get(day, RowCount(0)) for day in window_dates(window)}


def read_units(rows: Iterable[Row], window: Window) -> Mapping[date, int]:
    """Units of every date."""
    found = {_date(row["day"]): _ints(row["counts"])[0] for row in rows}
    return {day: found.get(day, 0) for day in window_dates(window)}


def read_phase_log(rows: Iterable[Row], transitions: Sequence[str], window: Window) -> Mapping[tuple[date, str], int]:
    """Rows of every date and transition."""
    found = {(_date(row["day"]), _text(row["name"])): _ints(row["counts"])[0] for row in rows}
    return {(day, name): found.get((day, name), 0) for day in window_dates(window) for name in transitions}


def read_coverage(rows: Iterable[Row], buckets: Sequence[str], window: Window) -> Mapping[date, CoverageCounts]:
    """Coverage of every date."""
    found = {_date(row["day"]): _coverage(_ints(row["counts"]), buckets) for row in rows}
    nothing = CoverageCounts(0, 0, 0, dict.fromkeys(buckets, 0))
    return {day: found.get(day, nothing) for day in window_dates(window)}


def read_runs(rows: Iterable[Row]) -> tuple[Run, ...]:
    """The runs, each once; rows that name no processor belong to nobody."""
    return reduce_runs(
        LoggedRun(
            processor=processor,
            run_id=_text(row["run"]),
            data_date=_date(row["day"]),
            status=(_text(row["status"]) or _NO_STATUS).strip().lower(),
            phase=_text(row["phase"]),
            started_at=_time(row["started"]),
            finished_at=_time(row["finished"]),
            backfill=row["backfill"] is True,
        )
        for row in rows
        if (processor := _text(row["name"]))
    )


def reduce_runs(logged: Iterable[LoggedRun]) -> tuple[Run, ...]:
    """One run for each processor, run id and date, in the order of their dates and starts.

    `success` wins, then `partial`, `skipped`, `failed`, whatever else there is, and `running` last. Without an id every
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
    )


def _rank(status: str) -> int:
    if status in _STATUS_ORDER:
        return _STATUS_ORDER.index(status)
    return len(_STATUS_ORDER) + (status == _BEGUN)


def _coverage(counts: Sequence[int], buckets: Sequence[str]) -> CoverageCounts:
    rows, eligible, covered, *excluded = counts
    return CoverageCounts(rows, eligible, covered, dict(zip(buckets, excluded, strict=True)))


def _date(value: object) -> date:
    if isinstance(value, date):
        return value
    raise TypeError(f"a date was expected, not {value!r}")


def _int(value: object) -> int:
    # The local BigQuery has counts in arrays as decimals.
    return int(str(value))


def _ints(value: object) -> tuple[int, ...]:
    if isinstance(value, list):
        return tuple(_int(item) for item in value)
    raise TypeError(f"a list of counts was expected, not {value!r}")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _time(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
