"""The command `history`: has it happened before, for how long, and what mended it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from exporter.cli import exits
from exporter.cli.clock import now
from exporter.cli.command import Command
from exporter.cli.options import config_options, from_options, load_config, processor_option
from exporter.cli.output import say
from exporter.messages.secrets import masked_json

if TYPE_CHECKING:
    from pathlib import Path


@click.command(cls=Command, epilog="Exit codes: 0 printed, 64 usage or configuration, 69 cannot be done here.")
@config_options
@from_options
@processor_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def history(
    config_file: Path | None,
    preset: str | None,
    exporter: str | None,
    http_config_file: Path | None,
    processor: str | None,
    form: str,
) -> int:
    """Print every remembered fault: when it was there, for how long, and what mended it.

    Reads the ledger file of the configuration, or asks the running exporter with --from.
    """
    from zoneinfo import ZoneInfo

    from exporter.present.faults import history_json, history_text
    from exporter.present.history import History, State, Subject
    from exporter.present.words import Moments

    if exporter is not None:
        from exporter.web.client import ask
        from exporter.web.http_config import config_of

        found = ask(exporter, config_of(http_config_file))
        remembered, zone, at = found.history, found.report.timezone, found.report.at
    else:
        from exporter.memory.ledger import MEMORY, Ledger

        config = load_config(config_file, preset).config
        if config.ledger.path == MEMORY:
            raise click.UsageError("no ledger file is configured (`ledger.path`): ask the exporter with --from URL")
        ledger = Ledger(config.ledger.path, read_only=True)
        rows = ledger.states()
        ledger.close()
        remembered = History.restored((Subject(*row[:4]), State(*row[4:])) for row in rows)
        zone, at = config.timezone.key, now()
    if form == "json":
        say(masked_json(history_json(remembered, processor)))
    else:
        moments = Moments(at, ZoneInfo(zone))
        say(history_text(remembered, moments, processor, terminal=sys.stdout.isatty()))
    return exits.OK
