"""The command `config init`: a first configuration from what a project holds."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from exporter.cli import exits
from exporter.cli.clock import now
from exporter.cli.command import Command
from exporter.cli.exits import EXIT_CODES
from exporter.cli.options import output_option
from exporter.cli.output import say, write_output
from exporter.messages.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from exporter.cli.proposal import Found
    from exporter.config.resolved import Config
    from exporter.sources.ports import Explorer

SECONDS = 60.0
DAYS = 21
"""How many days back documents and rows are looked at."""
SAMPLED = 60
MOST_COLLECTIONS = 40
LOOKED_BELOW = 3
"""How many documents of a collection are looked below for collections of their own."""


@click.command("init", cls=Command, epilog=EXIT_CODES)
@click.option("--connect", is_flag=True, required=True, help="Look at the project: nothing else says what is there.")
@click.option("--project", required=True, help="The Google Cloud project that holds Firestore and the tables.")
@click.option("--database", default="(default)", show_default=True, help="The Firestore database.")
@click.option("--timezone", default="UTC", show_default=True, help="The zone of the pipeline's dates and deadlines.")
@click.option("--dataset", "datasets", multiple=True, help="Look at this data set alone; several times for several.")
@click.option(
    "--collection",
    "collections",
    multiple=True,
    help="Look at this collection alone, such as ops/prod/ingest_done; without it, at all near the root.",
)
@output_option
def config_init(
    project: str,
    database: str,
    timezone: str,
    datasets: Sequence[str],
    collections: Sequence[str],
    output: Path | None,
    *,
    connect: bool,  # noqa: ARG001 - said so that nobody reads a project unasked
) -> int:
    """Write a first configuration from what a project holds, each guess with its evidence as a comment."""
    from exporter.cli.proposal import proposal
    from exporter.config.load import load
    from exporter.sources.ports import SourceError

    # Any pipeline does: what is read does not depend on it.
    table: dict[str, Any] = {"name": "any.table", "date_column": "day"}
    processors = {"any": {"due": "+1d 00:00", "table": table}}
    known = {
        "project": project,
        "timezone": timezone,
        "firestore_database": database,
        "calendar": {"table": "any.days", "date_column": "day", "units": "COUNT(*)"},
        "pipelines": {"any": {"phases": {"any": {"processors": processors}}}},
    }
    config = load(overlay=known, overlay_name="options", environ={}).config
    at = now()
    try:
        found = look_around(config, datasets, collections, at)
    except SourceError as error:
        say(f"Error: {error}", err=True)
        return exits.UNKNOWN
    text = proposal(found, project=project, database=database, zone=ZoneInfo(timezone), now=at)
    if text is None:
        looked = f"{len(found.collections)} collections and {len(found.tables)} tables"
        say(f"Error: none of {looked} has rows of the last {DAYS} days: name --dataset and --collection", err=True)
        return exits.UNKNOWN
    write_output(masked(text), output)
    return exits.OK


def look_around(config: Config, datasets: Sequence[str], collections: Sequence[str], at: datetime) -> Found:
    """What the project holds. Counts the rows of the last days in one job, within the limits. Raises SourceError."""
    from exporter.cli.columns import dated_column, is_run_history, job_columns, written_column
    from exporter.cli.proposal import Found
    from exporter.config.resolved import TableRef
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.datasets import find_tables, find_values
    from exporter.sources.endpoints import bigquery_endpoint
    from exporter.sources.factory import sources_of
    from exporter.sources.ports import Deadline, SourceError, Window

    today = at.astimezone(config.timezone).date()
    sources = sources_of(config, Telemetry(), lambda: at, bigquery=bigquery_endpoint())
    try:
        explorer = sources.explorer
        first = (today - timedelta(days=DAYS)).isoformat()
        names = collections or (list(_collections(explorer))[:MOST_COLLECTIONS] if explorer else ())
        documents = {
            name: explorer.sample(name, first, SAMPLED, Deadline(SECONDS)) if explorer else {} for name in names
        }
        tables = [table for table in find_tables(config.project, datasets) if dated_column(table)]
        refs = {
            TableRef(table.name, column, written_column(table)): table.name
            for table in tables
            if (column := dated_column(table))
        }
        window = Window(today - timedelta(days=DAYS), today)
        counted = sources.warehouse.row_counts(list(refs), window, Deadline(SECONDS)) if refs else {}
    finally:
        sources.close()
    rows = {refs[ref]: answer for ref, answer in counted.items() if not isinstance(answer, SourceError)}
    runs: Sequence[str] = ()
    if history := next((table for table in tables if is_run_history(table)), None):
        limit = config.collect.warehouse_limits.job
        with suppress(SourceError):
            runs = find_values(config.project, history.name, *job_columns(history), window.first, limit)
    return Found(documents, tables, rows, runs)


def _collections(explorer: Explorer) -> Iterator[str]:
    """The collections at the root, and those below a few documents of each. Raises SourceError."""
    from exporter.sources.ports import Deadline

    roots = explorer.collections("", Deadline(SECONDS))
    yield from roots
    for root in roots:
        for document in explorer.names(root, LOOKED_BELOW, Deadline(SECONDS)):
            yield from (
                f"{root}/{document}/{one}" for one in explorer.collections(f"{root}/{document}", Deadline(SECONDS))
            )
