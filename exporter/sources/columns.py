"""The types of an answer's columns, and whether they are what the query promises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.model import ErrorKind
from exporter.sources.errors import CallFailed, Fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from google.cloud.bigquery import SchemaField

    from exporter.sources.queries import Query

_OLDER_NAMES: Final = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
_AS_GOOD: Final = {"ARRAY<INT64>": "ARRAY<NUMERIC>"}
"""Sums are decimals to the local BigQuery; that they are whole is checked where they are read."""


def column_types(schema: Iterable[SchemaField]) -> Mapping[str, str]:
    """The types by column, in the words of SQL: the service has older ones for some."""
    types = {}
    for column in schema:
        kind = _OLDER_NAMES.get(column.field_type, column.field_type)
        types[column.name] = f"ARRAY<{kind}>" if column.mode == "REPEATED" else kind
    return types


def check_types(query: Query, types: Mapping[str, str]) -> None:
    """Raise CallFailed for an answer whose columns are not what the query promises: none must fall to a default."""
    for column, promised in query.answer.items():
        kind = types.get(column, "missing")
        if kind not in {promised, _AS_GOOD.get(promised)}:
            message = f"the answer's column {column} is {kind}, not {promised}"
            raise CallFailed(Fault(ErrorKind.INVALID, message, of_request=True))
