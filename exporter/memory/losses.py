"""Judges how entries were removed from a document, by what successive readings prove (docs/losses.md).

Pure: takes the memory and a new reading, and returns the new memory. A document that is deleted, created again (with
another creation time), emptied at once or started again by a rerun was reset on purpose, so nothing is lost by it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.model import LIFETIME, Removal, RemovalKind, Sighting, Watched

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime, timedelta

    from exporter.model import Document, DocumentId

KEPT = 100
"""The most removals remembered for one document, besides the undecided ones; the oldest are forgotten first."""

CLOSING = frozenset({RemovalKind.RESET, RemovalKind.EXPIRED})


def watch(
    before: Mapping[DocumentId, Watched],
    documents: Mapping[DocumentId, Document],
    names: Collection[str],
    now: datetime,
    *,
    longest_gap: timedelta,
) -> dict[DocumentId, Watched]:
    """The memory of these documents after this reading. Only entries of `names` are followed.

    `longest_gap`: after a longer pause between two readings, little is known about what happened in between.
    """
    return {key: _step(key, before.get(key), document, names, now, longest_gap) for key, document in documents.items()}


def newer(known: Document | None, document: Document) -> Document:
    """The later of a known document and a new reading of it. One reading can overtake another."""
    return known if known is not None and _older(document.read_time, known.read_time) else document


def _step(
    key: DocumentId,
    before: Watched | None,
    document: Document,
    names: Collection[str],
    now: datetime,
    longest_gap: timedelta,
) -> Watched:
    if before is not None and _older(document.read_time, before.read_time):
        return before
    if before is not None and before.exists and document.exists and _same_version(before, document):
        return replace(before, read_time=document.read_time, seen_at=now)
    after = Watched(
        exists=document.exists,
        create_time=document.create_time,
        update_time=document.update_time,
        read_time=document.read_time,
        first_seen_at=before.first_seen_at if before else now,
        seen_at=now,
        entries=_sightings(before, document, names, now),
        metadata={name: content for name, content in document.contents.items() if name not in document.entries},
    )
    return after if before is None else replace(after, removals=_all_removals(key, before, after, longest_gap))


def joined(key: DocumentId, earlier: Watched, later: Watched, longest_gap: timedelta) -> Watched:
    """Join two memories of one document, of which the later may have begun without knowing the earlier.

    Entries that were removed between the two are judged as between two readings, but which write removed them is
    unknown.
    """
    if later.first_seen_at <= earlier.seen_at:
        return later
    told = {removal.name for removal in later.removals}
    entries = {
        name: known if (known := earlier.entries.get(name)) and _alike(known, seen) and name not in told else seen
        for name, seen in later.entries.items()
    }
    begun = later.first_seen_at
    first = replace(later, entries=entries, seen_at=begun, update_time=None)
    before = [
        removal
        for removal in _all_removals(key, earlier, first, longest_gap)
        if removal.missed_at < begun or removal.name not in told
    ]
    removals = _bounded([*before, *later.removals])
    return replace(later, entries=entries, first_seen_at=earlier.first_seen_at, removals=removals)


def _all_removals(key: DocumentId, before: Watched, after: Watched, longest_gap: timedelta) -> tuple[Removal, ...]:
    """The earlier removals, decided where this step decides them, and the removals of this step."""
    removals = list(_removals(key, before, after, longest_gap))
    begun_again = (
        not after.entries or _created_again(before, after) or any(removal.kind in CLOSING for removal in removals)
    )
    earlier = [
        replace(removal, ended_at=after.seen_at)
        if removal.ended_at is None and (begun_again or removal.name in after.entries)
        else removal
        for removal in before.removals
    ]
    return _bounded([*earlier, *removals])


def _alike(one: Sighting, other: Sighting) -> bool:
    return (one.entry, one.content) == (other.entry, other.content)


def _bounded(removals: Sequence[Removal]) -> tuple[Removal, ...]:
    surplus = len(removals) - KEPT
    ended = [removal for removal in removals if removal.ended_at is not None]
    dropped = {id(removal) for removal in ended[: max(0, surplus)]}
    return tuple(removal for removal in removals if id(removal) not in dropped)


def _older(one: datetime | None, other: datetime | None) -> bool:
    return one is not None and other is not None and one < other


def _same_version(before: Watched, document: Document) -> bool:
    return before.update_time is not None and (before.create_time, before.update_time) == (
        document.create_time,
        document.update_time,
    )


def _created_again(before: Watched, after: Watched) -> bool:
    return bool(before.create_time and after.create_time and before.create_time != after.create_time)


def _sightings(
    before: Watched | None, document: Document, names: Collection[str], now: datetime
) -> Mapping[str, Sighting]:
    known = before.entries if before else {}
    found = {}
    for name, entry in document.entries.items():
        if name in names:
            content, seen = document.contents.get(name, b""), known.get(name)
            same = seen is not None and (seen.entry, seen.content) == (entry, content)
            found[name] = seen if seen and same else Sighting(entry, content, now, document.update_time)
    new = [name for name in found if found[name] is not known.get(name)]
    if before is not None and len(new) == 1:
        # Of several entries that arrived between two readings, only one can have come with the newest write.
        found[new[0]] = replace(found[new[0]], written_at=document.update_time)
    return found


def _removals(key: DocumentId, before: Watched, after: Watched, longest_gap: timedelta) -> Iterator[Removal]:
    """Every entry that this step removed, or replaced by a newer one of the same name."""
    changed = [name for name, seen in after.entries.items() if not _stayed(before, name, seen)]
    metadata = [name for name in sorted(after.metadata) if before.metadata.get(name) != after.metadata[name]]
    gone = [name for name in before.entries if name not in after.entries]
    kinds = dict.fromkeys((name for name in changed if name in before.entries), RemovalKind.REPLACED)
    if gone:
        kinds.update(_kinds(key, before, after, gone, longest_gap))
    for name, kind in kinds.items():
        yield Removal(
            name=name,
            kind=kind,
            sighting=before.entries[name],
            last_seen_at=before.seen_at,
            missed_at=after.seen_at,
            seen_update_time=before.update_time,
            missed_update_time=after.update_time,
            coincided=(*changed, *metadata),
            ended_at=after.seen_at if kind in CLOSING or kind is RemovalKind.REPLACED else None,
        )


def _stayed(before: Watched, name: str, seen: Sighting) -> bool:
    """Whether the entry is as it was. Most are the very same object, which a comparison by value does not ask first."""
    known = before.entries.get(name)
    return known is seen or known == seen


def _kinds(
    key: DocumentId, before: Watched, after: Watched, gone: Collection[str], longest_gap: timedelta
) -> Mapping[str, RemovalKind]:
    if not after.exists:
        expired = after.seen_at.date() - key.run_date >= LIFETIME
        return dict.fromkeys(gone, RemovalKind.EXPIRED if expired else RemovalKind.RESET)
    if _created_again(before, after) or not after.entries:
        return dict.fromkeys(gone, RemovalKind.RESET)
    stayed = [seen for name, seen in after.entries.items() if _stayed(before, name, seen)]
    of_all = None if stayed else _of_all(before, after, longest_gap)
    if of_all is RemovalKind.RESET:
        return dict.fromkeys(gone, of_all)
    return {
        # A person added it by hand and may remove it by hand: between two readings that looks like an overwrite.
        name: RemovalKind.EDITED
        if before.entries[name].entry.manual
        else of_all or _of_one(before.entries[name], before, after, stayed)
        for name in gone
    }


def _of_all(before: Watched, after: Watched, longest_gap: timedelta) -> RemovalKind:
    """No entry stayed, and another one is there: a write that did not know the others, or a fresh start."""
    if _put_back(before, after):
        return RemovalKind.STALE_WRITE
    if any(name in before.entries for name in after.entries):
        # The processor that registered first is first again: a rerun. Its blind overwrite would look the same.
        return RemovalKind.RESET
    # If the clock was set back in between, the length of the pause is unknown.
    if abs(after.seen_at - before.seen_at) > longest_gap:
        return RemovalKind.UNWATCHED
    return RemovalKind.BLIND_OVERWRITE


def _put_back(before: Watched, after: Watched) -> bool:
    """Whether an entry has an earlier value again, so that its writer must have held an old copy."""
    return any(
        seen is not None and _alike(seen, removal.sighting)
        for removal in before.removals
        if after.entries.get(removal.name) != before.entries.get(removal.name)
        for seen in (after.entries.get(removal.name),)
    )


def _of_one(gone: Sighting, before: Watched, after: Watched, stayed: Collection[Sighting]) -> RemovalKind:
    """Some entries stayed, so the document was not started again. The removed ones tell which kind of write it was."""
    newest = _latest(seen.at for seen in stayed)
    if newest is None or gone.at is None:
        return RemovalKind.UNEXPLAINED
    if gone.at >= newest:
        # Entries from before the writer's read are there; those between its read and its write are not.
        return RemovalKind.STALE_WRITE
    # The same entry was written twice: the message that triggers the write can be delivered twice.
    again = len(stayed) == len(after.entries) == 1 and len(before.entries) > 1
    return RemovalKind.BLIND_OVERWRITE if again else RemovalKind.UNEXPLAINED


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    known = list(moments)
    return None if None in known else max((moment for moment in known if moment is not None), default=None)
