"""How this process is set up for a long life: its garbage collector and its memory."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_LARGE_BYTES: Final = 128 * 1024
_YOUNG_OBJECTS: Final = 20_000
"""New objects until the garbage collector looks at them (Python's default: 700)."""


def settle() -> None:
    """Set this process up for a long life, once all that stays is there: modules, configuration, the server.

    Full garbage collections leave alone what is there now, and young ones come more rarely than by default. Both would
    stop every thread, scrapes included, for as long as they take, and find next to nothing: what a collection of ours
    makes has no cycles.

    Large blocks go back to the system when they are freed. glibc begins so and then learns from the sizes that it
    sees: after a few expositions of some MiB, each thread that rendered one would keep its size for the next.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS)
    with suppress(OSError, AttributeError):  # another C library has no such call
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
