"""Reads the fields of completion documents, their entries and heartbeats, each as the table of fields says.

Fields are read through `exporter.config.fields.FIELDS` alone: by key, and only those that have a row there. Its kind
says what a field may hold. A null counts as an absent field; every other value is named as unusable and never becomes a
default. docs/types.md and docs/records.md are generated from these tables.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

from exporter.config.fields import FAILED, FIELDS, STATUS, Kind, meaning_of
from exporter.messages.secrets import HIDDEN, beginning, names_secret
from exporter.model import UnusableField
from exporter.sources.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.model import Record

    Names = Mapping[str, tuple[str, ...]]

T = TypeVar("T")

_LARGEST: Final = 2**63 - 1
"""Firestore's integers have 64 bits. A double can be larger, and is then no count."""
_LONGEST_TEXT: Final = 300
"""Characters kept of a free text: enough to say what happened, however much was written into the field."""
_LONGEST_SAID: Final = 60
_DATE: Final = re.compile(r"\d{4}([-/])\d{2}\1\d{2}|\d{8}", re.ASCII)
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*", re.ASCII)
_NUMBER: Final = re.compile(r"\d+(\.\d+)?", re.ASCII)
FLAGS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "yes", "y", "t", "on", "1"), True),
    **dict.fromkeys(("false", "no", "n", "f", "off", "0"), False),
}
"""The words that mean true or false. In each pair the one for true is the greater text."""
_EPOCH_UNITS: Final = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}
"""Digits of a number of seconds, milliseconds, microseconds or nanoseconds since 1970, from 2001 to 2286."""

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST_OF_RECORDS: Final = datetime(2001, 1, 1, tzinfo=UTC)
"""Nothing that a pipeline writes happened before: an earlier moment, such as 1970's first, stands for none."""
EARLIEST: Final = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
LATEST: Final = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
"""The first and the last moment that exist in every zone's calendar. Go's zero time, for example, lies before them."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A value of a type that no field of a completion document or a heartbeat has. `said`: its type in words."""

    said: str


def flag(value: object) -> bool | None:
    """True or false, also as a number or a word that can mean nothing else."""
    if isinstance(value, bool):
        return value
    number = _number(value)
    return FLAGS.get(str(int(number)) if number in {0, 1} else word(value) or "")


def happened(value: object) -> bool | None:
    """True or false as `flag` reads it, or true for a moment: that at which it happened. One before 2001 is none."""
    at = moment(value)
    return True if at is not None and at >= EARLIEST_OF_RECORDS else flag(value)


def count(value: object) -> int | None:
    """A count: whole and not negative, also as text. A bool is no number."""
    written = value.strip() if isinstance(value, str) else ""
    number = _number(Decimal(written) if _NUMBER.fullmatch(written) else value)
    return int(number) if number is not None and number == int(number) else None


def moment(value: object) -> datetime | None:
    """A moment in UTC from a timestamp, an ISO 8601 text (UTC unless it says otherwise), or a number since 1970."""
    if isinstance(value, str):
        text = value.strip()
        if _NUMBER.fullmatch(text):
            return _since_1970(Decimal(text))
        return _utc(datetime_in(text))
    if isinstance(value, datetime):
        return _utc(value)
    return _since_1970(value)


def datetime_in(text: str) -> datetime | None:
    """The date and time that a text has in ISO 8601's form or BigQuery's, with its zone if it names one."""
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.removesuffix(" UTC") + "+00:00" * text.endswith(" UTC"))
    except ValueError:
        return None


def day(value: object) -> date | None:
    """A date from a text or number (2026-02-01, 2026/02/01, 20260201), or from a time of exactly midnight."""
    if isinstance(value, datetime):
        return value.date() if value.time() == time() else None
    if isinstance(value, str) and (found := datetime_in(value.strip())):
        return day(found)
    number = count(value)
    text = value.strip() if isinstance(value, str) else "" if number is None else str(number)
    try:
        return date.fromisoformat(text.replace("/", "-")) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def text(value: object) -> str | None:
    """A text, without secrets, cut short."""
    return beginning(value, _LONGEST_TEXT) if isinstance(value, str) else None


def word(value: object) -> str | None:
    """A word, without regard to case."""
    found = text(value)
    return (found.strip().lower() or None) if found is not None else None


def label(value: object) -> str | None:
    """An identifier, which some writers store as a number."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float | Decimal) or (isinstance(value, int) and abs(value) <= _LARGEST):
        return str(value)
    return text(value)


def anything(value: object) -> bool | None:
    """True for every value that does not say false: people write notes where a flag belongs."""
    return flag(value) is not False


ALLOWED: Final[Mapping[Kind, str]] = {
    Kind.FLAG: "boolean; number 0 or 1; text, in any case: " + ", ".join(f"`{word}`" for word in FLAGS),
    Kind.HAPPENED: "as for true or false; a moment from 2001 on means true, and says when",
    Kind.COUNT: "whole number that is not negative (also as text, double, BSON Int32 or BSON Decimal128)",
    Kind.MOMENT: (
        "timestamp (also BSON Timestamp), later than 0001-01-01, which is Go's zero time;"
        " text in ISO 8601's form with date and time, UTC unless it says otherwise;"
        " number or text of 10, 13, 16 or 19 digits: seconds, ms, µs or ns since 1970"
    ),
    Kind.DAY: "text or number: `2026-02-01`, `2026/02/01`, `20260201`; timestamp or text of exactly midnight",
    Kind.TEXT: "text",
    Kind.WORD: "text",
    Kind.LABEL: "text or number",
    Kind.ANYTHING: "anything: all that is no `false` of a flag means yes",
}
"""The values that each kind of field accepts, in words."""

READERS: Final[Mapping[Kind, Callable[[object], object]]] = {
    Kind.FLAG: flag,
    Kind.HAPPENED: happened,
    Kind.COUNT: count,
    Kind.MOMENT: moment,
    Kind.DAY: day,
    Kind.TEXT: text,
    Kind.WORD: word,
    Kind.LABEL: label,
    Kind.ANYTHING: anything,
}
"""The function that reads each kind of field."""

_BY_KEY: Final = {(field.record, field.key): field for field in FIELDS}


class Fields:
    """Reads a record's fields by key and remembers which were there and could not be used.

    `names`: the names of the fields by key, as the configuration says.
    """

    def __init__(self, record: Record, fields: Mapping[str, object], names: Names) -> None:
        self._record = record
        self._fields = fields
        self._names = names
        self._malformed: list[UnusableField] = []

    @property
    def malformed(self) -> tuple[UnusableField, ...]:
        """The fields that could not be used."""
        return tuple(self._malformed)

    def first(self, read: Callable[[object], T | None], key: str) -> T | None:
        """The first of the fields of this key that can be used; None if there is none."""
        assert READERS[_BY_KEY[self._record, key].kind] is read  # noqa: S101 - the table and its reader agree
        for name in self._names[key]:
            value = self._fields.get(name)
            if value is None:
                continue
            found = read(value)
            if found is not None:
                return found
            self._malformed.append(unusable(name, value, key=key))
        return None

    def flag(self, key: str, read: Callable[[object], bool | None] = flag) -> bool | None:
        """A flag: false where it is absent, None where it is there and cannot be used."""
        found = self.first(read, key)
        if found is None and not self.odd(key):
            return False
        return found

    def status(self, words: Names) -> str | None:
        """A status as what it means; a word that is none of `words` stays as it is, and is named as unusable."""
        found = self.first(word, STATUS)
        if found is None:
            return None
        meaning = meaning_of(found, words)
        if meaning is None:
            name = next(name for name in self._names[STATUS] if word(self._fields.get(name)) == found)
            why = f'text "{one_line(found, _LONGEST_SAID)}", which `statuses` does not name'
            self._malformed.append(UnusableField(name, why, STATUS))
        return meaning or found

    def failed_elsewhere(self, words: Names) -> bool:
        """Whether there is no status, and a field that is not read has a word for failure: it is named as unusable."""
        if self.odd(STATUS) or any(self._fields.get(name) is not None for name in self._names[STATUS]):
            return False
        read = {name for names in self._names.values() for name in names}
        for name, value in self._fields.items():
            if name not in read and isinstance(value, str) and word(value) in words[FAILED]:
                why = f'text "{word(value)}", while there is no status: name this field in `fields.status`'
                self._malformed.append(UnusableField(name, why, STATUS))
                return True
        return False

    def odd(self, key: str) -> bool:
        """Whether a field of this key was there and could not be used."""
        return any(field.key == key for field in self._malformed)


def unusable(name: str, value: object, entry: str = "", key: str = "") -> UnusableField:
    """Name a value that could not be used. Of a secret (by the name of its field or `entry`) only the type is said."""
    hidden = names_secret(entry or name) and not isinstance(value, Unusable)
    return UnusableField(name, f"{said(value).partition(' ')[0]} {HIDDEN}" if hidden else said(value), key)


def said(value: object) -> str:
    """The type and value of what could not be used, in a few words."""
    if isinstance(value, Unusable):
        return value.said
    return next((form(value) for kind, form in _SAID if isinstance(value, kind)), type(value).__name__)


def _number_said(value: Any) -> str:  # noqa: ANN401 - of a type that the table names
    # Python refuses to print an integer of thousands of digits.
    return f"number {'of more than 20 digits' if isinstance(value, int) and abs(value) >= 10**20 else value}"


# The first type that fits.
_SAID: Final[tuple[tuple[type, Callable[[Any], str]], ...]] = (
    (bool, lambda value: f"boolean {str(value).lower()}"),
    (int, _number_said),
    (float, _number_said),
    (Decimal, _number_said),
    (str, lambda value: f'text "{one_line(value, _LONGEST_SAID)}"'),
    (datetime, lambda value: f"timestamp {value.isoformat(timespec='seconds').replace('+00:00', 'Z')}"),
    (date, lambda value: f"date {value}"),
    (dict, lambda _: "map"),
    (list, lambda _: "array"),
    (type(None), lambda _: "null"),
)


def _since_1970(value: object) -> datetime | None:
    """A number since 1970 whose size shows its unit."""
    number = _number(value)
    unit = None if number is None else _EPOCH_UNITS.get(len(str(int(number))))
    return EPOCH + timedelta(microseconds=int(number * 10**6 // unit)) if number is not None and unit else None


def _number(value: object) -> int | float | Decimal | None:
    """A number that is not negative and fits into Firestore's integers; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return value if math.isfinite(value) and 0 <= value <= _LARGEST else None


def _utc(value: datetime | None) -> datetime | None:
    """The moment in UTC; without a zone it counts as UTC. None for a moment that some zone's calendar lacks."""
    try:
        moved = value.astimezone(UTC) if value and value.tzinfo else value
    except (OverflowError, ValueError):
        return None
    # A plain datetime instead of Firestore's own subclass, which compares and prints differently.
    found = datetime.combine(moved.date(), moved.time(), UTC) if moved else None
    return found if found and EARLIEST <= found <= LATEST else None
