"""The command line: parsing and wiring, nothing else."""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from exporter import __version__, exits
from exporter.config.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.config.load import Loaded
    from exporter.logs import Format

F = TypeVar("F", bound="Callable[..., Any]")

EXIT_CODES = "Exit codes: 0 all well, 1 discrepancies, 2 unknown, 64 usage or configuration, 69 cannot be done here."
DEFAULT_ADDRESS = ":9189"


class Commands(click.Group):
    """Turns every error that has a message for the user into that message and its exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own signature
        """Run a command; the only way out is an exit code."""
        kwargs["standalone_mode"] = False
        try:
            sys.exit(super().main(*args, **kwargs))
        except click.exceptions.Abort:
            sys.exit(130)
        except click.ClickException as error:
            error.show()
            sys.exit(exits.USAGE)
        except ConfigError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(exits.USAGE)


@click.group(
    cls=Commands,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="orchestration-exporter")
def main() -> None:
    """Reconcile what a data pipeline recorded of its work, and serve the verdicts to Prometheus."""


def config_options(command: F) -> F:
    """The options that name a configuration."""
    for option in (
        click.option(
            "--preset",
            envvar="ORCHESTRATION_EXPORTER_PRESET",
            help="A shipped configuration: nba or nba-game-date; with --config.file, what the file is merged over.",
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


def web_options(command: F) -> F:
    """The options of the web server, beside its address."""
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
    ):
        command = option(command)
    return command


def _load(config_file: Path | None, preset: str | None, run_date: date | None = None) -> Loaded:
    from exporter.config.load import load

    loaded = load(file=config_file, preset=preset, environ=os.environ)
    if run_date is None:
        return loaded
    documents = replace(loaded.config.documents, only=(run_date,))
    return replace(loaded, config=replace(loaded.config, documents=documents))


FIRST_RUN_DATE, LAST_RUN_DATE = date(1970, 1, 1), date(9998, 12, 31)
"""Far enough from the ends of the calendar for the days beside a run date."""


def _run_date(_context: click.Context, _option: click.Parameter, value: datetime | None) -> date | None:
    if value is None:
        return None
    if not FIRST_RUN_DATE <= value.date() <= LAST_RUN_DATE:
        raise click.BadParameter(f"{value.date()} is outside {FIRST_RUN_DATE} to {LAST_RUN_DATE}")
    return value.date()


def run_date_option(command: F) -> F:
    """One run date."""
    return click.option(
        "--run-date",
        type=click.DateTime(["%Y-%m-%d"]),
        callback=_run_date,
        metavar="YYYY-MM-DD",
        help="Judge this run date (the id of the completion document) alone.",
    )(command)


output_option = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write here instead of to the terminal; the file changes all at once or not at all.",
)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    from exporter.files import write_atomically

    try:
        write_atomically(output, text)
    except OSError as error:
        raise click.ClickException(f"--output {output}: cannot be written: {error.strerror or error}") from error


@main.command(epilog=EXIT_CODES)
@config_options
@click.option(
    "--web.listen-address",
    "address",
    envvar="ORCHESTRATION_EXPORTER_WEB_LISTEN_ADDRESS",
    default=DEFAULT_ADDRESS,
    show_default=True,
    help="[host]:port to serve on.",
)
@web_options
@log_options
def run(
    config_file: Path | None,
    preset: str | None,
    address: str,
    web_config_file: Path | None,
    *,
    lifecycle: bool,
    log_level: str,
    log_format: Format,
) -> None:
    """Run the exporter until SIGTERM or Ctrl-C; SIGHUP reloads the configuration."""
    # Until there is something to reload: by default it would end the process that is just starting.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from exporter import logs, runner
    from exporter.sources.factory import open_sources

    logs.configure(log_level, log_format)
    web = runner.Web(address, web_config_file, lifecycle=lifecycle)
    _serving(lambda: runner.run(lambda: _load(config_file, preset), open_sources, lambda: datetime.now(UTC), web))


@main.command(epilog=EXIT_CODES)
@config_options
@run_date_option
@click.option("--format", "form", type=click.Choice(["table", "json", "metrics"]), default="table", show_default=True)
@output_option
@log_options
def check(
    config_file: Path | None,
    preset: str | None,
    run_date: date | None,
    form: str,
    output: Path | None,
    log_level: str,
    log_format: Format,
) -> int:
    """Collect once and print what follows; `--format metrics --output x.prom` is for the textfile collector."""
    from exporter import logs
    from exporter.once import collect_once, printed
    from exporter.sources.factory import open_sources

    logs.configure("error" if log_level == "info" else log_level, log_format)
    outcome = collect_once(_load(config_file, preset, run_date), open_sources, lambda: datetime.now(UTC))
    if form == "table" and output is None:
        from exporter.table import print_report

        print_report(outcome.report, sys.stdout, outcome.unread)
    else:
        _write(printed(outcome, form), output)
    return exits.exit_code(outcome.report, outcome.unread)


@main.group()
def config() -> None:
    """Check and show configurations."""


@config.command("check", epilog=EXIT_CODES)
@config_options
@click.option("--connect", is_flag=True, help="Also dry-run every query and read one document of each collection.")
def config_check(config_file: Path | None, preset: str | None, *, connect: bool) -> int:
    """Say every fault of a configuration, with its path and line."""
    loaded = _load(config_file, preset)
    click.echo(f"{loaded.source}: valid")
    if not connect:
        return exits.OK
    from exporter.connect import connect_report
    from exporter.sources.factory import open_sources

    text, reached = connect_report(loaded, open_sources)
    click.echo(text)
    return exits.OK if reached else exits.UNKNOWN


@config.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the configuration file."""
    from exporter.config.json_schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@config.command("show", epilog=EXIT_CODES)
@config_options
def config_show(config_file: Path | None, preset: str | None) -> None:
    """Print the configuration in force, presets and environment merged in."""
    from exporter.config.load import to_yaml

    click.echo(to_yaml(_load(config_file, preset).raw), nl=False)


@main.command(epilog=EXIT_CODES)
@click.option("--web.listen-address", "address", default="127.0.0.1:9189", show_default=True, help="Loopback, please.")
@log_options
def demo(address: str, log_level: str, log_format: Format) -> None:
    """Run the exporter on local sources that hold the day of the incident report; no cloud, no credentials."""
    from exporter import logs
    from exporter.scenario.demo import run_demo

    logs.configure("warn" if log_level == "info" else log_level, log_format)
    _serving(lambda: _needing_demo_extra(lambda: run_demo(address)))


@main.command(epilog="Exit codes: 0 every expectation held, 1 not, 64 usage, 69 cannot be done here.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--format", "form", type=click.Choice(["table", "json", "metrics"]), default="table", show_default=True)
@click.option("--alerts", is_flag=True, help="Also evaluate the alert rules over the watched time; needs promtool.")
@click.option("--rules", type=click.Path(path_type=Path), help="A folder of rule files in place of the shipped ones.")
@log_options
def replay(file: Path, form: str, rules: Path | None, log_level: str, log_format: Format, *, alerts: bool) -> int:
    """Run one incident file through the exporter on local sources, and check what it expects."""
    from exporter import logs
    from exporter.assets import assets
    from exporter.scenario.command import run_replay

    logs.configure("error" if log_level == "info" else log_level, log_format)
    folder = (rules or assets("alerts/rules")) if alerts or rules else None
    failed: bool = _needing_demo_extra(lambda: run_replay(file, form, folder))
    return exits.DISCREPANCIES if failed else exits.OK


@main.command(epilog=EXIT_CODES)
@config_options
@run_date_option
@click.option("--title", default="", help="The title of the incident file.")
@output_option
def capture(
    config_file: Path | None, preset: str | None, run_date: date | None, title: str, output: Path | None
) -> int:
    """Write what the sources hold for a run date as an incident file, which `replay` runs and a test can keep."""
    from exporter import logs
    from exporter.scenario.capture import CaptureError
    from exporter.scenario.capture import capture as capture_day
    from exporter.sources.factory import open_sources

    logs.configure("error", "logfmt")
    if run_date is None:
        raise click.UsageError("--run-date is needed: which day to capture")
    now = datetime.now(UTC)
    try:
        text = capture_day(_load(config_file, preset, run_date), open_sources, run_date, now, title)
    except CaptureError as error:
        click.echo(f"Error: {error}", err=True)
        return exits.UNKNOWN
    _write(text, output)
    return exits.OK


@main.command("dump", epilog="Exit codes: 0 written, 64 usage, or a file in the way.")
@click.argument("kind", type=click.Choice(["rules", "runbooks", "alertmanager", "dashboards"]))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--runbook-base", metavar="URL", help="Where your runbooks are served; goes into every link to one.")
@click.option("--dashboard-base", metavar="URL", help="Where your Grafana is; goes into every link to it.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def dump_command(kind: str, folder: Path, runbook_base: str | None, dashboard_base: str | None, *, force: bool) -> None:
    """Write out the alert rules, runbooks, Alertmanager configuration or dashboards that come with the exporter."""
    from exporter.assets import AssetsError
    from exporter.dump import Bases, DumpError, dump

    try:
        written = dump(kind, folder, Bases(runbook_base, dashboard_base), force=force)
    except (AssetsError, DumpError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{len(written)} files written to {folder}")


T = TypeVar("T")


def _serving(action: Callable[[], T]) -> T:
    from exporter.web.server import ListenError
    from exporter.web.webconfig import WebConfigError

    try:
        return action()
    except WebConfigError as error:
        raise click.ClickException(str(error)) from error
    except ListenError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(exits.UNAVAILABLE)


def _needing_demo_extra(action: Callable[[], T]) -> T:
    from exporter.scenario.bigquery.emulator import EmulatorError
    from exporter.scenario.incident import IncidentError
    from exporter.scenario.watch import WatchError

    try:
        return action()
    except IncidentError as error:
        raise click.ClickException(str(error)) from error
    except (EmulatorError, WatchError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(exits.UNAVAILABLE)


if __name__ == "__main__":
    main()
