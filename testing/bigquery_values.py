"""Every type of BigQuery: values as answers have them, and as `CAST(... AS STRING)` writes them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from testing.bigquery_wire import Cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from decimal import Decimal

Told = tuple[str, object]
"""A text, and the value that it was made of."""


@dataclass(frozen=True, slots=True)
class Type:
    """`cells`: values as an answer's column of this type has them; `texts`: the same cast, None where that fails."""

    cells: st.SearchStrategy[Cell]
    texts: st.SearchStrategy[Told] | None = None


def _cells(values: st.SearchStrategy[Any], write: Callable[[Any], object] = str) -> st.SearchStrategy[Cell]:
    return values.map(lambda value: Cell(write(value)))


def _told(values: st.SearchStrategy[Any], write: Callable[[Any], str] = str) -> st.SearchStrategy[Told]:
    return values.map(lambda value: (write(value), value))


def _fraction(value: datetime | time) -> str:
    return f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""


def _clock(value: time) -> str:
    return f"{value:%H:%M:%S}{_fraction(value)}"


def _datetime(value: datetime) -> str:
    return f"{value.date()} {value:%H:%M:%S}{_fraction(value)}"


def _timestamp(value: datetime) -> str:
    return f"{_datetime(value)}+00"


def _picoseconds(value: datetime) -> str:
    return f"{value.date()} {value:%H:%M:%S}.{value.microsecond:06}789012+00"


def _float(value: float) -> str:
    return {"inf": "inf", "-inf": "-inf", "nan": "NaN"}.get(str(value), f"{value:.17g}")


def _decimal(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


_NUMBERS: Final = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 20260201, 1769947200, 1769947200123456])
_WORDS: Final = st.text(max_size=20) | st.sampled_from(
    ["", "true", "7", "2026-02-01", "2026-02-01T12:00:00Z", "2026-02-01 07:00:00", "1769947200", "NULL"]
)
_NUMERIC: Final = st.decimals(-(10**28), 10**28, places=9, allow_nan=False, allow_infinity=False)
_BIGNUMERIC: Final = st.decimals(-(10**37), 10**37, places=38, allow_nan=False, allow_infinity=False)
_MOMENTS: Final = st.datetimes()
_INSTANTS: Final = st.datetimes(timezones=st.just(UTC))
_SPANS: Final = st.tuples(st.integers(-99, 99), st.integers(0, 11), st.integers(-99, 99), st.times()).map(
    lambda parts: f"{parts[0]}-{parts[1]} {parts[2]} {parts[3].hour}:{parts[3].minute}:{parts[3].second}"
)
_RANGES: Final = st.tuples(st.dates(), st.dates() | st.none()).map(
    lambda ends: f"[{ends[0]}, {'UNBOUNDED' if ends[1] is None else ends[1]})"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

TYPES: Final[Mapping[str, Type]] = {
    "STRING": Type(_cells(_WORDS), _told(_WORDS)),
    # Bytes that are no UTF-8 cannot be cast: the query fails.
    "BYTES": Type(_cells(st.binary(max_size=9), lambda value: base64.b64encode(value).decode()), _told(_WORDS)),
    "INT64": Type(_cells(_NUMBERS), _told(_NUMBERS)),
    "FLOAT64": Type(_cells(st.floats(), _float), _told(st.floats() | _NUMBERS.map(float), _float)),
    "NUMERIC": Type(_cells(_NUMERIC), _told(_NUMERIC, _decimal)),
    "BIGNUMERIC": Type(_cells(_BIGNUMERIC), _told(_BIGNUMERIC, _decimal)),
    "BOOL": Type(
        _cells(st.booleans(), lambda value: str(value).lower()), _told(st.booleans(), lambda value: str(value).lower())
    ),
    "DATE": Type(_cells(st.dates()), _told(st.dates())),
    "TIME": Type(_cells(st.times(), _clock), _told(st.times(), _clock)),
    "DATETIME": Type(_cells(_MOMENTS, lambda value: value.isoformat()), _told(_MOMENTS, _datetime)),
    "TIMESTAMP": Type(
        _cells(_INSTANTS, lambda value: str((value - _EPOCH) // (datetime.resolution))),
        _told(_INSTANTS, _timestamp) | _told(_INSTANTS, _picoseconds),
    ),
    "INTERVAL": Type(_cells(_SPANS), _told(_SPANS)),
    "RANGE<DATE>": Type(_cells(_RANGES), _told(_RANGES)),
    "GEOGRAPHY": Type(_cells(st.just("POINT(1 2)"))),
    "JSON": Type(_cells(st.none() | st.booleans() | st.integers() | st.just({"a": [1]}), json.dumps)),
    "FOREIGN": Type(_cells(_WORDS)),
    "STRUCT<a INT64>": Type(_cells(_NUMBERS, lambda value: {"f": [{"v": str(value)}]})),
}
"""By the name that SQL has. Of each there are arrays, too, which cannot be cast."""

ARRAYS: Final[Mapping[str, Type]] = {
    f"ARRAY<{name}>": Type(
        st.lists(kind.cells, max_size=2).map(lambda cells: Cell([{"v": one.value} for one in cells]))
    )
    for name, kind in TYPES.items()
}

PROMISED: Final[Mapping[str, st.SearchStrategy[object]]] = {
    "INT64": _NUMBERS,
    "STRING": _WORDS,
    "DATE": st.dates(date(2026, 1, 29), date(2026, 2, 2)),
    "ARRAY<INT64>": st.lists(_NUMBERS, max_size=5),
}
"""Values of the types that answers should have."""
