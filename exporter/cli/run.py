"""The command `run`: the exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exporter.cli.clock import now
from exporter.cli.command import Command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.options import config_options, load_config, log_options, shard_option, web_options

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config.shards import Shard
    from exporter.messages.logs import Format


DEFAULT_ADDRESS = ":9189"


@click.command(cls=Command, epilog=EXIT_CODES)
@config_options
@click.option(
    "--web.listen-address",
    "address",
    envvar="ORCHESTRATION_EXPORTER_WEB_LISTEN_ADDRESS",
    default=DEFAULT_ADDRESS,
    show_default=True,
    help="[host]:port to serve on.",
)
@shard_option
@web_options
@log_options
def run(  # noqa: PLR0913 - an argument for each option
    config_file: Path | None,
    preset: str | None,
    address: str,
    shard: Shard | None,
    web_config_file: Path | None,
    *,
    lifecycle: bool,
    runbooks: str | None,
    log_level: str,
    log_format: Format,
) -> None:
    """Run the exporter until SIGTERM or Ctrl-C; SIGHUP reloads the configuration."""
    from exporter.messages import logs
    from exporter.run import process as runner
    from exporter.sources.factory import opener

    logs.configure(log_level, log_format)
    web = runner.Web(address, web_config_file, lifecycle=lifecycle, runbooks=runbooks)
    runner.run(lambda: load_config(config_file, preset, shard=shard), opener(now), now, web)
