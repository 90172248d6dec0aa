"""Adds tables and rows to a local BigQuery through the real client, and removes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.incidents.tables import TableDataError, expand_rows, full_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from google.api_core.retry import Retry
    from google.cloud import bigquery

    from exporter.incidents.tables import Row, TableDefinition

_CALL_SECONDS = 30.0
_RETRY_SECONDS = 10.0
# BigQuery takes at most 50,000 rows in one request, and 10 MB.
_BATCH = 5_000


def load_tables(
    client: bigquery.Client,
    definitions: Mapping[str, TableDefinition],
    groups: object,
    absent: Collection[str] = (),
    empty: Collection[str] = (),
) -> set[str]:
    """Create and fill every defined table except the absent ones, in the client's project. Returns the empty ones.

    `groups` is an incident file's `bigquery`: table to groups of equal rows. `empty` tables are there already, with all
    data sets. The data set of an absent table exists. Nothing is created if the groups are wrong. Raises
    TableDataError, also for rows of an absent table.
    """
    _check_names(client.project, definitions)
    rows = expand_rows(definitions, groups)
    for name in absent:
        if rows.get(name):
            raise TableDataError(
                ("bigquery", name), "has rows here and is listed as absent: it can only be one of the two"
            )
    for name in set(absent) & set(empty):
        drop_table(client, name)
    create_tables(client, definitions, absent, empty)
    insert_rows(client, rows)
    return set(definitions) - set(absent) - set(rows)


def _check_names(project: str, names: Collection[str]) -> None:
    named: dict[str, str] = {}
    for name in names:
        other = named.setdefault(full_name(name, project), name)
        if other != name:
            raise TableDataError(("tables", name), f"is the same table as {other}: write it in one way")


def add_rows(client: bigquery.Client, definitions: Mapping[str, TableDefinition], groups: object) -> None:
    """Add groups of rows to existing tables. If one of them is wrong, raises TableDataError and adds none."""
    insert_rows(client, expand_rows(definitions, groups))


def empty_tables(client: bigquery.Client, definitions: Mapping[str, TableDefinition], names: Collection[str]) -> None:
    """Delete every row of these tables, but not the tables. Raises TableDataError for an unknown table."""
    for number, name in enumerate(names):
        if name not in definitions:
            raise TableDataError(("emptied", number), f"{name} is no known table: define it under `tables`")
        drop_table(client, name)
        _create_table(client, definitions[name])


def create_tables(
    client: bigquery.Client,
    definitions: Mapping[str, TableDefinition],
    absent: Collection[str] = (),
    present: Collection[str] = (),
) -> None:
    """Create the data sets and all tables except the absent and the present ones.

    A table without a project is in the client's. If one table is present, so are the data sets.
    """
    from google.cloud import bigquery

    if not present:
        for dataset in dict.fromkeys(full_name(name, client.project).rpartition(".")[0] for name in definitions):
            client.create_dataset(bigquery.Dataset(dataset), exists_ok=True, retry=_retry(), timeout=_CALL_SECONDS)
    for definition in definitions.values():
        if definition.name not in absent and definition.name not in present:
            _create_table(client, definition)


def _create_table(client: bigquery.Client, definition: TableDefinition) -> None:
    from google.cloud import bigquery

    schema = [kind.column(name) for name, kind in definition.kinds.items()]
    table = bigquery.Table(full_name(definition.name, client.project), schema)
    if definition.partition:
        table.time_partitioning = bigquery.TimePartitioning(field=definition.partition)
    client.create_table(table, retry=_retry(), timeout=_CALL_SECONDS)


def insert_rows(client: bigquery.Client, rows: Mapping[str, Sequence[Row]]) -> None:
    """Insert rows, by table name, into tables of the client's project."""
    from google.cloud.bigquery.enums import AutoRowIDs

    retry = _retry()
    for name, table_rows in rows.items():
        for start in range(0, len(table_rows), _BATCH):
            errors = client.insert_rows_json(
                full_name(name, client.project),
                table_rows[start : start + _BATCH],
                row_ids=AutoRowIDs.DISABLED,
                retry=retry,
                timeout=_CALL_SECONDS,
            )
            if errors:
                raise TableDataError(("bigquery", name), f"the local BigQuery refused rows: {errors[0]}")


def drop_table(client: bigquery.Client, name: str) -> None:
    """Delete a table, also while it is being read, if it exists."""
    client.delete_table(full_name(name, client.project), not_found_ok=True, retry=_retry(), timeout=_CALL_SECONDS)


def reset(client: bigquery.Client, projects: Collection[str] = ()) -> None:
    """Delete every data set of the client's project, and of these, so that the same server can hold the next day."""
    for project in {client.project, *projects}:
        for dataset in list(client.list_datasets(project, retry=_retry(), timeout=_CALL_SECONDS)):
            client.delete_dataset(
                dataset.reference, delete_contents=True, not_found_ok=True, retry=_retry(), timeout=_CALL_SECONDS
            )


def _retry() -> Retry:
    """The client's own retries, limited to seconds instead of ten minutes: the server is on this machine."""
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(_RETRY_SECONDS)
