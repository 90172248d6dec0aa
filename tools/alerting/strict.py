"""The few forms that rules are written in, so that one rule carries labels through them and none fails on duplicates.

A target can have labels that no rule knows, and one instance can be two targets that differ in one of them. So a rule
compares or calculates only with sides of which each group has one series, whatever labels there are. It says for every
aggregation which labels are left, since `exporter/shipped/forms.py` writes those of `dump rules --by` before them.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from tools.alerting.promql import SET_OPERATORS, Aggregate, Binary, Call, Grouping, Node, Number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

KEEPING: Final = frozenset({"abs", "last_over_time", "max_over_time", "min_over_time", "timestamp", "time"})
"""Functions that keep the labels of what they are given, and the one that is a number."""


def faults(expression: Node) -> list[str]:
    """What in an expression is in no form that is known to carry labels and to bear targets that are found twice."""
    return [*_faults(expression), *(f"absent() has no labels: {part}" for part in _hidden(expression))]


def carried(node: Node, by: Sequence[str]) -> Node:
    """The expression with these labels in every `by` and `on`: what `Form.rules` has to make of its text."""
    changed: dict[str, Any] = {}
    for field in fields(node):
        value = getattr(node, field.name)
        match value:
            case Node():
                changed[field.name] = carried(value, by)
            case Grouping(keyword, labels) if keyword in {"by", "on"}:
                changed[field.name] = Grouping(keyword, (*by, *labels))
            case tuple():
                changed[field.name] = tuple(carried(item, by) if isinstance(item, Node) else item for item in value)
            case _:
                pass
    return replace(node, **changed)


def _faults(expression: Node) -> Iterator[str]:
    for node in expression.walk():
        match node:
            case Aggregate(grouping=None):
                yield f"write `by ()` to leave no label: {node}"
            case Call(function) if function not in KEEPING | {"absent"}:
                yield f"{function}() is not known to keep labels: {node}"
            case Binary(operator) if operator not in SET_OPERATORS and not _single(node):
                yield f"more than one series can be on a side of {operator}: {node}"
            case _:
                pass


def _single(node: Binary) -> bool:
    """Whether no labels of targets can make two series match one."""
    left, right = node.left, node.right
    if _is_number(left) or _is_number(right) or node.matching is None:
        return True
    if node.matching.keyword != "on":
        return False
    labels = set(node.matching.labels)
    if node.carry is None:
        return _has_only(left, labels) and _has_only(right, labels)
    one = right if node.carry.keyword == "group_left" else left
    return not node.carry.labels and _has_only(one, labels)


def _has_only(node: Node, labels: set[str]) -> bool:
    match node:
        case Aggregate(grouping=Grouping("by", kept)):
            return set(kept) <= labels
        case Call(arguments=arguments):
            return all(_is_number(part) or _has_only(part, labels) for part in arguments)
        case Binary(left=left, right=right):
            return all(_is_number(part) or _has_only(part, labels) for part in (left, right))
        case _:
            return False


def _is_number(node: Node) -> bool:
    match node:
        case Number() | Call("time"):
            return True
        case Binary(operator, left, right):
            return operator not in SET_OPERATORS and _is_number(left) and _is_number(right)
        case _:
            return False


def _hidden(expression: Node) -> Iterator[Call]:
    """Every `absent()` that is not one of the alternatives of the whole expression."""
    allowed = set()
    alternatives = [expression]
    while alternatives:
        node = alternatives.pop()
        if isinstance(node, Binary) and node.operator == "or" and node.matching is None:
            alternatives += [node.left, node.right]
        else:
            allowed.add(id(node))
    for node in expression.walk():
        if isinstance(node, Call) and node.function == "absent" and id(node) not in allowed:
            yield node
