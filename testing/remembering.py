"""A memory with a document of three entries to read into it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from exporter.config.resolved import LedgerConfig
from exporter.memory.documents import Memory
from exporter.metrics.telemetry import Telemetry
from exporter.model import Document, DocumentId
from exporter.sources.documents import read_entry
from testing.builders import DAY, on
from testing.ledger_victim import content

if TYPE_CHECKING:
    from pathlib import Path

KEY: Final = DocumentId("phase3_completion", DAY)
NAMES: Final = ("a", "b", "c")
HOUR: Final = timedelta(hours=1)
KEEP: Final = timedelta(days=35)


def document(*numbers: int, at: str = "15:00") -> Document:
    """A document with the entries a, b, c that carry these numbers."""
    contents = {name: content(number) for name, number in zip(NAMES, numbers, strict=False)}
    entries = {name: read_entry(value) for name, value in contents.items()}
    return Document(entries=entries, contents=contents, create_time=on("06:00"), update_time=on(at))


def remember(memory: Memory, read: Document, at: str) -> None:
    """The memory reads this document."""
    memory.observe({KEY: read}, NAMES, on(at), longest_gap=HOUR, everything=True)


def opened(path: Path, telemetry: Telemetry | None = None, *, read_only: bool = False) -> Memory:
    """A memory with its ledger there."""
    return Memory(LedgerConfig(str(path), KEEP), telemetry or Telemetry(), read_only=read_only)
