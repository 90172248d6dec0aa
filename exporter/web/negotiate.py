"""Which of the representations at hand a client prefers (RFC 9110, sections 12.4 and 12.5), q-values included."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# A list's elements, and a range's parameters: commas and semicolons inside quotes separate nothing.
_ELEMENTS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
_PARAMETERS = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*"?)+')
_QVALUE = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?")


@dataclass(frozen=True, slots=True, eq=False)
class MediaType:
    """A representation on offer: its type, and the parameters that a range may ask of it."""

    type: str
    parameters: Mapping[str, str]

    def __str__(self) -> str:
        return "; ".join([self.type, *(f"{name}={value}" for name, value in self.parameters.items())])


TEXT: Final = MediaType("text/plain", {"version": "0.0.4", "charset": "utf-8"})
OPENMETRICS: Final = MediaType("application/openmetrics-text", {"version": "1.0.0", "charset": "utf-8"})
YAML: Final = MediaType("application/yaml", {})
JSON: Final = MediaType("application/json", {})

_ANY_VALUE = frozenset({"escaping", "schema", "proto", "encoding"})
"""Parameters that change nothing here: metric and label names need no escaping in any scheme."""


@dataclass(frozen=True, slots=True)
class _Range:
    type: str
    parameters: Mapping[str, str]
    quality: float
    position: int

    def specificity(self, offer: MediaType) -> int | None:
        """How closely this range names the offer; None: not at all."""
        if self.type == "*/*":
            return 0
        if self.type.endswith("/*"):
            return 1 if offer.type.startswith(self.type[:-1]) else None
        if self.type != offer.type:
            return None
        for name, value in self.parameters.items():
            if name not in _ANY_VALUE and offer.parameters.get(name, "").lower() != value.lower():
                return None
        return 2 + len(self.parameters)


def best_media_type(accept: str, offers: Sequence[MediaType]) -> MediaType:
    """The offer that the `Accept` header prefers; the first one where it has no preference or accepts none.

    For each offer the most specific range decides. Among equals the one named more exactly wins, then the one named
    first. A header that accepts nothing on offer gets the first offer: a scrape in the wrong format says more than 406.
    """
    ranges = list(_ranges(accept))
    best, best_rank = offers[0], (0.0, 0, 0)
    for offer in offers:
        matches = [
            (specificity, candidate)
            for candidate in ranges
            if (specificity := candidate.specificity(offer)) is not None
        ]
        if not matches:
            continue
        specificity, chosen = max(matches, key=lambda match: (match[0], match[1].quality))
        rank = (chosen.quality, min(specificity, 2), -chosen.position)
        if chosen.quality > 0 and rank > best_rank:
            best, best_rank = offer, rank
    return best


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether the `Accept-Encoding` header takes gzip, and likes it no less than the plain bytes."""
    qualities = {candidate.type: candidate.quality for candidate in _ranges(accept_encoding)}
    anything = qualities.get("*", 0.0)
    gzip = qualities.get("gzip", qualities.get("x-gzip", anything))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


@lru_cache(maxsize=64)
def exposition(accept: str, accept_encoding: str) -> tuple[MediaType, bool]:
    """The format of the exposition, and whether to compress it; remembered, since scrapers repeat themselves."""
    return best_media_type(accept, (TEXT, OPENMETRICS)), accepts_gzip(accept_encoding)


def _ranges(header: str) -> Iterator[_Range]:
    """The elements of a list header. One whose q-value is no number between 0 and 1 is left out."""
    for position, element in enumerate(_ELEMENTS.findall(header)):
        name, *rest = [part.strip() for part in _PARAMETERS.findall(element)] or [""]
        if not name:
            continue
        parameters = dict(_parameter(part) for part in rest if part)
        quality = parameters.pop("q", "1")
        if _QVALUE.fullmatch(quality):
            yield _Range(name.lower(), parameters, float(quality), position)


def _parameter(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return name.strip().lower(), value.strip().strip('"')
