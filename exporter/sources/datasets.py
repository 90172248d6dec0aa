"""Looks for tables and the words in them, to propose a first configuration. Only `find_values` costs anything."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import bigquery
from requests.exceptions import RequestException

from exporter.sources.calls import retry
from exporter.sources.columns import column_types
from exporter.sources.endpoints import bigquery_endpoint
from exporter.sources.errors import CallFailed, fault_of
from exporter.sources.remedies import BIGQUERY_REMEDIES, source_error
from exporter.sources.sessions import connect, find_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from exporter.sources.sessions import Connection

SECONDS: Final = 30.0
_FIRST_PAUSE: Final = 0.25
MOST_TABLES: Final = 200
MOST_VALUES: Final = 500


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table: `dataset.table`, the types of its columns by SQL's names, and the column it is partitioned by."""

    name: str
    columns: Mapping[str, str]
    partition: str | None = None


def find_tables(project: str, datasets: Sequence[str], endpoint: str | None = None) -> list[FoundTable]:
    """The tables of these data sets, or of all of the project: at most `MOST_TABLES`. Raises SourceError.

    `endpoint` is the URL of a local server; by default the one that the environment names, or else Google's.
    """
    with _connected(project, f"the tables of project {project}", endpoint) as connection:
        return list(_tables(connection.client, datasets))


def find_values(
    project: str, table: str, column: str, dated: str, first: date, most_bytes: int, endpoint: str | None = None
) -> list[str]:
    """The texts of a column in the rows since a date, by one query within these bytes. Raises SourceError.

    `dated`: the SQL for the date of a row.
    """
    config = bigquery.QueryJobConfig(
        query_parameters=[bigquery.ScalarQueryParameter("first", "DATE", first)], maximum_bytes_billed=most_bytes
    )
    # The names are those that BigQuery listed.
    sql = f"SELECT DISTINCT `{column}` AS said FROM `{project}.{table}` WHERE {dated} >= @first LIMIT {MOST_VALUES}"
    with _connected(project, f"column {column} of table {table}", endpoint) as connection:
        job = connection.client.query(sql, config, job_retry=None, timeout=SECONDS)
        rows = job.result(timeout=SECONDS)
        return sorted(row.said for row in rows if isinstance(row.said, str))


@contextmanager
def _connected(project: str, subject: str, endpoint: str | None) -> Iterator[Connection]:
    """A connection for as long as it is used. What fails meanwhile is raised as the SourceError about the subject."""
    endpoint = endpoint or bigquery_endpoint()
    try:
        credentials = find_credentials(endpoint)
    except CallFailed as failed:
        raise source_error(subject, failed.fault, BIGQUERY_REMEDIES) from failed
    connection = connect(project=project, location=None, endpoint=endpoint, credentials=credentials)
    connection.limit(SECONDS)
    try:
        yield connection
    except (GoogleAPICallError, RequestException) as error:
        raise source_error(subject, fault_of(error), BIGQUERY_REMEDIES) from error
    finally:
        connection.end()


def _tables(client: bigquery.Client, datasets: Sequence[str]) -> Iterator[FoundTable]:
    again = retry(SECONDS, _FIRST_PAUSE)
    left = MOST_TABLES
    for dataset in datasets or [one.dataset_id for one in client.list_datasets(retry=again, timeout=SECONDS)]:
        for listed in client.list_tables(dataset, max_results=left, retry=again, timeout=SECONDS):
            try:
                table = client.get_table(listed.reference, retry=again, timeout=SECONDS)
            except NotFound:  # deleted meanwhile
                continue
            left -= 1
            partition = table.time_partitioning.field if table.time_partitioning else None
            yield FoundTable(f"{dataset}.{table.table_id}", column_types(table.schema), partition)
        if left <= 0:
            return
