"""The command `check`: one collection, printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from exporter.cli import exits
from exporter.cli.clock import now
from exporter.cli.command import Command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.options import config_options, load_config, log_options, output_option, run_date_option
from exporter.cli.output import say, write_output

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from exporter.messages.logs import Format


@click.command(cls=Command, epilog=EXIT_CODES)
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
    from exporter.cli.output import printed
    from exporter.collect.once import collect_once
    from exporter.messages import logs
    from exporter.sources.factory import opener

    logs.configure("error" if log_level == "info" else log_level, log_format)
    outcome = collect_once(load_config(config_file, preset, run_date), opener(now), now)
    if form == "table" and output is None:
        from exporter.present.table import report_text

        say(report_text(outcome.report, outcome.unread, terminal=sys.stdout.isatty()))
    else:
        write_output(printed(outcome, form), output)
    return exits.exit_code(outcome.report, outcome.unread)
