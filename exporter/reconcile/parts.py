"""Parts of a report, each kept from one report to the next as long as nothing that it was made from changes.

A part is kept with its inputs and with the moments for which it holds (`moments.py`). In the first report every part is
new, so a whole report and a change go the same way through the code.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from exporter.reconcile.moments import LAST, Now, Stretch

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime

T = TypeVar("T")


class Same:
    """An input that is the same only if it is the very same object: it is large, and replaced as a whole."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class Part(Generic[T]):
    """What was made, once it is `made`: from which inputs, and for which times of report and reading it holds.

    Whoever makes it uses nothing else that changes but the inputs, `now` and `read_at` (of the completion documents).
    """

    __slots__ = ("inputs", "made", "now", "of_reading", "of_report", "read_at", "value")
    value: T

    def __init__(self, inputs: tuple[object, ...], now: datetime, read_at: datetime | None) -> None:
        self.inputs = inputs
        self.made = False
        self.of_report = Stretch(now)
        self.of_reading = None if read_at is None else Stretch(read_at)
        self.now = Now.of(now, self.of_report)
        self.read_at = None if read_at is None or self.of_reading is None else Now.of(read_at, self.of_reading)

    def holds(self, inputs: tuple[object, ...], now: datetime, read_at: datetime | None) -> bool:
        """Whether it would be made the same again."""
        if (self.of_reading is None) != (read_at is None) or not self.of_report.holds(now):
            return False
        if self.of_reading is not None and read_at is not None and not self.of_reading.holds(read_at):
            return False
        # Equal inputs are most often the same objects, which a tuple compares first.
        return self.inputs == inputs

    def go_on(self, now: datetime, read_at: datetime | None) -> None:
        """Go on at other times, for which it holds."""
        self.of_report.at = now
        self.now = Now.of(now, self.of_report)
        if self.of_reading is not None and read_at is not None:
            self.of_reading.at = read_at
            self.read_at = Now.of(read_at, self.of_reading)


class Parts:
    """The parts of the last report, by key."""

    def __init__(self) -> None:
        """There was no report yet."""
        self._parts: dict[Hashable, Part[Any]] = {}

    def begin(self, now: datetime, read_at: datetime | None) -> Round:
        """Begin the next report, at `now`. `read_at`: when the completion documents were read."""
        return Round(self._parts, now, read_at)

    def end(self, made: Round) -> None:
        """End it: parts that it did not use are forgotten."""
        self._parts = made.used


class Round:
    """One report under way. `now`: its time, for all that is no part."""

    def __init__(self, before: dict[Hashable, Part[Any]], now: datetime, read_at: datetime | None) -> None:
        self._stretch = Stretch(now)
        self.now: datetime = Now.of(now, self._stretch)
        self.used: dict[Hashable, Part[Any]] = {}
        self._at, self._read_at = now, read_at
        self._before = before

    def part(self, key: Hashable, inputs: tuple[object, ...]) -> Part[Any]:
        """The part of this key: that of the last report where it still holds, or else one that is to be made."""
        part = self.used.get(key) or self._before.get(key)
        if part is not None and part.holds(inputs, self._at, self._read_at):
            # Equal inputs become the same ones, which are compared at once the next time.
            part.inputs = inputs
        else:
            part = Part(inputs, self._at, self._read_at)
        self.used[key] = part
        return part

    def go_on(self, part: Part[Any]) -> None:
        """Let more be made of a part of this report: at the report's times, for which the part holds."""
        part.go_on(self._at, self._read_at)

    @property
    def turns_at(self) -> datetime | None:
        """When the report may be another one, if nothing but the time changes. It is later than the report."""
        stretches = (self._stretch, *(part.of_report for part in self.used.values()))
        turns = [one.before for one in stretches if self._at <= one.before < LAST]
        # What turns at the report's own time can be different right after it.
        return max(min(turns), self._at + timedelta.resolution) if turns else None
