"""The command `repair`: the writes that would restore registrations, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exporter.cli import exits
from exporter.cli.command import Command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.options import collected, config_options, processor_option, run_date_option
from exporter.cli.output import say
from exporter.messages.secrets import masked_json

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path


@click.command(cls=Command, epilog=EXIT_CODES)
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
    from exporter.present.repairs import Write, commit, repair_text, repairs

    if run_date is None:
        raise click.UsageError("name the document with --run-date YYYY-MM-DD")
    loaded, outcome = collected(config_file, preset, run_date)
    found = list(repairs(loaded.config, outcome.report, run_date, processor))
    if form == "json":
        writes = [item for item in found if isinstance(item, Write)]
        say(masked_json(commit(writes)))
    else:
        say(repair_text(found))
    return exits.exit_code(outcome.report, outcome.unread)
