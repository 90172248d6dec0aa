"""The rule files, as they are written and as they are shipped, their tests, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.config.parsing import parse_yaml
from exporter.shipped.alerts import alert_of
from tools.alerting.promql import Node, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "alerts" / "source"
"""The rules as they are written: `for` and `keep_firing_for` say how long an alert waits and goes on."""
RULES = ROOT / "alerts" / "rules"
"""The same as they are shipped, made by tools.alerting.persistent."""
TESTS = ROOT / "alerts" / "tests"

_Fault = TypeVar("_Fault")

RECORDING_TESTS = "recording"
"""The test file of the recording rules; an alert's is named after it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it is written. `fields` is its YAML; the rest is read from there.

    `beside` is the folder of its tests, where that is another than TESTS.
    """

    file: str
    group: str
    place: int
    fields: Mapping[str, Any] = field(hash=False)
    beside: Path | None = None

    @property
    def alert(self) -> str | None:
        """The alert's name, None for a recording rule."""
        name: str | None = self.fields.get("alert")
        return name

    @property
    def name(self) -> str:
        """The alert's or the recorded series' name."""
        return str(self.fields.get("alert") or self.fields["record"])

    @property
    def key(self) -> str:
        """A name for this one rule: where several share it, the labels that tell them apart follow."""
        told = ",".join(str(value) for label, value in sorted(self.labels.items()))
        return f"{self.name}[{told}]" if told else self.name

    @property
    def expression(self) -> Node:
        """The parsed expression. Raises PromqlError."""
        return parse(str(self.fields["expr"]))

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels that the rule adds."""
        return self.fields.get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        """The annotations as templates."""
        return self.fields.get("annotations") or {}

    @property
    def tests(self) -> Path:
        """The file with this rule's own tests."""
        return (self.beside or TESTS) / f"{self.alert or RECORDING_TESTS}.yml"


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - YAML holds anything
    """The content of a YAML file."""
    return parse_yaml(path.read_text(encoding="utf-8"))


def load_rules(folder: Path = SOURCE, tests: Path | None = None) -> tuple[Rule, ...]:
    """Every rule of every file, in order; its tests are those that are shipped, or those in another folder."""
    return tuple(
        Rule(path.name, group["name"], place, fields, tests)
        for path in sorted(folder.glob("*.yml"))
        for group in read_yaml(path)["groups"]
        for place, fields in enumerate(group["rules"])
    )


def rule_key(about: str) -> str:
    """The key of a rule, by what its alert is about in the register: `missing[critical]`. Raises KeyError."""
    key, bracket, labels = about.partition("[")
    return f"{alert_of(key).name}{bracket}{labels}"


def by_rule(faults: Mapping[str, _Fault]) -> dict[str, _Fault]:
    """What is given for `missing[critical]`, by the rule's key. Raises KeyError."""
    return {rule_key(about): fault for about, fault in faults.items()}


def rule_file(rules: Iterable[Rule]) -> dict[str, Any]:
    """The content of one rule file that holds these rules in this order, in the groups they come from."""
    groups: dict[str, list[Any]] = {}
    for rule in rules:
        groups.setdefault(rule.group, []).append(dict(rule.fields))
    return {"groups": [{"name": name, "rules": members} for name, members in groups.items()]}


def seconds(duration: str | int | None) -> int:
    """A Prometheus duration with one or more units (`90s`, `1h30m`) in seconds; 0 for none."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    total, digits = 0, ""
    for character in str(duration or ""):
        if character.isdigit():
            digits += character
        else:
            total += int(digits) * units[character]
            digits = ""
    return total
