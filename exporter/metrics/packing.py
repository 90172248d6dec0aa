"""Compresses text that is made of pieces, and compresses again only the segments of which a piece has changed.

A gzip file is a head, deflate blocks, and a checksum of the text. A segment of the text is compressed by itself and
ends with a full flush, after which no block refers to what was before it, so segments can be put together. The checksum
of two texts together follows from their checksums and the second one's length (zlib's `crc32_combine`).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HEAD: Final = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 4, 255))
"""No name, no time (the same text gives the same bytes), fastest algorithm, system unknown (RFC 1952)."""

SEGMENT: Final = 1 << 16
"""About how many bytes of text are compressed together: enough to compress well, few enough to compress again."""

_COMPRESSION: Final = 1
_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 1 << 31
"""The polynomial 1. The coefficients of a CRC are reflected: the lowest is its highest bit."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Some pieces in a row, compressed, and what the checksum of a text needs to go on over them."""

    pieces: Sequence[bytes]
    packed: bytes
    size: int
    crc32: int
    moved: int

    @classmethod
    def of(cls, pieces: Sequence[bytes]) -> Segment:
        """Compress these pieces. They are kept, so that no other object has the identity of one of them."""
        compressor = zlib.compressobj(_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed, size, checksum = [], 0, 0
        for piece in pieces:
            packed.append(compressor.compress(piece))
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
        packed.append(compressor.flush(zlib.Z_FULL_FLUSH))
        return cls(pieces, b"".join(packed), size, checksum, _moved_by(size))

    def after(self, checksum: int) -> int:
        """The checksum of a text with this checksum and the segment together."""
        return _times(self.moved, checksum) ^ self.crc32


@dataclass(frozen=True, slots=True)
class Packed:
    """A gzip file without its end, and the text's size and checksum for that end."""

    data: bytes
    size: int
    crc32: int


class Packer:
    """Compresses one text after another, and keeps the segments of the last one."""

    def __init__(self) -> None:
        """Nothing was compressed yet."""
        self._kept: dict[tuple[int, ...], Segment] = {}

    @property
    def segments(self) -> list[Segment]:
        """Those of the last text."""
        return [*self._kept.values()]

    def pack(self, parts: Sequence[Sequence[bytes]]) -> Packed:
        """Compress the parts of a text, each in its pieces. A piece is the same as before if it is the same object."""
        used: dict[tuple[int, ...], Segment] = {}
        packed, size, checksum = [HEAD], 0, 0
        for pieces in _in_segments(parts):
            key = tuple(map(id, pieces))
            segment = used[key] = self._kept.get(key) or Segment.of(pieces)
            packed.append(segment.packed)
            size, checksum = size + segment.size, segment.after(checksum)
        self._kept = used
        return Packed(b"".join(packed), size, checksum)


def _in_segments(parts: Sequence[Sequence[bytes]]) -> Iterator[Sequence[bytes]]:
    """Small parts together, large ones by a number of pieces that does not depend on the size of any single one."""
    run: list[bytes] = []
    size = 0
    for part in parts:
        length = sum(map(len, part))
        if length >= SEGMENT or size + length >= SEGMENT:
            if run:
                yield run
            run, size = [], 0
        if length < SEGMENT:
            run, size = [*run, *part], size + length
            continue
        several = 1 << max(0, (SEGMENT * len(part) // length).bit_length() - 1)
        yield from (part[start : start + several] for start in range(0, len(part), several))
    if run:
        yield run


def _times(one: int, other: int) -> int:
    """The product of two polynomials over GF(2), modulo that of the CRC."""
    product, bit = 0, _ONE
    while one:
        if one & bit:
            product ^= other
            one ^= bit
        bit >>= 1
        other = other >> 1 ^ _POLYNOMIAL if other & 1 else other >> 1
    return product


@cache
def _squared(times: int) -> int:
    """The polynomial `x` to the power of 2 to the power of `times`."""
    return _ONE >> 1 if times == 0 else _times(_squared(times - 1), _squared(times - 1))


def _moved_by(length: int) -> int:
    """The polynomial that moves a checksum over so many bytes of zeros: x to the power of their bits."""
    moved, times = _ONE, 3
    while length:
        if length & 1:
            moved = _times(_squared(times), moved)
        length, times = length >> 1, times + 1
    return moved
