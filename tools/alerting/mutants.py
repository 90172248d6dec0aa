"""What is changed in a rule to see whether a test notices: one small fault at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tools.alerting.promql import (
    COMPARISONS,
    SET_OPERATORS,
    Aggregate,
    Binary,
    Call,
    Grouping,
    Matcher,
    Node,
    Number,
    Selector,
)
from tools.alerting.rulefiles import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tools.alerting.rulefiles import Rule

STEP = 60
"""Seconds by which `for` and `keep_firing_for` are moved: one evaluation of the tests."""

_OTHER_COMPARISONS = {
    "==": ("!=",),
    "!=": ("==",),
    ">": (">=", "<"),
    ">=": (">", "<"),
    "<": ("<=", ">"),
    "<=": ("<", ">"),
}
_OTHER_ARITHMETIC = {"+": "-", "-": "+", "*": "/", "/": "*"}
_OTHER_AGGREGATION = {"max": "min", "min": "max", "sum": "max", "count": "sum"}
_OTHER_FUNCTION = {"max_over_time": "min_over_time", "min_over_time": "max_over_time"}
_OTHER_MATCH = {"=": "!=", "!=": "=", "=~": "!~", "!~": "=~"}
_OTHER_KEYWORD = {
    "by": "without",
    "without": "by",
    "on": "ignoring",
    "ignoring": "on",
    "group_left": "group_right",
    "group_right": "group_left",
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A rule with one fault. `change` says what, in words that stay the same as long as the rule does."""

    rule: Rule
    change: str
    fields: Mapping[str, Any]


def mutants(rule: Rule) -> Iterator[Mutant]:
    """Every fault that is tried on this rule."""
    times: Counter[str] = Counter()
    for change, fields in _changes(rule):
        times[change] += 1
        again = f" (place {times[change]})" if times[change] > 1 else ""
        yield Mutant(rule, f"{change}{again}", fields)


def _changes(rule: Rule) -> Iterator[tuple[str, dict[str, Any]]]:
    fields = dict(rule.fields)
    expression = rule.expression
    seen = {str(expression)}
    for change, variant in variants(expression):
        if str(variant) not in seen:
            seen.add(str(variant))
            yield f"expr: {change}", {**fields, "expr": str(variant)}
    if rule.alert is None:
        yield "record: another name", {**fields, "record": f"{rule.name}_other"}
        return
    for name in ("for", "keep_firing_for"):
        length = seconds(fields.get(name))
        for other in sorted({0, max(0, length - STEP), length + STEP} - {length}):
            yield f"{name}: {length}s to {other}s", {**fields, name: f"{other}s"}
    for part in ("labels", "annotations"):
        texts: Mapping[str, str] = fields.get(part) or {}
        for name, text in texts.items():
            yield f"{part}: without {name}", {**fields, part: {key: texts[key] for key in texts if key != name}}
            yield f"{part}: another {name}", {**fields, part: {**texts, name: f"{text} other"}}


def variants(node: Node) -> Iterator[tuple[str, Node]]:
    """The expression with one fault, for every fault that fits anywhere in it."""
    yield from _own_variants(node)
    for field, place, child in node.children():
        for change, other in variants(child):
            value: object = other
            if place is not None:
                items = list(getattr(node, field))
                items[place] = other
                value = tuple(items)
            yield change, replace(node, **{field: value})


def _own_variants(node: Node) -> Iterator[tuple[str, Node]]:
    match node:
        case Number():
            for other in (node.value + 1, node.value - 1):
                yield f"{node.value:g} to {other:g}", replace(node, value=other)
        case Selector():
            yield from _selector_variants(node)
        case Call():
            yield from _call_variants(node)
        case Aggregate():
            yield from _aggregate_variants(node)
        case Binary():
            yield from _binary_variants(node)
        case _:
            raise TypeError(type(node).__name__)


def _call_variants(node: Call) -> Iterator[tuple[str, Node]]:
    if node.function in _OTHER_FUNCTION:
        other = _OTHER_FUNCTION[node.function]
        yield f"{node.function} to {other}", replace(node, function=other)
    if node.function == "absent":
        yield "absent dropped", node.arguments[0]


def _aggregate_variants(node: Aggregate) -> Iterator[tuple[str, Node]]:
    if node.operator in _OTHER_AGGREGATION:
        other = _OTHER_AGGREGATION[node.operator]
        yield f"{node.operator} of {_short(node.operand)} to {other}", replace(node, operator=other)
    for change, grouping in _grouping_variants(node.grouping):
        yield f"{change} of {_short(node.operand)}", replace(node, grouping=grouping)


def _binary_variants(node: Binary) -> Iterator[tuple[str, Node]]:
    left, right = _short(node.left), _short(node.right)
    if node.operator in SET_OPERATORS:
        yield f"without {node.operator} {right}", node.left
        if node.operator != "unless":
            yield f"without {left} {node.operator}", node.right
        if node.operator != "or":
            flipped = "and" if node.operator == "unless" else "unless"
            yield f"{left} {node.operator} to {flipped} {right}", replace(node, operator=flipped)
    elif node.operator in COMPARISONS:
        for flipped in _OTHER_COMPARISONS[node.operator]:
            yield f"{left} {node.operator} to {flipped} {right}", replace(node, operator=flipped)
        yield f"{left} without {node.operator} {right}", node.left
    else:
        flipped = _OTHER_ARITHMETIC[node.operator]
        yield f"{left} {node.operator} to {flipped} {right}", replace(node, operator=flipped)
    for change, grouping in _grouping_variants(node.matching):
        yield f"{left} {node.operator} {right}: {change}", replace(node, matching=grouping)
    for change, grouping in _grouping_variants(node.carry):
        yield f"{left} {node.operator} {right}: {change}", replace(node, carry=grouping)


def _selector_variants(node: Selector) -> Iterator[tuple[str, Selector]]:
    for place, matcher in enumerate(node.matchers):
        before, after = node.matchers[:place], node.matchers[place + 1 :]
        yield f"{node.metric} without {matcher}", replace(node, matchers=(*before, *after))
        for change, other in _matcher_variants(matcher):
            yield f"{node.metric} with {change}", replace(node, matchers=(*before, other, *after))
    if node.range_seconds is not None:
        for length in (node.range_seconds // 2, node.range_seconds * 2):
            yield f"{node.metric}[{node.range_seconds}s] to [{length}s]", replace(node, range_seconds=length)
    if node.offset_seconds is not None:
        yield f"{node.metric} without offset", replace(node, offset_seconds=None)


def _matcher_variants(matcher: Matcher) -> Iterator[tuple[str, Matcher]]:
    negated = replace(matcher, operator=_OTHER_MATCH[matcher.operator])
    yield str(negated), negated
    alternatives = matcher.value.split("|")
    if matcher.operator in {"=~", "!~"} and len(alternatives) > 1:
        for dropped in alternatives:
            fewer = replace(matcher, value="|".join(name for name in alternatives if name != dropped))
            yield str(fewer), fewer


def _grouping_variants(grouping: Grouping | None) -> Iterator[tuple[str, Grouping | None]]:
    if grouping is None:
        return
    keyword = _OTHER_KEYWORD[grouping.keyword]
    yield f"{grouping.keyword} to {keyword}", replace(grouping, keyword=keyword)
    for label in grouping.labels:
        fewer = tuple(name for name in grouping.labels if name != label)
        yield f"{label} not in {grouping.keyword}", replace(grouping, labels=fewer)


def _short(node: Node) -> str:
    """A name for an operand in the description of a change: its metrics."""
    names = dict.fromkeys(
        f"{part.metric}{{{','.join(map(str, part.matchers))}}}" if part.matchers else part.metric
        for part in node.walk()
        if isinstance(part, Selector)
    )
    return " ".join(name.removeprefix("orchestration_") for name in names) or str(node)
