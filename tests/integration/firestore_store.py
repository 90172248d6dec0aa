"""The Firestore adapter as the tests of it use it."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING

import pytest

from exporter.metrics.telemetry import Telemetry
from exporter.model import Document, DocumentId
from exporter.sources.firestore import FirestoreStore
from exporter.sources.ports import Deadline, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator


PROJECT = "nba-props-platform"
SUNDAY = date(2026, 2, 1)
PHASE3 = DocumentId("phase3_completion", SUNDAY)


@contextmanager
def store_at(address: str | None, telemetry: Telemetry | None = None) -> Iterator[FirestoreStore]:
    store = FirestoreStore(project=PROJECT, database="(default)", telemetry=telemetry or Telemetry(), endpoint=address)
    try:
        yield store
    finally:
        store.close()


def read(store: FirestoreStore, *ids: DocumentId, seconds: float = 30) -> list[Document]:
    found = store.documents(ids or (PHASE3,), Deadline(seconds))
    return [found[wanted] for wanted in ids or (PHASE3,)]


def refused(store: FirestoreStore, *, seconds: float = 30) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(store, seconds=seconds)
    assert "\n" not in caught.value.detail
    return caught.value
