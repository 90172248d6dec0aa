"""PromQL as a small immutable tree: read by promql-parser, walked by the linter, varied by the mutation tests."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import promql_parser as parser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

SET_OPERATORS = frozenset({"and", "or", "unless"})
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_MATCH_OPERATORS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


class PromqlError(Exception):
    """An expression that cannot be read, or that uses what no rule here needs."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One label matcher of a selector; `operator` is `=`, `!=`, `=~` or `!~`."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        text = self.value.replace("\\", r"\\").replace('"', r"\"")
        return f'{self.label}{self.operator}"{text}"'


@dataclass(frozen=True, slots=True)
class Grouping:
    """The labels after `by`, `without`, `on` or `ignoring`."""

    keyword: str
    labels: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.keyword} ({', '.join(self.labels)})"


@dataclass(frozen=True, slots=True)
class Node:
    """Any expression. `str()` gives PromQL that parses to the same tree."""

    def children(self) -> Iterator[tuple[str, int | None, Node]]:
        """Every direct subexpression: the field it stands in, and its place where the field is a tuple."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Node):
                yield field.name, None, value
            elif isinstance(value, tuple):
                for place, item in enumerate(value):
                    if isinstance(item, Node):
                        yield field.name, place, item

    def walk(self) -> Iterator[Node]:
        """This expression and every one inside it."""
        yield self
        for _, _, child in self.children():
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Number(Node):
    """A number."""

    value: float

    def __str__(self) -> str:
        return f"{self.value:g}"


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A string, which some functions take."""

    value: str

    def __str__(self) -> str:
        text = self.value.replace("\\", r"\\").replace('"', r"\"")
        return f'"{text}"'


@dataclass(frozen=True, slots=True)
class Selector(Node):
    """A vector selector, or a range selector where `range_seconds` is given."""

    metric: str
    matchers: tuple[Matcher, ...] = ()
    range_seconds: int | None = None
    offset_seconds: int | None = None

    def __str__(self) -> str:
        matchers = f"{{{','.join(map(str, self.matchers))}}}" if self.matchers else ""
        window = f"[{self.range_seconds}s]" if self.range_seconds is not None else ""
        offset = f" offset {self.offset_seconds}s" if self.offset_seconds is not None else ""
        return f"{self.metric}{matchers}{window}{offset}"


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function call."""

    function: str
    arguments: tuple[Node, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Aggregate(Node):
    """An aggregation; without a grouping everything becomes one."""

    operator: str
    grouping: Grouping | None
    operand: Node

    def __str__(self) -> str:
        grouping = f" {self.grouping} " if self.grouping else ""
        return f"{self.operator}{grouping}({self.operand})"


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """A binary operation. `carry` is the `group_left` or `group_right` that may follow `matching`."""

    operator: str
    left: Node
    right: Node
    matching: Grouping | None = None
    carry: Grouping | None = None

    def __str__(self) -> str:
        modifiers = "".join(f" {part}" for part in (self.matching, self.carry) if part is not None)
        return f"({self.left} {self.operator}{modifiers} {self.right})"


def parse(text: str) -> Node:
    """Read an expression. Raises PromqlError."""
    try:
        return _node(parser.parse(text))
    except ValueError as error:
        raise PromqlError(f"{error}: {text}") from error


def selectors(node: Node) -> Iterator[Selector]:
    """Every selector in the expression."""
    return (part for part in node.walk() if isinstance(part, Selector))


def _node(tree: parser.Expr) -> Node:
    node: Node
    match tree:
        case parser.ParenExpr():
            node = _node(tree.expr)
        case parser.NumberLiteral():
            node = Number(tree.val)
        case parser.StringLiteral():
            node = Text(tree.val)
        case parser.VectorSelector():
            node = _selector(tree, None)
        case parser.MatrixSelector():
            node = _selector(tree.vector_selector, tree.range)
        case parser.Call():
            node = Call(tree.func.name, tuple(_node(argument) for argument in tree.args))
        case parser.AggregateExpr() if tree.param is None:
            node = Aggregate(str(tree.op), _by_or_without(tree.modifier), _node(tree.expr))
        case parser.BinaryExpr() if not (tree.modifier and tree.modifier.return_bool):
            sides = _node(tree.lhs), _node(tree.rhs)
            node = Binary(str(tree.op), *sides, _on_or_ignoring(tree.modifier), _carry(tree.modifier))
        case _:
            raise PromqlError(f"{type(tree).__name__} is not used in these rules: {tree.prettify()}")
    return node


def _selector(tree: parser.VectorSelector, window: timedelta | None) -> Selector:
    if tree.name is None or tree.at is not None:
        raise PromqlError(f"a selector here has a metric's name and no @: {tree.prettify()}")
    return Selector(
        metric=tree.name,
        matchers=tuple(
            Matcher(matcher.name, _MATCH_OPERATORS[str(matcher.op).rpartition(".")[2]], matcher.value)
            for matcher in tree.matchers.matchers
        ),
        range_seconds=None if window is None else int(window.total_seconds()),
        offset_seconds=None if tree.offset is None else int(tree.offset.total_seconds()),
    )


def _by_or_without(modifier: parser.AggModifier | None) -> Grouping | None:
    if modifier is None:
        return None
    return Grouping("by" if modifier.type == parser.AggModifierType.By else "without", tuple(modifier.labels))


def _on_or_ignoring(modifier: parser.BinModifier | None) -> Grouping | None:
    if modifier is None or modifier.matching is None:
        return None
    on = modifier.matching.type == parser.LabelModifierType.Include
    return Grouping("on" if on else "ignoring", tuple(modifier.matching.labels))


def _carry(modifier: parser.BinModifier | None) -> Grouping | None:
    if modifier is None or modifier.group_labels is None:
        return None
    left = modifier.card == parser.VectorMatchCardinality.ManyToOne
    return Grouping("group_left" if left else "group_right", tuple(modifier.group_labels))
