"""The command `check`: one collection, printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from exporter.cli import exits
from exporter.cli.command import Command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.options import collected, log_options, output_option, report_options
from exporter.cli.output import say, write_output

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.cli.options import Wanted
    from exporter.messages.logs import Format


@click.command(cls=Command, epilog=EXIT_CODES)
@report_options
@click.option("--format", "form", type=click.Choice(["table", "json", "metrics"]), default="table", show_default=True)
@output_option
@log_options
def check(wanted: Wanted, form: str, output: Path | None, log_level: str, log_format: Format) -> int:
    """Collect once and print what follows; `--format metrics --output x.prom` is for the textfile collector."""
    from exporter.cli.output import printed
    from exporter.messages import logs

    logs.configure("error" if log_level == "info" else log_level, log_format)
    outcome = collected(wanted)
    if form == "table" and output is None:
        from exporter.present.table import report_text

        say(report_text(outcome.report, outcome.unread, exporter=wanted.exporter, terminal=sys.stdout.isatty()))
    else:
        write_output(printed(outcome, form), output)
    return exits.exit_code(outcome.report, outcome.unread)
