"""Text in pieces, compressed in segments that are used again."""

from __future__ import annotations

import gzip
import random
import zlib

from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.packing import SEGMENT, Packed, Packer

PIECES = st.lists(
    st.lists(st.sampled_from([b"", b"a", b"orchestration_phase_entries 5\n" * 40]), max_size=5), max_size=6
)


def unpacked(packed: Packed) -> bytes:
    end = b"\x01\x00\x00\xff\xff" + packed.crc32.to_bytes(4, "little") + packed.size.to_bytes(4, "little")
    return gzip.decompress(packed.data + end)


def large(seed: int, pieces: int = 40) -> list[bytes]:
    chosen = random.Random(seed)  # noqa: S311 - the same pieces each time
    return [bytes(chosen.choices(b"0123456789", k=chosen.randrange(9_000, 11_000))) for _ in range(pieces)]


@given(parts=PIECES)
def test_a_text_in_pieces_is_a_gzip_file_of_the_whole(parts: list[list[bytes]]) -> None:
    text = b"".join(piece for part in parts for piece in part)

    packed = Packer().pack(parts)

    assert (packed.size, packed.crc32) == (len(text), zlib.crc32(text))
    assert unpacked(packed) == text


def test_large_parts_and_small_ones_come_out_in_their_order() -> None:
    parts = [[b"head\n"], large(1), [b"a", b"b"], large(2), [b"head\n"]]

    assert unpacked(Packer().pack(parts)) == b"".join(piece for part in parts for piece in part)


def test_only_the_segment_of_a_piece_that_changed_is_compressed_again() -> None:
    parts, packer = [[b"head\n"], large(1), large(2)], Packer()
    packer.pack(parts)
    before = packer.segments

    parts[1][7] = b"another piece, which is much shorter"
    packed = packer.pack(parts)

    assert sum(one not in before for one in packer.segments) == 1
    assert packed.data == Packer().pack(parts).data
    assert all(segment.size < 3 * SEGMENT for segment in packer.segments)
