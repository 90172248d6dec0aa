from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click
import pytest

from exporter.cli import main
from exporter.config.environment import COMMAND_LINE
from exporter.config.errors import ConfigError, Fault
from exporter.config.load import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.config.resolved import Config

PREFIX = "ORCHESTRATION_EXPORTER_"


def config_with(**variables: str) -> Config:
    return load(preset="nba", environ={PREFIX + name: value for name, value in variables.items()}).config


def faults_with(**variables: str) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        config_with(**variables)
    return caught.value.faults


def test_a_variable_overrides_a_key() -> None:
    config = config_with(
        PROJECT="my-project",
        COLLECT__WAREHOUSE__EVERY="5m",
        BIGQUERY_LOCATION="US",
        PIPELINES__NBA__PHASES__PHASE3__PROCESSORS__PLAYER_GAME_SUMMARY__DUE="+0d 12:00",
    )

    assert config.project == "my-project"
    assert config.collect.warehouse.every == timedelta(minutes=5)
    assert config.location == "US"
    assert config.pipelines["nba"].phases["phase3"].processors["player_game_summary"].due.at.hour == 12


def test_a_variable_may_hold_lists_and_mappings() -> None:
    config = config_with(
        PIPELINES__NBA__PHASE_LOG__TRANSITIONS="[phase3_to_phase4]",
        PIPELINES__NBA__HEARTBEATS__DOCUMENTS="{warn: 200, critical: 1000}",
    )

    pipeline = config.pipelines["nba"]
    assert pipeline.phase_log is not None
    assert pipeline.phase_log.transitions == ("phase3_to_phase4",)
    assert pipeline.heartbeats is not None
    assert pipeline.heartbeats.documents_warn == 200


def test_a_variable_may_take_away() -> None:
    config = config_with(PIPELINES__NBA__PHASES__PHASE4__NEXT="null", PIPELINES__NBA__PHASES__PHASE5="null")

    assert list(config.pipelines["nba"].phases) == ["phase3", "phase4", "grading"]


def test_case_does_not_matter_and_a_dash_is_written_as_an_underscore() -> None:
    overlay = {
        "pipelines": {
            "g-league": {"phases": {"p": {"processors": {"x": {"due": "+0d 11:30", "table": {"date_column": "d"}}}}}}
        }
    }
    environ = {"orchestration_exporter_Pipelines__G_League__Phases__P__Processors__X__Table__Name": "d.t"}

    config = load(preset="nba", overlay=overlay, environ=environ).config

    assert config.pipelines["g-league"].phases["p"].processors["x"].table.name == "d.t"


def test_the_more_specific_variable_wins() -> None:
    config = config_with(COLLECT__WAREHOUSE__EVERY="5m", COLLECT__WAREHOUSE="{every: 20m, timeout: 1m}")

    assert config.collect.warehouse.every == timedelta(minutes=5)
    assert config.collect.warehouse.timeout == timedelta(minutes=1)


@pytest.mark.parametrize(
    "name",
    [
        "CONFIG_FILE",
        "PRESET",
        "WEB_LISTEN_ADDRESS",
        "LOG_LEVEL",
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_9830_TCP",
        "PORT_9830_TCP_ADDR",
        "PORT_9830_UDP_PROTO",
        # Of services called `orchestration-exporter-web` and `orchestration-exporter-log-shipper`.
        "WEB_SERVICE_HOST",
        "WEB_SERVICE_PORT_METRICS",
        "WEB_PORT",
        "WEB_PORT_9189_TCP_ADDR",
        "LOG_SHIPPER_SERVICE_PORT",
    ],
)
def test_variables_of_the_command_line_and_of_kubernetes_are_passed_over(name: str) -> None:
    assert config_with(**{name: "tcp://10.0.0.1:9830"}) == config_with()


def test_the_variables_of_the_command_line_are_those_of_its_options() -> None:
    def variables(command: click.Command) -> Iterator[str]:
        for option in command.params:
            match option.envvar:
                case str() as name:
                    yield name
                case list() | tuple() as names:
                    yield from names
                case _:
                    pass
        for inner in command.commands.values() if isinstance(command, click.Group) else ():
            yield from variables(inner)

    assert {name.removeprefix(PREFIX) for name in variables(main) if name.startswith(PREFIX)} == set(COMMAND_LINE)


def test_variables_of_others_are_passed_over() -> None:
    loaded = load(preset="nba", environ={"PROJECT": "x", "ORCHESTRATION_EXPORTERPROJECT": "x"})

    assert loaded.config.project == "nba-props-platform"
    assert loaded.source == "preset nba"


@pytest.mark.parametrize(
    ("name", "value", "path", "words"),
    [
        ("COLECT__X", "1", "", 'the configuration has no "COLECT" (did you mean COLLECT?), but project,'),
        ("", "1", "", 'the configuration has no ""'),
        ("COLLECT__WAREHOUSE__EVRY", "1m", "", 'collect.warehouse has no "EVRY" (did you mean EVERY?)'),
        ("PIPELINES__MLB__PHASES", "{}", "", 'pipelines has no "MLB", but nba'),
        ("PROJECT__NAME", "x", "", "project is a value and has no keys of its own"),
        ("PIPELINES__NBA__PHASE_LOG__TRANSITIONS__0", "x", "", "is a value and has no keys of its own"),
        ("PORTS", "x", "", 'has no "PORTS"'),
        ("WEB_CONFIG_FLIE", "web.yml", "", 'has no "WEB_CONFIG_FLIE" (did you mean WEB_CONFIG_FILE?)'),
        ("WEB_CONFIGFILE", "web.yml", "", 'has no "WEB_CONFIGFILE" (did you mean WEB_CONFIG_FILE?)'),
        ("LOG_LEVLE", "debug", "", 'has no "LOG_LEVLE" (did you mean LOG_LEVEL?)'),
        ("WEB_PORT", "9189", "", 'has no "WEB_PORT"'),
        ("WEB_LISTEN_ADRESS", "127.0.0.1:9189", "", "(did you mean WEB_LISTEN_ADDRESS?)"),
        ("TIMEZONE", "", "timezone", "is empty: give a value, or unset it"),
        ("TIMEZONE", "[America", "timezone", "is not valid YAML"),
        ("TIMEZONE", "Mars/Base", "timezone", '"Mars/Base" is not a time zone'),
        ("COLLECT__WAREHOUSE__EVERY", "10", "collect.warehouse.every", "10 has no unit"),
        ("DOCUMENTS", "{past: 1, pats: 2}", "documents.pats", "is not a key here (did you mean past?)"),
        ("DOCUMENTS", "{past: 1, past: 2}", "documents.past", "is written twice"),
        ("PROJECT", "!x y", "project", 'the tag "!x" is not supported'),
        ("PIPELINES__NBA__PHASES", "null", "pipelines.nba.phases", "is missing: Its phases by name"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(name: str, value: str, path: str, words: str) -> None:
    (fault,) = faults_with(**{name: value})

    assert fault.source == PREFIX + name
    assert fault.path == path
    assert words in fault.message


def test_two_variables_for_one_key_are_a_fault() -> None:
    (fault,) = faults_with(TIMEZONE="UTC", timezone="UTC")

    assert fault.message == f"is set by {PREFIX}TIMEZONE already: unset one of them"


def test_a_variable_that_could_mean_two_keys_is_a_fault() -> None:
    processor = {"due": "+0d 11:30", "table": {"name": "d.t", "date_column": "d"}}
    overlay = {"pipelines": {name: {"phases": {"p": {"processors": {"x": processor}}}} for name in ("a-b", "a_b")}}

    with pytest.raises(ConfigError, match=r"matches more than one key: pipelines\.a-b, pipelines\.a_b"):
        load(preset="nba", overlay=overlay, environ={f"{PREFIX}PIPELINES__A_B__PHASES": "{}"})
