"""The command line: parsing and wiring, nothing else."""

from __future__ import annotations

import io
import signal
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from exporter import __version__, exits
from exporter.errors import RefusedError, UnavailableError
from exporter.options import (
    config_options,
    load_config,
    log_options,
    output_option,
    processor_option,
    run_date_option,
    web_options,
)
from exporter.output import say, write_output
from exporter.probe import command as probe
from exporter.secrets import masked_json

if TYPE_CHECKING:
    from exporter.config.load import Loaded
    from exporter.logs import Format
    from exporter.once import Outcome

EXIT_CODES = "Exit codes: 0 all well, 1 discrepancies, 2 unknown, 64 usage or configuration, 69 cannot be done here."
DEFAULT_ADDRESS = ":9189"


class Command(click.Command):
    """Turns every error that has a message for the user into that message and its exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - click's own signature
        """Run a command; the only way out is an exit code."""
        kwargs["standalone_mode"] = False
        try:
            sys.exit(super().main(*args, **kwargs))
        except click.exceptions.Abort:
            sys.exit(130)
        except click.ClickException as error:
            shown = io.StringIO()
            error.show(shown)
            say(shown.getvalue(), err=True)
            sys.exit(exits.USAGE)
        except RefusedError as error:
            say(f"Error: {error}", err=True)
            sys.exit(exits.USAGE)
        except UnavailableError as error:
            say(f"Error: {error}", err=True)
            sys.exit(exits.UNAVAILABLE)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run what was asked for. Whatever goes wrong in it is a line of the log, without secrets."""
        if not isinstance(self, click.Group):
            from exporter import logs

            logs.configure("error", "logfmt")
        return super().invoke(ctx)


class Commands(Command, click.Group):
    """A group of such commands."""

    command_class = Command
    group_class = type


@click.group(
    cls=Commands,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="orchestration-exporter")
def main() -> None:
    """Reconcile what a data pipeline recorded of its work, and serve the verdicts to Prometheus."""


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
def run(  # noqa: PLR0913 - an argument for each option
    config_file: Path | None,
    preset: str | None,
    address: str,
    web_config_file: Path | None,
    *,
    lifecycle: bool,
    runbooks: str | None,
    log_level: str,
    log_format: Format,
) -> None:
    """Run the exporter until SIGTERM or Ctrl-C; SIGHUP reloads the configuration."""
    # Until there is something to reload: by default it would end the process that is just starting.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    from exporter import logs, runner
    from exporter.sources.factory import opener

    logs.configure(log_level, log_format)
    web = runner.Web(address, web_config_file, lifecycle=lifecycle, runbooks=runbooks)
    runner.run(lambda: load_config(config_file, preset), opener(), lambda: datetime.now(UTC), web)


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
    from exporter.sources.factory import opener

    logs.configure("error" if log_level == "info" else log_level, log_format)
    outcome = collect_once(load_config(config_file, preset, run_date), opener(), lambda: datetime.now(UTC))
    if form == "table" and output is None:
        from exporter.table import report_text

        say(report_text(outcome.report, outcome.unread, terminal=sys.stdout.isatty()))
    else:
        write_output(printed(outcome, form), output)
    return exits.exit_code(outcome.report, outcome.unread)


@main.command("explain", epilog=EXIT_CODES)
@config_options
@run_date_option
@processor_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain_missing(
    config_file: Path | None, preset: str | None, run_date: date | None, processor: str | None, form: str
) -> int:
    """Say for every missing registration why it may be missing, the likeliest first, with the evidence.

    Also names the entries that were overwritten and restored.
    """
    from exporter.explain import explain_json, explain_text

    _, outcome = _collected(config_file, preset, run_date)
    if form == "json":
        say(masked_json(explain_json(outcome.report, processor)))
    else:
        say(explain_text(outcome.report, processor, outcome.unread))
    return exits.exit_code(outcome.report, outcome.unread)


@main.command(epilog=EXIT_CODES)
@config_options
@run_date_option
@processor_option
@click.option("--dry-run", is_flag=True, required=True, help="Print the writes; nothing else is ever done.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def repair(
    config_file: Path | None,
    preset: str | None,
    run_date: date | None,
    processor: str | None,
    form: str,
    *,
    dry_run: bool,  # noqa: ARG001 - there is no other way to run it
) -> int:
    """Print the merge writes that would restore lost or missing registrations. Writes nothing."""
    from exporter.repair import Write, commit, repair_text, repairs

    if run_date is None:
        raise click.UsageError("name the document with --run-date YYYY-MM-DD")
    loaded, outcome = _collected(config_file, preset, run_date)
    found = list(repairs(loaded.config, outcome.report, run_date, processor))
    if form == "json":
        writes = [item for item in found if isinstance(item, Write)]
        say(masked_json(commit(writes)))
    else:
        say(repair_text(found))
    return exits.exit_code(outcome.report, outcome.unread)


def _collected(config_file: Path | None, preset: str | None, run_date: date | None) -> tuple[Loaded, Outcome]:
    from exporter.once import collect_once
    from exporter.sources.factory import opener

    loaded = load_config(config_file, preset, run_date)
    return loaded, collect_once(loaded, opener(), lambda: datetime.now(UTC))


@main.group()
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
    loaded = load_config(config_file, preset)
    say(f"{loaded.source}: valid")
    if not connect:
        return exits.OK
    from exporter.connect import connect_report
    from exporter.sources.factory import opener

    text, code = connect_report(loaded, opener())
    say(text)
    return code


@config.command("schema")
def config_schema() -> None:
    """Print the JSON Schema of the configuration file."""
    from exporter.config.json_schema import json_schema

    say(masked_json(json_schema(), indent=2))


@config.command("show", epilog=EXIT_CODES)
@config_options
def config_show(config_file: Path | None, preset: str | None) -> None:
    """Print the configuration in force, presets and environment merged in."""
    from exporter.config.load import to_yaml

    say(to_yaml(load_config(config_file, preset).raw))


@main.command(epilog=EXIT_CODES)
@click.option("--web.listen-address", "address", default="127.0.0.1:9189", show_default=True, help="Loopback, please.")
@log_options
def demo(address: str, log_level: str, log_format: Format) -> None:
    """Run the exporter on local sources that hold the day of the incident report; no cloud, no credentials."""
    from exporter import logs
    from exporter.scenario.demo import run_demo

    logs.configure("warn" if log_level == "info" else log_level, log_format)
    run_demo(address)


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
    return exits.DISCREPANCIES if run_replay(file, form, folder) else exits.OK


@main.command(epilog=EXIT_CODES)
@config_options
@run_date_option
@click.option("--title", default="", help="The title of the incident file.")
@output_option
def capture(
    config_file: Path | None, preset: str | None, run_date: date | None, title: str, output: Path | None
) -> int:
    """Write what the sources hold for a run date as an incident file, which `replay` runs and a test can keep."""
    from exporter.scenario.capture import CaptureError
    from exporter.scenario.capture import capture as capture_day
    from exporter.sources.factory import opener

    if run_date is None:
        raise click.UsageError("--run-date is needed: which day to capture")
    now = datetime.now(UTC)
    try:
        text = capture_day(load_config(config_file, preset, run_date), opener(), run_date, now, title)
    except CaptureError as error:
        say(f"Error: {error}", err=True)
        return exits.UNKNOWN
    write_output(text, output)
    return exits.OK


@main.command("dump", epilog="Exit codes: 0 written, 64 usage, or a file in the way.")
@click.argument("kind", type=click.Choice(["rules", "runbooks", "alertmanager", "dashboards"]))
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--runbook-base", metavar="URL", help="Where your runbooks are served; goes into every link to one.")
@click.option("--dashboard-base", metavar="URL", help="Where your Grafana is; goes into every link to it.")
@click.option("--force", is_flag=True, help="Replace files that are there.")
def dump_command(kind: str, folder: Path, runbook_base: str | None, dashboard_base: str | None, *, force: bool) -> None:
    """Write out the alert rules, runbooks, Alertmanager configuration or dashboards that come with the exporter."""
    from exporter.dump import Bases, dump

    written = dump(kind, folder, Bases(runbook_base, dashboard_base), force=force)
    say(f"{len(written)} files written to {folder}")


@main.command(epilog=probe.EPILOG)
@config_options
@probe.probe_options
def probe_writes(config_file: Path | None, preset: str | None, **asked: Any) -> int:  # noqa: ANN401 - click's own
    """Let writers complete at the same moment in a scratch collection, and count the entries that are left."""
    return probe.run_probe(load_config(config_file, preset).config, probe.Asked(**asked))


if __name__ == "__main__":
    main()
