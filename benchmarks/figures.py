"""What a benchmark yields: rows of one table, and the few statistics behind them."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of the rounds, and between which values they lay."""

    middle: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{short(self.low)} .. {short(self.high)}"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `holds` None: measured and stated, nothing is promised."""

    what: str
    measured: str
    against: str
    ratio: str = ""
    noise: str = ""
    bound: str = ""
    holds: bool | None = None


def quantile(values: Iterable[float], share: float) -> float:
    """The smallest value that is not exceeded by this share of the values (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


def at_least(
    what: str, measured: str, against: str, ratios: Sequence[float], bound: float, *, word: str = "faster"
) -> Row:
    """A row whose ratio, the median of the rounds', must not fall below the bound."""
    found = spread(ratios)
    ratio = f"{short(found.middle)} x {word}"
    return Row(what, measured, against, ratio, str(found), f">= {bound:g} x", found.middle >= bound)


def at_most(what: str, measured: str, against: str, ratios: Sequence[float], bound: float) -> Row:
    """A row whose ratio, the median of the rounds', must not rise above the bound."""
    found = spread(ratios)
    return Row(
        what, measured, against, f"{short(found.middle)} x", str(found), f"<= {bound:g} x", found.middle <= bound
    )


def short(number: float) -> str:
    """A number with about three significant digits, without an exponent."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}"


def seconds(duration: float) -> str:
    """A duration in the unit that suits it."""
    if duration >= 1:
        return f"{short(duration)} s"
    return f"{short(duration * 1e3)} ms" if duration >= 1e-3 else f"{short(duration * 1e6)} us"


def mebibytes(size: float) -> str:
    return f"{short(size / 2**20)} MiB"
