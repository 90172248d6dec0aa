"""How the command line says which of several exporters it is."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from exporter.cli import exits, main
from exporter.cli.options import SHARD_VARIABLE, load_config
from exporter.config.shards import Shard


def test_config_check_says_which_shard_has_which_pipelines() -> None:
    result = CliRunner().invoke(main, ["config", "check", "--preset", "nba,mlb"], env={SHARD_VARIABLE: "2/3"})

    assert result.exit_code == exits.OK
    assert result.stdout.splitlines()[1:] == [
        "shard 0/3: no pipeline, so it exports nothing",
        "shard 1/3: nba",
        "shard 2/3, this one: mlb",
    ]


@pytest.mark.parametrize("value", ["3/3", "x", ""])
def test_run_refuses_what_is_no_shard(value: str) -> None:
    result = CliRunner().invoke(main, ["run", "--preset", "nba", "--shard", value])

    assert result.exit_code == exits.USAGE
    assert "Invalid value for '--shard'" in result.stderr
    assert "is no shard: " in result.stderr


def test_the_flag_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARD_VARIABLE, "0/2")

    assert load_config(None, "nba").config.shard == Shard(0, 2)
    assert load_config(None, "nba", shard=Shard(1, 2)).config.shard == Shard(1, 2)
