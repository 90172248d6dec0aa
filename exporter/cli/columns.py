"""What the columns of a table that was found in a project seem to be for, by their names and types. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.sources.datasets import FoundTable

_WRITTEN: Final = ("processed", "loaded", "written", "inserted", "ingest", "updated", "created", "made", "_at")
JOB: Final = ("processor_name", "processor", "job_name", "job", "task_name", "task", "step")
RESULT: Final = ("status", "state", "outcome", "result")
ENDED: Final = ("processed_at", "ended", "ended_at", "finished", "finished_at", "completed_at", "end_time")
BEGUN: Final = ("started_at", "started", "began", "begun", "start_time")


def dated_column(table: FoundTable) -> str | None:
    """The column that says which date a row is of: that of the partition, a DATE, or a time that is none of writing."""
    if table.partition in table.columns:
        return table.partition
    days = [name for name, kind in table.columns.items() if kind == "DATE"]
    times = [name for name, kind in table.columns.items() if kind in {"TIMESTAMP", "DATETIME"}]
    return next(iter(days), None) or max(times, key=lambda name: _place(name, _WRITTEN), default=None)


def written_column(table: FoundTable) -> str | None:
    """The column that says when a row was written, by its name."""
    times = [name for name, kind in table.columns.items() if kind == "TIMESTAMP" and name != dated_column(table)]
    return min(times, key=lambda name: _place(name, _WRITTEN), default=None)


def _place(name: str, hints: Sequence[str]) -> int:
    return next((place for place, hint in enumerate(hints) if hint in name.lower()), len(hints))


def is_run_history(table: FoundTable) -> bool:
    """Whether the table looks like one of runs: it says of which job, and how each ended."""
    return bool(dated_column(table)) and all(named(table, names) for names in (JOB, RESULT))


def job_columns(table: FoundTable) -> tuple[str, str]:
    """The column of a run history that says whose run it was, and the SQL for its date."""
    dated = dated_column(table) or ""
    return named(table, JOB) or "", f"`{dated}`" if table.columns[dated] == "DATE" else f"DATE(`{dated}`)"


def named(table: FoundTable, names: Sequence[str]) -> str | None:
    """The first of these names that a column has."""
    return next((name for name in names if name in table.columns), None)
