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
"""The local BigQuery gives sums as decimals; the code that reads them checks that they are whole."""


def column_types(schema: Iterable[SchemaField]) -> Mapping[str, str]:
    """The types by column, with SQL's names: the service has older names for some."""
    types = {}
    for column in schema:
        kind = _OLDER_NAMES.get(column.field_type, column.field_type)
        types[column.name] = f"ARRAY<{kind}>" if column.mode == "REPEATED" else kind
    return types


def check_types(query: Query, types: Mapping[str, str]) -> None:
    """Raise CallFailed if the answer's columns are not those that the query promises: none may become a default."""
    for column, promised in query.answer.items():
        kind = types.get(column, "missing")
        if kind not in {promised, _AS_GOOD.get(promised)}:
            message = f"the answer's column {column} is {kind}, not {promised}"
            raise CallFailed(Fault(ErrorKind.INVALID, message, of_request=True))
