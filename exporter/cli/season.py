"""The command `season`: a grid of run dates by processors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from exporter.cli import exits
from exporter.cli.clock import now
from exporter.cli.command import Command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.options import config_options, date_option, load_config, log_options, output_option
from exporter.cli.output import say, write_output

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

    from exporter.collect.season import Cost, Expense
    from exporter.config.resolved import Config
    from exporter.messages.logs import Format

MEBIBYTE = 2**20
MONTH_DAYS = 30


@click.command(cls=Command, epilog=EXIT_CODES)
@config_options
@date_option("--from", "first", help=f"The first run date.  [default: {MONTH_DAYS} days with the last]")
@date_option("--to", "last", help="The last run date.  [default: today]")
@click.option("--dry-run", is_flag=True, help="Say what it would cost, and read nothing.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
@output_option
@log_options
def season(  # noqa: PLR0913 - an argument for each option
    config_file: Path | None,
    preset: str | None,
    *,
    first: date | None,
    last: date | None,
    dry_run: bool,
    form: str,
    output: Path | None,
    log_level: str,
    log_format: Format,
) -> int:
    """Print the verdict of every processor for every run date, as it would be given now.

    What that costs at least is said on standard error before anything is read.
    """
    from exporter.collect.season import expense, of_dates, read_season
    from exporter.messages import logs
    from exporter.messages.secrets import masked_json
    from exporter.present.season import season_data, season_text
    from exporter.sources.factory import opener

    logs.configure("error" if log_level == "info" else log_level, log_format)
    loaded = load_config(config_file, preset)
    loaded = of_dates(loaded, *_bounds(loaded.config, first, last))
    dates = loaded.config.documents.only
    say(f"{dates[0]} to {dates[-1]}: {_said(expense(loaded.config, now()), loaded.config)}", err=True)
    if dry_run:
        return exits.OK
    read = read_season(loaded, opener(now), now)
    say(f"it was {_cost(read.cost)}", err=True)
    if form == "json":
        cost = read.cost
        spent = {"jobs": cost.jobs, "bytes_billed": cost.bytes_billed, "document_reads": cost.document_reads}
        write_output(masked_json({**season_data(read.season, read.unread), "cost": spent}), output)
    elif output is None:
        say(season_text(read.season, read.unread, terminal=sys.stdout.isatty()))
    else:
        write_output(season_text(read.season, read.unread), output)
    return exits.exit_code(read.season.report, read.unread)


def _bounds(config: Config, first: date | None, last: date | None) -> tuple[date, date]:
    """The first and the last run date. Raises UsageError for dates that make no season."""
    from exporter.collect.season import MOST_DAYS
    from exporter.reconcile.expectations import ONE_DAY, today

    current = today(now(), config.timezone)
    latest = current + ONE_DAY * max(1, config.documents.future)
    last = last or current
    first = first or last - ONE_DAY * (MONTH_DAYS - 1)
    if last > latest:
        raise click.UsageError(f"--to {last} is too far ahead: nothing is recorded of run dates after {latest}")
    if first > last:
        raise click.UsageError(f"--from {first} is after --to {last}")
    days = (last - first).days + 1
    if days > MOST_DAYS:
        raise click.UsageError(
            f"--from {first} --to {last} are {days:,} run dates; at most {MOST_DAYS} are read at once, so name a later"
            f" --from or an earlier --to"
        )
    return first, last


def _said(cost: Expense, config: Config) -> str:
    most = config.collect.warehouse_limits.job
    return (
        f"{_jobs(cost.jobs)} over {cost.tables:,} tables, billed at least {_mebibytes(cost.size)} in all and at most"
        f" {_mebibytes(most)} each; {cost.documents + cost.heartbeats:,} Firestore document reads in"
        f" {cost.batches:,} batches"
    )


def _cost(cost: Cost) -> str:
    return (
        f"{_jobs(cost.jobs)}, billed {_mebibytes(cost.bytes_billed)}, and {cost.document_reads:,} Firestore document"
        f" reads, in {cost.seconds:.1f} s"
    )


def _jobs(jobs: int) -> str:
    return f"{jobs:,} BigQuery job{'' if jobs == 1 else 's'}"


def _mebibytes(size: int) -> str:
    return f"{size / MEBIBYTE:,.0f} MiB"
