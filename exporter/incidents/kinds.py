"""Types of columns as incident files write them, and their values: in the YAML, and as BigQuery's REST API takes them.

The types are those that the local BigQuery holds, by SQL's names; https://cloud.google.com/bigquery/docs/reference/standard-sql/data-types
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from exporter.config.wording import describe, did_you_mean, listed

if TYPE_CHECKING:
    from google.cloud.bigquery import SchemaField

Cell: TypeAlias = Any
"""A value as BigQuery's REST API takes it: dates and numbers of high precision as text, an ARRAY a list."""

ARRAY: Final = "ARRAY"
STRUCT: Final = "STRUCT"
NOT_HELD: Final = {"BIGNUMERIC": "NUMERIC", "RANGE": "two columns"}
"""Types that the local BigQuery does not hold, and what to write instead."""

_TOKEN: Final = re.compile(r"\s*(\w+|[<>,])")
_REST_NAMES: Final = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": STRUCT}


class UnknownKindError(ValueError):
    """Text that is no type of a column; the message says what is."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type: its name in SQL, the type of an ARRAY's elements (with no name of their own), or a STRUCT's fields."""

    name: str
    inner: tuple[tuple[str, Kind], ...] = ()

    def __str__(self) -> str:
        inner = ", ".join(f"{name} {kind}".strip() for name, kind in self.inner)
        return f"{self.name}<{inner}>" if inner else self.name

    @property
    def what(self) -> str:
        """What a value of it is called in messages."""
        return _SCALARS[self.name][1] if self.name in _SCALARS else _NESTED[self.name]

    def encoded(self, value: object) -> Cell:
        """A value of the YAML for a request. Raises ValueError or TypeError if it is none of this type."""
        if value is None:
            return None
        if self.name in _SCALARS:
            try:
                return _SCALARS[self.name][0](value)
            except InvalidOperation as error:
                raise ValueError(value) from error
        if self.name == ARRAY:
            if not isinstance(value, Sequence) or isinstance(value, str | bytes):
                raise TypeError(value)
            ((_, element),) = self.inner
            return [element.encoded(item) for item in value]
        fields = dict(self.inner)
        if not isinstance(value, Mapping) or value.keys() - fields.keys():
            raise TypeError(value)
        return {name: fields[name].encoded(item) for name, item in value.items()}

    def takes(self, value: object) -> bool:
        """Whether a column of this type takes the value."""
        try:
            self.encoded(value)
        except (TypeError, ValueError):
            return False
        return True

    def column(self, name: str) -> SchemaField:
        """A column of this type, as the client has it."""
        from google.cloud.bigquery import SchemaField

        ((_, kind), mode) = (self.inner[0], "REPEATED") if self.name == ARRAY else (("", self), "NULLABLE")
        fields = tuple(inner.column(field) for field, inner in kind.inner)
        return SchemaField(name, "RECORD" if kind.name == STRUCT else kind.name, mode=mode, fields=fields)


@cache
def parse_kind(text: str) -> Kind:
    """The type that a text such as `INT64` or `ARRAY<STRUCT<name STRING, day DATE>>` names. Raises UnknownKindError."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != "".join(text.split()):
        raise _unknown(text)
    kind = _read(tokens, text)
    if tokens:
        raise _unknown(text)
    return kind


def _read(tokens: list[str], text: str) -> Kind:
    name = tokens.pop(0).upper() if tokens else ""
    if name in _SCALARS:
        return Kind(name)
    if name not in _NESTED or not tokens or tokens.pop(0) != "<":
        raise _unknown(text, name)
    inner: list[tuple[str, Kind]] = []
    while True:
        field = tokens.pop(0) if name == STRUCT and tokens else ""
        inner.append((field, _read(tokens, text)))
        end = tokens.pop(0) if tokens else ""
        if end == ">":
            break
        if end != "," or name == ARRAY:
            raise _unknown(text)
    if name == ARRAY and inner[0][1].name == ARRAY:
        raise UnknownKindError(f"{describe(text)}: an ARRAY cannot hold an ARRAY: put a STRUCT between them")
    return Kind(name, tuple(inner))


def _unknown(text: str, name: str = "") -> UnknownKindError:
    if name in NOT_HELD:
        return UnknownKindError(f"{describe(text)}: the local BigQuery has no {name}: write {NOT_HELD[name]}")
    return UnknownKindError(f"must be one of {listed(KINDS)}, not {describe(text)}{did_you_mean(text, KINDS)}")


def kind_of(column: SchemaField) -> Kind | None:
    """The type of a table's column; None if the local BigQuery does not hold it."""
    name = _REST_NAMES.get(str(column.field_type), str(column.field_type))
    if name != STRUCT and name not in _SCALARS:
        return None
    inner = []
    for field in column.fields if name == STRUCT else ():
        if (kind := kind_of(field)) is None:
            return None
        inner.append((field.name, kind))
    kind = Kind(name, tuple(inner))
    return Kind(ARRAY, (("", kind),)) if column.mode == "REPEATED" else kind


def type_text(column: SchemaField) -> str:
    """The type of a table's column in SQL's words, for messages."""
    name = _REST_NAMES.get(str(column.field_type), str(column.field_type))
    return f"{ARRAY}<{name}>" if column.mode == "REPEATED" else name


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _bytes(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    base64.b64decode(_string(value), validate=True)
    return _string(value)


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


def _moment(value: object) -> datetime:
    if not isinstance(value, datetime | str):
        raise TypeError
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _datetime(value: object) -> str:
    moment = _moment(value)
    if moment.tzinfo is not None:
        raise ValueError
    return moment.isoformat()


def _timestamp(value: object) -> str:
    moment = _moment(value)
    # A timestamp without a zone is UTC, in YAML as in BigQuery.
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)).isoformat()


def _time(value: object) -> str:
    # YAML reads 10:00:00 without quotes as a number of seconds, and 10:00 as one of minutes.
    found = value if isinstance(value, time) else time.fromisoformat(_string(value))
    if found.tzinfo is not None:
        raise ValueError
    return found.isoformat()


def _json(value: object) -> str:
    return json.dumps(value, allow_nan=False)


# How a value of the YAML is written in a request, and what to call such a value.
_SCALARS: Final[Mapping[str, tuple[Callable[[object], str | float | bool], str]]] = {
    "STRING": (_string, "text (in quotes, where it looks like a number or a date)"),
    "BYTES": (_bytes, "bytes: !!binary, or text in base64"),
    "INT64": (_int64, "a whole number"),
    "FLOAT64": (_float64, "a number"),
    "NUMERIC": (_numeric, "a number"),
    "BOOL": (_bool, "true or false"),
    "DATE": (_date, "a date as in 2026-01-31"),
    "DATETIME": (_datetime, "a local time without zone as in 2026-01-31T15:00:00"),
    "TIMESTAMP": (_timestamp, "a timestamp as in 2026-01-31T15:00:00Z"),
    "TIME": (_time, "a time of day in quotes as in '15:00:00'"),
    "INTERVAL": (_string, "text as in '1-2 3 4:5:6'"),
    "JSON": (_json, "a value that JSON has"),
    "GEOGRAPHY": (_string, "text as in 'POINT(1 2)'"),
}
_NESTED: Final = {ARRAY: "a list of values of its type", STRUCT: "a mapping of its fields to values of their types"}
KINDS: Final = (*_SCALARS, "ARRAY<...>", "STRUCT<name TYPE, ...>")
"""Every type that a column may have, as messages list them."""
DATES: Final = ("DATE", "DATETIME", "TIMESTAMP")
"""Types that say which date a row is of."""
