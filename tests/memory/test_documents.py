"""The memory around the ledger: what it holds over a restart, and what it says while the file cannot be used."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.config.fields import ENTRIES, names_of
from exporter.config.resolved import CompletionConfig, LedgerConfig
from exporter.memory.documents import Memory
from exporter.memory.ledger import MEMORY, Ledger, LedgerInUseError
from exporter.metrics.telemetry import Telemetry
from exporter.model import Gap
from exporter.sources.documents import read_entry
from testing.builders import ONE_DAY, on
from testing.remembering import HOUR, KEEP, KEY, NAMES, document, opened, remember

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_a_restart_finds_entries_that_were_removed_meanwhile(path: Path) -> None:
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


def test_a_lost_stream_is_a_gap_since_the_last_complete_view(path: Path) -> None:
    memory = opened(path)
    memory.follow(on("15:00"))
    memory.follow(on("15:05"))
    memory.begin_gap()
    since = memory.now.followed_since
    memory.follow(on("15:09"))

    assert since is None
    assert memory.now.gaps == (Gap(on("15:05"), on("15:09")),)
    memory.close()


def test_a_damaged_ledger_is_reported_and_the_exporter_continues_in_memory(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)
    telemetry = Telemetry()

    memory = opened(path, telemetry)
    memory.follow(on("15:00"))
    remember(memory, document(1, 2), "15:00")
    remember(memory, document(1, at="15:01"), "15:01")

    assert memory.now.watched[KEY].losses.keys() == {"b"}
    # Once at the start, and once a minute after the first reading.
    assert (telemetry.value("ledger_durable"), telemetry.total("ledger_failures")) == (0, 2)
    memory.close()


def test_a_ledger_that_cannot_be_written_is_reported_and_completed_later(path: Path) -> None:
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
    recovered = telemetry.value("ledger_durable")
    memory.close()

    again = opened(path)
    assert (durable, lost, recovered) == (0, {"c"}, 1)
    assert again.now.watched[KEY].losses.keys() == {"c"}
    again.close()


def test_a_command_reads_a_running_exporters_memory_and_changes_nothing(path: Path) -> None:
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


def test_without_a_ledger_file_a_command_starts_with_an_empty_memory(path: Path) -> None:
    telemetry = Telemetry()

    assert opened(path, telemetry, read_only=True).now.watched == {}
    assert telemetry.value("ledger_durable") is None
    assert not path.exists()


def test_another_configuration_keeps_the_memory(path: Path, tmp_path: Path) -> None:
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


def test_a_document_older_than_the_limit_is_deleted_from_the_file(path: Path) -> None:
    memory = opened(path)
    remember(memory, document(1), "15:00")
    memory.observe({}, NAMES, on("15:00") + KEEP + 2 * ONE_DAY, longest_gap=HOUR, everything=True)
    memory.close()

    again = opened(path)
    assert again.now.watched == {}
    again.close()


# --- what it says of the ledger ---------------------------------------------------------------------------------


def durable(telemetry: Telemetry) -> float | None:
    return telemetry.value("ledger_durable")


def test_a_ledger_that_is_there_is_durable_from_the_start_until_the_memory_is_closed(path: Path) -> None:
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    said = [durable(telemetry)]
    memory.close()
    said.append(durable(telemetry))

    remember(memory, document(1), "15:00")
    memory.tend(on("15:30"))

    assert [*said, durable(telemetry)] == [1, None, None]
    Ledger(str(path)).close()


def test_without_a_ledger_file_there_is_no_durability_sample(path: Path) -> None:
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    remember(memory, document(1, 2, 3), "15:00")

    memory.reconfigure(LedgerConfig(MEMORY, KEEP))
    remember(memory, document(1, 2, at="15:01"), "15:01")
    without = durable(telemetry)
    memory.reconfigure(LedgerConfig(MEMORY, KEEP / 2))
    memory.reconfigure(LedgerConfig(str(path), KEEP))

    assert (without, durable(telemetry)) == (None, 1)
    memory.close()


def test_a_failed_ledger_is_no_longer_reported_once_the_configuration_has_none(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    failed = durable(telemetry)

    memory.reconfigure(LedgerConfig(MEMORY, KEEP))

    assert (failed, durable(telemetry)) == (0, None)
    memory.close()


def test_another_file_is_durable_only_with_all_that_was_seen_before_it(path: Path) -> None:
    telemetry = Telemetry()
    memory = Memory(LedgerConfig(MEMORY, KEEP), telemetry)
    memory.follow(on("14:59"))
    remember(memory, document(1, 2, 3), "15:00")
    before = durable(telemetry)

    memory.reconfigure(LedgerConfig(str(path), KEEP))

    looking = Ledger(str(path), read_only=True)
    assert (before, durable(telemetry)) == (None, 1)
    assert looking.load() == memory.now.watched
    assert looking.followed() == (on("15:00"), ())
    looking.close()
    memory.close()


def test_new_names_of_fields_change_what_is_remembered_and_not_that_it_was_there(path: Path) -> None:
    memory = opened(path)
    remember(memory, document(1, 2, 3), "15:00")
    remember(memory, document(1, 2, at="15:01"), "15:01")
    own = CompletionConfig(fields={**names_of(ENTRIES), "record_count": ()})

    memory.reconfigure(LedgerConfig(str(path), KEEP), {KEY.collection: own})

    watched = memory.now.watched[KEY]
    assert {name: seen.entry.record_count for name, seen in watched.entries.items()} == {"a": None, "b": None}
    assert [(removal.name, removal.sighting.entry.record_count) for removal in watched.removals] == [("c", None)]
    contents = document(1, 2, at="15:02").contents
    again = {name: read_entry(content, own) for name, content in contents.items()}
    remember(memory, replace(document(1, 2, at="15:02"), entries=again), "15:02")
    assert [removal.name for removal in memory.now.watched[KEY].removals] == ["c"]
    memory.close()

    reopened = Memory(LedgerConfig(str(path), KEEP), Telemetry(), shapes={KEY.collection: own})
    assert reopened.now.watched[KEY].entries["a"].entry.record_count is None
    reopened.close()


def test_a_file_in_use_by_another_exporter_keeps_the_reported_state(path: Path, tmp_path: Path) -> None:
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    taken = Ledger(str(tmp_path / "taken.sqlite"))

    with pytest.raises(LedgerInUseError):
        memory.reconfigure(LedgerConfig(str(tmp_path / "taken.sqlite"), KEEP))

    assert (durable(telemetry), telemetry.total("ledger_failures")) == (1, 0)
    taken.close()
    memory.close()


# --- a file that cannot be used at the start --------------------------------------------------------------------


def test_a_repaired_ledger_is_used_within_a_minute_and_complete(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path.mkdir()
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    memory.follow(on("14:59"))
    remember(memory, document(1, 2, 3), "15:00")
    path.rmdir()
    remember(memory, document(1, 2, at="15:00:10"), "15:00:10")
    early = durable(telemetry)

    memory.tend(on("15:01"))

    said = capfd.readouterr().out
    assert (early, durable(telemetry)) == (0, 1)
    assert [said.count("going on in memory"), said.count("the ledger holds all that was seen again")] == [1, 1]
    memory.close()
    again = opened(path)
    assert again.now.watched[KEY].losses.keys() == {"c"}
    again.follow(on("15:05"))
    assert again.now.gaps == (Gap(on("15:00:10"), on("15:05")),)
    again.close()


def test_a_ledger_is_tried_again_once_a_minute_whatever_the_clock_does(path: Path) -> None:
    path.mkdir()
    telemetry = Telemetry()
    memory = opened(path, telemetry)

    failures = []
    for at in ("15:00", "15:00:30", "15:00:59", "15:01", "15:01:30", "15:02:10", "14:00", "14:00:20"):
        memory.tend(on(at))
        failures.append(telemetry.total("ledger_failures"))

    assert failures == [1, 1, 1, 2, 2, 3, 4, 4]
    memory.close()


def test_a_file_that_another_exporter_took_meanwhile_is_retried(path: Path) -> None:
    path.mkdir()
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    remember(memory, document(1, 2, 3), "15:00")
    path.rmdir()
    other = Ledger(str(path))
    memory.tend(on("15:01"))
    meanwhile = durable(telemetry)
    other.close()

    memory.tend(on("15:02"))

    assert (meanwhile, durable(telemetry)) == (0, 1)
    memory.close()


def test_a_repaired_files_content_is_joined_with_later_observations(path: Path) -> None:
    earlier = opened(path)
    remember(earlier, document(1, 2, 3), "14:00")
    remember(earlier, document(1, 2, at="14:01"), "14:01")
    earlier.close()
    aside = path.rename(path.with_name("aside"))
    path.mkdir()
    memory = opened(path)
    remember(memory, document(1, at="14:30"), "15:00")
    path.rmdir()
    aside.rename(path)

    memory.tend(on("15:01"))
    memory.close()

    again = opened(path)
    went = [
        (removal.name, removal.missed_at, removal.missed_update_time) for removal in again.now.watched[KEY].removals
    ]
    assert went == [("c", on("14:01"), on("14:01")), ("b", on("15:00"), None)]
    assert again.now.watched[KEY].losses.keys() == {"b", "c"}
    again.close()
