"""Reads YAML text into a layer of configuration, with the line and column of every key and value.

Scalars are read as in YAML 1.2: only `true` and `false` are booleans, and `11:30` is text, which avoids the surprises
of older rules. A key that is written twice is a fault; the last one counts for further checks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from exporter.config.errors import ConfigError, Fault
from exporter.config.tree import Mark, Place, Tree, key_message
from exporter.config.wording import Path, path_text, quote

if TYPE_CHECKING:
    from collections.abc import Callable


class Unreadable:
    """Takes the place of a value that could not be read, so that later checks neither use it nor call it missing."""


MOST_VALUES = 100_000
DEEPEST = 50

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"


class _Loader(yaml.SafeLoader):
    """PyYAML's reader with the scalars of YAML 1.2's core schema, decimal numbers only."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - declared so by PyYAML


for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?([0-9]+\.[0-9]*([eE][-+][0-9]+)?|\.inf)|\.nan", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(rf"(?:{_pattern})\Z"), _first)


def _float(text: str) -> float:
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


_SCALARS: dict[str, Callable[[str], object]] = {
    f"{_TAG}str": str,
    f"{_TAG}null": lambda _: None,
    f"{_TAG}bool": lambda text: text.lower() == "true",
    f"{_TAG}int": int,
    f"{_TAG}float": _float,
}


def read_value(text: str, path: Path, source: str) -> tuple[object, list[Path], list[Fault]]:
    """The value of one key, the paths within it, and what is wrong. Raises ConfigError if the text is no YAML."""
    loader, node = _compose(text, source)
    if node is None:
        raise ConfigError((Fault(path_text(path), "is empty: give a value, or unset it", source),))
    reader = _Reader(loader, source)
    value = reader.value(node, path, Mark(source))
    return value, list(reader.places), reader.faults


def read_text(text: str, source: str) -> tuple[Tree, list[Fault]]:
    """A whole layer, and what is wrong with its keys and values so far.

    Raises ConfigError for text that is no YAML, is empty, or is no mapping.
    """
    loader, node = _compose(text, source)
    if node is None:
        raise ConfigError((Fault("", "is empty: write a configuration, or at least `preset: nba`", source),))
    reader = _Reader(loader, source)
    root = reader.value(node, (), Mark(source))
    if not isinstance(root, dict):
        mark = reader.mark(node)
        message = "must be a mapping at its top (`project: ...`, `pipelines: ...`)"
        raise ConfigError((*reader.faults, Fault("", message, source, mark.line, mark.column)))
    return Tree((source,), root, reader.places), reader.faults


def _compose(text: str, source: str) -> tuple[_Loader, yaml.Node | None]:
    try:
        loader = _Loader(text)
        return loader, loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise ConfigError((_syntax(error, source),)) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"the character U+{ord(text[error.position]):04X} is not allowed in YAML: remove it"
        raise ConfigError((Fault("", message, source, line, column),)) from error
    except RecursionError as error:
        raise _too_deep(source) from error


def _too_deep(source: str) -> ConfigError:
    return ConfigError((Fault("", f"is nested too deeply: more than {DEEPEST} levels are no configuration", source),))


def _syntax(error: yaml.MarkedYAMLError, source: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    words = " ".join(part for part in (error.context, error.problem) if part)
    tab = "; indent with spaces, not tabs" if r"'\t'" in words else ""
    line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
    return Fault("", f"is not valid YAML: {words}{tab}", source, line, column)


class _Reader:
    """Walks the nodes of one text, collecting values, places and faults."""

    def __init__(self, loader: _Loader, source: str) -> None:
        self.source = source
        self.places: dict[Path, Place] = {}
        self.faults: list[Fault] = []
        self._loader = loader
        self._open: list[yaml.Node] = []
        self._checked: set[int] = set()
        self._values = 0

    def mark(self, node: yaml.Node) -> Mark:
        """Where a node begins."""
        return Mark(self.source, node.start_mark.line + 1, node.start_mark.column + 1)

    def value(self, node: yaml.Node, path: Path, key: Mark) -> object:
        """A node's value; what cannot be read becomes a fault and `Unreadable`."""
        self.places[path] = Place(key, self.mark(node))
        self._values += 1
        if node in self._open:
            return self._refuse(node, path, "an alias inside its own anchor never ends: write the value out")
        if self._values > MOST_VALUES:
            message = f"has more than {MOST_VALUES} values, aliases counted each time: shorten it"
            raise ConfigError((Fault("", message, self.source),))
        if len(self._open) > DEEPEST:
            raise _too_deep(self.source)
        self._open.append(node)
        try:
            if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
                return [self.value(item, (*path, index), self.mark(item)) for index, item in enumerate(node.value)]
            return self._scalar(node, path)
        finally:
            self._open.pop()

    def _scalar(self, node: yaml.Node, path: Path) -> object:
        read = _SCALARS.get(node.tag)
        if read is None or not isinstance(node, yaml.ScalarNode):
            return self._refuse(
                node, path, f"the tag {quote(node.tag.replace(_TAG, '!!'))} is not supported: remove it"
            )
        try:
            value = read(node.value)
            node.value.encode()
        except ValueError:
            return self._refuse(node, path, f"{quote(ascii(node.value))} cannot be read: write a plain value")
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, object]:
        if id(node) not in self._checked:
            self._checked.add(id(node))
            self._check_keys(node, path)
            try:
                self._loader.flatten_mapping(node)
            except yaml.MarkedYAMLError as error:
                self.faults.append(_syntax(error, self.source))
        return {
            key.value: self.value(value, (*path, key.value), self.mark(key))
            for key, value in node.value
            if key.tag == f"{_TAG}str"
        }

    def _check_keys(self, node: yaml.MappingNode, path: Path) -> None:
        first: dict[str, Mark] = {}
        for key, _ in node.value:
            mark = self.mark(key)
            if key.tag == _MERGE:
                continue
            if key.tag != f"{_TAG}str":
                shown = key.value if isinstance(key, yaml.ScalarNode) else []
                self.faults.append(Fault(path_text(path), key_message(shown), self.source, mark.line, mark.column))
            elif key.value in first:
                message = f"is written twice, first on line {first[key.value].line}: keep one"
                at = path_text((*path, key.value))
                self.faults.append(Fault(at, message, self.source, mark.line, mark.column))
            else:
                first[key.value] = mark

    def _refuse(self, node: yaml.Node, path: Path, message: str) -> Unreadable:
        mark = self.mark(node)
        self.faults.append(Fault(path_text(path), message, self.source, mark.line, mark.column))
        return Unreadable()
