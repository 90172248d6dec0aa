"""Opens the sources that a configuration names: Google's, or the local servers of `endpoints.py`."""

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


def firestore_of(config: Config, telemetry: Telemetry, endpoint: str | None = None) -> FirestoreStore:
    """Firestore alone, not connected yet; `endpoint` is the address of a local server."""
    return FirestoreStore(
        project=config.project,
        database=config.database,
        telemetry=telemetry,
        endpoint=endpoint,
        completions=config.completions,
        heartbeats=config.heartbeat_collections,
    )


def sources_of(
    config: Config,
    telemetry: Telemetry,
    clock: Callable[[], datetime],
    *,
    firestore: str | None = None,
    bigquery: str | None = None,
    account: Account | None = None,
) -> Sources:
    """Both sources, not connected yet: the first call connects, and fails if it cannot.

    `firestore` and `bigquery` are the addresses of local servers; `account` as for `BigQueryWarehouse`.
    """
    store = firestore_of(config, telemetry, firestore)
    return Sources(
        store,
        BigQueryWarehouse(
            project=config.project,
            billed_project=config.billed_project,
            location=config.location,
            limits=config.collect.warehouse_limits,
            telemetry=telemetry,
            clock=clock,
            zone=config.timezone,
            endpoint=bigquery,
            account=account,
        ),
        store,
    )


def opener(clock: Callable[[], datetime]) -> Callable[[Loaded, Telemetry], Sources]:
    """A function that opens the sources of a configuration, for one configuration after another in one process.

    All of them share one account of billed bytes: that of the configuration's ledger, or else the process's own. So a
    reload does not start a new budget for the day.
    """
    account = Account()

    def open_sources(loaded: Loaded, telemetry: Telemetry) -> Sources:
        """Raises ConfigError if a variable that names a local server cannot be used."""
        account.belong_to(loaded.config.ledger.path)
        return sources_of(loaded.config, telemetry, clock, bigquery=bigquery_endpoint(), account=account)

    return open_sources
