"""Reads files that users name: bounded in size and time, also where the name leads to a pipe or a device."""

from __future__ import annotations

import errno
import os
import select
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

SECONDS: Final = 10.0
"""How long a pipe may take: its writer, such as a program that decrypts, may have to be waited for."""

MOST_BYTES: Final = 64 * 1024 * 1024
"""By default; the largest incident files have some megabytes."""


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """The content of a file or a pipe. Raises OSError, whose `strerror` also says that it is too large or too slow."""
    pieces, size, end = list[bytes](), 0, time.monotonic() + SECONDS
    # Without O_NONBLOCK, opening a pipe waits for a writer for ever.
    with open(path, "rb", buffering=0, opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
        ready = select.poll()
        ready.register(stream, select.POLLIN)
        while size <= most:
            if not ready.poll(max(0.0, 1000 * (end - time.monotonic()))):
                raise OSError(errno.ETIMEDOUT, f"nothing was written into this pipe for {SECONDS:g} s", str(path))
            piece = stream.read(1024 * 1024)
            if piece == b"":
                return b"".join(pieces)
            pieces.append(piece or b"")
            size += len(piece or b"")
    raise OSError(errno.EFBIG, f"is larger than {most} bytes", str(path))


def read_text_file(path: Path) -> str:
    """Its content as UTF-8. Raises OSError and UnicodeDecodeError."""
    return read_file(path).decode("utf-8")
