"""Reads a folder of data of one's own, for the demo: a file for each table, and one with the documents (docs/try.md).

`DATASET.TABLE.csv` or `DATASET.TABLE.jsonl` has the rows of a table, `firestore.jsonl` a document of Firestore a line,
`tables.yaml` the types of columns that neither the configuration nor the rows tell. The result is an incident, as a
file would give it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

import yaml

from exporter.config.parsing import parse_yaml
from exporter.config.reading import read_file
from exporter.config.wording import describe, listed, named
from exporter.incidents.derived import fixed_types
from exporter.incidents.incident import Incident, IncidentError, load_incident
from exporter.incidents.tables import TABLE_NAME, TableDataError, read_definitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from exporter.config.load import Loaded

DOCUMENTS: Final = "firestore.jsonl"
DEFINITIONS: Final = "tables.yaml"
TEXT: Final = "STRING"
_READ: Final = (".csv", ".jsonl")

Fields = dict[str, Any]


def read_data(data: Path, loaded: Loaded, clock: datetime) -> Incident:
    """The incident of an incident file, or of a folder of data at this time. Raises IncidentError."""
    if not data.is_dir():
        return load_incident(data)
    fixed = fixed_types(loaded.config)
    firestore: dict[str, Fields] = {}
    bigquery: dict[str, list[Fields]] = {}
    definitions = _definitions(data / DEFINITIONS) if (data / DEFINITIONS).exists() else {}
    for file in sorted(data.iterdir()):
        if file.name == DOCUMENTS:
            firestore = dict(_documents(file))
        elif file.suffix in _READ:
            if not TABLE_NAME.fullmatch(file.stem):
                raise IncidentError(f"{file}: is no table: call it dataset.table{file.suffix}, or {DOCUMENTS}")
            rows = list(_csv(file) if file.suffix == ".csv" else _lines(file))
            given = {**fixed.get(file.stem, {}), **(definitions.get(file.stem) or {}).get("columns", {})}
            bigquery.setdefault(file.stem, []).extend(_typed(file, rows, given))
    if not firestore and not bigquery:
        raise IncidentError(f"{data}: holds neither tables (dataset.table.csv, dataset.table.jsonl) nor {DOCUMENTS}")
    return Incident(
        title=f"{', '.join(loaded.config.pipelines)}, on the data of {data}",
        preset=None,
        tables=definitions,
        clock=clock,
        firestore=firestore,
        bigquery=bigquery,
    )


def _definitions(file: Path) -> Fields:
    try:
        found = parse_yaml(_text(file))
        read_definitions(found)
    except (yaml.YAMLError, TableDataError) as error:
        raise IncidentError(f"{file}: {error}") from error
    return found if isinstance(found, dict) else {}


def _text(file: Path) -> str:
    try:
        return read_file(file).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise IncidentError(f"{file}: cannot be read: {error}") from error


def _lines(file: Path) -> Iterator[Fields]:
    for number, line in enumerate(_text(file).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            raise IncidentError(f"{file}:{number}: no JSON: {error}") from error
        if not isinstance(found, dict):
            raise IncidentError(f"{file}:{number}: must be an object in braces, not {describe(found)}")
        yield found


def _documents(file: Path) -> Iterator[tuple[str, Fields]]:
    for number, line in enumerate(_lines(file), start=1):
        path, fields = line.get("path"), line.get("fields")
        if not isinstance(path, str) or len(path.split("/")) % 2 or not isinstance(fields, dict):
            form = '{"path": "collection/document", "fields": {...}}'
            raise IncidentError(f"{file}: the document {number} must look like {form}")
        yield path, fields


def _csv(file: Path) -> Iterator[Fields]:
    reader = csv.DictReader(io.StringIO(_text(file), newline=""), strict=True)
    try:
        for row in reader:
            if None in row or None in row.values():
                wanted = listed(reader.fieldnames or ())
                raise IncidentError(f"{file}:{reader.line_num}: does not have a value for each of {wanted}")
            yield {column: value or None for column, value in row.items()}
    except csv.Error as error:
        raise IncidentError(f"{file}: no CSV after line {reader.line_num}: {error}") from error


def _typed(file: Path, rows: Sequence[Fields], given: Mapping[str, str]) -> Iterator[Fields]:
    """The rows, each column's texts read as the first type that all of them have, unless its type is given."""
    columns = dict.fromkeys(column for row in rows for column in row)
    types = {column: _type([row.get(column) for row in rows], given.get(column)) for column in columns}
    for number, row in enumerate(rows, start=1):
        yield {column: _read(file, number, column, value, types[column]) for column, value in row.items()}


def _type(values: Iterable[object], given: str | None) -> str | None:
    """The type as which a column's texts are read; None if they stay texts."""
    if given == TEXT:
        return TEXT
    texts = [value for value in values if isinstance(value, str)]
    fitting = (kind for kind, (form, _) in _FORMS.items() if all(re.fullmatch(form, text) for text in texts))
    return next(fitting, None) if texts else None


def _read(file: Path, number: int, column: str, value: object, kind: str | None) -> object:
    if kind == TEXT and value is not None:
        return str(value)
    if not isinstance(value, str) or kind is None:
        return value
    _, read = _FORMS[kind]
    try:
        return read(value)
    except ValueError as error:
        raise IncidentError(
            f"{file}: row {number}: {named(column)}: {describe(value)} is no {kind}: {error}"
        ) from error


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text.removesuffix(" UTC"))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


_FORMS: Final[Mapping[str, tuple[str, Callable[[str], object]]]] = {
    "BOOL": (r"(?i:true|false)", lambda text: text.lower() == "true"),
    "INT64": (r"-?(0|[1-9]\d{0,17})", int),
    "FLOAT64": (r"-?\d+\.\d+([eE][-+]?\d+)?", float),
    "DATE": (r"\d{4}-\d\d-\d\d", date.fromisoformat),
    "TIMESTAMP": (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?( UTC|Z|[-+]\d\d:\d\d)?", _moment),
}
"""What a text may be, the first that fits all texts of a column. A time without a zone is UTC."""
