"""The ledger and the memory around it: what they hold over a restart, a kill, a full disk."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.config.resolved import LedgerConfig
from exporter.ledger import Ledger, LedgerError, LedgerInUseError
from exporter.memory import Memory
from exporter.model import Document, DocumentId, Gap, Removal, RemovalKind, Sighting, Watched
from exporter.sources.wire import read_entry
from exporter.telemetry import Telemetry
from tests.support.builders import DAY, ONE_DAY, on
from tests.support.ledger_victim import content

if TYPE_CHECKING:
    from pathlib import Path

KEY = DocumentId("phase3_completion", DAY)
NAMES = ("a", "b", "c")
HOUR = timedelta(hours=1)
KEEP = timedelta(days=35)
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


def document(*numbers: int, at: str = "15:00") -> Document:
    """A document with the entries a, b, c that carry these numbers."""
    contents = {name: content(number) for name, number in zip(NAMES, numbers, strict=False)}
    entries = {name: read_entry(value) for name, value in contents.items()}
    return Document(entries=entries, contents=contents, create_time=on("06:00"), update_time=on(at))


def remember(memory: Memory, read: Document, at: str) -> None:
    memory.observe({KEY: read}, NAMES, on(at), longest_gap=HOUR, everything=True)


def opened(path: Path, telemetry: Telemetry | None = None, *, read_only: bool = False) -> Memory:
    return Memory(LedgerConfig(str(path), KEEP), telemetry or Telemetry(), read_only=read_only)


# --- the file ---------------------------------------------------------------------------------------------------


def test_what_was_recorded_is_there_when_the_file_is_opened_again(path: Path) -> None:
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


def test_a_later_sight_of_the_same_is_recorded_too(path: Path) -> None:
    ledger = Ledger(str(path))
    ledger.record({KEY: WATCHED})
    later = replace(WATCHED, seen_at=on("15:06"), read_time=on("15:06"))
    ledger.record({KEY: later})

    assert ledger.load() == {KEY: later}
    ledger.close()


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


def test_a_running_exporter_s_file_can_be_looked_at(path: Path) -> None:
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


def test_content_that_is_damaged_is_an_error_and_not_a_guess(path: Path) -> None:
    ledger = Ledger(str(path))
    ledger.record({KEY: replace(WATCHED, entries={"a": replace(sighting(1), content=b"\xff\xff")})})

    with pytest.raises(LedgerError, match="not a Firestore value"):
        ledger.load()
    ledger.close()


# --- the memory -------------------------------------------------------------------------------------------------


def test_a_restart_forgets_nothing_and_finds_what_went_meanwhile(path: Path) -> None:
    before = opened(path)
    remember(before, document(1, 2, 3), "15:00")
    before.close()

    after = opened(path)
    remember(after, document(1, 2, at="15:01"), "15:01")

    assert after.now.watched[KEY].losses.keys() == {"c"}
    after.close()


def test_a_restart_is_a_gap_in_following(path: Path) -> None:
    before = opened(path)
    before.follow(on("15:00"))
    remember(before, document(1), "15:01")
    before.close()

    after = opened(path)
    after.follow(on("15:10"))

    assert after.now.followed_since == on("15:10")
    assert after.now.gaps == (Gap(on("15:01"), on("15:10")),)
    after.close()


def test_a_lost_stream_is_a_gap_from_the_last_time_that_all_was_seen(path: Path) -> None:
    memory = opened(path)
    memory.follow(on("15:00"))
    memory.follow(on("15:05"))
    memory.lose()
    since = memory.now.followed_since
    memory.follow(on("15:09"))

    assert since is None
    assert memory.now.gaps == (Gap(on("15:05"), on("15:09")),)
    memory.close()


def test_a_damaged_ledger_is_said_and_the_exporter_goes_on_in_memory(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)
    telemetry = Telemetry()

    memory = opened(path, telemetry)
    memory.follow(on("15:00"))
    remember(memory, document(1, 2), "15:00")
    remember(memory, document(1, at="15:01"), "15:01")

    assert memory.now.watched[KEY].losses.keys() == {"b"}
    assert (telemetry.value("ledger_durable"), telemetry.total("ledger_failures")) == (0, 1)
    memory.close()


def test_a_ledger_that_cannot_be_written_any_more_is_said_and_caught_up_when_it_can(path: Path) -> None:
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    remember(memory, document(1, 2, 3), "15:00")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("ALTER TABLE removals RENAME TO away")
    remember(memory, document(1, 2, at="15:01"), "15:01")
    durable, lost = telemetry.value("ledger_durable"), set(memory.now.watched[KEY].losses)
    other.execute("ALTER TABLE away RENAME TO removals")
    other.close()
    remember(memory, document(1, 2, at="15:01"), "15:02")
    memory.close()

    again = opened(path)
    assert (durable, lost) == (0, {"c"})
    assert telemetry.value("ledger_durable") == 1
    assert again.now.watched[KEY].losses.keys() == {"c"}
    again.close()


def test_one_command_looks_at_what_an_exporter_remembers_and_changes_nothing(path: Path) -> None:
    running = opened(path)
    remember(running, document(1, 2, 3), "15:00")
    remember(running, document(1, 2, at="15:01"), "15:01")

    looking = opened(path, read_only=True)
    looking.follow(on("15:02"))
    remember(looking, document(1, at="15:02"), "15:02")
    looking.close()
    running.close()

    again = opened(path)
    assert looking.now.watched[KEY].losses.keys() == {"b", "c"}
    assert again.now.watched[KEY].losses.keys() == {"c"}
    again.close()


def test_without_a_ledger_file_a_command_has_nothing_to_look_at(path: Path) -> None:
    telemetry = Telemetry()

    assert opened(path, telemetry, read_only=True).now.watched == {}
    assert telemetry.value("ledger_durable") is None
    assert not path.exists()


def test_another_configuration_takes_what_is_remembered_along(path: Path, tmp_path: Path) -> None:
    memory = opened(path)
    remember(memory, document(1, 2, 3), "15:00")
    taken = Ledger(str(tmp_path / "taken.sqlite"))

    with pytest.raises(LedgerInUseError):
        memory.reconfigure(LedgerConfig(str(tmp_path / "taken.sqlite"), KEEP))
    memory.reconfigure(LedgerConfig(str(path), KEEP))
    memory.reconfigure(LedgerConfig(str(tmp_path / "new.sqlite"), KEEP))
    remember(memory, document(1, 2, at="15:01"), "15:01")
    memory.reconfigure(LedgerConfig(str(tmp_path / "new.sqlite"), KEEP / 2))
    memory.close()
    taken.close()

    moved = opened(tmp_path / "new.sqlite")
    assert moved.now.watched[KEY].losses.keys() == {"c"}
    moved.close()


def test_a_document_older_than_is_kept_goes_from_the_file(path: Path) -> None:
    memory = opened(path)
    remember(memory, document(1), "15:00")
    memory.observe({}, NAMES, on("15:00") + KEEP + 2 * ONE_DAY, longest_gap=HOUR, everything=True)
    memory.close()

    again = opened(path)
    assert again.now.watched == {}
    again.close()


# --- killed -----------------------------------------------------------------------------------------------------


def test_killed_at_any_moment_nothing_that_was_served_is_missing(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "tests.support.ledger_victim", str(KILLS), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert ended.returncode == 0, ended.stderr
    served = re.match(rf"{KILLS} kills, (\d+) observations served, none missing", ended.stdout)
    assert served is not None
    assert int(served[1]) >= KILLS // 2
