"""Trying mutants: all of one rule in one promtool run, side by side under names of their own.

Two things make a run of all of them quick: the tests' series are loaded once for all mutants, and a mutant that was
noticed is not evaluated again.
"""

from __future__ import annotations

import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from tools.alerting.mutants import Mutant, mutants
from tools.alerting.promtool import WORKERS, failed_tests
from tools.alerting.rulefiles import Rule, read_yaml, rule_file, seconds

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


def try_mutants(rules: Sequence[Rule], chosen: Iterable[Rule], *, every: int = 1) -> Outcome:
    """Try the mutants of the chosen rules on the rule's own tests and, if they survive, on those of no single rule.

    `every`: of each rule's mutants the first and then every so many-th. Raises PromtoolError and TrialError.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(WORKERS) as pool:
        places = [(rule, Path(folder) / f"rule{number}") for number, rule in enumerate(chosen)]
        outcomes = list(pool.map(lambda place: _own_tests(place[0], place[1], rules, every), places))
        standing = [mutant for outcome in outcomes for mutant in outcome.survived]
        noticed = _common_tests(Path(folder), standing, rules)
    return Outcome(
        tuple(mutant for outcome in outcomes for mutant in outcome.tried),
        tuple(mutant for number, mutant in enumerate(standing) if number not in noticed),
    )


def _own_tests(rule: Rule, folder: Path, rules: Sequence[Rule], every: int) -> Outcome:
    """The rule's own tests on its mutants, side by side where they cannot see each other.

    A mutant that asks for alerts of any name would see those of its neighbours, so it is tried alone.
    """
    folder.mkdir()
    tried = tuple(mutants(rule))[::every]
    together = [mutant for mutant in tried if "alertname" not in mutant.change]
    alone = [mutant for mutant in tried if mutant not in together]
    survived = [
        mutant
        for group in (together, *([mutant] for mutant in alone))
        for mutant in _standing(rule, folder, rules, group)
    ]
    return Outcome(tried, tuple(survived))


def _standing(rule: Rule, folder: Path, rules: Sequence[Rule], tried: Sequence[Mutant]) -> list[Mutant]:
    """Those that no test notices, by the shortest excerpt first: each later one is run with the mutants that are left.

    A mutant that cannot be evaluated ends an excerpt early: it is noticed, and the excerpt runs again without it.
    """
    control = Mutant(rule, "nothing", rule.fields)
    standing = dict(enumerate((*tried, control)))
    for excerpt in _excerpts(rule, cut=len(tried) > 1):
        again = True
        while len(standing) > 1 and again:
            said = _failure(folder, _side_by_side(standing, rule, rules), _asking_each(excerpt, rule, standing))
            noticed = {int(number) for number in _NOTICED.findall(said)}
            again = _NOT_EVALUATED.search(said) is not None
            standing = {number: mutant for number, mutant in standing.items() if number not in noticed}
            if control not in standing.values():
                raise TrialError(f"{rule.key} fails its own tests without any fault: {said}")
    return [mutant for mutant in standing.values() if mutant is not control]


def _excerpts(rule: Rule, *, cut: bool) -> list[dict[str, Any]]:
    """The rule's tests one by one, the shortest first; with `cut`, each also up to its first question with an answer.

    promtool evaluates every rule at every minute up to the last question. Most mutants are noticed within the first
    minutes, and cost nothing later.
    """
    content = read_yaml(rule.tests)
    part, subject, answer = _asked(rule)
    excerpts: list[tuple[int, dict[str, Any]]] = []
    for test in content["tests"]:
        questions = sorted(
            (question for question in test.get(part, ()) if question[subject] == rule.name),
            key=lambda question: seconds(question["eval_time"]),
        )
        ends = [seconds(question["eval_time"]) for question in questions][-1:]
        ends += [seconds(question["eval_time"]) for question in questions if cut and question[answer]][:1]
        for end in set(ends):
            until = [question for question in questions if seconds(question["eval_time"]) <= end]
            excerpts.append((end, {**content, "tests": [{**test, part: until}]}))
    return [excerpt for _, excerpt in sorted(excerpts, key=lambda timed: timed[0])]


def _asked(rule: Rule) -> tuple[str, str, str]:
    """Under which names a promtool test asks about this kind of rule: the questions, their subject, their answer."""
    if rule.alert is None:
        return "promql_expr_test", "expr", "exp_samples"
    return "alert_rule_test", "alertname", "exp_alerts"


def _common_tests(folder: Path, standing: Sequence[Mutant], rules: Sequence[Rule]) -> set[int]:
    """The numbers of those that, among all the rules, make a test fail that is no rule's own but names theirs."""
    files: dict[Path, int] = {}
    for number, mutant in enumerate(standing):
        place = folder / f"mutant{number}"
        place.mkdir()
        changed = [replace(rule, fields=mutant.fields) if rule is mutant.rule else rule for rule in rules]
        _write(place / "rules.yml", rule_file(changed))
        for path in common_tests(mutant.rule, rules):
            _write(place / path.name, {**read_yaml(path), "rule_files": ["rules.yml"]})
            files[place / path.name] = number
    return {files[path] for path in failed_tests(list(files))}


def common_tests(rule: Rule, rules: Iterable[Rule]) -> list[Path]:
    """The test files that are no single rule's own and name this one."""
    own = {other.tests for other in rules}
    return [
        path
        for path in sorted(set(rule.tests.parent.glob("*.yml")) - own)
        if rule.name in path.read_text(encoding="utf-8")
    ]


def _failure(folder: Path, rules: Iterable[Rule], tests: Mapping[str, Any]) -> str:
    _write(folder / "rules.yml", rule_file(rules))
    _write(folder / "test.yml", {**tests, "rule_files": ["rules.yml"]})
    return failed_tests([folder / "test.yml"]).get(folder / "test.yml", "")


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")


def _name(rule: Rule, number: int) -> str:
    return f"{rule.name}_mutant{number}"


def _side_by_side(standing: Numbered, rule: Rule, rules: Sequence[Rule]) -> list[Rule]:
    """What the rule's tests load: the rules that record, and for each mutant the rules of the alert's name."""
    files = [Path(name).name for name in read_yaml(rule.tests)["rule_files"]]
    recording = [other for other in rules if other.alert is None and any(fnmatch(other.file, name) for name in files)]
    if rule.alert is None:
        recorded = {number: mutant.fields["record"] for number, mutant in standing.items()}
        names = {number: name.replace(rule.name, _name(rule, number)) for number, name in recorded.items()}
        return [
            *(other for other in recording if other.name != rule.name),
            *(
                replace(rule, fields={"record": name, "expr": _asking_itself(rule, standing[number], number)})
                for number, name in names.items()
            ),
        ]
    family = [other for other in rules if other.alert == rule.alert]
    return [
        *recording,
        *(
            _renamed(replace(other, fields=mutant.fields) if other is rule else other, _name(rule, number))
            for number, mutant in standing.items()
            for other in family
        ),
    ]


def _asking_itself(rule: Rule, mutant: Mutant, number: int) -> str:
    """The mutant's expression, which asks for its own series where the rule asks for what it recorded before."""
    return str(mutant.fields["expr"]).replace(rule.name, _name(rule, number))


def _renamed(rule: Rule, name: str) -> Rule:
    """The alert under another name, which it also asks for where it asks whether it fires."""
    expression = str(rule.fields["expr"]).replace(f'"{rule.name}"', f'"{name}"')
    return replace(rule, fields={**rule.fields, "alert": name, "expr": expression})


def _asking_each(excerpt: Mapping[str, Any], rule: Rule, standing: Numbered) -> dict[str, Any]:
    """The excerpt with every question asked of each mutant."""
    part, _, _ = _asked(rule)
    ask: Callable[[Mapping[str, Any], Rule, int], dict[str, Any]] = _about_alert if rule.alert else _about_record
    return {
        **excerpt,
        "tests": [
            {**test, part: [ask(question, rule, number) for question in test[part] for number in standing]}
            for test in excerpt["tests"]
        ],
    }


def _about_alert(question: Mapping[str, Any], rule: Rule, number: int) -> dict[str, Any]:
    return {**question, "alertname": _name(rule, number)}


def _about_record(question: Mapping[str, Any], rule: Rule, number: int) -> dict[str, Any]:
    name = _name(rule, number)
    samples = [{**sample, "labels": sample["labels"].replace(rule.name, name)} for sample in question["exp_samples"]]
    return {**question, "expr": name, "exp_samples": samples}
