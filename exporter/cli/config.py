"""The commands `config check`, `config show` and `config schema`; `config init` is in init.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exporter.cli import exits
from exporter.cli.clock import now
from exporter.cli.command import Commands
from exporter.cli.exits import EXIT_CODES
from exporter.cli.init import config_init
from exporter.cli.options import config_options, load_config
from exporter.cli.output import say, wrapped
from exporter.messages.secrets import masked_json

if TYPE_CHECKING:
    from pathlib import Path


@click.group(cls=Commands)
def config() -> None:
    """Check and show configurations."""


@config.command("check", epilog=EXIT_CODES)
@config_options
@click.option(
    "--connect",
    is_flag=True,
    help="Also dry-run every query and read the documents of one cycle; compare the cost with the limits.",
)
def config_check(config_file: Path | None, preset: str | None, *, connect: bool) -> int:
    """Say every fault of a configuration, with its path and line."""
    from exporter.config.expected import shard_lines

    loaded = load_config(config_file, preset)
    say(f"{loaded.source}: valid")
    for line in shard_lines(loaded.config):
        say(line)
    if not connect:
        return exits.OK
    from exporter.cli.connect import connect_report
    from exporter.sources.factory import opener

    text, code = connect_report(loaded, opener(now), now())
    say(wrapped(text, indent=8))
    return code


config.add_command(config_init)


@config.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the configuration file."""
    from exporter.config.json_schema import json_schema

    say(masked_json(json_schema(), indent=2))


@config.command("show", epilog=EXIT_CODES)
@config_options
def config_show(config_file: Path | None, preset: str | None) -> None:
    """Print the configuration in force, presets and environment merged in."""
    from exporter.config.expected import expected_lines
    from exporter.config.load import to_yaml

    loaded = load_config(config_file, preset)
    say(to_yaml(loaded.raw))
    for line in expected_lines(loaded.config):
        say(f"# {line}")
