"""Derives definitions of tables that a configuration uses and no file defines, if only one is possible.

The configuration says what its date and write time columns are called, and the exporter which columns a run history and
a phase log have; the file's rows show the rest. What stays open is an error that asks for a definition.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

from exporter.config.identifiers import is_column
from exporter.config.wording import listed, quote
from exporter.incidents.kinds import DATES
from exporter.incidents.mentioned import certain_words, parts_by_table, quoted_columns
from exporter.incidents.tables import REPEAT, TABLE_NAME, TableDataError, TableDefinition, shipped_definitions
from exporter.reconcile.plan import every_table, reading_plan

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from exporter.config.resolved import Config
    from exporter.incidents.incident import Incident
    from exporter.sources.queries import Part

_TYPES: Final = (
    (bool, "BOOL"),
    (int, "INT64"),
    (float, "FLOAT64"),
    (str, "STRING"),
    (datetime, "TIMESTAMP"),
    (date, "DATE"),
)
"""What a value of the YAML may be; the first that fits."""
_NUMBERS: Final = {"INT64", "FLOAT64"}
_RUN_HISTORY: Final = "nba_reference.processor_run_history"
_PHASE_LOG: Final = "nba_orchestration.phase_execution_log"


def derived_definitions(config: Config, incident: Incident, known: Collection[str]) -> dict[str, TableDefinition]:
    """The definition of every table that the configuration names and `known` does not have, absent ones left out.

    Raises TableDataError where more than one is possible.
    """
    rows = _rows(incident)
    named = parts_by_table(config, replace(reading_plan(config, incident.clock), tables=every_table(config)))
    fixed = fixed_types(config)
    return {
        name: _derived(name, parts, rows.get(name, ()), fixed.get(name, {}))
        for name, parts in named.items()
        if name not in known and name not in incident.absent
    }


def fixed_types(config: Config) -> dict[str, Mapping[str, str]]:
    """The types of the columns that a run history and a phase log have, by table."""
    return dict(_fixed(config))


def _rows(incident: Incident) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for tables in (incident.bigquery, *(step.bigquery for step in incident.then)):
        for name, groups in tables.items():
            found.setdefault(name, []).extend(groups)
    return found


def _fixed(config: Config) -> Iterator[tuple[str, Mapping[str, str]]]:
    shipped = shipped_definitions()
    for pipeline in config.pipelines.values():
        if pipeline.run_history:
            yield pipeline.run_history.table.name, _named(shipped[_RUN_HISTORY].columns, pipeline.run_history.columns)
        if pipeline.phase_log:
            yield pipeline.phase_log.table.name, _named(shipped[_PHASE_LOG].columns, pipeline.phase_log.columns)


def _named(columns: Mapping[str, str], names: Mapping[str, tuple[str, ...]]) -> Mapping[str, str]:
    """The types of the columns by the names that the configuration gives them."""
    return {**columns, **{name: columns[key] for key, found in names.items() if key in columns for name in found}}


def _derived(
    name: str, parts: Sequence[Part], rows: Iterable[Mapping[str, Any]], fixed: Mapping[str, str]
) -> TableDefinition:
    if not TABLE_NAME.fullmatch(name):
        raise TableDataError(
            ("config",),
            f"the local BigQuery has no tables with such a name as {quote(name)}: use the letters of the alphabet,"
            " digits, _ and -",
        )
    seen = _seen(name, rows)
    dates = {part.table.day_column: "DATE" for part in parts if is_column(part.table.day_column)}
    times = {column: "TIMESTAMP" for part in parts if (column := part.table.write_time_column)}
    roles = dates | {column: kind for column, kind in times.items() if column not in dates}
    columns: dict[str, str] = {}
    for column in dict.fromkeys(
        (*roles, *(column for part in parts for column in sorted(quoted_columns(part))), *seen)
    ):
        kinds = seen.get(column, set())
        given = fixed.get(column) or roles.get(column)
        if kinds == _NUMBERS:
            kinds = {"FLOAT64"}
        if len(kinds) > 1 or (column in roles and kinds - {*DATES}):
            raise _open(name, f"{column} holds {listed(sorted(kinds))}")
        if not kinds and not given and not seen:
            given = "STRING"  # no row holds anything
        if not kinds and not given:
            raise _open(name, f"no row says what {column} holds")
        columns[column] = given if given and not (column in roles and kinds) else next(iter(kinds))
    spelled = {column.casefold() for column in columns}
    missing = sorted({word for part in parts for word in certain_words(part)} - spelled)
    if missing:
        raise _open(name, f"no row has what the configuration's SQL names ({listed(missing)})")
    return TableDefinition(name, next(iter(dates), None), columns)


def _seen(name: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """The types that the rows' values may have, by column; none where all are null."""
    seen: dict[str, set[str]] = {}
    for group in rows:
        for column, value in group.items():
            if column == REPEAT:
                continue
            kinds = seen.setdefault(str(column), set())
            if value is None:
                continue
            kind = next((kind for of, kind in _TYPES if isinstance(value, of)), None)
            if kind is None or (isinstance(value, datetime) and value.tzinfo is None):
                what = "a time without zone" if kind else f"a {type(value).__name__}"
                raise _open(name, f"{column} holds {what}")
            kinds.add(kind)
    return seen


def _open(name: str, what: str) -> TableDataError:
    return TableDataError(
        ("tables", name), f"is not defined, and {what}: define it, `{name}: {{columns: {{name: TYPE, ...}}}}`"
    )
