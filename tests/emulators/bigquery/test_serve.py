from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import duckdb
import pytest

from exporter.emulators.bigquery import serve

if TYPE_CHECKING:
    from pathlib import Path


def test_duckdb_finds_the_installed_extension_below_the_home(tmp_path: Path) -> None:
    serve.link_extension(tmp_path)

    # What DuckDB is not allowed to fetch, it must have found.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "extension_directory": str(tmp_path / ".duckdb" / "extensions"),
        "autoinstall_known_extensions": "false",
        "custom_extension_repository": str(tmp_path / "nowhere"),
    }
    with duckdb.connect(":memory:", config=settings) as connection:
        connection.execute("INSTALL spatial")
        connection.execute("LOAD spatial")
        area = connection.execute("SELECT ST_Area(ST_GeomFromText('POLYGON((0 0, 0 2, 2 2, 2 0, 0 0))'))").fetchall()

    assert area == [(4.0,)]


def test_an_extension_that_is_not_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "_EXTENSION", "nonesuch")

    with pytest.raises(ModuleNotFoundError, match="duckdb_extension_nonesuch"):
        serve.link_extension(tmp_path)


def test_the_end_of_the_other_side_is_noticed() -> None:
    ours, theirs = socket.socketpair()
    ended = threading.Event()
    with theirs:
        with ours:
            thread = serve.call_at_end(theirs, ended.set)
            ours.sendall(b"still here")
            assert not ended.is_set()

        assert ended.wait(10)
        thread.join(10)


def test_a_broken_link_is_an_end() -> None:
    ours, theirs = socket.socketpair()
    ended = threading.Event()
    theirs.close()

    with ours:
        serve.call_at_end(theirs, ended.set).join(10)

    assert ended.is_set()
