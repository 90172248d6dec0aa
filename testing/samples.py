"""Parses samples, so that a test can name a series by its labels' values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.metrics.catalogue import CATALOGUE, PREFIX

if TYPE_CHECKING:
    from exporter.metrics.samples import Family, Samples

LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


def labels(text: str) -> dict[str, str]:
    """The labels of a sample. Fails on a text that is no list of labels."""
    assert "".join(match[0] for match in LABEL.finditer(text)) == text
    return {match[1]: match[2] for match in LABEL.finditer(text)}


def family(name: str) -> Family:
    return next(item for item in CATALOGUE if item.name == PREFIX + name)


def values(samples: Samples, name: str) -> dict[tuple[str, ...], float]:
    """The samples of a family by their labels' values."""
    return {tuple(labels(text).values()): value for text, value in samples[family(name)]}


def one(samples: Samples, name: str) -> float | None:
    """The only sample of a family, None if it has none."""
    assert len(samples[family(name)]) <= 1
    return next((value for _, value in samples[family(name)]), None)
