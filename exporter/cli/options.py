"""The options that several commands share, and the values that they give."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from exporter.cli.clock import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collect.once import Outcome
    from exporter.config.load import Loaded

F = TypeVar("F", bound="Callable[..., Any]")


def config_options(command: F) -> F:
    """The options that name a configuration."""
    for option in (
        click.option(
            "--preset",
            envvar="ORCHESTRATION_EXPORTER_PRESET",
            help="A shipped configuration, or several (nba,mlb); with --config.file, what the file is merged over.",
        ),
        click.option(
            "--config.file",
            "config_file",
            envvar="ORCHESTRATION_EXPORTER_CONFIG_FILE",
            type=click.Path(path_type=Path),
            help="The configuration file (docs/configuration.md).",
        ),
    ):
        command = option(command)
    return command


def log_options(command: F) -> F:
    """The options of the log."""
    for option in (
        click.option(
            "--log.level",
            "log_level",
            envvar="ORCHESTRATION_EXPORTER_LOG_LEVEL",
            type=click.Choice(["debug", "info", "warn", "error"]),
            default="info",
            show_default=True,
        ),
        click.option(
            "--log.format",
            "log_format",
            envvar="ORCHESTRATION_EXPORTER_LOG_FORMAT",
            type=click.Choice(["logfmt", "json"]),
            default="logfmt",
            show_default=True,
        ),
    ):
        command = option(command)
    return command


def _web_address(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    if value is None or re.fullmatch(r"https?://[^\s/]\S*", value):
        return value
    raise click.BadParameter(f"{value!r} is no address of a web page; one begins with https:// or http://")


def web_options(command: F) -> F:
    """The options of the web server, besides its address."""
    for option in (
        click.option(
            "--web.config.file",
            "web_config_file",
            envvar="ORCHESTRATION_EXPORTER_WEB_CONFIG_FILE",
            type=click.Path(path_type=Path),
            help="TLS and users, in the format of Prometheus's own exporters (docs/web.md).",
        ),
        click.option(
            "--web.enable-lifecycle",
            "lifecycle",
            is_flag=True,
            envvar="ORCHESTRATION_EXPORTER_WEB_ENABLE_LIFECYCLE",
            help="Allow POST /-/reload.",
        ),
        click.option(
            "--web.runbooks",
            "runbooks",
            envvar="ORCHESTRATION_EXPORTER_WEB_RUNBOOKS",
            callback=_web_address,
            metavar="URL",
            help="Where the runbooks are served (see `dump runbooks`); the status page then links to them.",
        ),
    ):
        command = option(command)
    return command


def load_config(config_file: Path | None, preset: str | None, run_date: date | None = None) -> Loaded:
    """The configuration that the options name; with `run_date`, of that date alone. Raises ConfigError."""
    from exporter.config.load import load

    loaded = load(file=config_file, preset=preset, environ=os.environ)
    if run_date is None:
        return loaded
    documents = replace(loaded.config.documents, only=(run_date,))
    return replace(loaded, config=replace(loaded.config, documents=documents))


FIRST_RUN_DATE, LAST_RUN_DATE = date(1970, 1, 1), date(9998, 12, 31)
"""The range of run dates whose neighbouring days exist in the calendar."""


def _run_date(_context: click.Context, _option: click.Parameter, value: datetime | None) -> date | None:
    if value is None:
        return None
    if not FIRST_RUN_DATE <= value.date() <= LAST_RUN_DATE:
        raise click.BadParameter(f"{value.date()} is outside {FIRST_RUN_DATE} to {LAST_RUN_DATE}")
    return value.date()


def date_option(*names: str, help: str) -> Callable[[F], F]:  # noqa: A002 - as click calls it
    """A run date, the id of a completion document."""
    return click.option(*names, type=click.DateTime(["%Y-%m-%d"]), callback=_run_date, metavar="YYYY-MM-DD", help=help)


run_date_option = date_option("--run-date", help="Judge this run date (the id of the completion document) alone.")


processor_option = click.option("--processor", metavar="NAME", help="Of this processor alone.")

output_option = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here instead of to the terminal; the file changes all at once or not at all.",
)


def collected(config_file: Path | None, preset: str | None, run_date: date | None) -> tuple[Loaded, Outcome]:
    """The configuration, and the outcome of one collection with it. Raises ConfigError."""
    from exporter.collect.once import collect_once
    from exporter.sources.factory import opener

    loaded = load_config(config_file, preset, run_date)
    return loaded, collect_once(loaded, opener(now), now)
