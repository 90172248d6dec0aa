"""The layers of a configuration, each value with the place where it is written, and how layers merge.

A layer is a preset, a file, an overlay or an environment variable. Merging is deep: mappings merge key by key, any
other value replaces the earlier one, and null removes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from exporter.config.errors import Fault
from exporter.config.wording import Path, path_text, quote


@dataclass(frozen=True, slots=True)
class Mark:
    """A position in a source; `line` and `column` count from 1."""

    source: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The positions of a value and of its key."""

    key: Mark
    value: Mark


@dataclass(frozen=True, slots=True)
class Tree:
    """A layer, or the merger of several (`sources`, oldest first): plain values, and the place of each."""

    sources: tuple[str, ...]
    root: dict[str, object] = field(default_factory=dict)
    places: Mapping[Path, Place] = field(default_factory=dict)

    def fault(self, path: Path, message: str, *, at_key: bool = False) -> Fault:
        """A fault at the path, placed at the nearest enclosing value that was written."""
        for length in range(len(path), -1, -1):
            place = self.places.get(path[:length])
            if place:
                # For a missing key, the position of its section's key says more than that of the section's first line.
                mark = place.value if length == len(path) and not at_key else place.key
                return Fault(path_text(path), message, mark.source, mark.line, mark.column)
        return Fault(path_text(path), message, self.sources[-1])

    def newest(self, alternatives: Sequence[tuple[Path, str]]) -> Fault:
        """The fault at the key that was written last, of several that could be changed."""

        def age(alternative: tuple[Path, str]) -> int:
            place = self.places.get(alternative[0])
            return -self.sources.index(place.value.source) if place else 0

        return self.fault(*min(alternatives, key=age))


def tree_of(mapping: Mapping[str, object], source: str) -> tuple[Tree, list[Fault]]:
    """A layer from a mapping instead of text. All of it is placed at `source`."""
    mark = Mark(source)
    places: dict[Path, Place] = {}
    faults: list[Fault] = []

    def converted(value: object, path: Path) -> object:
        places[path] = Place(mark, mark)
        if isinstance(value, Mapping):
            return section(value, path)
        if isinstance(value, list | tuple):
            return [converted(item, (*path, index)) for index, item in enumerate(value)]
        return value

    def section(items: Mapping[Any, object], path: Path) -> dict[str, object]:
        faults.extend(Fault(path_text(path), key_message(key), source) for key in items if not isinstance(key, str))
        return {key: converted(item, (*path, key)) for key, item in items.items() if isinstance(key, str)}

    places[()] = Place(mark, mark)
    return Tree((source,), section(dict(mapping), ()), places), faults


def key_message(key: object) -> str:
    """The message for a key that is no text."""
    return f"the key {quote(str(key))} is not text: put it in quotes"


def merge(base: Tree, over: Tree) -> Tree:
    """The layer `over` merged over `base`, as the module's description says."""
    return Tree((*base.sources, *over.sources), _laid(base.root, over.root), {**base.places, **over.places})


def _laid(base: dict[str, object], over: dict[str, object]) -> dict[str, object]:
    merged = dict(base)
    for key, value in over.items():
        existing = merged.get(key)
        if value is None and key in merged:
            del merged[key]
        elif isinstance(value, dict) and isinstance(existing, dict):
            merged[key] = _laid(existing, value)
        else:
            merged[key] = value
    return merged
