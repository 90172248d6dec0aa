"""Mutation testing of the alert rules: every small fault in a rule must make a test fail.

`python -m tools.alerting.mutate` tries all of them, `... Name` those of one rule; `--by-labels` those of the form that
`dump rules --by` writes; `--report` those of rules that are others than on the committed page, and writes the page.

The page says of which rules and tests it speaks, by a fingerprint: `make test` tries all mutants of a rule
whose fingerprint is another, and of the others a sample.

A fault that no test can see because the rule means the same with it is listed, with the reason, in
`alerts/tests/equivalent-mutants.yaml`; one that is listed and noticed, or not tried any more, fails as well.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.alerting.labelled import CARRIED, carried_tests, of_the_rule, written
from tools.alerting.mutants import mutants
from tools.alerting.rulefiles import SOURCE, TESTS, Rule, load_rules, read_yaml
from tools.alerting.trial import Outcome, common_tests, try_mutants

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Reasons = Mapping[tuple[str, str], str]

EQUIVALENT: Final = TESTS / "equivalent-mutants.yaml"
REPORT: Final = TESTS / "MUTATION.md"

_MEANS: Final = tuple(Path(__file__).with_name(name) for name in ("mutants.py", "promql.py", "trial.py"))
_ROW: Final = re.compile(r"^\| `(?P<rule>[^`]+)` \|.*\| `(?P<fingerprint>[0-9a-f]+)` \|$", re.MULTILINE)


def excused() -> Reasons:
    """The mutants that mean the same as their rule, as (rule, change) with the reason."""
    listed = read_yaml(EQUIVALENT)
    return {(item["rule"], item["change"]): item["reason"] for item in listed}


def fingerprint(rule: Rule, rules: Sequence[Rule]) -> str:
    """Of all that decides which mutants of the rule are noticed: rules, tests, and the code that tries them."""
    family = [dict(other.fields) for other in rules if other.alert in {None, rule.alert}]
    files = [rule.tests, *common_tests(rule, rules), *_MEANS]
    content = json.dumps([rule.key, family, *(path.read_text(encoding="utf-8") for path in files)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def fingerprints(rules: Sequence[Rule]) -> Mapping[str, str]:
    """Those of all the rules, by the rule's key."""
    return {rule.key: fingerprint(rule, rules) for rule in rules}


def proven() -> Mapping[str, str]:
    """The fingerprint with which each rule's mutants were all tried, as the committed page has it."""
    return {row["rule"]: row["fingerprint"] for row in _ROW.finditer(REPORT.read_text(encoding="utf-8"))}


def faults(outcome: Outcome, reasons: Reasons) -> list[str]:
    """What is wrong: mutants that survived without a reason, and reasons without such a mutant."""
    survived = {(mutant.rule.key, mutant.change) for mutant in outcome.survived}
    tried = {(mutant.rule.key, mutant.change) for mutant in outcome.tried}
    known = {(rule.key, mutant.change) for rule in load_rules() for mutant in mutants(rule)}
    return [
        *(f"no test notices {rule}: {change}" for rule, change in sorted(survived - reasons.keys())),
        *(
            f"{EQUIVALENT.name} lists what is noticed, or is no mutant: {rule}: {change}"
            for rule, change in sorted(reasons.keys() - survived)
            if (rule, change) in tried or (rule, change) not in known
        ),
    ]


def as_proven(rules: Sequence[Rule], reasons: Reasons) -> Outcome:
    """The outcome of all mutants once every one is noticed or excused."""
    tried = tuple(mutant for rule in rules for mutant in mutants(rule))
    return Outcome(tried, tuple(mutant for mutant in tried if (mutant.rule.key, mutant.change) in reasons))


def report(outcome: Outcome, reasons: Reasons, fingerprints: Mapping[str, str]) -> str:
    """The committed page: what was tried, what was noticed, and why the rest cannot be."""
    tried = Counter(mutant.rule.key for mutant in outcome.tried)
    survived = Counter(mutant.rule.key for mutant in outcome.survived)
    equivalent = [
        f"- `{mutant.rule.key}`, {mutant.change}: {reasons.get((mutant.rule.key, mutant.change), '**not explained**')}"
        for mutant in outcome.survived
    ]
    return "\n".join(
        [
            "# Mutation testing of the alert rules",
            "",
            "Written by `make mutants ARGS=--report`, which tries the mutants of rules whose fingerprint is stale. A",
            "mutant is a rule with one small fault: a guard dropped, a comparison flipped, a number, duration or",
            "label changed, an annotation gone. A test must notice it, or it must be equivalent: the rule means the",
            "same with it. The fingerprint is of the rule, its tests and the code that makes mutants. While one is",
            "stale, `make test` fails and tries all of that rule; of the others it tries a sample. `make mutants`",
            "tries all.",
            "",
            f"**{tried.total()} mutants: {tried.total() - survived.total()} noticed, {survived.total()} equivalent.**",
            "",
            "| rule | mutants | noticed | equivalent | fingerprint |",
            "|---|---|---|---|---|",
            *(
                f"| `{key}` | {tried[key]} | {tried[key] - survived[key]} | {survived[key]} | `{fingerprints[key]}` |"
                for key in tried
            ),
            "",
            "## Equivalent",
            "",
            *(equivalent or ["None."]),
            "",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if every mutant is noticed or explained, else 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="*", help="rules to try; all, if none is named")
    parser.add_argument("--by-labels", action="store_true", help="try the rules in the form that carries labels")
    parser.add_argument("--report", action="store_true", help=f"try what is stale in {REPORT.name}, and write it")
    options = parser.parse_args(arguments)
    if options.by_labels:
        return _by_labels(options.name)
    rules, reasons = load_rules(), excused()
    current = fingerprints(rules)
    chosen = [rule for rule in rules if not options.name or rule.name in options.name]
    if options.report:
        chosen = [rule for rule in rules if proven().get(rule.key) != current[rule.key]]
    outcome = try_mutants(rules, chosen)
    wrong = faults(outcome, reasons)
    for line in wrong:
        print(line)
    print(f"{len(outcome.tried)} mutants, {len(outcome.survived)} not noticed, {len(wrong)} to explain")
    if options.report and not wrong:
        REPORT.write_text(report(as_proven(rules, reasons), reasons, current), encoding="utf-8")
    return 1 if wrong else 0


def _by_labels(names: Sequence[str]) -> int:
    """Try the rules as `dump rules --by` writes them, on their tests with those labels. None is excused."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "form"
        written(folder, CARRIED, carried_tests())
        rules = load_rules(folder / SOURCE.name, folder / "tests")
        outcome = try_mutants(rules, [rule for rule in rules if not names or rule.name in names])
    tried = [mutant for mutant in outcome.tried if of_the_rule(mutant.change)]
    survived = [mutant for mutant in outcome.survived if of_the_rule(mutant.change)]
    for mutant in survived:
        print(f"{mutant.rule.key} by labels: {mutant.change}: not noticed")
    print(f"by labels: {len(tried)} mutants, {len(survived)} not noticed")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
