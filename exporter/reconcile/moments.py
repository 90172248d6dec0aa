"""Moments that notice until when an answer about them stays the same.

What is concluded at `now` is most often concluded again at the next moment. So a part of a report is kept, with the
`Stretch` of moments for which it holds. `Now` is a datetime that notes, at each comparison, the moment at which that
would come out otherwise. What cannot be noted, such as a text of the whole moment, holds for that moment alone.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date, tzinfo

ONE_DAY: Final = timedelta(days=1)
ZERO: Final = timedelta()
FIRST: Final = datetime.min.replace(tzinfo=UTC)
LAST: Final = datetime.max.replace(tzinfo=UTC)


class Stretch:
    """The moments for which everything that was asked about `at` has the same answer: those between the two others."""

    __slots__ = ("after", "at", "before")

    def __init__(self, at: datetime) -> None:
        """Nothing was asked yet: it holds for all moments."""
        self.at = at
        self.after = FIRST
        self.before = LAST

    def turns_at(self, turn: datetime) -> None:
        """Note that an answer was given that can differ at `turn` and on its other side."""
        if self.after < turn < self.before:
            if turn >= self.at:
                self.before = turn
            if turn <= self.at:
                self.after = turn

    def only(self) -> None:
        """Note an answer that holds for this moment alone."""
        self.after = self.before = self.at

    def holds(self, moment: datetime) -> bool:
        """Whether all answers are the same at this moment."""
        if moment == self.at:
            return True
        return self.after < moment < self.before


class Now(datetime):
    """A moment whose comparisons are noted in a stretch. `shift`: how far it is from the stretch's own moment."""

    stretch: Stretch
    shift: timedelta
    plain: datetime
    """The same moment, of which nothing is noted."""
    _day: date | None = None

    @classmethod
    def of(cls, at: datetime, stretch: Stretch, shift: timedelta = ZERO) -> Now:
        """The moment `at`, which has a time zone."""
        now = cls.combine(at.date(), at.time(), at.tzinfo)
        now.stretch, now.shift, now.plain = stretch, shift, at
        return now

    def _turns_at(self, other: datetime, span: timedelta = ZERO) -> None:
        try:
            turn = _plain(other) + span - self.shift
        except OverflowError:
            # Before the first moment or after the last one nothing turns.
            return
        self.stretch.turns_at(turn)

    def _plain_beside(self, other: datetime) -> datetime:
        """The moment itself, now that it is compared with another one."""
        if type(other) is datetime and not self.shift:
            stretch = self.stretch
            # Most often the stretch has noted a nearer turn already.
            if stretch.after < other < stretch.before:
                stretch.turns_at(other)
        else:
            self._turns_at(other)
        return self.plain

    def __lt__(self, other: datetime) -> bool:  # type: ignore[override]  # as datetime itself
        return self._plain_beside(other) < other

    def __le__(self, other: datetime) -> bool:  # type: ignore[override]  # as datetime itself
        return self._plain_beside(other) <= other

    def __gt__(self, other: datetime) -> bool:  # type: ignore[override]  # as datetime itself
        return self._plain_beside(other) > other

    def __ge__(self, other: datetime) -> bool:  # type: ignore[override]  # as datetime itself
        return self._plain_beside(other) >= other

    def __eq__(self, other: object) -> bool:
        return self._plain_beside(other) == other if isinstance(other, datetime) else NotImplemented

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        self.stretch.only()
        return super().__hash__()

    def __add__(self, span: timedelta) -> Now:
        return Now.of(self.plain + span, self.stretch, self.shift + span)

    def __sub__(self, other: Any) -> Any:  # noqa: ANN401 - as datetime: a moment gives a span, a span a moment
        if isinstance(other, datetime):
            return Age.of(self.plain - _plain(other), lambda span: self._turns_at(other, span), self.stretch)
        return self + -other

    def __rsub__(self, other: datetime) -> Age:
        return Age.of(other - self.plain, lambda span: self._turns_at(other, -span), self.stretch)

    def date(self) -> date:
        """The date, which turns at midnight in the moment's time zone."""
        if self._day is None:
            self._day = day = self.plain.date()
            for midnight in (day, day + ONE_DAY):
                self._turns_at(datetime.combine(midnight, time(), self.tzinfo).astimezone(UTC))
        return self._day

    def time(self) -> time:
        """The time of day, which holds for this moment alone."""
        self.stretch.only()
        return self.plain.time()

    def astimezone(self, tz: tzinfo | None = None) -> Now:
        """The same moment in another time zone."""
        return Now.of(self.plain.astimezone(tz), self.stretch, self.shift)

    def timestamp(self) -> float:
        """The seconds since 1970, which hold for this moment alone."""
        self.stretch.only()
        return self.plain.timestamp()

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        """The whole moment as text, which holds for it alone."""
        self.stretch.only()
        return self.plain.isoformat(sep, timespec)

    def strftime(self, format: str) -> str:  # noqa: A002 - as datetime names it
        """The moment as text, which holds for it alone."""
        self.stretch.only()
        return self.plain.strftime(format)

    def __format__(self, spec: str) -> str:
        return self.strftime(spec) if spec else str(self)

    def __str__(self) -> str:
        return self.isoformat(" ")


class Age(timedelta):
    """How far two moments are apart, one of which is noted. `turns`: notes the moment at which the age is a span."""

    turns: Callable[[timedelta], None]
    stretch: Stretch

    @classmethod
    def of(cls, span: timedelta, turns: Callable[[timedelta], None], stretch: Stretch) -> Age:
        """The age `span`."""
        age = cls(span.days, span.seconds, span.microseconds)
        age.turns, age.stretch = turns, stretch
        return age

    def whole(self, unit: timedelta) -> int:
        """How many whole units it has; it turns at the next one and at this one."""
        number = self.plain // unit
        self.turns(number * unit)
        self.turns((number + 1) * unit)
        return number

    @property
    def plain(self) -> timedelta:
        """The same span, of which nothing is noted."""
        return timedelta(super().days, super().seconds, super().microseconds)

    def __lt__(self, other: timedelta) -> bool:
        self.turns(other)
        return super().__lt__(other)

    def __le__(self, other: timedelta) -> bool:
        self.turns(other)
        return super().__le__(other)

    def __gt__(self, other: timedelta) -> bool:
        self.turns(other)
        return super().__gt__(other)

    def __ge__(self, other: timedelta) -> bool:
        self.turns(other)
        return super().__ge__(other)

    def total_seconds(self) -> float:
        """The seconds, which hold for this moment alone."""
        self.stretch.only()
        return super().total_seconds()

    def __abs__(self) -> timedelta:
        self.stretch.only()
        return abs(self.plain)

    def __neg__(self) -> timedelta:
        self.stretch.only()
        return -self.plain

    def __floordiv__(self, other: Any) -> Any:  # noqa: ANN401 - as timedelta
        self.stretch.only()
        return self.plain // other


def whole(span: timedelta, unit: timedelta) -> int:
    """How many whole units a span has."""
    return span.whole(unit) if isinstance(span, Age) else span // unit


def _plain(moment: datetime) -> datetime:
    return moment.plain if isinstance(moment, Now) else moment
