"""Mutation testing of the rules, and tests of the means: a weak test is found out, a strong one is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from tools.alerting import mutate, rulefiles
from tools.alerting.labelled import CARRIED, carried_tests, of_the_rule, written
from tools.alerting.mutants import mutants, variants
from tools.alerting.mutate import REPORT, as_proven, excused, faults, fingerprint, fingerprints, proven, report
from tools.alerting.promql import parse
from tools.alerting.rulefiles import Rule, load_rules
from tools.alerting.trial import Outcome, TrialError, try_mutants

if TYPE_CHECKING:
    from pathlib import Path

RULES = load_rules()
SAMPLE = 16
"""Of the rules whose mutants were all tried as they stand (MUTATION.md), every so many-th is tried again."""
SAMPLE_WITH_LABELS = 40
"""Of the rules in the form that carries labels, every so many-th; `make mutants` tries all."""
EVERY_WITH_LABELS = 4
"""Of each of them, every so many-th mutant."""

STRONG = """
rule_files: [../rules/*.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'fault{kind="a",pipeline="p"}', values: 1x9 0x9}
      - {series: 'fault{kind="b",pipeline="q"}', values: 1x19}
    alert_rule_test:
      - {eval_time: 1m, alertname: Fault, exp_alerts: []}
      - {eval_time: 2m, alertname: Fault, exp_alerts: [{exp_labels: {severity: info, pipeline: p}}]}
      - {eval_time: 9m, alertname: Fault, exp_alerts: [{exp_labels: {severity: info, pipeline: p}}]}
      - {eval_time: 10m, alertname: Fault, exp_alerts: []}
"""
WEAK = STRONG.replace("{eval_time: 1m,", "{eval_time: 0m,")


def _rule(expression: str) -> Rule:
    fields = {"alert": "Fault", "expr": expression, "for": "2m", "labels": {"severity": "info"}}
    return Rule("faults.yml", "faults", 0, fields)


def _try(folder: Path, monkeypatch: pytest.MonkeyPatch, tests: str) -> Outcome:
    (folder / "Fault.yml").write_text(tests, encoding="utf-8")
    monkeypatch.setattr(rulefiles, "TESTS", folder)
    rule = _rule('sum by (pipeline) (fault{kind="a"}) > 0')
    return try_mutants([rule], [rule])


def _unproven() -> list[Rule]:
    """The rules that are others than when all of their mutants were tried, and a sample of those that are not."""
    known = [rule for rule in RULES if proven().get(rule.key) == fingerprint(rule, RULES)]
    return [rule for rule in RULES if rule not in known or rule in known[::SAMPLE]]


@pytest.mark.usefixtures("_programs")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rule", _unproven(), ids=lambda rule: rule.key)
def test_every_small_fault_in_a_rule_is_noticed(rule: Rule) -> None:
    outcome = try_mutants(RULES, [rule])

    assert outcome.tried
    assert faults(outcome, excused()) == []


@pytest.mark.usefixtures("_programs")
@pytest.mark.timeout(600)
def test_every_small_fault_is_noticed_in_the_form_that_carries_labels_as_well(tmp_path: Path) -> None:
    written(tmp_path / "form", CARRIED, carried_tests())
    labelled = load_rules(tmp_path / "form" / "source", tmp_path / "form" / "tests")

    outcome = try_mutants(labelled, labelled[::SAMPLE_WITH_LABELS], every=EVERY_WITH_LABELS)

    assert outcome.tried
    assert [mutant.change for mutant in outcome.survived if of_the_rule(mutant.change)] == []


def test_the_report_is_current() -> None:
    reasons = excused()

    assert REPORT.read_text(encoding="utf-8") == report(as_proven(RULES, reasons), reasons, fingerprints(RULES))


def test_a_rule_is_tried_whole_again_once_anything_that_decides_about_it_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Fault.yml").write_text(STRONG, encoding="utf-8")
    monkeypatch.setattr(rulefiles, "TESTS", tmp_path)
    rule, other = _rule("fault"), _rule("fault == 1")
    recording = Rule("faults.yml", "faults", 1, {"record": "a:b:c", "expr": "fault"})
    before = fingerprint(rule, [rule])

    found = {fingerprint(rule, [rule, recording]), fingerprint(other, [other])}
    (tmp_path / "Fault.yml").write_text(WEAK, encoding="utf-8")
    found.add(fingerprint(rule, [rule]))
    (tmp_path / "common.yml").write_text(STRONG, encoding="utf-8")
    found.add(fingerprint(rule, [rule]))

    assert len({before, *found}) == 5


@pytest.mark.usefixtures("_programs")
def test_a_test_that_looks_a_step_too_early_lets_a_shorter_wait_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    strong = _try(tmp_path, monkeypatch, STRONG)
    weak = _try(tmp_path, monkeypatch, WEAK)

    assert "for: 120s to 60s" not in {mutant.change for mutant in strong.survived}
    assert "for: 120s to 60s" in {mutant.change for mutant in weak.survived}


@pytest.mark.usefixtures("_programs")
def test_a_mutant_that_asks_for_alerts_of_any_name_does_not_see_the_other_mutants(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rulefiles, "TESTS", tmp_path)
    (tmp_path / "Fault.yml").write_text(STRONG, encoding="utf-8")
    rule = _rule('sum by (pipeline) (fault{kind="a"}) > 0 or (ALERTS{alertname="Fault",pipeline="q"} == 1)')

    survived = {mutant.change for mutant in try_mutants([rule], [rule]).survived}

    assert 'expr: ALERTS without alertname="Fault"' in survived


@pytest.mark.usefixtures("_programs")
def test_tests_that_fail_without_any_fault_are_no_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TrialError, match="without any fault"):
        _try(tmp_path, monkeypatch, STRONG.replace("severity: info", "severity: warning"))


@pytest.mark.usefixtures("_programs")
def test_a_mutant_that_survives_its_own_tests_may_be_noticed_by_a_common_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "common.yml").write_text(STRONG, encoding="utf-8")

    assert "for: 120s to 60s" not in {mutant.change for mutant in _try(tmp_path, monkeypatch, WEAK).survived}


@pytest.mark.usefixtures("_programs")
def test_survivors_need_a_reason_and_reasons_a_survivor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weak = _try(tmp_path, monkeypatch, WEAK)
    key = weak.survived[0].rule.key
    explained = {(key, mutant.change): "because" for mutant in weak.survived}

    assert faults(weak, {}) != []
    assert faults(weak, explained) == []
    assert faults(weak, {**explained, (key, "for: 120s to 180s"): "because"}) != []
    assert faults(weak, {**explained, ("Gone[info]", "for: 120s to 180s"): "because"}) != []


def test_the_reasons_are_read_by_rule_and_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = tmp_path / "equivalent.yaml"
    listed.write_text(yaml.safe_dump([{"rule": "A", "change": "b", "reason": "c"}]), encoding="utf-8")
    monkeypatch.setattr(mutate, "EQUIVALENT", listed)

    assert excused() == {("A", "b"): "c"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a and b", {"a", "b", "(a unless b)"}),
        ("a unless b", {"a", "(a and b)"}),
        ("a or b", {"a", "b"}),
        ("a > 1", {"a", "(a >= 1)", "(a < 1)", "(a > 2)", "(a > 0)"}),
        ("a == b", {"a", "(a != b)"}),
        ("a - b", {"(a + b)"}),
        ("max by (x, y) (a)", {"min by (x, y) (a)", "max without (x, y) (a)", "max by (y) (a)", "max by (x) (a)"}),
        ("a * on (x) b", {"(a / on (x) b)", "(a * ignoring (x) b)", "(a * on () b)"}),
        (
            "a * on () group_left (x) b",
            {
                "(a / on () group_left (x) b)",
                "(a * ignoring () group_left (x) b)",
                "(a * on () group_right (x) b)",
                "(a * on () group_left () b)",
            },
        ),
        ('a{x=~"y|z"}', {"a", 'a{x!~"y|z"}', 'a{x=~"y"}', 'a{x=~"z"}'}),
        ('a{x="y"}', {"a", 'a{x!="y"}'}),
        ("max_over_time(a[2m])", {"min_over_time(a[120s])", "max_over_time(a[60s])", "max_over_time(a[240s])"}),
        ("absent(a offset 1m)", {"a offset 60s", "absent(a)"}),
    ],
)
def test_the_faults_that_are_tried(expression: str, expected: set[str]) -> None:
    assert {str(variant) for _, variant in variants(parse(expression))} == expected


def test_durations_labels_and_annotations_are_changed_as_well() -> None:
    fields = {**_rule("a").fields, "annotations": {"summary": "All."}}

    assert [mutant.change for mutant in mutants(Rule("f", "g", 0, fields))] == [
        "for: 120s to 0s",
        "for: 120s to 60s",
        "for: 120s to 180s",
        "keep_firing_for: 0s to 60s",
        "labels: without severity",
        "labels: another severity",
        "annotations: without summary",
        "annotations: another summary",
    ]
