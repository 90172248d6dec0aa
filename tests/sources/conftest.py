from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.metrics.telemetry import Telemetry
from testing.bigquery_rest import BigQueryRest
from testing.google_auth import TokenServer
from tests.sources.asking import COUNTED, Clock, warehouse_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.sources.bigquery import BigQueryWarehouse


@pytest.fixture
def server() -> Iterator[BigQueryRest]:
    with BigQueryRest(long_poll=0.05) as server:
        server.answer(COUNTED)
        yield server


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def warehouse(server: BigQueryRest, telemetry: Telemetry, clock: Clock) -> Iterator[BigQueryWarehouse]:
    with warehouse_at(server.address, telemetry, clock) as warehouse:
        yield warehouse


@pytest.fixture
def tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TokenServer]:
    """The servers that give out tokens; nothing else gives this process credentials, no metadata server either."""
    with TokenServer() as server:
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "no-gcloud"))
        monkeypatch.setenv("GCE_METADATA_IP", server.address.removeprefix("http://"))
        server.answer("/", 200, "no metadata server")
        yield server
