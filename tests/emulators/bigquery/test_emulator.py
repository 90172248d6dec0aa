from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from exporter.emulators.bigquery.emulator import BigQueryEmulator, EmulatorError, require_packages

if TYPE_CHECKING:
    from pathlib import Path


def temporary_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the emulator makes its home in this test."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_a_missing_package_is_named_with_the_extra_that_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bqemulator", None)

    with pytest.raises(EmulatorError) as missing:
        BigQueryEmulator().start()

    assert str(missing.value) == (
        "the local BigQuery needs bqemulator, which is not installed: pip install '.[demo]' in a checkout"
    )


def test_all_missing_packages_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bqemulator", None)
    monkeypatch.setitem(sys.modules, "duckdb_extension_spatial", None)

    with pytest.raises(EmulatorError, match="needs bqemulator, duckdb-extension-spatial, which are not installed"):
        require_packages()


def test_an_emulator_that_was_not_started_says_so() -> None:
    emulator = BigQueryEmulator()

    with pytest.raises(EmulatorError, match="not running"):
        emulator.client("project")
    with pytest.raises(EmulatorError, match="not started"):
        emulator.wait()
    emulator.stop()


def test_a_process_that_fails_at_its_start_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bqemulator.py").write_text("raise ImportError('spoilt on purpose')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    folder = temporary_folders(tmp_path, monkeypatch)

    with pytest.raises(EmulatorError, match=r"(?s)ended before it was ready.*ImportError: spoilt on purpose"):
        BigQueryEmulator().__enter__()

    assert list(folder.iterdir()) == []


def test_a_process_that_is_not_ready_in_time_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = temporary_folders(tmp_path, monkeypatch)
    emulator = BigQueryEmulator()
    emulator.start()
    assert len(list(folder.iterdir())) == 1

    with pytest.raises(EmulatorError, match=r"not ready within 0\.01 s"):
        emulator.wait(0.01)

    assert list(folder.iterdir()) == []
