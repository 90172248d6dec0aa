"""Asking the BigQuery adapter against the stand-in for the REST API."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from exporter.config.resolved import TableRef, WarehouseLimits
from exporter.metrics.telemetry import Telemetry
from exporter.sources.bigquery import BigQueryWarehouse
from exporter.sources.ports import Deadline, SourceError, Window
from exporter.sources.queries import ROW_COUNTS
from testing.bigquery_rest import PROJECT, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.sources.account import Account

FRIDAY, SATURDAY, SUNDAY = date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1)
WINDOW = Window(FRIDAY, SUNDAY)
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
WRITTEN = "2026-02-01 12:00:00+00"
"""Noon as the answers have it."""
MIB = 2**20
NEW_YORK = ZoneInfo("America/New_York")
PLAYERS = TableRef("nba_analytics.player_game_summary", "game_date", "processed_at")
OFFENSE = TableRef("nba_analytics.team_offense_game_summary", "game_date", "processed_at")
COUNTED = Rows(ROW_COUNTS, [[0, SATURDAY, 212, WRITTEN, None, None]], bytes_processed=3 * MIB, bytes_billed=20 * MIB)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@contextmanager
def warehouse_at(
    endpoint: str | None,
    telemetry: Telemetry | None = None,
    clock: Clock | None = None,
    *,
    daily: int = 2**30,
    job: int = 2**29,
    location: str | None = "EU",
    account: Account | None = None,
) -> Iterator[BigQueryWarehouse]:
    warehouse = BigQueryWarehouse(
        project="nba-props-platform",
        billed_project=PROJECT,
        location=location,
        limits=WarehouseLimits(job, daily),
        telemetry=telemetry or Telemetry(),
        clock=clock or Clock(),
        zone=NEW_YORK,
        endpoint=endpoint,
        account=account,
    )
    try:
        yield warehouse
    finally:
        warehouse.close()


def counts(warehouse: BigQueryWarehouse, *tables: TableRef, seconds: float = 30) -> dict[str, object]:
    found = warehouse.row_counts(tables or (PLAYERS,), WINDOW, Deadline(seconds))
    return {table.name: value for table, value in found.items()}


def outcome(warehouse: BigQueryWarehouse, *, seconds: float = 30) -> object:
    """What became of one table: its counts or the error in their place, its own or that of everything."""
    try:
        return counts(warehouse, seconds=seconds)[PLAYERS.name]
    except SourceError as error:
        return error


def refused(warehouse: BigQueryWarehouse, *, seconds: float = 30) -> SourceError:
    with pytest.raises(SourceError) as caught:
        warehouse.row_counts([PLAYERS, OFFENSE], WINDOW, Deadline(seconds))
    assert "\n" not in caught.value.detail
    return caught.value
