"""The command line as far as it needs no source: help, configurations, and what is wrong with a command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
import pytest
import yaml
from click.testing import CliRunner

from exporter import __version__
from exporter.cli import main
from exporter.config.load import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

BAD = "preset: nba\ntimezone: Mars/Olympus\ndocuments: {past: -1}\nproyect: x\n"


def invoke(*arguments: str | Path, env: dict[str, str] | None = None) -> Result:
    """Run a command in this process, as the shell would."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], env=env)


def commands(group: click.Group = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("command", [(), *commands()], ids=" ".join)
def test_every_command_has_help_that_says_what_it_does(command: tuple[str, ...]) -> None:
    for option in ("--help", "-h"):
        result = invoke(*command, option)

        assert result.exit_code == 0
        assert result.stdout.startswith("Usage: ")
        assert len(result.stdout.splitlines()) > 4


@pytest.mark.parametrize("command", ["run", "check", "config check", "config show", "demo", "replay", "capture"])
def test_help_gives_the_exit_codes(command: str) -> None:
    assert "Exit codes: 0 " in invoke(*command.split(), "--help").stdout


def test_the_version_is_said() -> None:
    assert invoke("--version").stdout == f"orchestration-exporter, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["chek"], "No such command 'chek'"),
        (["check", "--presett", "nba"], "--presett"),
        (["check", "--run-date", "2026-02-30"], "'2026-02-30' does not match the format"),
        (["check", "--run-date", "0001-01-01"], "0001-01-01 is outside 1970-01-01 to 9998-12-31"),
        (["check", "--run-date", "9999-12-31"], "9999-12-31 is outside 1970-01-01 to 9998-12-31"),
        (["check", "--format", "xml"], "'xml' is not one of 'table', 'json', 'metrics'"),
        (["replay"], "Missing argument 'FILE'"),
        (["run", "--log.level", "loud"], "'loud' is not one of"),
        (["run", "--web.runbooks", "javascript:alert()"], "'javascript:alert()' is no address of a web page"),
        (["config"], "Usage: "),
        ([], "Usage: "),
    ],
)
def test_an_invalid_command_is_refused_with_the_reason(arguments: list[str], named: str) -> None:
    result = invoke(*arguments)

    assert result.exit_code == 64
    assert named in result.stderr
    assert "Traceback" not in result.output


# --- config -----------------------------------------------------------------------------------------------------


def test_a_good_configuration_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text("preset: nba\ndocuments: {past: 1}\n")

    result = invoke("config", "check", "--config.file", file)

    assert (result.exit_code, result.stdout) == (0, f"preset nba + {file}: valid\n")


@pytest.mark.parametrize("command", [["config", "check"], ["config", "show"]])
def test_a_bad_configurations_faults_are_reported_with_their_places(command: list[str], tmp_path: Path) -> None:
    file = tmp_path / "exporter.yaml"
    file.write_text(BAD)

    result = invoke(*command, "--config.file", file)

    lines = result.stderr.splitlines()
    assert (result.exit_code, result.stdout) == (64, "")
    assert lines[0] == "Error: 3 faults in the configuration:"
    assert [line.partition(": ")[0].strip() for line in lines[1:]] == [f"{file}:2:11", f"{file}:3:19", f"{file}:4:1"]


def test_without_a_configuration_the_presets_are_named() -> None:
    result = invoke("config", "check")

    assert result.exit_code == 64
    assert "name a file, or a preset (mlb, nba" in result.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = invoke("config", "check", "--config.file", tmp_path / "nowhere.yaml")

    assert result.exit_code == 64
    assert f"{tmp_path / 'nowhere.yaml'}: cannot be read: No such file or directory" in result.stderr


def test_the_environment_names_the_configuration_and_overrides_it() -> None:
    environment = {
        "ORCHESTRATION_EXPORTER_PRESET": "nba",
        "ORCHESTRATION_EXPORTER_COLLECT__WAREHOUSE__EVERY": "5m",
    }

    shown = yaml.safe_load(invoke("config", "show", env=environment).stdout)

    assert shown["collect"]["warehouse"]["every"] == "5m"


def test_a_shown_configuration_loads_to_the_same(tmp_path: Path) -> None:
    shown = tmp_path / "shown.yaml"
    shown.write_text(invoke("config", "show", "--preset", "nba-game-date").stdout)

    assert load(file=shown, environ={}).config == load(preset="nba-game-date", environ={}).config


def test_the_schema_is_json_schema() -> None:
    result = invoke("config", "schema")

    schema = json.loads(result.stdout)
    assert result.exit_code == 0
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert '"daily_budget"' in result.stdout
