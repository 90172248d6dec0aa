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
    from exporter.config.resolved import Config
    from exporter.metrics.telemetry import Telemetry


def sources_of(
    config: Config,
    telemetry: Telemetry,
    clock: Callable[[], datetime],
    *,
    firestore: str | None = None,
    bigquery: str | None = None,
    account: Account | None = None,
) -> Sources:
    """Both sources, not connected yet: that happens with the first call, and fails there if it has to.

    `firestore` and `bigquery` are the addresses of local servers; `account` as for `BigQueryWarehouse`.
    """
    return Sources(
        FirestoreStore(
            project=config.project, database=config.firestore_database, telemetry=telemetry, endpoint=firestore
        ),
        BigQueryWarehouse(
            project=config.project,
            billed_project=config.billed_project,
            location=config.bigquery_location,
            limits=config.collect.warehouse_limits,
            telemetry=telemetry,
            clock=clock,
            zone=config.timezone,
            endpoint=bigquery,
            account=account,
        ),
    )


def opener(clock: Callable[[], datetime]) -> Callable[[Loaded, Telemetry], Sources]:
    """Opens the sources of one configuration after another, in one process.

    What BigQuery billed is counted on one account: that of the configuration's ledger, and where there is none, the
    process's own, so that a reload begins no new day.
    """
    account = Account()

    def open_sources(loaded: Loaded, telemetry: Telemetry) -> Sources:
        """Raises ConfigError if a variable that names a local server cannot be used."""
        account.belong_to(loaded.config.ledger.path)
        return sources_of(loaded.config, telemetry, clock, bigquery=bigquery_endpoint(), account=account)

    return open_sources
