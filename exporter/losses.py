"""Entries that were seen in a document and are gone while it lives on: what successive readings prove.

A document that is deleted, made anew (another creation time) or emptied at once was reset on purpose: nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exporter.model import Loss

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from exporter.model import Document, DocumentId, Entry


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of one document so far."""

    create_time: datetime | None
    entries: Mapping[str, Entry] = field(default_factory=dict)
    seen_at: datetime | None = None
    losses: Mapping[str, Loss] = field(default_factory=dict)


def watch(
    before: Mapping[DocumentId, Watched],
    documents: Mapping[DocumentId, Document],
    names: Collection[str],
    now: datetime,
) -> dict[DocumentId, Watched]:
    """Compare a new reading of the documents with what was seen before; only entries of `names` are followed.

    Documents that are no longer read are forgotten.
    """
    return {key: _step(before.get(key), document, names, now) for key, document in documents.items()}


def _step(before: Watched | None, document: Document, names: Collection[str], now: datetime) -> Watched:
    entries = {name: entry for name, entry in document.entries.items() if name in names}
    fresh = Watched(document.create_time, entries, now)
    if before is None or before.seen_at is None or not entries:
        return fresh
    if before.create_time and document.create_time and before.create_time != document.create_time:
        return fresh
    losses = {name: loss for name, loss in before.losses.items() if name not in entries}
    for name, entry in before.entries.items():
        if name not in entries:
            losses[name] = Loss(entry=entry, last_seen_at=before.seen_at, missed_at=now)
    return replace(fresh, losses=losses)
