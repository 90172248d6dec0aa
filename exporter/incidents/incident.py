"""Reads and writes incident files: a day of the watched pipeline, with its sources' content and the expectations.

The format is described in docs/incidents.md. Quoted dates stay strings, YAML timestamps are timestamps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from exporter.config.parsing import parse_yaml
from exporter.config.reading import read_text_file
from exporter.incidents.tables import TableDataError, read_definitions
from exporter.messages.errors import RefusedError
from exporter.model import RemovalKind, TriggerState, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

WATCH = timedelta(hours=2)
FAULTS = ("unreachable", "permission_denied", "timeout", "quota")
SOURCES = ("firestore", "bigquery")

Fields = dict[str, Any]


class IncidentError(RefusedError):
    """An incident file that cannot be used. The message lists every fault with its file and place."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Change(_Strict):
    """A later change of one document: `set` replaces it, `merge` merges into it, `delete` removes it."""

    set: Fields | None = None
    merge: Fields | None = None
    delete: bool = False


class Step(_Strict):
    """What changes at a later time. `faults` replaces the faults in force; without it they stay.

    `emptied`: tables that lose all their rows before rows are added. `restart`: the exporter is restarted at this time
    with the same ledger.
    """

    at: AwareDatetime
    restart: bool = False
    firestore: dict[str, Change] = Field(default_factory=dict)
    emptied: list[str] = Field(default_factory=list)
    bigquery: dict[str, list[Fields]] = Field(default_factory=dict)
    faults: dict[str, str] | None = None


class PhaseExpectation(_Strict):
    """The expectations of one phase. A field that is not given is not checked."""

    expected: int | None = None
    registered: int | None = None
    unexpected: int | None = None
    mode: str | None = None
    trigger_state: TriggerState | None = None


class AlertExpectation(_Strict):
    """Alerts that must fire or must not, and severities of which no alert may fire, from `clock` to `until`."""

    firing: list[str] = Field(default_factory=list)
    silent: list[str] = Field(default_factory=list)
    no_severity: list[str] = Field(default_factory=list)


class Expectation(_Strict):
    """The conclusions to expect at `clock`. Keys are `phase/run_date[/processor]`, optionally after the pipeline.

    `removals`: every removed entry at the end of the watched time, by kind; `overwritten`: those that were lost and
    restored.
    """

    verdicts: dict[str, Verdict] = Field(default_factory=dict)
    phases: dict[str, PhaseExpectation] = Field(default_factory=dict)
    deltas: dict[str, int | None] = Field(default_factory=dict)
    removals: dict[str, dict[RemovalKind, list[str]]] = Field(default_factory=dict)
    overwritten: dict[str, list[str]] = Field(default_factory=dict)
    alerts: AlertExpectation = Field(default_factory=AlertExpectation)


class Incident(_Strict):
    """One incident file. `preset`: one, several, or none if `config` is the whole configuration.

    `tables`: definitions of tables, beside those in tables.yaml or in their place. `listen`: the documents are followed
    by a listener as well as read.
    """

    title: str
    source: str = ""
    preset: str | list[str] | None = "nba"
    config: Fields = Field(default_factory=dict)
    tables: dict[str, Any] = Field(default_factory=dict)
    listen: bool = False
    clock: AwareDatetime
    until: AwareDatetime | None = None
    firestore: dict[str, Fields] = Field(default_factory=dict)
    bigquery: dict[str, list[Fields]] = Field(default_factory=dict)
    absent: list[str] = Field(default_factory=list)
    faults: dict[str, str] = Field(default_factory=dict)
    then: list[Step] = Field(default_factory=list)
    expect: Expectation = Field(default_factory=Expectation)

    @property
    def end(self) -> datetime:
        """The end of the watched time."""
        return self.until or self.clock + WATCH


@dataclass(frozen=True, slots=True)
class Place:
    """The file and place of a fault."""

    file: str
    path: tuple[str | int, ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.file}: {'.'.join(map(str, self.path)) or 'file'}"


def load_incident(path: Path) -> Incident:
    """Read an incident file. Raises IncidentError with every fault."""
    try:
        text = read_text_file(path)
    except (OSError, UnicodeDecodeError) as error:
        raise IncidentError(f"{path}: cannot be read: {error}") from error
    return parse_incident(text, str(path))


def parse_incident(text: str, name: str) -> Incident:
    """The incident in this YAML text. `name` stands for the file in messages. Raises IncidentError."""
    try:
        raw = parse_yaml(text)
    except yaml.YAMLError as error:
        raise IncidentError(f"{name}: no valid YAML: {error}") from error
    if not isinstance(raw, dict):
        raise IncidentError(f"{name}: must be a mapping with `title`, `clock` and the rest of docs/incidents.md")
    try:
        incident = Incident.model_validate(raw)
    except ValidationError as error:
        faults = [f"{Place(name, fault['loc'])}: {fault['msg']}" for fault in error.errors(include_url=False)]
        raise IncidentError("\n".join(faults)) from error
    faults = list(_faults(incident, name))
    try:
        read_definitions(incident.tables)
    except TableDataError as error:
        faults.append(f"{name}: {error}")
    if faults:
        raise IncidentError("\n".join(faults))
    return incident


def _faults(incident: Incident, name: str) -> list[str]:
    parts: list[tuple[str, Mapping[str, str], Mapping[str, list[Fields]], Iterable[str]]] = [
        ("", incident.faults, incident.bigquery, incident.firestore),
        *(
            (f"then.{number}.", step.faults or {}, step.bigquery, step.firestore)
            for number, step in enumerate(incident.then)
        ),
    ]
    faults = [
        f"{name}: {where}{fault}"
        for where, ordered, tables, paths in parts
        for fault in (*_bad_faults(ordered), *_bad_tables(tables, incident.absent), *_bad_paths(paths))
    ]
    order = [incident.clock, *(step.at for step in incident.then)]
    if order != sorted(order):
        faults.append(f"{name}: then: steps must be in order of time, none before `clock`")
    return faults


def _bad_faults(ordered: Mapping[str, str]) -> Iterator[str]:
    for source, fault in ordered.items():
        if source not in SOURCES:
            yield f"faults: no source {source!r}; there are {', '.join(SOURCES)}"
        elif fault not in FAULTS:
            yield f"faults.{source}: no fault {fault!r}; there are {', '.join(FAULTS)}"


def _bad_tables(tables: Mapping[str, list[Fields]], absent: Sequence[str]) -> Iterator[str]:
    for table, groups in tables.items():
        if table in absent:
            yield f"bigquery.{table}: the table is also listed in `absent`"
        for number, group in enumerate(groups):
            repeat = group.get("repeat", 1)
            if not isinstance(repeat, int) or repeat < 1:
                yield f"bigquery.{table}.{number}.repeat: must be a whole number from 1"


def _bad_paths(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        if len(path.split("/")) % 2 or not all(path.split("/")):
            yield f"firestore: {path!r} is no `collection/document`"


def dump_incident(content: Mapping[str, Any]) -> str:
    """The YAML of an incident file: one line for each document and group of rows, timestamps in UTC with `Z`."""
    return yaml.dump(dict(content), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)


class _Flow(dict[str, Any]):
    """A mapping written on one line."""


def one_line(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Mark a mapping to be written on one line."""
    return _Flow(fields)


TIMESTAMP = "tag:yaml.org,2002:timestamp"


class _Dumper(yaml.SafeDumper):
    def choose_scalar_style(self) -> str:
        # By default PyYAML quotes times in flow style because of their colons, and then needs a tag for their type.
        if isinstance(self.event, yaml.ScalarEvent) and self.event.tag == TIMESTAMP:
            return ""
        return super().choose_scalar_style()

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class's signature
        return True


def _timestamp(dumper: yaml.SafeDumper, value: datetime) -> yaml.Node:
    # Without a zone it is a local time, and stays one.
    text = (value.astimezone(UTC) if value.tzinfo else value).isoformat().replace("+00:00", "Z")
    return dumper.represent_scalar(TIMESTAMP, text)


def _day(dumper: yaml.SafeDumper, value: date) -> yaml.Node:
    return dumper.represent_scalar(TIMESTAMP, value.isoformat())


def _flow(dumper: yaml.SafeDumper, value: _Flow) -> yaml.Node:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=True)


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    # In other quotes PyYAML writes some line breaks (U+0085) as they are, and reads them back as spaces.
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if value.isprintable() else '"')


_Dumper.add_representer(str, _text)
_Dumper.add_representer(datetime, _timestamp)
_Dumper.add_representer(date, _day)
_Dumper.add_representer(_Flow, _flow)
