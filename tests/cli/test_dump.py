"""`dump`: the shipped files, complete, with the reader's own links, and never over what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.cli.dump import DASHBOARD_BASE, KINDS, RUNBOOK_BASE, Bases, DumpError, dump
from exporter.shipped.assets import AssetsError, assets

if TYPE_CHECKING:
    from pathlib import Path


def test_every_rule_file_is_written_with_the_reader_s_links(tmp_path: Path) -> None:
    bases = Bases("https://wiki.local/runbooks/", "https://grafana.local")

    written = dump("rules", tmp_path / "new" / "rules", bases, force=False)

    assert {path.name for path in written} == {path.name for path in assets(KINDS["rules"]).iterdir()}
    text = "".join(path.read_text() for path in written)
    assert "https://wiki.local/runbooks/Orchestration" in text
    assert "https://grafana.local/d/" in text
    assert RUNBOOK_BASE not in text
    assert DASHBOARD_BASE not in text


def test_without_bases_the_files_are_as_shipped(tmp_path: Path) -> None:
    written = dump("rules", tmp_path, Bases(), force=False)

    assert all(path.read_text() == (assets(KINDS["rules"]) / path.name).read_text() for path in written)


def test_a_file_that_is_there_is_left_alone_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "processors.yml").write_text("mine")

    with pytest.raises(DumpError, match=r"processors\.yml: is there already"):
        dump("rules", tmp_path, Bases(), force=False)

    assert [path.name for path in tmp_path.iterdir()] == ["processors.yml"]
    assert (tmp_path / "processors.yml").read_text() == "mine"


def test_force_replaces_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "processors.yml").write_text("mine")

    dump("rules", tmp_path, Bases(), force=True)

    assert "groups:" in (tmp_path / "processors.yml").read_text()


def test_a_folder_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(DumpError, match="cannot be written"):
        dump("rules", tmp_path / "file", Bases(), force=False)


def test_a_missing_shipped_file_is_named() -> None:
    with pytest.raises(AssetsError, match="no/such/folder did not come"):
        assets("no/such/folder")
