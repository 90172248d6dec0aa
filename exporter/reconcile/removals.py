"""How entries were removed from a document, in words; and which were restored, which no verdict shows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from exporter.model import LOST, Overwritten, RemovalKind, Since
from exporter.reconcile.hints import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from exporter.model import Removal, Watched

MOST: Final = 10
"""The most removals of one document that are reported. The metric counts all, and the ledger names them."""

HOW: Final = {
    RemovalKind.BLIND_OVERWRITE: "a write that knew nothing of the other entries replaced them",
    RemovalKind.STALE_WRITE: "a write of a stale copy took away what had come since it was read",
    RemovalKind.UNEXPLAINED: "neither a blind nor a stale write takes away just this",
    RemovalKind.RESET: "the document was reset",
    RemovalKind.EXPIRED: "the document expired",
    RemovalKind.EDITED: "it was made by hand and taken away by hand",
    RemovalKind.UNWATCHED: "nobody watched in between: it was overwritten, or the document was reset",
}
"""How an entry was removed, in words."""

NEWS: Final = timedelta(hours=1)
"""How long after its loss an overwritten entry is still reported."""

MEND: Final = "mend what wrote it: the next time nobody may write the entry again"


def writes(removal: Removal, now: datetime) -> Iterator[str]:
    """The write that removed the entry, if it is known."""
    if removal.missed_update_time is not None:
        also = f"which changed {', '.join(removal.coincided)}" if removal.coincided else "which changed nothing else"
        yield f"the write at {moment(removal.missed_update_time, now)} took it away, {also}"


def overwritten(watched: Watched | None, now: datetime) -> tuple[Overwritten, ...]:
    """Every entry that was lost and restored, the last loss first."""
    if watched is None:
        return ()
    found = [
        _overwritten(removal, _back_at(watched, number), now)
        for number, removal in enumerate(watched.removals)
        if removal.kind in LOST and removal.name in watched.entries
    ]
    return tuple(reversed(found[-MOST:]))


def _back_at(watched: Watched, number: int) -> datetime:
    """When the entry of this removal was restored. It can have been replaced, or lost again, since then."""
    name = watched.removals[number].name
    later = [removal.sighting for removal in watched.removals[number + 1 :] if removal.name == name]
    return min(sighting.first_seen_at for sighting in (watched.entries[name], *later))


def _overwritten(removal: Removal, back_at: datetime, now: datetime) -> Overwritten:
    there, gone = moment(removal.last_seen_at, now), moment(removal.missed_at, now)
    parts = (
        f"{removal.name}: its entry was there at {there} and gone at {gone}: {HOW[removal.kind]}",
        *writes(removal, now),
        f"it is restored since {moment(back_at, now)}",
        MEND,
    )
    return Overwritten(
        processor=removal.name,
        kind=removal.kind,
        last_seen_at=removal.last_seen_at,
        missed_at=removal.missed_at,
        back_at=back_at,
        text="; ".join(parts),
    )


def lately(found: Iterable[Overwritten], now: datetime) -> set[str]:
    """The processors whose entry was lost within the last hour and is restored."""
    return {one.processor for one in found if now - one.missed_at < NEWS}


def last_reset(watched: Watched | None) -> datetime | None:
    """When the document was last found to be reset."""
    found = (one.missed_at for one in watched.removals if one.kind is RemovalKind.RESET) if watched else ()
    return max(found, default=None)


def last_entry(watched: Watched | None) -> datetime | None:
    """When the newest of the entries that are there was first seen."""
    return max((seen.first_seen_at for seen in watched.entries.values()), default=None) if watched else None


def last_overwritten(found: Iterable[Overwritten]) -> Since:
    """When the last of these was lost. Raises ValueError for none."""
    last = max(found, key=lambda one: one.missed_at)
    return Since(last.missed_at, after=last.last_seen_at)
