"""Who looks after a processor and what runs it, as labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.metrics.samples import label_text

if TYPE_CHECKING:
    from exporter.config.care import Care


def owner_labels(pipeline: str, phase: str, processor: str, care: Care) -> str:
    """The labels of a processor's series."""
    # Prometheus renames a label `job`, which is its own.
    return label_text(
        pipeline=pipeline,
        phase=phase,
        processor=processor,
        owner=care.owner or "",
        runs_in=str(care.runs_in or ""),
        logs=care.log_link or "",
    )
