"""The real clients over the local sources: a warehouse to read, and the healthy day with documents to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config.resolved import WarehouseLimits
from exporter.incidents.loading import reset
from exporter.metrics.telemetry import Telemetry
from exporter.sources.bigquery import BigQueryWarehouse
from testing.local_tables import NEW_YORK, NOON
from testing.real_day import PROJECT, Day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.cloud import bigquery

    from exporter.incidents.local import LocalSources, SimulatedClock


@pytest.fixture
def client(local: LocalSources) -> Iterator[bigquery.Client]:
    """A client of the local BigQuery, which holds no data set before and after."""
    client = local.bigquery.client(PROJECT)
    reset(client)
    yield client
    local.gate.fault = None
    reset(client)


@pytest.fixture
def telemetry() -> Telemetry:
    """What the reader counts."""
    return Telemetry()


@pytest.fixture
def warehouse(local: LocalSources, telemetry: Telemetry) -> Iterator[BigQueryWarehouse]:
    """The reader of the local BigQuery."""
    warehouse = BigQueryWarehouse(
        project=PROJECT,
        limits=WarehouseLimits(job=2**30, day=2**34),
        telemetry=telemetry,
        clock=lambda: NOON,
        zone=NEW_YORK,
        endpoint=local.gate.address,
    )
    yield warehouse
    warehouse.close()


@pytest.fixture(scope="module")
def loaded_day(_running: LocalSources, clock: SimulatedClock) -> Iterator[Day]:
    """The healthy day, its tables read: they are the same for all tests of a module that change documents only."""
    day = Day(_running, clock)
    day.collect("warehouse")
    yield day
    day.close()


@pytest.fixture
def day_of_documents(loaded_day: Day) -> Day:
    """The healthy day with its documents as they were."""
    loaded_day.rewrite_documents()
    return loaded_day
