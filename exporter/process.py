"""This process: its metrics as prometheus_client reads them, its way with memory, and how it hears signals."""

from __future__ import annotations

import ctypes
import gc
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from prometheus_client import ProcessCollector

from exporter.samples import Family

if TYPE_CHECKING:
    from exporter.samples import Kind, Sample, Samples

MAX_AGE_SECONDS = 1.0

AWAKE_SECONDS: Final = 0.5
"""How long the main thread waits at a time, whatever it waits for. Signal handlers run on it alone, and a signal that
another thread was given, or that came just before the main thread began to wait, does not wake it."""

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


class ProcessMetrics:
    """The `process_...` families, read at most once a second however often they are asked for."""

    def __init__(self) -> None:
        self._collector = ProcessCollector(registry=None)
        self._families: dict[str, Family] = {}
        self._samples: Samples = {}
        self._read_at = -MAX_AGE_SECONDS

    def samples(self) -> Samples:
        """The newest samples; the same object until they are read anew."""
        now = time.monotonic()
        if now - self._read_at >= MAX_AGE_SECONDS:
            self._samples, self._read_at = self._read(), now
        return self._samples

    def _read(self) -> Samples:
        out: dict[Family, list[Sample]] = {}
        for metric in self._collector.collect():
            for sample in metric.samples:
                kind: Kind = "counter" if metric.type == "counter" else "gauge"
                family = self._families.setdefault(
                    sample.name, Family(sample.name, kind, metric.documentation, tuple(sample.labels))
                )
                out.setdefault(family, []).append(("", sample.value))
        return out
