"""The sources that a configuration names: Google's, or the local servers of `endpoints.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.sources.account import Account
from exporter.sources.bigquery import BigQueryWarehouse
from exporter.sources.endpoints import bigquery_endpoint
from exporter.sources.firestore import FirestoreStore
from exporter.sources.ports import Sources

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from exporter.config.load import Loaded
    from exporter.metrics.telemetry import Telemetry


def opener(clock: Callable[[], datetime]) -> Callable[[Loaded, Telemetry], Sources]:
    """Opens the sources of one configuration after another, in one process.

    What BigQuery billed is counted on one account: that of the configuration's ledger, and where there is none, the
    process's own, so that a reload begins no new day.
    """
    account = Account()

    def open_sources(loaded: Loaded, telemetry: Telemetry) -> Sources:
        """Both sources, not connected yet: that happens with the first call, and fails there if it has to.

        Raises ConfigError if a variable that names a local server cannot be used.
        """
        config = loaded.config
        account.belong_to(config.ledger.path)
        return Sources(
            FirestoreStore(project=config.project, database=config.firestore_database, telemetry=telemetry),
            BigQueryWarehouse(
                project=config.project,
                job_project=config.job_project,
                location=config.bigquery_location,
                limits=config.collect.warehouse_limits,
                telemetry=telemetry,
                clock=clock,
                zone=config.timezone,
                endpoint=bigquery_endpoint(),
                account=account,
            ),
        )

    return open_sources
