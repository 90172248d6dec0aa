"""Which names are nearly the same: one name in another spelling, or one after a renaming."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

ALIKE: Final = 0.7
"""How alike two names are at least that are nearly the same."""
SUFFIXES: Final = re.compile(r"[_-]?(processor|loader|job|task|completions?|done|complete)$")
"""What the end of a name says of its kind."""


def bare(name: str) -> str:
    """A name's letters and digits, in small letters, without what its end says of its kind."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    return re.sub(r"[^a-z0-9]", "", SUFFIXES.sub("", words))


def likeness(one: str, other: str) -> float:
    """From 0, for names that have nothing in common, to 1, for two spellings of one name."""
    return SequenceMatcher(None, bare(one), bare(other)).ratio()


def alike(name: str, others: Sequence[str], most: int) -> list[str]:
    """Those of the others whose names are nearly the same, the nearest first."""
    rated = sorted(((likeness(name, other), other) for other in others), key=lambda one: (-one[0], one[1]))
    return [other for ratio, other in rated if ratio >= ALIKE][:most]
