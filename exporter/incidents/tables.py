"""Tables and rows as incident files write them: definitions, and groups of equal rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypeAlias

from exporter.config.parsing import parse_yaml
from exporter.config.wording import Path, describe, did_you_mean, listed, path_text
from exporter.incidents.kinds import DATES, KINDS, Cell, Kind, UnknownKindError, parse_kind

Row: TypeAlias = dict[str, Cell]
"""A row as BigQuery's REST API takes it, by column."""

NUMBER = "{n}"
"""The placeholder for the row's number in a text."""
REPEAT = "repeat"
"""The key of a group that says how many rows it stands for."""
_MOST_ROWS = 1_000_000
TABLE_NAME = re.compile(r"([a-z][a-z0-9-]*\.)?[A-Za-z0-9_]+\.[A-Za-z0-9_-]+")
"""Names of tables that the local BigQuery takes; Google's takes more."""
COLUMN_NAME = re.compile(r"(?!_PARTITION|_TABLE_|_FILE_)[^\W\d]\w*", re.IGNORECASE)
"""Names of columns; those that are left out are BigQuery's own, and the local one has none."""


class TableDataError(ValueError):
    """A definition or a row cannot be used. The message names its place and says what to write instead."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(f"{path_text(path)}: {message}")


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table: `dataset.table` or `project.dataset.table`, the column it is partitioned by, and its columns' types."""

    name: str
    partition: str | None
    columns: Mapping[str, str]

    @property
    def kinds(self) -> Mapping[str, Kind]:
        """Its columns' types, read."""
        return {column: parse_kind(kind) for column, kind in self.columns.items()}


def full_name(table: str, project: str) -> str:
    """A table's name with its project; `project` is that of tables whose name has none."""
    return table if table.count(".") > 1 else f"{project}.{table}"


@cache
def shipped_definitions() -> Mapping[str, TableDefinition]:
    """Every table that an incident file may fill, by name."""
    text = resources.files("exporter.incidents").joinpath("tables.yaml").read_text(encoding="utf-8")
    return read_definitions(parse_yaml(text))


def read_definitions(document: object, path: Path = ("tables",)) -> dict[str, TableDefinition]:
    """The definitions of a document `{dataset.table: {partition: column, columns: {name: type}}}`, by table name.

    `partition` may be left out. `path` is where the document is written, for messages. Raises TableDataError.
    """
    return {
        str(name): _read_definition(name, definition, path) for name, definition in _mapping(document, path).items()
    }


def _read_definition(name: object, definition: object, path: Path) -> TableDefinition:
    if not isinstance(name, str) or not TABLE_NAME.fullmatch(name):
        raise TableDataError(
            path,
            f"a table is named dataset.table or project.dataset.table, in the letters of the alphabet, digits, _ and -,"
            f" not {describe(name)}",
        )
    path = (*path, name)
    fields = _mapping(definition, path)
    if "columns" not in fields or fields.keys() - {"partition", "columns"}:
        raise TableDataError(path, f"has the keys columns and partition, not {listed(map(str, fields))}")
    columns = {
        str(column): _read_kind(column, kind, (*path, "columns"))
        for column, kind in _mapping(fields["columns"], (*path, "columns")).items()
    }
    if not columns:
        raise TableDataError((*path, "columns"), "is empty: name at least the date column and its type")
    partition = fields.get("partition")
    if partition is not None and (not isinstance(partition, str) or columns.get(partition) not in DATES):
        raise TableDataError(
            (*path, "partition"), f"must be a column of type {' or '.join(DATES)}, not {describe(partition)}"
        )
    return TableDefinition(name, partition, columns)


def _read_kind(column: object, kind: object, path: Path) -> str:
    if not isinstance(column, str) or not COLUMN_NAME.fullmatch(column):
        raise TableDataError(path, f"{describe(column)} is no column name")
    if not isinstance(kind, str):
        raise TableDataError((*path, column), f"must be one of {listed(KINDS)}, not {describe(kind)}")
    try:
        return str(parse_kind(kind))
    except UnknownKindError as error:
        raise TableDataError((*path, column), str(error)) from error


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
            meant = did_you_mean(str(name), definitions)
            raise TableDataError(path, f"there is no table {describe(name)}{meant}: define it under `tables`")
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
    repeat = values.pop(REPEAT, 1)
    if not isinstance(repeat, int) or isinstance(repeat, bool) or not 0 <= repeat <= _MOST_ROWS:
        raise TableDataError(
            (*path, REPEAT), f"must be a whole number from 0 to {_MOST_ROWS:,}, not {describe(repeat)}"
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


def _encode(definition: TableDefinition, column: str, value: object, path: Path) -> Cell:
    kind = parse_kind(definition.columns[column])
    try:
        return kind.encoded(value)
    except (TypeError, ValueError):
        raise TableDataError((*path, column), f"must be {kind.what}, not {describe(value)}") from None


def _mapping(value: object, path: Path) -> Mapping[object, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TableDataError(path, f"must be a mapping, not {describe(value)}")
    return value
