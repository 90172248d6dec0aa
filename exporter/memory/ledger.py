"""The ledger: an SQLite file with everything that was seen of every document, so that a restart forgets nothing.

`record` returns after its data is on the disk, so nothing is served that a kill could undo. Only one exporter has the
file at a time. docs/losses.md describes tables and columns.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import takewhile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from exporter.memory.states import STATES, read_states, write_states
from exporter.messages.errors import UnavailableError
from exporter.model import DocumentId, Gap, Removal, RemovalKind, Sighting, Watched
from exporter.sources.documents import USUAL, read_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from exporter.config.resolved import CompletionConfig
    from exporter.memory.states import StateRow

    Shapes = Mapping[str, CompletionConfig]

MEMORY: Final = ":memory:"
VERSION: Final = 1
"""The version of the schema, stored as SQLite's user_version."""

_SCHEMA: Final = """
CREATE TABLE documents (
  collection TEXT NOT NULL, run_date TEXT NOT NULL, present INTEGER NOT NULL,
  create_time TEXT, update_time TEXT, read_time TEXT, first_seen_at TEXT NOT NULL, seen_at TEXT NOT NULL,
  metadata TEXT NOT NULL,
  PRIMARY KEY (collection, run_date)
) STRICT, WITHOUT ROWID;
CREATE TABLE entries (
  collection TEXT NOT NULL, run_date TEXT NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL,
  first_seen_at TEXT NOT NULL, first_update_time TEXT, written_at TEXT,
  PRIMARY KEY (collection, run_date, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE removals (
  collection TEXT NOT NULL, run_date TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
  content BLOB NOT NULL, first_seen_at TEXT NOT NULL, first_update_time TEXT, written_at TEXT,
  last_seen_at TEXT NOT NULL, missed_at TEXT NOT NULL, seen_update_time TEXT, missed_update_time TEXT,
  coincided TEXT NOT NULL, ended_at TEXT,
  PRIMARY KEY (collection, run_date, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE gaps (start TEXT PRIMARY KEY, end TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE followed (one INTEGER PRIMARY KEY CHECK (one = 1), since TEXT, until TEXT) STRICT;
"""

_SEEN: Final = "UPDATE documents SET seen_at = ?, read_time = ? WHERE collection = ? AND run_date = ?"


class LedgerError(Exception):
    """The ledger cannot be used. The message names the file, its fault and the remedy."""


class LedgerInUseError(LedgerError, UnavailableError):
    """Another exporter has the file."""


class Ledger:
    """One open ledger. All methods may be called from any thread."""

    def __init__(self, path: str = MEMORY, *, read_only: bool = False, shapes: Shapes | None = None) -> None:
        """Open or create the file. `read_only`: read the file of an exporter that may be running.

        `shapes`: what the documents of each collection look like.

        Raises LedgerInUseError, and LedgerError for a file that is no ledger or cannot be written.
        """
        self.path = path
        self._shapes = shapes or {}
        self._lock = threading.Lock()
        self._recorded: dict[DocumentId, Watched] = {}
        self._held = None if path == MEMORY or read_only else _hold(path)
        try:
            self._database = _open(path, read_only=read_only)
        except (sqlite3.Error, OSError) as error:
            self._release()
            raise _unusable(path, error) from error
        except LedgerError:
            self._release()
            raise
        self._files = None if self._held is None else _files(path)

    @property
    def moved(self) -> bool:
        """Whether the open files were deleted or replaced, so that what is written to them is lost.

        A file that is deleted or moved away can still be written while it is open, and SQLite reports no error.
        """
        return self._files is not None and self._files != _files(self.path)

    def load(self) -> dict[DocumentId, Watched]:
        """Everything remembered, by document. Raises LedgerError."""
        with self._guarded() as database:
            entries: dict[DocumentId, dict[str, Sighting]] = {}
            for row in database.execute("SELECT * FROM entries"):
                entries.setdefault(_key(row), {})[row["name"]] = self._sighting(row)
            removals: dict[DocumentId, list[Removal]] = {}
            for row in database.execute("SELECT * FROM removals ORDER BY number"):
                removals.setdefault(_key(row), []).append(_removal(row, self._sighting(row)))
            return {
                key: _watched(row, entries.get(key, {}), removals.get(key, ()))
                for row in database.execute("SELECT * FROM documents")
                for key in (_key(row),)
            }

    def _sighting(self, row: sqlite3.Row) -> Sighting:
        return _sighting(row, self._shapes.get(row["collection"], USUAL))

    def record(self, watched: Mapping[DocumentId, Watched]) -> None:
        """Store these documents as they now are. They are on the disk when this returns. Raises LedgerError."""
        recorded, self._recorded = self._recorded, {}
        with self._guarded() as database, database:
            for key, seen in watched.items():
                before = recorded.get(key)
                if before is not None and _same(before, seen):
                    database.execute(_SEEN, (_text(seen.seen_at), _text_or_none(seen.read_time), *_place(key)))
                else:
                    _write(database, key, seen, before)
        # Only after the commit: a failed write leaves the file in an unknown state, and the next one writes everything.
        self._recorded = {**recorded, **watched}

    def followed(self) -> tuple[datetime | None, tuple[Gap, ...]]:
        """Until when the previous exporter followed the documents, and its gaps. Raises LedgerError."""
        with self._guarded() as database:
            row = database.execute("SELECT until FROM followed").fetchone()
            gaps = tuple(
                Gap(_moment(gap["start"]), _moment(gap["end"]))
                for gap in database.execute("SELECT * FROM gaps ORDER BY start")
            )
            return (_moment_or_none(row["until"]) if row else None), gaps

    def note_following(self, since: datetime | None, until: datetime, gaps: Sequence[Gap]) -> None:
        """Store until when the documents were followed, and the gaps. Raises LedgerError."""
        with self._guarded() as database, database:
            database.execute("INSERT OR REPLACE INTO followed VALUES (1, ?, ?)", (_text_or_none(since), _text(until)))
            database.execute("DELETE FROM gaps")
            database.executemany(
                "INSERT OR REPLACE INTO gaps VALUES (?, ?)", [(_text(gap.start), _text(gap.end)) for gap in gaps]
            )

    def states(self) -> list[StateRow]:
        """Every verdict and trigger state that was kept, the oldest first. Raises LedgerError."""
        with self._guarded() as database:
            return read_states(database)

    def keep_states(self, rows: Iterable[StateRow]) -> None:
        """Keep these states beside those that are there. Raises LedgerError."""
        with self._guarded() as database, database:
            write_states(database, rows)

    def forget(self, before: date) -> None:
        """Forget the documents and states of run dates before this one. Raises LedgerError."""
        with self._guarded() as database, database:
            for table in ("documents", "entries", "removals", "states"):
                database.execute(f"DELETE FROM {table} WHERE run_date < ?", (before.isoformat(),))  # noqa: S608 - of four
        for key in [key for key in self._recorded if key.run_date < before]:
            del self._recorded[key]

    def close(self) -> None:
        """Close the file and release it for the next exporter."""
        with self._lock:
            left_behind = self._left_behind()
            self._database.close()
            for file in left_behind:
                file.unlink(missing_ok=True)
        self._release()

    def _left_behind(self) -> tuple[Path, ...]:
        """The journal and index of a deleted database, which do not belong to the database that is there now."""
        if self._files is None or self._files[0] == _identity(self.path):
            return ()
        beside = zip(("-wal", "-shm"), self._files[1:3], strict=True)
        return tuple(
            Path(f"{self.path}{ending}")
            for ending, written in beside
            if written is not None and written == _identity(f"{self.path}{ending}")
        )

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._database
            except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
                raise _unusable(self.path, error) from error

    def _release(self) -> None:
        if self._held is not None:
            self._held.close()


def _hold(path: str) -> IO[str]:
    """Lock the file beside the database. The lock ends with the process, however the process ends."""
    try:
        lock = Path(f"{path}.lock").open("a", encoding="utf-8")  # noqa: SIM115 - held as long as the ledger is open
    except OSError as error:
        raise _unusable(path, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise LedgerInUseError(
            f"ledger {path}: another exporter has it; give each its own file (`ledger.path`), or end the other"
        ) from None
    return lock


def _files(path: str) -> tuple[tuple[int, int] | None, ...]:
    """The files of a ledger: the database, its journal and their index, and the lock."""
    return tuple(map(_identity, (path, f"{path}-wal", f"{path}-shm", f"{path}.lock")))


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open(path: str, *, read_only: bool) -> sqlite3.Connection:
    where = f"{Path(path).absolute().as_uri()}?mode=ro" if read_only else path
    database = sqlite3.connect(where, uri=read_only, check_same_thread=False, timeout=5.0)
    database.row_factory = sqlite3.Row
    try:
        _prepare(database, path, read_only=read_only)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: str, *, read_only: bool) -> None:
    found = database.execute("PRAGMA user_version").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if found != VERSION and (found or tables or read_only):
        raise LedgerError(
            f"ledger {path}: not a ledger of this version (schema {found}, expected {VERSION}); move the file away"
        )
    if read_only:
        return
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    if not found:
        database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    database.execute(STATES)
    fault = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if fault != "ok":
        raise sqlite3.DatabaseError(fault)


def _unusable(path: str, error: Exception) -> LedgerError:
    return LedgerError(
        f"ledger {path}: {error}; see that its folder can be written and has room,"
        f" or move the file away if it is damaged: a new one is begun, and what the old one remembered is lost"
    )


def _write(database: sqlite3.Connection, key: DocumentId, seen: Watched, before: Watched | None) -> None:
    """Write what of a document is not in the file yet. `before`: what the file holds of it, if that is known."""
    place = _place(key)
    entries, removals = (before.entries, before.removals) if before else ({}, ())
    pairs = zip(removals, seen.removals, strict=False)
    stayed = len([*takewhile(lambda pair: pair[0] == pair[1], pairs)])
    metadata = {name: content.hex() for name, content in seen.metadata.items()}
    database.execute(
        "INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *place,
            int(seen.exists),
            *map(_text_or_none, (seen.create_time, seen.update_time, seen.read_time)),
            _text(seen.first_seen_at),
            _text(seen.seen_at),
            json.dumps(metadata),
        ),
    )
    if before is None:
        database.execute("DELETE FROM entries WHERE collection = ? AND run_date = ?", place)
    database.executemany(
        "DELETE FROM entries WHERE collection = ? AND run_date = ? AND name = ?",
        [(*place, name) for name in entries if name not in seen.entries],
    )
    database.executemany(
        "INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (*place, name, *_sighting_row(sighting))
            for name, sighting in seen.entries.items()
            if (known := entries.get(name)) is not sighting and known != sighting
        ],
    )
    database.execute("DELETE FROM removals WHERE collection = ? AND run_date = ? AND number >= ?", (*place, stayed))
    database.executemany(
        f"INSERT INTO removals VALUES ({', '.join('?' * 15)})",  # noqa: S608 - question marks
        [
            (
                *place,
                number,
                removal.name,
                removal.kind.value,
                *_sighting_row(removal.sighting),
                _text(removal.last_seen_at),
                _text(removal.missed_at),
                _text_or_none(removal.seen_update_time),
                _text_or_none(removal.missed_update_time),
                json.dumps(removal.coincided),
                _text_or_none(removal.ended_at),
            )
            for number, removal in enumerate(seen.removals)
            if number >= stayed
        ],
    )


def _same(one: Watched, other: Watched) -> bool:
    """Whether only the time of the last sighting differs."""
    return replace(one, seen_at=other.seen_at, read_time=other.read_time) == other


def _place(key: DocumentId) -> tuple[str, str]:
    return key.collection, key.run_date.isoformat()


def _sighting_row(sighting: Sighting) -> tuple[Any, ...]:
    return (
        sighting.content,
        _text(sighting.first_seen_at),
        _text_or_none(sighting.first_update_time),
        _text_or_none(sighting.written_at),
    )


def _key(row: sqlite3.Row) -> DocumentId:
    return DocumentId(row["collection"], date.fromisoformat(row["run_date"]))


def _sighting(row: sqlite3.Row, shape: CompletionConfig) -> Sighting:
    return Sighting(
        entry=read_entry(row["content"], shape),
        content=row["content"],
        first_seen_at=_moment(row["first_seen_at"]),
        first_update_time=_moment_or_none(row["first_update_time"]),
        written_at=_moment_or_none(row["written_at"]),
    )


def _removal(row: sqlite3.Row, sighting: Sighting) -> Removal:
    return Removal(
        name=row["name"],
        kind=RemovalKind(row["kind"]),
        sighting=sighting,
        last_seen_at=_moment(row["last_seen_at"]),
        missed_at=_moment(row["missed_at"]),
        seen_update_time=_moment_or_none(row["seen_update_time"]),
        missed_update_time=_moment_or_none(row["missed_update_time"]),
        coincided=tuple(json.loads(row["coincided"])),
        ended_at=_moment_or_none(row["ended_at"]),
    )


def _watched(row: sqlite3.Row, entries: Mapping[str, Sighting], removals: Sequence[Removal]) -> Watched:
    return Watched(
        exists=bool(row["present"]),
        create_time=_moment_or_none(row["create_time"]),
        update_time=_moment_or_none(row["update_time"]),
        read_time=_moment_or_none(row["read_time"]),
        first_seen_at=_moment(row["first_seen_at"]),
        seen_at=_moment(row["seen_at"]),
        entries=entries,
        metadata={name: bytes.fromhex(content) for name, content in json.loads(row["metadata"]).items()},
        removals=tuple(removals),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _text_or_none(moment: datetime | None) -> str | None:
    return None if moment is None else _text(moment)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _moment_or_none(text: str | None) -> datetime | None:
    return None if text is None else _moment(text)
