"""A configuration as a captured file holds it: whole, and without what names or concerns the real sources only.

The project, the database, the location, the ledger's file and the limits of cost are the operator's own, and a replay
reads local sources. So they are left out, and projects get other names, in the configuration as in the data.
"""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from exporter.config.load import load
from exporter.incidents.tables import TABLE_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import date

    from exporter.config.load import Loaded

PROJECT: Final = "captured-project"
_OTHER: Final = "other-project"
_OWN: Final = (
    ("job_project",),
    ("firestore_database",),
    ("bigquery_location",),
    ("ledger", "path"),
    ("collect", "warehouse", "maximum_bytes_billed"),
    ("collect", "warehouse", "daily_budget"),
)
"""Keys that say where the real sources are and what they may cost."""

Fields = dict[str, Any]


class Names:
    """The names that a captured file has for the projects and the tables of a configuration.

    `project` is that for the configuration's own, which tables need not name. A table whose name the local BigQuery
    does not take gets another one.
    """

    def __init__(self, loaded: Loaded, tables: Collection[str], project: str) -> None:
        own = loaded.config.project
        parts = {name: _split(name) for name in tables}
        self._projects = {own: project}
        for other in (loaded.config.job_project, *(of for of, _, _ in parts.values())):
            if other:
                self._projects.setdefault(other, f"{_OTHER}-{len(self._projects)}")
        self._tables: dict[str, str] = {}
        for name, (of, dataset, table) in parts.items():
            fits = TABLE_NAME.fullmatch(f"{dataset}.{table}")
            said = f"{dataset}.{table if fits else f'table-{len(self._tables) + 1}'}"
            self._tables[name] = said if of in {"", own} else f"{self._projects[of]}.{said}"
        listed = "|".join(re.escape(name) for name in self._projects)
        self._in_data = re.compile(rf"(?<![\w-])(?:{listed})(?![\w-])")
        self._in_sql = re.compile(rf"(?<![\w-])(?:{listed})(?=[`]?\.)")

    def table(self, name: str) -> str:
        """The table's name in the file."""
        return self._tables[name]

    def data(self, value: Any) -> Any:  # noqa: ANN401 - whatever the sources hold
        """A value of the data, with the projects' other names."""
        return self._each(value, lambda text: self._in_data.sub(self._other, text))

    def configuration(self, raw: Mapping[str, Any]) -> Fields:
        """The configuration's wire form with the other names."""
        renamed: Fields = self._each(raw, lambda text: self._tables.get(text) or self._in_sql.sub(self._other, text))
        return {**renamed, "project": self._projects[raw["project"]]}

    def _other(self, found: re.Match[str]) -> str:
        return self._projects[found[0]]

    def _each(self, value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - as above
        match value:
            case str():
                return change(value)
            case dict():
                return type(value)({key: self._each(item, change) for key, item in value.items()})
            case list():
                return [self._each(item, change) for item in value]
            case _:
                return value


def portable(loaded: Loaded, names: Names, run_date: date) -> tuple[list[str], Fields]:
    """The presets of a captured file, and what is merged over them to get this configuration for that date alone.

    Without presets it is the whole configuration.
    """
    base = load(preset=loaded.presets, environ={}).raw if loaded.presets else {}
    wanted = names.configuration(loaded.raw)
    return list(loaded.presets), difference(_general(base), _general(wanted)) | {
        "documents": {"only": [run_date.isoformat()]}
    }


def difference(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> Fields:
    """The mapping that, merged deeply over `base`, gives `wanted`; what is to go is None."""
    out: Fields = {key: None for key in base if key not in wanted}
    for key, value in wanted.items():
        if key in base and isinstance(value, dict) and isinstance(base[key], dict):
            if below := difference(base[key], value):
                out[key] = below
        elif key not in base or base[key] != value:
            out[key] = value
    return out


def _general(raw: Mapping[str, Any]) -> Fields:
    """The wire form without the keys that concern the real sources only."""
    general = deepcopy(dict(raw))
    for *sections, key in _OWN:
        section = general
        for name in sections:
            section = section.get(name, {})
        section.pop(key, None)
    return general


def _split(table: str) -> tuple[str, str, str]:
    """The project (none: empty), the data set and the table of a table's name."""
    rest, _, name = table.rpartition(".")
    project, _, dataset = rest.rpartition(".")
    return project, dataset, name
