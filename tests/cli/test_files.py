from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from exporter.cli.files import write_atomically


def test_a_file_has_its_content_and_everybody_may_read_it(tmp_path: Path) -> None:
    target = tmp_path / "x.prom"

    write_atomically(target, "häppy 1\n")

    assert target.read_text(encoding="utf-8") == "häppy 1\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_readers_see_the_old_content_or_the_new_and_nothing_in_between(tmp_path: Path) -> None:
    target = tmp_path / "x.prom"
    contents = [letter * 200_000 for letter in "ab"]
    write_atomically(target, contents[0])
    seen: set[str] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.add(target.read_text())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(50):
        write_atomically(target, contents[number % 2])
    ended.set()
    reader.join(30)

    assert seen <= set(contents)


def test_the_temporary_file_is_no_metrics_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []

    def replace(self: Path, target: Path) -> Path:
        names.extend(path.name for path in tmp_path.iterdir())
        return self.rename(target)

    monkeypatch.setattr(Path, "replace", replace)

    write_atomically(tmp_path / "x.prom", "x 1\n")

    assert len(names) == 1
    assert not names[0].endswith(".prom")
    assert names[0].startswith(".")


def test_a_write_that_fails_leaves_the_old_content_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "x.prom"
    write_atomically(target, "old\n")

    with pytest.raises(UnicodeEncodeError):
        write_atomically(target, "\ud800")

    assert target.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_atomically(tmp_path / "nowhere" / "x.prom", "")


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path, "")


def test_a_link_stays_and_its_target_changes(tmp_path: Path) -> None:
    target, link = tmp_path / "target.prom", tmp_path / "link.prom"
    target.write_text("old\n")
    link.symlink_to(target)

    write_atomically(link, "new\n")

    assert link.is_symlink()
    assert target.read_text() == "new\n"


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received: list[str] = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_text()), daemon=True)
    reader.start()

    write_atomically(pipe, "through\n")
    reader.join(30)

    assert received == ["through\n"]
    assert pipe.is_fifo()
