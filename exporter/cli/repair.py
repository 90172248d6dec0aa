"""The command `repair`: the writes that would restore registrations, printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from exporter.cli import exits
from exporter.cli.command import Command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.options import collected, processor_option, report_options
from exporter.cli.output import say, warn_without_memory
from exporter.messages.secrets import masked_json

if TYPE_CHECKING:
    from exporter.cli.options import Wanted


@click.command(cls=Command, epilog=EXIT_CODES)
@report_options
@processor_option
@click.option("--dry-run", is_flag=True, required=True, help="Print the writes; nothing else is ever done.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def repair(
    wanted: Wanted,
    processor: str | None,
    form: str,
    *,
    dry_run: bool,  # noqa: ARG001 - there is no other way to run it
) -> int:
    """Print the merge writes that would restore lost or missing registrations. Writes nothing."""
    from exporter.present.repairs import Write, commit, repair_text, repairs

    if wanted.run_date is None:
        raise click.UsageError("name the document with --run-date YYYY-MM-DD")
    outcome = collected(wanted)
    found = list(repairs(outcome.report, wanted.run_date, processor))
    warn_without_memory(outcome)
    if form == "json":
        writes = [item for item in found if isinstance(item, Write)]
        say(masked_json(commit(writes)))
    else:
        say(repair_text(found))
    return exits.exit_code(outcome.report, outcome.unread)
