"""Chooses the representation that a client prefers (RFC 9110, sections 12.4 and 12.5), including q-values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# The elements of a list, and the parameters of a range. Commas and semicolons inside quotes do not separate.
_ELEMENTS = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
_PARAMETERS = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*"?)+')
_QVALUE = re.compile(r"0(?:\.\d{0,3})?|1(?:\.0{0,3})?")


@dataclass(frozen=True, slots=True, eq=False)
class MediaType:
    """An available representation: its type, and the parameters that a range may require."""

    type: str
    parameters: Mapping[str, str]

    def __str__(self) -> str:
        return "; ".join([self.type, *(f"{name}={value}" for name, value in self.parameters.items())])


TEXT: Final = MediaType("text/plain", {"version": "0.0.4", "charset": "utf-8"})
OPENMETRICS: Final = MediaType("application/openmetrics-text", {"version": "1.0.0", "charset": "utf-8"})
YAML: Final = MediaType("application/yaml", {})
JSON: Final = MediaType("application/json", {})

MOST_BYTES: Final = 2048
"""A longer header is read as if it were absent: scrapers send about 200 bytes, and reading takes time for each byte."""

_ANY_VALUE = frozenset({"escaping", "schema", "proto", "encoding"})
"""Parameters without effect here: metric and label names need no escaping in any scheme."""


@dataclass(frozen=True, slots=True)
class _Range:
    type: str
    parameters: Mapping[str, str]
    quality: float
    position: int

    def specificity(self, offer: MediaType) -> int | None:
        """How specifically this range matches the offer; None: it does not match."""
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
    """The offer that the `Accept` header prefers; the first offer if it has no preference or accepts none.

    For each offer the most specific range decides. Among equals the offer that is matched more specifically wins, then
    the one that is named first. If the header accepts no offer, the first one is sent: a scrape in the wrong format
    gives a clearer error than 406.
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
    """Whether the `Accept-Encoding` header accepts gzip and does not prefer plain bytes."""
    qualities = {candidate.type: candidate.quality for candidate in _ranges(accept_encoding)}
    anything = qualities.get("*", 0.0)
    gzip = qualities.get("gzip", qualities.get("x-gzip", anything))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


@lru_cache(maxsize=64)
def exposition(accept: str, accept_encoding: str) -> tuple[MediaType, bool]:
    """The format of the exposition, and whether to compress it. Cached, because scrapers repeat their headers."""
    return best_media_type(accept, (TEXT, OPENMETRICS)), accepts_gzip(accept_encoding)


def _ranges(header: str) -> Iterator[_Range]:
    """The elements of a list header, without those whose q-value is not a number between 0 and 1."""
    if len(header) > MOST_BYTES:
        return
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
