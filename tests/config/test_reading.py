"""Files that are no files: pipes without a writer, devices without an end."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.config import reading
from exporter.config.errors import ConfigError
from exporter.config.load import load
from exporter.config.reading import read_file, read_text_file
from exporter.incidents.incident import IncidentError, load_incident
from exporter.web.client import ask
from exporter.web.http_config import HttpConfigError, config_of, read_http_config

if TYPE_CHECKING:
    from collections.abc import Callable

ENDLESS = Path("/dev/zero")


@pytest.fixture(name="pipe")
def _pipe(tmp_path: Path) -> Path:
    os.mkfifo(path := tmp_path / "pipe.yaml")
    return path


def test_a_pipe_is_read_to_its_end(pipe: Path) -> None:
    writer = threading.Thread(target=lambda: pipe.write_text("ä" * 500_000, encoding="utf-8"))
    writer.start()

    content = read_text_file(pipe)

    writer.join()
    assert content == "ä" * 500_000


def test_a_folder_is_refused_and_leaves_no_handle_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(IsADirectoryError):
        read_file(tmp_path)

    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_password_file_that_is_no_text_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "password").write_bytes(b"\xff\xfe")
    (file := tmp_path / "http.yaml").write_text("basic_auth: {username: a, password_file: password}\n")

    with pytest.raises(HttpConfigError, match=r"password_file: .* is not UTF-8"):
        ask("http://127.0.0.1:1", config_of(file))


def test_a_file_may_be_as_large_as_is_said(tmp_path: Path) -> None:
    (path := tmp_path / "file").write_bytes(b"12345")

    assert read_file(path, most=5) == b"12345"
    with pytest.raises(OSError, match="is larger than 4 bytes"):
        read_file(path, most=4)


READERS: dict[str, tuple[Callable[[Path], object], type[Exception]]] = {
    "configuration": (lambda path: load(file=path, environ={}), ConfigError),
    "incident": (load_incident, IncidentError),
    "client": (read_http_config, HttpConfigError),
}


@pytest.mark.parametrize("reader", READERS)
def test_what_never_ends_or_never_begins_is_refused_in_words(
    reader: str, pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, refusal = READERS[reader]
    monkeypatch.setattr(reading, "SECONDS", 0.1)

    with pytest.raises(refusal, match="is larger than"):
        read(ENDLESS)
    with os.fdopen(os.open(pipe, os.O_RDWR), "wb"), pytest.raises(refusal, match="nothing was written into this pipe"):
        read(pipe)
