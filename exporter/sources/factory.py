"""The sources that a configuration names: Google's, or local servers that the usual variables point at.

`FIRESTORE_EMULATOR_HOST` (host:port) and `BIGQUERY_EMULATOR_HOST` (a URL) are what Google's own tools read, too.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from exporter.sources.bigquery import BigQueryWarehouse
from exporter.sources.firestore import FirestoreStore
from exporter.sources.ports import Sources

if TYPE_CHECKING:
    from exporter.config.load import Loaded
    from exporter.telemetry import Telemetry

BIGQUERY_ENDPOINT = "BIGQUERY_EMULATOR_HOST"


def bigquery_endpoint() -> str | None:
    """The URL of the local BigQuery to use in place of Google's, if one is named."""
    endpoint = os.environ.get(BIGQUERY_ENDPOINT)
    return endpoint if not endpoint or "://" in endpoint else f"http://{endpoint}"


def open_sources(loaded: Loaded, telemetry: Telemetry) -> Sources:
    """Both sources, not connected yet: that happens with the first call, and fails there if it has to."""
    config = loaded.config
    return Sources(
        FirestoreStore(project=config.project, database=config.firestore_database, telemetry=telemetry),
        BigQueryWarehouse(
            project=config.project,
            job_project=config.job_project,
            location=config.bigquery_location,
            limits=config.collect.warehouse_limits,
            telemetry=telemetry,
            clock=lambda: datetime.now(UTC),
            endpoint=bigquery_endpoint(),
        ),
    )
