"""Keys reach the program under their own names, by rule; the exceptions are few and needed."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from exporter.config.load import load
from exporter.config.periods import Period, parse_period
from exporter.config.records import RecordNames
from exporter.config.resolve import FORMS, resolve
from exporter.config.resolved import Due, RowsPerUnit
from exporter.config.run_days import parse_days
from exporter.config.schema import Job, Table, Wire
from exporter.config.section import Section
from exporter.config.shards import Shard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALENDAR = {"table": "d.schedule", "date_column": "day", "units": "COUNT(*)"}
COPY = {"due": "+0d 06:00", "table": {"name": "d.copies", "date_column": "day"}}
PIPELINE = {"phases": {"load": {"processors": {"copy": COPY}}}}
DAILY = {
    "calendar": "daily",
    "phases": {"load": {"due": "06:00", "processors": {"copy": {"table": COPY["table"]}}}},
}


def wire(preset: str, **overlay: object) -> Wire:
    return Wire.model_validate(load(preset=preset, overlay=overlay, environ={}).raw)


SMALL = Wire.model_validate(
    {"project": "my-project", "timezone": "UTC", "calendar": CALENDAR, "pipelines": {"mine": PIPELINE}}
)
WHOLE = wire(
    "nba-game-date",
    documents={"only": ["2026-02-02", "2026-01-31"]},
    collect={"season": {}},
    pipelines={"nba": {"calendar": CALENDAR}, "mine": PIPELINE, "daily": DAILY},
)


OTHER_THAN_NONE = {
    "job": Job(name="work", region="us-west2"),
    "logs": "https://logs.example.com/",
    "calendar": "daily",
    "days": parse_days("mon-fri"),
    "every": parse_period("week"),
    "holidays": ("DE",),
    "since": date(2026, 2, 1),
    "until": date(2026, 6, 30),
    "due": Due(5, time(5)),
    "shard": Shard(1, 2),
    "more_tables": {"more": Table.model_validate({"name": "d.more", "date_column": "day"})},
}
"""Values of keys that are not given, where the resolution looks into them."""


def changes(value: object, given: object = None) -> Iterator[tuple[str, Any]]:
    """Each key somewhere in the value, and the whole with another value of that key alone.

    `given`: the other value of one that is None.
    """
    match value:
        case Section():
            for key in type(value).model_fields:
                for name, changed in changes(getattr(value, key), OTHER_THAN_NONE.get(key)):
                    yield name or f"{type(value).__name__}.{key}", value.model_copy(update={key: changed})
        case dict() if any(isinstance(entry, Section) for entry in value.values()):
            for key, entry in value.items():
                for name, changed in changes(entry):
                    yield name, {**value, key: changed}
        case _:
            yield "", given if value in (None, {}) and given else other(value)


OTHER_CHOICES = {"data_date": "run_date"}


def other(value: object) -> object:
    """Another value, as far as possible of the same type."""
    if isinstance(value, list | tuple):
        return () if value else (date(2026, 2, 1),)
    others: dict[type, Callable[[Any], object]] = {
        bool: lambda given: not given,
        int: lambda given: given + 1,
        float: lambda given: given / 2,
        timedelta: lambda given: given * 2,
        str: lambda given: OTHER_CHOICES.get(given, f"{given}x"),
        dict: lambda given: {**given, "another": "x"},
        Due: lambda given: replace(given, days=7),
        RowsPerUnit: lambda given: replace(given, maximum=99),
        ZoneInfo: lambda _: ZoneInfo("Asia/Tokyo"),
        Period: lambda _: parse_period("month"),
    }
    return others.get(type(value), lambda _: timedelta(days=9))(value)


def sections(value: object) -> Iterator[Section]:
    """The sections within a value, itself included."""
    if isinstance(value, Section):
        yield value
        value = {key: getattr(value, key) for key in type(value).model_fields}
    for entry in value.values() if isinstance(value, dict) else ():
        yield from sections(entry)


def objects(value: object) -> Iterator[Any]:
    """The resolved objects within a value, itself included."""
    if is_dataclass(value):
        yield value
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    for entry in value.values() if isinstance(value, dict) else ():
        yield from objects(entry)


def test_another_value_of_any_key_gives_another_configuration() -> None:
    config = resolve(WHOLE)

    # A key may have no effect in one place, such as the deadline of a phase whose processors all have their own.
    effective = {key for key, changed in changes(WHOLE) if resolve(changed) != config}

    assert {key for key, _ in changes(WHOLE)} - effective == set()


def test_every_section_is_resolved() -> None:
    inside_another = {"HeartbeatDocuments", "Metrics", "Mode", *(one.__name__ for one in RecordNames.__subclasses__())}
    found = {type(section) for section in sections(WHOLE)}

    assert {section.__name__ for section in found - set(FORMS)} == inside_another
    assert set(FORMS) - found == set()


def test_every_exception_to_the_rule_is_needed() -> None:
    needed = {
        (type(section), name)
        for section in [*sections(WHOLE), *sections(SMALL)]
        if type(section) in FORMS
        for name, made in FORMS[type(section)].made.items()
        if made(section) != getattr(section, name, made)
    }

    assert {(section, name) for section, form in FORMS.items() for name in form.made} == needed


def test_a_default_in_a_resolved_class_is_that_of_the_key() -> None:
    different = {
        f"{type(one).__name__}.{field.name}": (value, field.default)
        for one in objects(resolve(SMALL))
        for field in fields(one)
        if (value := getattr(one, field.name)) != field.default and field.default is not MISSING
    }

    assert different == {}
