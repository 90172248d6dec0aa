"""The account of bytes that BigQuery billed or may still bill, by project and UTC day, shared by all processes.

Each change is one transaction on an SQLite file beside the ledger. So processes that run at the same time see each
other's changes, and a process that is killed leaves behind what it had set aside. The file is opened for each change
and closed after it. Without a file, or as long as the file cannot be used, the account is this process's own.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date

log = structlog.get_logger(__name__)

MEMORY: Final = ":memory:"
SUFFIX: Final = ".budget"
"""The account of a ledger `ledger.sqlite` is `ledger.sqlite.budget`."""
DAYS_KEPT: Final = 4
"""Some days are kept, so that a clock that is set back does not give a day's budget a second time."""
_BUSY_SECONDS: Final = 5.0

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS used (project TEXT NOT NULL, day TEXT NOT NULL, bytes INTEGER NOT NULL,
  PRIMARY KEY (project, day)) STRICT, WITHOUT ROWID
"""

_Key = tuple[str, str]


class Account:
    """Bytes used by project and UTC day. Safe for use by several threads."""

    def __init__(self, ledger: str = MEMORY) -> None:
        """`ledger` is the path of the ledger that the account belongs to, or `:memory:`."""
        self._lock = threading.Lock()
        self._path: str | None = None
        self._failing = False
        # As last seen in the file, or counted here where there is none.
        self._used: defaultdict[_Key, int] = defaultdict(int)
        # The bytes that this process added, and those of them that the file lacks.
        self._own: defaultdict[_Key, int] = defaultdict(int)
        self._owed: defaultdict[_Key, int] = defaultdict(int)
        self.belong_to(ledger)

    def belong_to(self, ledger: str) -> None:
        """Go on as the account of this ledger; what this process used until now counts there, too."""
        path = None if ledger == MEMORY else f"{ledger}{SUFFIX}"
        with self._lock:
            if path != self._path:
                self._path, self._failing = path, False
                self._owed = defaultdict(int, self._own)

    def used(self, project: str, day: date) -> int:
        """Bytes used so far, those included that are set aside for jobs under way."""
        key = project, day.isoformat()
        with self._lock:
            try:
                # Looking makes no file.
                if self._path is not None and Path(self._path).exists() and Path(self._path).stat().st_size:
                    with closing(self._open("rw")) as database:
                        self._used[key] = self._known(database, key)
            except (sqlite3.Error, OSError) as error:
                self._failed(error)
            return self._used[key]

    def change(self, project: str, day: date, by: Callable[[int], int]) -> None:
        """Add the number that `by` computes from the bytes used so far. If it raises, nothing changes.

        Durable when this returns, unless the file cannot be used: then the log says so, and what was added is kept here
        until the file takes it.
        """
        key = project, day.isoformat()
        with self._lock:
            if self._path is not None:
                try:
                    added = self._change_file(key, by)
                except (sqlite3.Error, OSError) as error:
                    self._failed(error)
                else:
                    self._own[key] += added
                    if self._failing:
                        log.info("the budget file is used again", path=self._path)
                        self._failing = False
                    return
            added = by(self._used[key])
            self._used[key] = max(0, self._used[key] + added)
            for counts in (self._own, self._owed):
                counts[key] += added
            self._forget(key)

    def _change_file(self, key: _Key, by: Callable[[int], int]) -> int:
        with closing(self._open("rwc")) as database, database:
            # Lock at once, so that no other process adds anything between reading and writing.
            database.execute("BEGIN IMMEDIATE")
            database.execute(_SCHEMA)
            known = self._known(database, key)
            added = by(known)
            total = max(0, known + added)
            database.execute("INSERT OR REPLACE INTO used VALUES (?, ?, ?)", (*key, total))
            days = [row[0] for row in database.execute("SELECT day FROM used WHERE project = ?", key[:1])]
            for old in _old(days, key[1]):
                database.execute("DELETE FROM used WHERE project = ? AND day = ?", (key[0], old))
        # After the commit: only now the file has it.
        self._used[key] = total
        self._owed.pop(key, None)
        self._forget(key)
        return added

    def _known(self, database: sqlite3.Connection, key: _Key) -> int:
        row = database.execute("SELECT bytes FROM used WHERE project = ? AND day = ?", key).fetchone()
        # Even if the file was deleted or replaced, this process remembers what it has used itself.
        return max((row[0] if row else 0) + self._owed.get(key, 0), self._own.get(key, 0))

    def _forget(self, key: _Key) -> None:
        for counts in (self._used, self._own, self._owed):
            for old in _old([day for project, day in counts if project == key[0]], key[1]):
                counts.pop((key[0], old), None)

    def _open(self, mode: str) -> sqlite3.Connection:
        where = f"{Path(self._path or '').absolute().as_uri()}?mode={mode}"
        return sqlite3.connect(where, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            log.error(
                "the budget file cannot be used; until it can, this process counts for itself alone",
                path=self._path,
                detail=str(error),
                remedy="see that its folder can be written and has room, or delete the file if it is damaged",
            )
        self._failing = True


def _old(days: Iterable[str], current: str) -> list[str]:
    return sorted({*days} - {current})[:-DAYS_KEPT]
