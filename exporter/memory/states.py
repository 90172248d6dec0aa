"""The ledger's table of verdicts and trigger states: when each was first given, over a restart."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

STATES: Final = """
CREATE TABLE IF NOT EXISTS states (
  run_date TEXT NOT NULL, pipeline TEXT NOT NULL, phase TEXT NOT NULL, processor TEXT NOT NULL, at TEXT NOT NULL,
  state TEXT NOT NULL, since TEXT, how TEXT NOT NULL,
  PRIMARY KEY (run_date, pipeline, phase, processor, at)
) STRICT, WITHOUT ROWID;
"""
"""Younger than the other tables. An exporter that does not know it leaves it alone, so the schema's version stays."""


class StateRow(NamedTuple):
    """A verdict, or (`processor` empty) a trigger state, that a report gave first at that moment.

    `since`: since when its fault has been there; `how`: what mended the state before it, in words.
    """

    run_date: date
    pipeline: str
    phase: str
    processor: str
    at: datetime
    state: str
    since: datetime | None = None
    how: str = ""


def read_states(database: sqlite3.Connection) -> list[StateRow]:
    """All rows, the oldest first; none in a file that is older than the table."""
    if not database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'states'").fetchone()[0]:
        return []
    return [
        StateRow(
            date.fromisoformat(row["run_date"]),
            row["pipeline"],
            row["phase"],
            row["processor"],
            datetime.fromisoformat(row["at"]),
            row["state"],
            datetime.fromisoformat(row["since"]) if row["since"] else None,
            row["how"],
        )
        for row in database.execute("SELECT * FROM states ORDER BY at")
    ]


def write_states(database: sqlite3.Connection, rows: Iterable[StateRow]) -> None:
    """Put these rows beside those that are there."""
    database.executemany(
        "INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (row.run_date.isoformat(), *row[1:4], _text(row.at), row.state, row.since and _text(row.since), row.how)
            for row in rows
        ],
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
