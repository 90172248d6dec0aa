"""The memory whose ledger has no room for a while, or whose files are taken away."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exporter.memory.ledger import Ledger, LedgerInUseError
from exporter.metrics.telemetry import Telemetry
from testing import ledger_full_disk
from testing.builders import on
from testing.remembering import KEY, document, opened, remember


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_on_a_full_disk_it_goes_on_in_memory_and_misses_nothing_once_there_is_room(path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "testing.ledger_full_disk", str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )

    *logged, said = ended.stdout.splitlines()
    assert json.loads(said) == [1, *[0] * ledger_full_disk.MINUTES, 1]
    assert [line.count("going on in memory") for line in logged] == [1, 0]
    assert "holds all that was seen again" in logged[1]
    ledger = Ledger(str(path))
    held = ledger.load()
    assert held.keys() == {KEY, ledger_full_disk.NEXT}
    assert held[KEY].losses.keys() == {"c"}
    assert held[KEY].seen_at == on("15:19")
    assert ledger.followed() == (on("15:20"), ())
    ledger.close()


def alongside(path: Path, *endings: str) -> list[Path]:
    """The ledger's files with these endings."""
    return [path.with_name(path.name + ending) for ending in endings]


@pytest.mark.parametrize(
    "endings",
    [
        pytest.param([""], id="the database"),
        pytest.param(["", "-wal", "-shm", ".lock"], id="all of it"),
        pytest.param(["-wal"], id="the journal"),
        pytest.param([".lock"], id="the lock"),
    ],
)
@pytest.mark.parametrize("put_aside", [False, True])
def test_deleted_files_are_noticed_and_created_again(
    path: Path, endings: list[str], *, put_aside: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    remember(memory, document(1, 2, 3), "15:00")
    remember(memory, document(1, 2, at="15:01"), "15:01")
    for file in alongside(path, *endings):
        if put_aside:
            file.rename(file.with_name(f"aside{file.name}"))
        else:
            file.unlink()

    memory.tend(on("15:02"))

    said = capfd.readouterr().out
    assert (telemetry.value("ledger_durable"), telemetry.total("ledger_failures")) == (1, 1)
    assert "the file was deleted or replaced under the running exporter" in said
    with pytest.raises(LedgerInUseError):
        Ledger(str(path))
    memory.close()
    again = opened(path)
    assert again.now.watched[KEY].losses.keys() == {"c"}
    again.close()


def test_a_copy_in_place_of_the_file_is_read_without_the_old_journal(path: Path) -> None:
    memory = opened(path)
    remember(memory, document(1, 2, 3), "15:00")
    memory.close()
    copy = shutil.copy(path, path.with_name("copy"))
    path.unlink()
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    remember(memory, document(1, at="15:01"), "15:01")
    Path(copy).replace(path)

    memory.tend(on("15:02"))

    assert telemetry.value("ledger_durable") == 1
    assert memory.now.watched[KEY].first_seen_at == on("15:00")
    memory.close()
    again = opened(path)
    assert again.now.watched[KEY].entries.keys() == {"a"}
    again.close()


def test_a_deleted_folder_is_retried_until_it_exists(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    telemetry = Telemetry()
    memory = opened(folder / "ledger.sqlite", telemetry)
    remember(memory, document(1, 2, 3), "15:00")
    shutil.rmtree(folder)
    remember(memory, document(1, 2, at="15:01"), "15:01")
    meanwhile = telemetry.value("ledger_durable")
    folder.mkdir()

    remember(memory, document(1, 2, at="15:01"), "15:02")
    memory.close()

    again = opened(folder / "ledger.sqlite")
    assert meanwhile == 0
    assert again.now.watched[KEY].losses.keys() == {"c"}
    again.close()


def test_an_older_copy_in_place_of_the_file_is_brought_up_to_date(path: Path) -> None:
    memory = opened(path)
    remember(memory, document(1, 2, 3), "15:00")
    memory.close()
    copy = shutil.copy(path, path.with_name("copy"))
    memory = opened(path)
    remember(memory, document(1, 2, at="15:01"), "15:01")
    for file in alongside(path, "", "-wal", "-shm"):
        file.unlink()
    shutil.move(copy, path)

    memory.follow(on("15:02"))
    memory.close()

    again = opened(path)
    assert [removal.name for removal in again.now.watched[KEY].removals] == ["c"]
    again.close()


def test_a_ledger_without_its_lock_that_another_exporter_took_is_left_to_it(path: Path) -> None:
    telemetry = Telemetry()
    memory = opened(path, telemetry)
    remember(memory, document(1, 2, 3), "15:00")
    path.with_name(f"{path.name}.lock").unlink()
    other = Ledger(str(path))

    remember(memory, document(1, 2, at="15:01"), "15:01")

    assert telemetry.value("ledger_durable") == 0
    assert other.load()[KEY].entries.keys() == {"a", "b", "c"}
    other.close()
    memory.close()


def test_a_folder_that_became_read_only_does_not_stop_an_open_ledger(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    telemetry = Telemetry()
    memory = opened(folder / "ledger.sqlite", telemetry)
    folder.chmod(0o500)

    remember(memory, document(1, 2, 3), "15:00")
    said = telemetry.value("ledger_durable")
    memory.close()
    folder.chmod(0o700)

    again = opened(folder / "ledger.sqlite")
    assert said == 1
    assert again.now.watched[KEY].entries.keys() == {"a", "b", "c"}
    again.close()
