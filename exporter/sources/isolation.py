"""One job for many tables, in which a table that cannot be read loses only its own answer.

A query over many tables fails as a whole if one of them is missing. Then its parts are halved until the bad ones are
found, and the answers of the good halves are kept. From then on a bad part is queried alone: the next reading is one
job for the good parts and a small one for each bad part, until that part can be read again.

BigQuery also refuses a query that would bill more than one job may. It bills nothing for that, and the part that is too
large is found in the same way. If no part alone is too large, the parts stay separate for the rest of the day, because
together they would be refused again.

A query that may have failed because a date column is no DATE is repeated once the columns' types are known
(`dates.py`).
"""

from __future__ import annotations

from collections import deque
from itertools import chain, count
from typing import TYPE_CHECKING, Final

from exporter.model import ErrorKind
from exporter.sources.errors import CallFailed, Fault
from exporter.sources.queries import MAXIMUM_PARTS, PART, PROBE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from exporter.sources.answers import Row
    from exporter.sources.dates import DateColumns
    from exporter.sources.ports import Window
    from exporter.sources.queries import Part, Query

MAXIMUM_JOBS: Final = 48
"""The most jobs of one reading, however many of its parts are bad; the next reading continues the search."""


class Isolation:
    """Reads parts, and remembers which of them have to be queried alone."""

    def __init__(self, dates: DateColumns) -> None:
        self._dates = dates
        # Why each bad part failed; the part that has not been tried for the longest time is first.
        self._bad: dict[Part, Fault] = {}
        # Parts that are too large together with others, by the number of the group that is not.
        self._apart: dict[Part, int] = {}
        self._numbers = count()
        self._window: Window | None = None

    def read(
        self,
        parts: Collection[Part],
        window: Window,
        ask: Callable[[Query], Sequence[Row]],
        types_of: Callable[[Query], Mapping[str, str]],
    ) -> Mapping[Part, Sequence[Row] | Fault]:
        """Every part's rows, or its error. `ask` runs one query as one job and raises CallFailed.

        `types_of` gives the types of a query's columns without cost, and raises CallFailed too. Raises CallFailed where
        nothing at all can be read.
        """
        asked = dict.fromkeys(parts)
        if window != self._window:
            # On another day the tables may have other sizes.
            self._window, self._apart = window, {}
        good = [part for part in asked if part not in self._bad]
        groups = deque([*self._together(good), *([part] for part in self._bad if part in asked)])
        rows: dict[Part, Sequence[Row]] = {}
        answered: list[list[Part]] = []
        too_large: list[list[Part]] = []
        left_over = Fault(ErrorKind.QUOTA, f"not asked, since one reading makes no more than {MAXIMUM_JOBS} jobs")
        probed = False
        for _ in range(MAXIMUM_JOBS):
            if not groups:
                break
            group = groups.popleft()
            try:
                rows |= _by_part(ask(self._dates.union(group, window)), group)
                answered.append(group)
            except CallFailed as failed:
                if not failed.fault.of_request:
                    if not rows:
                        raise
                    left_over = failed.fault
                    groups.appendleft(group)
                    break
                if failed.fault.kind is ErrorKind.PERMISSION_DENIED and not rows and not probed:
                    # Check whether any query is allowed at all. If not, this raises, and that error is the answer.
                    probed = True
                    ask(PROBE)
                if failed.fault.kind is ErrorKind.BUDGET and len(group) > 1:
                    too_large.append(group)
                groups.extendleft(self._smaller(group, failed.fault, types_of))
        self._bad = {part: fault for part, fault in self._bad.items() if part not in rows}
        self._keep_apart(too_large, answered)
        untried = dict.fromkeys(chain.from_iterable(groups), left_over)
        bad = {part: fault for part, fault in self._bad.items() if part in asked}
        return {**untried, **bad, **rows}

    def _smaller(
        self, group: list[Part], fault: Fault, types_of: Callable[[Query], Mapping[str, str]]
    ) -> list[list[Part]]:
        """What to query in place of a group that failed, the last first: the same group, its halves, or nothing."""
        if fault.kind is ErrorKind.INVALID:
            if self._dates.lacks(group, fault.message):
                return [group]
            news, faults = self._dates.learn(group, types_of)
            for part, found in faults.items():
                self._mark(part, found)
            rest = [part for part in group if part not in faults]
            if news:
                return [rest] if rest else []
        if len(group) > 1:
            middle = len(group) // 2
            return [group[middle:], group[:middle]]
        self._mark(group[0], fault)
        return []

    def _together(self, parts: Sequence[Part]) -> Iterator[list[Part]]:
        """The parts in groups that one query may ask."""
        groups: dict[int | None, list[Part]] = {}
        for part in parts:
            groups.setdefault(self._apart.get(part), []).append(part)
        for group in groups.values():
            for start in range(0, len(group), MAXIMUM_PARTS):
                yield group[start : start + MAXIMUM_PARTS]

    def _keep_apart(self, too_large: Sequence[Collection[Part]], answered: Sequence[Collection[Part]]) -> None:
        """Ask the parts of a group again as they were answered, if no part was to blame for its being too large."""
        for group in too_large:
            if self._bad.keys().isdisjoint(group):
                for found in answered:
                    self._apart |= dict.fromkeys([part for part in found if part in group], next(self._numbers))

    def _mark(self, part: Part, fault: Fault) -> None:
        self._bad.pop(part, None)
        self._bad[part] = fault


def _by_part(rows: Sequence[Row], parts: Sequence[Part]) -> dict[Part, Sequence[Row]]:
    found: list[list[Row]] = [[] for _ in parts]
    try:
        for row in rows:
            found[int(str(row[PART]))].append(row)
    except (KeyError, ValueError, IndexError) as error:
        raise CallFailed(
            Fault(ErrorKind.INVALID, f"the answer's rows belong to nothing that was asked: {error!r}")
        ) from error
    return dict(zip(parts, found, strict=True))
