"""Compresses text that is made of pieces, and compresses again only the segments of which a piece has changed.

A gzip file is a head, deflate blocks, and a checksum of the text. A segment of the text is compressed by itself and
ends with a full flush, after which no block refers to what was before it, so segments can be put together. The checksum
of two texts together follows from their checksums and the second one's length (zlib's `crc32_combine`).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from itertools import chain
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
    """Some pieces in a row, compressed, and what the checksum of a text needs to go on over them.

    `key`: the identities of the pieces, which are kept, so that no other object has one of them. `parts`: the segments
    that it was joined from, if it was.
    """

    key: tuple[int, ...]
    pieces: tuple[bytes, ...]
    packed: Sequence[bytes]
    size: int
    crc32: int
    moved: int
    parts: Sequence[Segment] = ()

    @classmethod
    def of(cls, key: tuple[int, ...], pieces: tuple[bytes, ...]) -> Segment:
        """Compress these pieces."""
        compressor = zlib.compressobj(_COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
        packed, size, checksum = [], 0, 0
        for piece in pieces:
            packed.append(compressor.compress(piece))
            size, checksum = size + len(piece), zlib.crc32(piece, checksum)
        packed.append(compressor.flush(zlib.Z_FULL_FLUSH))
        return cls(key, pieces, [b"".join(packed)], size, checksum, _moved_by(size))

    @classmethod
    def joined(cls, key: tuple[int, ...], pieces: tuple[bytes, ...], parts: Sequence[Segment]) -> Segment:
        """These segments, one after the other."""
        size, checksum = 0, 0
        for one in parts:
            size, checksum = size + one.size, _times(one.moved, checksum) ^ one.crc32
        packed = [*chain.from_iterable(one.packed for one in parts)]
        return cls(key, pieces, packed, size, checksum, _moved_by(size), parts)


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
        self._kept: Sequence[Segment] = ()

    @property
    def segments(self) -> list[Segment]:
        """Those of the last text that were compressed by themselves."""
        return [segment for one in self._kept for segment in one.parts or [one]]

    def pack(self, parts: Sequence[Sequence[bytes]]) -> Packed:
        """Compress the parts of a text, each in its pieces. A piece is the same as before if it is the same object."""
        kept = {one.key: one for run in self._kept for one in (run, *run.parts)}

        def segment(pieces: tuple[bytes, ...], several: int) -> Segment:
            key = tuple(map(id, pieces))
            if (before := kept.get(key)) is not None:
                return before
            if len(pieces) <= several:
                return Segment.of(key, pieces)
            each = (pieces[start : start + several] for start in range(0, len(pieces), several))
            return Segment.joined(key, pieces, [segment(some, several) for some in each])

        self._kept = [segment(tuple(pieces), several) for pieces, several in _runs(parts)]
        text = Segment.joined((), (), self._kept)
        return Packed(b"".join([HEAD, *text.packed]), text.size, text.crc32)


def _runs(parts: Sequence[Sequence[bytes]]) -> Iterator[tuple[Sequence[bytes], int]]:
    """Pieces in a row, and how many of them make a segment: small parts together in one, each large part by itself.

    The number does not depend on the size of any single piece.
    """
    run: list[bytes] = []
    size = 0
    for part in parts:
        length = sum(map(len, part))
        if length >= SEGMENT or size + length >= SEGMENT:
            if run:
                yield run, len(run)
            run, size = [], 0
        if length < SEGMENT:
            run, size = [*run, *part], size + length
            continue
        yield part, 1 << max(0, (SEGMENT * len(part) // length).bit_length() - 1)
    if run:
        yield run, len(run)


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
