"""Tables and rows as incident files write them: definitions, groups of equal rows, values by column type."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, TypeAlias

from exporter.config.parsing import parse_yaml
from exporter.config.wording import Path, describe, did_you_mean, listed, path_text

if TYPE_CHECKING:
    from collections.abc import Callable

Row: TypeAlias = dict[str, str | int | float | bool | None]
"""A row as BigQuery's REST API takes it: column to value, dates and numbers of high precision as text."""

NUMBER = "{n}"
"""The placeholder for the row's number in a text."""
_REPEAT = "repeat"
_MOST_ROWS = 1_000_000
_TABLE_NAME = re.compile(r"[A-Za-z0-9_]+\.[A-Za-z0-9_-]+")
_COLUMN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TableDataError(ValueError):
    """A definition or a row cannot be used. The message names its place and says what to write instead."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{path_text(path)}: {message}")


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table: `dataset.table`, the column it is partitioned by, and column name to BigQuery type."""

    name: str
    partition: str
    columns: Mapping[str, str]

    @property
    def dataset(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]


@cache
def shipped_definitions() -> Mapping[str, TableDefinition]:
    """Every table that an incident file may fill, by name."""
    text = resources.files("exporter.incidents").joinpath("tables.yaml").read_text(encoding="utf-8")
    return read_definitions(parse_yaml(text))


def read_definitions(document: object) -> dict[str, TableDefinition]:
    """The definitions of a document `{dataset.table: {partition: column, columns: {name: type}}}`, by table name.

    Raises TableDataError.
    """
    return {
        str(name): _read_definition(name, definition) for name, definition in _mapping(document, ("tables",)).items()
    }


def _read_definition(name: object, definition: object) -> TableDefinition:
    if not isinstance(name, str) or not _TABLE_NAME.fullmatch(name):
        raise TableDataError(("tables",), f"a table is named dataset.table, not {describe(name)}")
    fields = _mapping(definition, (name,))
    if set(fields) != {"partition", "columns"}:
        raise TableDataError((name,), f"has the keys partition and columns, not {listed(map(str, fields))}")
    columns = _mapping(fields["columns"], (name, "columns"))
    for column, kind in columns.items():
        if not isinstance(column, str) or not _COLUMN_NAME.fullmatch(column):
            raise TableDataError((name, "columns"), f"{describe(column)} is no column name")
        if not isinstance(kind, str) or kind not in _ENCODERS:
            raise TableDataError((name, "columns", column), f"must be one of {listed(_ENCODERS)}, not {describe(kind)}")
    types = {str(column): str(kind) for column, kind in columns.items()}
    partition = fields["partition"]
    if not isinstance(partition, str) or types.get(partition) != "DATE":
        raise TableDataError((name, "partition"), f"must be a column of type DATE, not {describe(partition)}")
    return TableDefinition(name, partition, types)


def expand_rows(
    definitions: Mapping[str, TableDefinition], groups: object, path: Path = ("bigquery",)
) -> dict[str, list[Row]]:
    """The rows of every table in `{table: [{repeat: 3, column: value}, ...]}`; `repeat` is 1 by default.

    `{n}` in a string is the row's number in its group, from 1. A row that a group repeats unchanged is one object.
    `path` is where the groups are written, for messages. Raises TableDataError.
    """
    rows = {}
    for name, table_groups in _mapping(groups, path).items():
        definition = definitions.get(name) if isinstance(name, str) else None
        if definition is None:
            raise TableDataError(path, f"there is no table {describe(name)}{did_you_mean(str(name), definitions)}")
        if not isinstance(table_groups, Sequence) or isinstance(table_groups, str):
            raise TableDataError(
                (*path, definition.name), f"must be a list of groups of rows, not {describe(table_groups)}"
            )
        rows[definition.name] = [
            row
            for index, group in enumerate(table_groups)
            for row in _expand_group(definition, group, (*path, definition.name, index))
        ]
    return rows


def _expand_group(definition: TableDefinition, group: object, path: Path) -> list[Row]:
    values = dict(_mapping(group, path))
    repeat = values.pop(_REPEAT, 1)
    if not isinstance(repeat, int) or isinstance(repeat, bool) or not 0 <= repeat <= _MOST_ROWS:
        raise TableDataError(
            (*path, _REPEAT), f"must be a whole number from 0 to {_MOST_ROWS:,}, not {describe(repeat)}"
        )
    fixed: Row = {}
    numbered: dict[str, str] = {}
    for column, value in values.items():
        if not isinstance(column, str) or column not in definition.columns:
            raise TableDataError(
                path,
                f"{definition.name} has no column {describe(column)}{did_you_mean(str(column), definition.columns)}",
            )
        if isinstance(value, str) and NUMBER in value:
            numbered[column] = value
        else:
            fixed[column] = _encode(definition, column, value, path)
    if not numbered:
        return [fixed] * repeat
    return [
        fixed
        | {
            column: _encode(definition, column, value.replace(NUMBER, str(number)), path)
            for column, value in numbered.items()
        }
        for number in range(1, repeat + 1)
    ]


def _encode(definition: TableDefinition, column: str, value: object, path: Path) -> str | int | float | bool | None:
    if value is None:
        return None
    encoder, what = _ENCODERS[definition.columns[column]]
    try:
        return encoder(value)
    except (TypeError, ValueError, InvalidOperation):
        raise TableDataError((*path, column), f"must be {what}, not {describe(value)}") from None


def takes(kind: str, value: object) -> bool:
    """Whether a column of this BigQuery type can hold the value."""
    try:
        _ENCODERS[kind][0](value)
    except (TypeError, ValueError, InvalidOperation):
        return False
    return True


def _mapping(value: object, path: Path) -> Mapping[object, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TableDataError(path, f"must be a mapping, not {describe(value)}")
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _int64(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    return str(int(value))


def _float64(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    return float(value)


def _numeric(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    number = Decimal(str(value))
    if not number.is_finite():
        raise ValueError
    return f"{number:f}"


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _date(value: object) -> str:
    if isinstance(value, datetime) or not isinstance(value, date | str):
        raise TypeError
    return (date.fromisoformat(value) if isinstance(value, str) else value).isoformat()


def _timestamp(value: object) -> str:
    if not isinstance(value, datetime | str):
        raise TypeError
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    # A timestamp without a zone is UTC, in YAML as in BigQuery.
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)).isoformat()


# By BigQuery type: how a value of the YAML is written in a request, and its name in messages.
_ENCODERS: Mapping[str, tuple[Callable[[object], str | int | float | bool], str]] = {
    "STRING": (_string, "text (in quotes, where it looks like a number or a date)"),
    "INT64": (_int64, "a whole number"),
    "FLOAT64": (_float64, "a number"),
    "NUMERIC": (_numeric, "a number"),
    "BOOL": (_bool, "true or false"),
    "DATE": (_date, "a date as in 2026-01-31"),
    "TIMESTAMP": (_timestamp, "a timestamp as in 2026-01-31T15:00:00Z"),
}
