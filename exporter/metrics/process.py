"""The metrics of this process, as prometheus_client reads them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import ProcessCollector

from exporter.metrics.samples import Family

if TYPE_CHECKING:
    from exporter.metrics.samples import Kind, Sample, Samples

MAX_AGE_SECONDS = 1.0


class ProcessMetrics:
    """The `process_...` families, read at most once a second however often they are asked for."""

    def __init__(self) -> None:
        self._collector = ProcessCollector(registry=None)
        self._families: dict[str, Family] = {}
        self._samples: Samples = {}
        self._read_at = -MAX_AGE_SECONDS

    def samples(self) -> Samples:
        """The newest samples; the same object until they are read again."""
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
