"""Renders samples as bytes: the text formats of Prometheus (0.0.4) and OpenMetrics (1.0.0).

A scrape only copies bytes: the report, which is the large part, is rendered when it changes (`render`), plain and
compressed. The two formats differ only in the names of counters and in the closing `# EOF`. The report has only gauges,
so the same bytes serve both. The exporter's own series are few, change between reports and include counters:
`render_live` renders them at each scrape, as the end of the exposition.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from typing import TYPE_CHECKING

from exporter.metrics.packing import Packer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.metrics.samples import Family, Sample, Samples

_CHUNK = 2048
"""Samples rendered at a time. Other threads, such as a scrape, can run between two chunks."""

_STORED_BLOCK = 0xFFFF
_EOF = b"# EOF\n"

_SMALL = {float(number): str(number) for number in range(1024)}
"""The texts of flags and small counts, which most values are. A look-up costs a fifth of formatting."""

_EXACT = 2**53
_HELP_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': "'"})
"""A quote reads differently in the two formats (`"` and `\\"`), so a help text has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Rendered:
    """A report as it is served, plain and compressed; `series` is the number of its samples.

    `gzip_open` is a gzip file without its end: `gzip_end` closes it, over whatever bytes come after `plain`. That makes
    one member of the two parts, which every client reads; some stop after the first member of two.
    """

    pieces: Sequence[bytes]
    gzip_open: bytes
    series: int
    size: int
    crc32: int

    @classmethod
    def of(cls, families: Sequence[Sequence[bytes]], series: int, packer: Packer) -> Rendered:
        """These families, each in its pieces."""
        packed = packer.pack(families)
        return cls([*chain.from_iterable(families)], packed.data, series, packed.size, packed.crc32)

    @property
    def plain(self) -> bytes:
        """The text itself."""
        return b"".join(self.pieces)

    def gzip_end(self, live: bytes = b"") -> bytes:
        """The rest of the gzip file: `live` (stored as it is: small, and a scrape waits for it) and the checksum."""
        pieces = [
            b"\x00" + len(piece).to_bytes(2, "little") + (len(piece) ^ 0xFFFF).to_bytes(2, "little") + piece
            for piece in (live[start : start + _STORED_BLOCK] for start in range(0, len(live), _STORED_BLOCK))
        ]
        size = (self.size + len(live)) & 0xFFFFFFFF
        trailer = zlib.crc32(live, self.crc32).to_bytes(4, "little") + size.to_bytes(4, "little")
        return b"".join([*pieces, b"\x01\x00\x00\xff\xff", trailer])


def render(samples: Samples) -> Rendered:
    """The report's families, in both formats at once.

    Linear in the number of samples; next to the result it needs a few chunks of memory. Characters that UTF-8 cannot
    express become `?`. Raises ValueError for a counter: the formats name it differently, it belongs to the live part.
    """
    families = [[header(family), *_chunks(family, values)] for family, values in samples.items()]
    return Rendered.of(families, sum(map(len, samples.values())), Packer())


def render_live(samples: Samples, *, openmetrics: bool) -> bytes:
    """The last families of an exposition, with the end mark that OpenMetrics requires."""
    families = (
        [_header(family, openmetrics=openmetrics), *_chunks(family, values)] for family, values in samples.items()
    )
    body = b"".join(chain.from_iterable(families))
    return body + _EOF if openmetrics else body


def header(family: Family) -> bytes:
    """What comes before the family's samples in both formats, always as the same object. Raises ValueError."""
    if family.kind == "counter":
        raise ValueError(f"{family.name} is a counter, which the two formats name differently")
    return _header(family, openmetrics=False)


def lines(family: Family, samples: Sequence[Sample]) -> bytes:
    """One line for each of the family's samples."""
    return b"".join(_chunks(family, samples))


def _chunks(family: Family, values: Sequence[Sample]) -> Iterator[bytes]:
    """The lines in pieces of bounded size."""
    rest = iter(values)
    while chunk := tuple(islice(rest, _CHUNK)):
        yield "".join(_lines(family.name, chunk)).encode("utf-8", "replace")


@cache
def _header(family: Family, *, openmetrics: bool) -> bytes:
    name = family.name.removesuffix("_total") if openmetrics and family.kind == "counter" else family.name
    described = f"# HELP {name} {family.help.translate(_HELP_ESCAPES)}\n"
    # No TYPE line means unknown in both formats, which have different words for it.
    text = described if family.kind == "unknown" else f"{described}# TYPE {name} {family.kind}\n"
    return text.encode("utf-8", "replace")


def _lines(name: str, samples: Sequence[Sample]) -> list[str]:
    known = _SMALL.get
    return [
        f"{name}{{{labels}}} {known(value) or number(value)}\n"
        if labels
        else f"{name} {known(value) or number(value)}\n"
        for labels, value in samples
    ]


def number(value: float) -> str:
    """A value as both formats write it: whole numbers without a fraction, the rest as Python reads it back exactly."""
    if -_EXACT < value < _EXACT:
        whole = int(value)
        return str(whole) if value == whole else repr(float(value))
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(float(value))
