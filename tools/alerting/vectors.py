"""The labels of an expression's result, and the unknown metrics and labels that the expression names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from exporter.metrics.catalogue import CATALOGUE
from tools.alerting.promql import COMPARISONS, SET_OPERATORS, Aggregate, Binary, Call, Node, Number, Selector, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tools.alerting.promql import Grouping
    from tools.alerting.rulefiles import Rule

TARGET: Final = frozenset({"job", "instance"})
"""The labels that Prometheus adds to what it scrapes."""
OF_ALERTS: Final = frozenset(
    {
        *("alertname", "alertstate", "severity", "pipeline", "phase", "run_date", "processor"),
        *("check", "source", "bound", "collector", "reason"),
    }
)
"""The labels that an alert can have, and the label with its state."""
_OF_COUNTERS: Final = frozenset({"rate", "irate", "increase"})
_WITHOUT_LABELS: Final = frozenset({"absent", "time"})


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its labels, and whether it is a counter."""

    labels: frozenset[str]
    counter: bool = False


def exported() -> dict[str, Metric]:
    """The metrics of a scrape of the exporter: its catalogue, and `up` and `ALERTS`, which Prometheus adds."""
    catalogue = {family.name: Metric(TARGET | set(family.labels), family.kind == "counter") for family in CATALOGUE}
    return {**catalogue, "up": Metric(TARGET), "ALERTS": Metric(OF_ALERTS)}


@dataclass(slots=True)
class Reader:
    """Reads expressions over these metrics. Unknown names are collected in `faults`."""

    metrics: Mapping[str, Metric]
    faults: list[str] = field(default_factory=list)

    def labels(self, node: Node) -> frozenset[str]:
        """The possible labels of the result."""
        match node:
            case Selector():
                return self._selected(node, counted=False)
            case Number() | Text():
                return frozenset()
            case Call():
                return self._called(node)
            case Aggregate(grouping=grouping, operand=operand):
                return self._grouped(grouping, self.labels(operand))
            case Binary():
                return self._matched(node)
            case _:
                raise TypeError(type(node).__name__)

    def _called(self, call: Call) -> frozenset[str]:
        counted = call.function in _OF_COUNTERS
        inside = [
            self._selected(argument, counted=counted) if isinstance(argument, Selector) else self.labels(argument)
            for argument in call.arguments
        ]
        if call.function == "label_replace" and isinstance(call.arguments[1], Text):
            inside.append(frozenset({call.arguments[1].value}))
        return frozenset() if call.function in _WITHOUT_LABELS else frozenset().union(*inside)

    def _selected(self, selector: Selector, *, counted: bool) -> frozenset[str]:
        metric = self.metrics.get(selector.metric)
        if metric is None:
            self.faults.append(f"no metric {selector.metric}")
            return frozenset()
        if metric.counter != counted:
            self.faults.append(f"{selector.metric} is {'a' if metric.counter else 'no'} counter")
        # Prometheus renames a label that the target has as well.
        asked = (matcher.label.removeprefix("exported_") for matcher in selector.matchers)
        self._known(f"{selector.metric} has no label", asked, metric.labels)
        return metric.labels

    def _grouped(self, grouping: Grouping | None, inside: frozenset[str]) -> frozenset[str]:
        if grouping is None:
            return frozenset()
        self._known("nothing to group has the label", grouping.labels, inside)
        named = frozenset(grouping.labels)
        return named if grouping.keyword == "by" else inside - named

    def _matched(self, node: Binary) -> frozenset[str]:
        left, right = self.labels(node.left), self.labels(node.right)
        named = frozenset(node.matching.labels if node.matching else ())
        scalar = _is_scalar(node.left) or _is_scalar(node.right)
        on = node.matching is not None and node.matching.keyword == "on"
        if on:
            self._known(f"not on both sides of {node.operator}: label", named, left & right)
        else:
            self._known(f"on neither side of {node.operator}: label", named, left | right)
            if not scalar and node.operator != "or" and left - named != right - named:
                apart = sorted((left - named) ^ (right - named))
                self.faults.append(f"never matches, {', '.join(apart)} on one side only: {node}")
        if node.operator == "or":
            return left | right
        if node.operator in SET_OPERATORS or _is_scalar(node.right):
            return left
        if _is_scalar(node.left):
            return right
        if node.carry is not None:
            many, one = (left, right) if node.carry.keyword == "group_left" else (right, left)
            self._known("nothing to carry has the label", node.carry.labels, one)
            return many | frozenset(node.carry.labels)
        return named if on else left - named

    def _known(self, fault: str, labels: Iterable[str], there: frozenset[str]) -> None:
        self.faults += [f"{fault} {label}" for label in labels if label not in there]


def with_recorded(rules: Iterable[Rule]) -> dict[str, Metric]:
    """What is exported, and what these recording rules, in this order, make of it."""
    metrics = exported()
    for rule in rules:
        if rule.alert is None:
            metrics[rule.name] = Metric(Reader(metrics).labels(rule.expression))
    return metrics


def _is_scalar(node: Node) -> bool:
    match node:
        case Number() | Call("time"):
            return True
        case Binary(operator, left, right):
            return operator not in SET_OPERATORS | COMPARISONS and _is_scalar(left) and _is_scalar(right)
        case _:
            return False
