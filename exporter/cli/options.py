"""The options that several commands share, and the values that they give."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from exporter.cli.clock import now

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collect.once import Outcome
    from exporter.config.load import Loaded
    from exporter.config.shards import Shard

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
            help="Where other runbooks are served (see `dump runbooks`); the page links to them, not to /runbooks/.",
        ),
    ):
        command = option(command)
    return command


def load_config(
    config_file: Path | None, preset: str | None, run_date: date | None = None, shard: Shard | None = None
) -> Loaded:
    """The configuration that the options name; with `run_date`, of that date alone. Raises ConfigError."""
    from exporter.config.load import load

    given = {SHARD_VARIABLE: str(shard)} if shard else {}
    loaded = load(file=config_file, preset=preset, environ={**os.environ, **given})
    if run_date is None:
        return loaded
    documents = replace(loaded.config.documents, only=(run_date,))
    return replace(loaded, config=replace(loaded.config, documents=documents))


SHARD_VARIABLE = "ORCHESTRATION_EXPORTER_SHARD"
"""The variable of the key `shard`, which `run --shard` has the last word on."""


def _shard(_context: click.Context, _option: click.Parameter, value: str | None) -> Shard | None:
    from exporter.config.shards import parse_shard

    try:
        return None if value is None else parse_shard(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


shard_option = click.option(
    "--shard",
    callback=_shard,
    metavar="N/M",
    help="Export one of M parts of the pipelines, counted from 0 (docs/scaling.md); all of them, if not given.",
)


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


def from_options(command: F) -> F:
    """The options that name a running exporter, and how to speak to it."""
    for option in (
        click.option(
            "--http.config.file",
            "http_config_file",
            envvar="ORCHESTRATION_EXPORTER_HTTP_CONFIG_FILE",
            type=click.Path(path_type=Path),
            help="User and TLS for --from, in the format of promtool and amtool (docs/web.md).",
        ),
        click.option(
            "--from",
            "exporter",
            envvar="ORCHESTRATION_EXPORTER_FROM",
            callback=_web_address,
            metavar="URL",
            help="Ask the exporter that runs there, which remembers what it saw, instead of reading the sources.",
        ),
    ):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Wanted:
    """The report that the options of `report_options` ask for. `exporter`: the address of a running one."""

    config_file: Path | None
    preset: str | None
    run_date: date | None
    exporter: str | None
    http_config_file: Path | None


def report_options(command: F) -> F:
    """The options that say which report: a configuration or a running exporter, and a run date; as one `Wanted`."""

    @wraps(command)
    def gathered(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - any command's own
        fields = {name: kwargs.pop(name) for name in Wanted.__dataclass_fields__}
        return command(*args, wanted=Wanted(**fields), **kwargs)

    return cast("F", config_options(run_date_option(from_options(gathered))))


def collected(wanted: Wanted) -> Outcome:
    """The report of a running exporter, or of one collection. Raises ConfigError, HttpConfigError and ExporterError."""
    if wanted.exporter is not None:
        return _asked(wanted, wanted.exporter)
    from exporter.collect.once import collect_once
    from exporter.sources.factory import opener

    return collect_once(load_config(wanted.config_file, wanted.preset, wanted.run_date), opener(now), now)


def _asked(wanted: Wanted, url: str) -> Outcome:
    from exporter.collect.once import Outcome
    from exporter.present.transfer import of_date
    from exporter.web.client import ExporterError, ask
    from exporter.web.http_config import config_of

    found = ask(url, config_of(wanted.http_config_file))
    report, names = found.report, [pipeline.pipeline for pipeline in found.report.pipelines]
    if wanted.config_file or wanted.preset:
        pipelines = load_config(wanted.config_file, wanted.preset).config.pipelines
        if not set(names) & set(pipelines):
            message = f"{url}: the exporter watches {', '.join(names)}, and the configuration {', '.join(pipelines)}"
            raise ExporterError(message)
    if wanted.run_date is not None:
        shown = sorted({phase.run_date for phase in report.phases})
        if wanted.run_date not in shown:
            dates = f"{shown[0]} to {shown[-1]}" if shown else "no run date"
            raise ExporterError(f"{url}: the exporter shows {dates}; without --from, {wanted.run_date} is read now")
        report = of_date(report, wanted.run_date)
    return Outcome(report, {}, found.unread)
