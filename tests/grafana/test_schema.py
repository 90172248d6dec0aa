"""The committed JSON: what the source makes, what the published schema holds, what `dump` writes out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from exporter.cli import main
from exporter.shipped.forms import RUNBOOK_BASE
from grafana import build
from tests.grafana.boards import BOARDS, FOLDER, Board

if TYPE_CHECKING:
    from pathlib import Path

# What Prometheus's data source keeps in an annotation; the schema leaves its fields open, and the SDK drops them.
OF_PROMETHEUS = {"step", "titleFormat", "textFormat", "tagKeys", "useValueForTime"}

each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)


def test_the_files_are_what_their_source_makes() -> None:
    assert {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()} == build.built()


def test_the_source_says_what_is_stale_and_writes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    (tmp_path / "gone.json").write_text("{}")
    runner = CliRunner()

    checked = runner.invoke(build.main, ["--check"])
    wrote = runner.invoke(build.main)

    assert (checked.exit_code, checked.output.count("stale")) == (1, 5)
    assert (wrote.exit_code, wrote.output.count("wrote")) == (0, 5)
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == build.built()
    assert runner.invoke(build.main, ["--check"]).exit_code == 0


@each_board
def test_it_holds_against_the_schema_that_the_sdk_carries(board: Board) -> None:
    """Reading into the SDK's types drops what the schema does not know and refuses what it cannot hold."""
    register_default_plugins()

    read = Dashboard.from_json(json.loads(json.dumps(board.raw)))

    assert json.loads(json.dumps(read, cls=JSONEncoder)) == _as_the_schema_has_it(board.raw)


def _as_the_schema_has_it(raw: Any) -> Any:  # noqa: ANN401 - JSON
    annotations = [
        {key: value for key, value in item.items() if key not in OF_PROMETHEUS} for item in raw["annotations"]["list"]
    ]
    return {**raw, "annotations": {"list": annotations}}


def test_dump_writes_them_with_the_readers_own_runbooks(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["dump", "dashboards", str(tmp_path / "out"), "--runbook-base", "https://wiki.local/runbooks"]
    )

    assert done.exit_code == 0, done.output
    for uid, board in BOARDS.items():
        text = (tmp_path / "out" / f"{uid}.json").read_text("utf-8")
        assert RUNBOOK_BASE not in text
        assert text.count("https://wiki.local/runbooks/") == json.dumps(board.raw).count(RUNBOOK_BASE)
        assert json.loads(text)["uid"] == uid
