"""Metric families and their samples: the step between the report and the bytes.

`catalogue.py` says which families there are and turns a report into samples; `exposition.py` renders samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from exporter.messages.secrets import masked

Kind = Literal["gauge", "counter", "unknown"]
"""`unknown` families have no TYPE line: promtool holds every other type to names that do not end in `_count`."""


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One metric family: full name (a counter's ends in `_total`), type, one help sentence, label names in order.

    Families are compared and hashed by identity: the catalogue has each of them once.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]


Sample = tuple[str, float]
"""The rendered labels (`a="b",c="d"`, escaped, without braces; empty for none) and the value."""

Samples = Mapping[Family, Sequence[Sample]]
"""Families in the order of the catalogue, each with its samples. A family without samples still has its header."""

Out = Mapping[Family, list[Sample]]
"""Families to which samples are added."""


def label_text(**labels: str) -> str:
    """The labels as the text formats write them, without secrets, escaped; to be computed once for many samples."""
    return ",".join([f'{name}="{_escaped(masked(value))}"' for name, value in labels.items()])


def _escaped(text: str) -> str:
    # `str.translate` takes ten times as long for a text that has nothing to escape, as almost all have.
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
