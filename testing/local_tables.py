"""Creates tables in the local BigQuery for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from google.cloud import bigquery

from testing.real_day import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)


def make_table(
    client: bigquery.Client, name: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, object]] = ()
) -> None:
    """A table of these columns, name to type, with these rows."""
    schema = [bigquery.SchemaField(column, kind) for column, kind in columns.items()]
    client.create_table(bigquery.Table(f"{PROJECT}.{name}", schema))
    if rows:
        assert client.insert_rows_json(f"{PROJECT}.{name}", rows) == []
