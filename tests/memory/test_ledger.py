"""The ledger: what its file holds, whom it refuses, and that a kill takes nothing from it."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.memory.ledger import Ledger, LedgerError, LedgerInUseError
from exporter.model import DocumentId, Gap, Removal, RemovalKind, Sighting, Watched
from exporter.sources.documents import read_entry
from testing.builders import DAY, ONE_DAY, on
from testing.ledger_victim import content
from testing.remembering import KEY

KILLS = 60


def sighting(number: int) -> Sighting:
    return Sighting(read_entry(content(number)), content(number), on("15:00"), on("14:59"), on("14:58"))


WATCHED = Watched(
    exists=True,
    create_time=on("06:00"),
    update_time=on("15:04"),
    read_time=on("15:05"),
    first_seen_at=on("06:01"),
    seen_at=on("15:05"),
    entries={"a": sighting(1), "b": replace(sighting(2), first_update_time=None, written_at=None)},
    metadata={"_triggered": b"\x00\xff"},
    removals=(
        Removal("c", RemovalKind.STALE_WRITE, sighting(3), on("15:01"), on("15:02"), on("15:00"), on("15:02"), ("a",)),
        Removal("b", RemovalKind.REPLACED, sighting(4), on("15:02"), on("15:03"), ended_at=on("15:03")),
    ),
)


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


# --- the file ---------------------------------------------------------------------------------------------------


def test_recorded_documents_are_there_after_the_file_is_reopened(path: Path) -> None:
    bare = Watched(
        exists=False, create_time=None, update_time=None, read_time=None, first_seen_at=on("06:00"), seen_at=on("06:00")
    )
    other = DocumentId("phase4_completion", DAY)
    ledger = Ledger(str(path))
    ledger.record({KEY: WATCHED, other: bare})
    ledger.close()

    again = Ledger(str(path))

    assert again.load() == {KEY: WATCHED, other: bare}
    again.close()


def test_a_later_sighting_of_the_same_entry_is_recorded(path: Path) -> None:
    ledger = Ledger(str(path))
    ledger.record({KEY: WATCHED})
    later = replace(WATCHED, seen_at=on("15:06"), read_time=on("15:06"))
    ledger.record({KEY: later})

    assert ledger.load() == {KEY: later}
    ledger.close()


@settings(max_examples=30)
@given(
    states=st.lists(
        st.tuples(st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3)), st.lists(st.integers(1, 3), max_size=4)),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_changed_the_file_holds_the_last_state(states: list[tuple[dict[str, int], list[int]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "ledger.sqlite"))
        ledger = Ledger(path)
        watched = WATCHED
        for minute, (entries, removed) in enumerate(states):
            watched = replace(
                watched,
                seen_at=on(f"15:{minute:02}"),
                entries={name: sighting(number) for name, number in entries.items()},
                removals=tuple(replace(WATCHED.removals[0], sighting=sighting(number)) for number in removed),
            )
            ledger.record({KEY: watched})
        held = ledger.load()
        ledger.close()

        assert held == {KEY: watched}


def test_documents_of_old_run_dates_are_forgotten(path: Path) -> None:
    ledger = Ledger(str(path))
    ledger.record({KEY: WATCHED, DocumentId("phase3_completion", DAY - ONE_DAY): WATCHED})

    ledger.forget(DAY)

    assert ledger.load().keys() == {KEY}
    ledger.close()


def test_gaps_and_the_end_of_following_are_remembered(path: Path) -> None:
    ledger = Ledger(str(path))
    assert ledger.followed() == (None, ())
    gaps = (Gap(on("10:00"), on("10:05")), Gap(on("11:00"), on("11:01")))
    ledger.note_following(on("11:01"), on("12:00"), gaps)
    ledger.note_following(None, on("12:30"), gaps)

    assert ledger.followed() == (on("12:30"), gaps)
    ledger.close()


def test_a_second_exporter_is_refused_and_told_what_to_do(path: Path) -> None:
    first = Ledger(str(path))

    with pytest.raises(
        LedgerInUseError, match=rf"ledger {re.escape(str(path))}: another exporter has it; give each its own"
    ):
        Ledger(str(path))

    first.close()
    Ledger(str(path)).close()


def test_the_file_of_a_running_exporter_can_be_read(path: Path) -> None:
    running = Ledger(str(path))
    running.record({KEY: WATCHED})

    looking = Ledger(str(path), read_only=True)

    assert looking.load() == {KEY: WATCHED}
    with pytest.raises(LedgerError, match="readonly"):
        looking.record({KEY: replace(WATCHED, exists=False)})
    looking.close()
    running.close()


def altered(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    database.execute(statement)
    database.close()


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        (lambda path: path.write_bytes(b"no database at all" * 100), "file is not a database"),
        (
            lambda path: sqlite3.connect(path).execute("PRAGMA user_version = 9").connection.close(),
            "schema 9, expected 1",
        ),
        (lambda path: sqlite3.connect(path).execute("CREATE TABLE t (x)").connection.close(), "schema 0, expected 1"),
        (lambda path: path.mkdir(), "unable to open database file"),
    ],
)
def test_a_file_that_is_no_ledger_is_named_with_what_to_do(path: Path, damage: object, fault: str) -> None:
    assert callable(damage)
    damage(path)

    with pytest.raises(LedgerError, match=rf"ledger {re.escape(str(path))}: .*{fault}.*move the file away"):
        Ledger(str(path))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match=r"No such file or directory.*see that its folder can be written"):
        Ledger(str(tmp_path / "missing" / "ledger.sqlite"))


def test_damaged_content_is_an_error(path: Path) -> None:
    ledger = Ledger(str(path))
    ledger.record({KEY: replace(WATCHED, entries={"a": replace(sighting(1), content=b"\xff\xff")})})

    with pytest.raises(LedgerError, match="not a Firestore value"):
        ledger.load()
    ledger.close()


# --- killed -----------------------------------------------------------------------------------------------------


def test_after_a_kill_at_any_moment_every_served_observation_is_there(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "testing.ledger_victim", str(KILLS), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert ended.returncode == 0, ended.stderr
    served = re.match(rf"{KILLS} kills, (\d+) observations served, none missing", ended.stdout)
    assert served is not None
    assert int(served[1]) >= KILLS // 2
