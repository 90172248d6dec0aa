"""Treats a value that went missing as unknown until a later reading confirms it (docs/verdicts.md, "Unknown").

A table can be emptied and loaded again, or a document deleted and rewritten, and one reading in between proves nothing.
So each value is compared with the last one that counted. A smaller value does not count until enough readings, over
enough time, have found no more. The collector that found it runs again soon.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar

from exporter.model import Doubt, Matter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Patience:
    """How many readings (the first included) and how much time it takes until a smaller value counts."""

    readings: int
    after: timedelta


FIRESTORE: Final = Patience(2, timedelta(seconds=30))
WAREHOUSE: Final = Patience(2, timedelta(minutes=3))
"""For tables, which are reloaded within minutes."""
NO_UNITS: Final = Patience(3, timedelta(minutes=5))
"""For calendars. Nothing at all is expected on a date without units, so one more reading is not enough."""

USUAL: Final[Mapping[Matter, Patience]] = {
    matter: FIRESTORE if matter in {Matter.DOCUMENT, Matter.HEARTBEAT} else WAREHOUSE for matter in Matter
}
LONGEST: Final = 5
"""A smaller value counts after this many readings, even if each of them found more than the one before."""
KEPT: Final = timedelta(days=1)
"""How long a value is remembered after its last reading: its table cannot be read, or its date is no longer needed."""


class Settling:
    """The values that one process has read so far, by matter. After a restart the first reading counts as it is."""

    def __init__(self) -> None:
        self._counting: dict[Matter, dict[object, tuple[int, datetime]]] = {matter: {} for matter in Matter}
        self._doubts: dict[Matter, dict[object, Doubt]] = {matter: {} for matter in Matter}

    def go_on_from(self, before: Settling, keeps: Callable[[Matter, Any], bool]) -> None:
        """Copy the values of another one for which `keeps` says that they are read in the same way."""
        for matter in Matter:
            self._counting[matter] = _those(before._counting[matter], matter, keeps)
            self._doubts[matter] = _those(before._doubts[matter], matter, keeps)

    @property
    def doubts(self) -> Mapping[tuple[Matter, object], Doubt]:
        """The values that do not count at this moment."""
        return {(matter, key): doubt for matter, found in self._doubts.items() for key, doubt in found.items()}

    def hold(self, matter: Matter, sizes: Mapping[K, int], now: datetime) -> frozenset[K]:
        """Store a reading (how much there is of each value). Returns the values that do not count yet."""
        counting, doubts = dict(self._counting[matter]), dict(self._doubts[matter])
        for key, size in sizes.items():
            doubt = _doubt(counting.get(key), doubts.pop(key, None), size, now)
            if doubt is None or _settled(matter, doubt, now):
                counting[key] = size, now
            else:
                doubts[key] = doubt
        for gone in [key for key, (_, at) in counting.items() if abs(now - at) > KEPT and key not in sizes]:
            del counting[gone]
            doubts.pop(gone, None)
        self._counting[matter], self._doubts[matter] = counting, doubts
        return frozenset(key for key in sizes if key in doubts)

    def repeat_at(self, matters: Collection[Matter]) -> datetime | None:
        """When the collector of these matters has to read them again before its turn: once for each value in doubt.

        A reading before that, such as one just after a deadline, does not settle it. The latest time counts: an earlier
        one was used already, or belongs to a value that is no longer read.
        """
        moments = (doubt.since + USUAL[matter].after for matter in matters for doubt in self._doubts[matter].values())
        return max(moments, default=None)


def _those(values: Mapping[object, V], matter: Matter, keeps: Callable[[Matter, Any], bool]) -> dict[object, V]:
    return {key: value for key, value in values.items() if keeps(matter, key)}


def _doubt(counted: tuple[int, datetime] | None, doubt: Doubt | None, size: int, now: datetime) -> Doubt | None:
    """The doubt about a value after one more reading; None if there is none."""
    if counted is None or size >= counted[0]:
        return None
    was, seen_at = counted
    doubt = doubt or Doubt(was, seen_at, since=now)
    # A clock that was set back must not delay it for hours.
    return replace(doubt, since=min(doubt.since, now), found=(*doubt.found, size))


def _settled(matter: Matter, doubt: Doubt, now: datetime) -> bool:
    """Whether the smaller value counts now. While each reading finds more than the last, the table is being loaded."""
    patience = NO_UNITS if matter is Matter.UNITS and doubt.found[-1] == 0 else USUAL[matter]
    readings = len(doubt.found)
    growing = readings > 1 and doubt.found[-1] > doubt.found[-2] and readings < LONGEST
    return readings >= patience.readings and now - doubt.since >= patience.after and not growing
