"""The command `explain`: why registrations are missing."""

from __future__ import annotations

import sys
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


@click.command("explain", cls=Command, epilog=EXIT_CODES)
@report_options
@processor_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def explain_missing(wanted: Wanted, processor: str | None, form: str) -> int:
    """Say of every fault why it is one; of a missing registration why it may be missing, with the evidence.

    Also names the entries that were overwritten and restored.
    """
    from exporter.present.explanations import explain_json, explain_text

    outcome = collected(wanted)
    if form == "json":
        warn_without_memory(outcome)
        say(masked_json(explain_json(outcome.report, processor)))
    else:
        say(explain_text(outcome.report, processor, outcome.unread, terminal=sys.stdout.isatty()))
    return exits.exit_code(outcome.report, outcome.unread)
