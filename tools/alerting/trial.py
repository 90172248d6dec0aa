"""Trying mutants: all of one rule in one run of its tests, side by side under names of their own.

The tests' series are then loaded once, not once for each mutant, which is what makes a run of all of them quick.
"""

from __future__ import annotations

import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tools.alerting.mutants import Mutant, mutants
from tools.alerting.promtool import WORKERS, failed_tests
from tools.alerting.rulefiles import TESTS, Rule, read_yaml, rule_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Numbered = Mapping[int, Mutant]

_NOTICED: Final = re.compile(r'(?:alertname: |rule: |expr: ")[\w:]+_mutant(\d+)\b')
_NOT_EVALUATED: Final = re.compile(r"^ *rule: \S+, time: ", re.MULTILINE)


class TrialError(Exception):
    """The tests fail already, so they say nothing of any mutant; the message is promtool's."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The mutants that were tried, and those that no test noticed."""

    tried: tuple[Mutant, ...]
    survived: tuple[Mutant, ...]


def try_mutants(rules: Sequence[Rule], chosen: Iterable[Rule]) -> Outcome:
    """Try every mutant of the chosen rules on the rule's own tests and, if it survives, on those of no single rule.

    Raises PromtoolError and TrialError.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(WORKERS) as pool:
        places = [(rule, Path(folder) / f"rule{number}") for number, rule in enumerate(chosen)]
        outcomes = list(pool.map(lambda place: _own_tests(place[0], place[1], rules), places))
        standing = [mutant for outcome in outcomes for mutant in outcome.survived]
        noticed = _common_tests(Path(folder), standing, rules)
    return Outcome(
        tuple(mutant for outcome in outcomes for mutant in outcome.tried),
        tuple(mutant for number, mutant in enumerate(standing) if number not in noticed),
    )


def _own_tests(rule: Rule, folder: Path, rules: Sequence[Rule]) -> Outcome:
    """A mutant that cannot be evaluated ends a test early: it is noticed, and the tests run again without it."""
    folder.mkdir()
    tried = tuple(mutants(rule))
    tests = read_yaml(rule.tests)
    control = Mutant(rule, "nothing", rule.fields)
    standing = dict(enumerate((*tried, control)))
    again = True
    while standing and again:
        said = _failure(folder, _side_by_side(standing, rule, rules), _asking_each(tests, rule, standing))
        noticed = {int(number) for number in _NOTICED.findall(said)}
        again = _NOT_EVALUATED.search(said) is not None
        standing = {number: mutant for number, mutant in standing.items() if number not in noticed}
        if control not in standing.values():
            raise TrialError(f"{rule.key} fails its own tests without any fault: {said}")
    return Outcome(tried, tuple(mutant for mutant in standing.values() if mutant is not control))


def _common_tests(folder: Path, standing: Sequence[Mutant], rules: Sequence[Rule]) -> set[int]:
    """The numbers of those that, among all the rules, make a test fail that is no rule's own but names theirs."""
    own = {rule.tests for rule in rules}
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(set(TESTS.glob("*.yml")) - own)}
    files: dict[Path, int] = {}
    for number, mutant in enumerate(standing):
        place = folder / f"mutant{number}"
        place.mkdir()
        changed = [replace(rule, fields=mutant.fields) if rule is mutant.rule else rule for rule in rules]
        _write(place / "rules.yml", rule_file(changed))
        for path in [path for path, text in texts.items() if mutant.rule.name in text]:
            _write(place / path.name, {**read_yaml(path), "rule_files": ["rules.yml"]})
            files[place / path.name] = number
    return {files[path] for path in failed_tests(list(files))}


def _failure(folder: Path, rules: Iterable[Rule], tests: Mapping[str, Any]) -> str:
    _write(folder / "rules.yml", rule_file(rules))
    _write(folder / "test.yml", {**tests, "rule_files": ["rules.yml"]})
    return failed_tests([folder / "test.yml"]).get(folder / "test.yml", "")


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")


def _name(rule: Rule, number: int) -> str:
    return f"{rule.name}_mutant{number}"


def _side_by_side(standing: Numbered, rule: Rule, rules: Sequence[Rule]) -> list[Rule]:
    """What the rule's tests need: every rule that records, and for each mutant the rules of the alert's name."""
    if rule.alert is None:
        recorded = {number: mutant.fields["record"] for number, mutant in standing.items()}
        names = {number: name.replace(rule.name, _name(rule, number)) for number, name in recorded.items()}
        return [replace(rule, fields={**standing[number].fields, "record": name}) for number, name in names.items()]
    family = [other for other in rules if other.alert == rule.alert]
    return [
        *(other for other in rules if other.alert is None),
        *(
            _renamed(replace(other, fields=mutant.fields) if other is rule else other, _name(rule, number))
            for number, mutant in standing.items()
            for other in family
        ),
    ]


def _renamed(rule: Rule, name: str) -> Rule:
    """The alert under another name, which it also asks for where it asks whether it fires."""
    expression = str(rule.fields["expr"]).replace(f'"{rule.name}"', f'"{name}"')
    return replace(rule, fields={**rule.fields, "alert": name, "expr": expression})


def _asking_each(tests: Mapping[str, Any], rule: Rule, standing: Numbered) -> dict[str, Any]:
    """The tests with every question about the rule asked of each mutant."""
    ask: Callable[[Mapping[str, Any], int], dict[str, Any]]
    if rule.alert is None:
        part, subject, ask = "promql_expr_test", "expr", lambda question, number: _about_record(question, rule, number)
    else:
        part, subject, ask = "alert_rule_test", "alertname", lambda q, number: {**q, "alertname": _name(rule, number)}
    return {
        **tests,
        "tests": [
            {
                **test,
                part: [
                    ask(question, number)
                    for question in test[part]
                    if question[subject] == rule.name
                    for number in standing
                ],
            }
            for test in tests["tests"]
        ],
    }


def _about_record(question: Mapping[str, Any], rule: Rule, number: int) -> dict[str, Any]:
    name = _name(rule, number)
    samples = [{**sample, "labels": sample["labels"].replace(rule.name, name)} for sample in question["exp_samples"]]
    return {**question, "expr": name, "exp_samples": samples}
