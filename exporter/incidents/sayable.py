"""Turns stored values into values for an incident file: the same value, or one that is read alike, with a note.

A Firestore value without a form in YAML becomes an array with one text: for the exporter an array is as unusable as a
reference or a geo point.
"""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from exporter.config.identifiers import is_reserved
from exporter.config.wording import quote
from exporter.incidents.kinds import ARRAY, STRUCT
from exporter.incidents.tables import NUMBER
from exporter.sources.documents import BSON_TYPES, plain_time
from exporter.sources.fields import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from exporter.incidents.kinds import Kind

_AS_THEY_ARE: Final = frozenset({"boolean_value", "integer_value", "double_value", "string_value", "bytes_value"})
_LONGEST_NAME: Final = 1500


class Notes(list[str]):
    """Notes on values that the file does not contain as they were; each is one line of printable text."""

    def add(self, place: str, said: str) -> None:
        """Note how the value at this place was changed."""
        note = f"{place}: {said}"
        if note not in self:
            self.append(note)


def document(fields: Mapping[str, Any], place: str, notes: Notes) -> dict[str, Any]:
    """A document's fields, from the values that Firestore sent."""
    said: dict[str, Any] = {}
    for name, value in fields.items():
        inner = f"{place} {quote(name)}"
        if not name or is_reserved(name) or len(name.encode()) > _LONGEST_NAME:
            notes.add(inner, "left out: the local Firestore has no fields of such a name")
        else:
            said[name] = _value(value, inner, notes)
    return said


def _value(value: Any, place: str, notes: Notes, *, in_array: bool = False) -> Any:  # noqa: ANN401 - whatever a document holds
    kind: str = value.WhichOneof("value_type") or ""
    content: Any = getattr(value, kind, None)
    if kind == "null_value":
        return None
    if kind in _AS_THEY_ARE:
        return content
    if kind == "timestamp_value" and (read := plain_time(content)) is not None:
        return read
    if kind == "array_value" and not in_array:
        return [_value(item, f"{place}[{number}]", notes, in_array=True) for number, item in enumerate(content.values)]
    if kind == "map_value":
        bson = len(content.fields) == 1 and BSON_TYPES.keys() & content.fields
        return {name: _value(content.fields[name], place, notes) for name in bson or ()} or document(
            content.fields, place, notes
        )
    what = kind.removesuffix("_value").replace("_", " ") or "value of an unknown type"
    notes.add(place, f"{what}, written as an array of one text")
    text = f"not captured: {what}"
    return text if in_array else [text]


def cell(value: Any, kind: Kind, place: str, notes: Notes) -> Any:  # noqa: ANN401 - whatever a column holds
    """A table's value as a file writes it; None, with a note, if a file cannot hold it (NaN)."""
    said = _SAID.get(kind.name, _as_it_is)(value) if value is not None else None
    if isinstance(said, str) and NUMBER in said:
        notes.add(place, f"{NUMBER} in a text means the row's number in this file, and became {{ n}}")
        said = said.replace(NUMBER, "{ n}")
    if value is None or (said is not None and kind.takes(said)):
        return said
    notes.add(place, f"{type(value).__name__} that {kind} has no text for in a file, written as null")
    return None


def _as_it_is(value: Any) -> Any:  # noqa: ANN401 - as above
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: Any) -> Any:  # noqa: ANN401 - as above
    if not isinstance(value, Decimal):
        return value
    if not value.is_finite():
        return None
    if value == value.to_integral_value():
        return int(value)
    return float(value) if Decimal(str(float(value))) == value else f"{value:f}"


def _iso(value: Any) -> Any:  # noqa: ANN401 - as above
    return value.isoformat() if isinstance(value, time) else value


def _parsed(value: Any) -> Any:  # noqa: ANN401 - as above
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return None


_SAID: Final[Mapping[str, Callable[[Any], Any]]] = {
    "NUMERIC": _number,
    "TIME": _iso,
    "TIMESTAMP": moment,
    "JSON": _parsed,
    ARRAY: _parsed,
    STRUCT: _parsed,
}


def window(kind: str, first: date, last: date, zone: tzinfo) -> tuple[date | datetime, date | datetime]:
    """The first moment of a window of dates and the first one after it, for a column of one of the types DATES."""
    after = last + timedelta(days=1)
    if kind == "DATE":
        return first, after
    own = None if kind == "DATETIME" else zone
    return datetime.combine(first, time(), own), datetime.combine(after, time(), own)
