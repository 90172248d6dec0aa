"""The command `capture`: a day as an incident file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exporter.cli import exits
from exporter.cli.clock import now
from exporter.cli.command import Command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.options import config_options, load_config, output_option, run_date_option
from exporter.cli.output import say, write_output

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


@click.command(cls=Command, epilog=EXIT_CODES)
@config_options
@run_date_option
@click.option("--title", default="", help="The title of the incident file.")
@output_option
def capture(
    config_file: Path | None, preset: str | None, run_date: date | None, title: str, output: Path | None
) -> int:
    """Write what the sources hold for a run date as an incident file, which `replay` runs and a test can keep."""
    from exporter.incidents.capture import CaptureError
    from exporter.incidents.capture import capture as capture_day
    from exporter.sources.factory import opener

    if run_date is None:
        raise click.UsageError("--run-date is needed: which day to capture")
    try:
        text = capture_day(load_config(config_file, preset, run_date), opener(now), run_date, now(), title)
    except CaptureError as error:
        say(f"Error: {error}", err=True)
        return exits.UNKNOWN
    write_output(text, output)
    return exits.OK
