"""promtool's own tests of the rules: they pass, and every alert has those that it needs."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from tools.alerting.promql import selectors
from tools.alerting.promtool import failed_tests
from tools.alerting.rulefiles import RECORDING_TESTS, TESTS, Rule, load_rules, read_yaml, seconds

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted(TESTS.glob("*.yml"))
RULES = load_rules()
NAMES = sorted({rule.name for rule in RULES if rule.alert})
RECORDED = {rule.name for rule in RULES if not rule.alert}
WORLDS = ("healthy-day", "sources-down", "exporter-absent")
"""Files that look at all alerts at once: a day on which all is well, unknown sources, no exporter."""
STEP = 60

Question = dict[str, Any]


def _own(name: str) -> list[list[Question]]:
    """The questions about an alert in its own file, test by test."""
    return [test["alert_rule_test"] for test in read_yaml(TESTS / f"{name}.yml")["tests"]]


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_the_rules_do_what_is_asked_of_them(file: Path) -> None:
    assert failed_tests([file]) == {}


@pytest.mark.parametrize("name", NAMES)
def test_an_alerts_own_file_asks_about_it_alone(name: str) -> None:
    assert {question["alertname"] for questions in _own(name) for question in questions} == {name}


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_is_seen_to_fire_with_all_its_annotations_and_not_a_step_before(name: str) -> None:
    first = [
        question
        for questions in _own(name)
        for question in questions
        if question["exp_alerts"]
        and seconds(question["eval_time"]) - STEP
        in {seconds(other["eval_time"]) for other in questions if not other["exp_alerts"]}
    ]
    annotations = {key for rule in RULES if rule.name == name for key in rule.annotations}

    assert first
    for question in first:
        for alert in question["exp_alerts"]:
            assert alert["exp_annotations"].keys() == annotations


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.alert], ids=lambda rule: rule.key)
def test_every_rule_is_seen_to_fire(rule: Rule) -> None:
    fired = [alert["exp_labels"] for questions in _own(rule.name) for q in questions for alert in q["exp_alerts"]]

    assert any(rule.labels.items() <= labels.items() for labels in fired)


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_is_seen_to_stop_as_soon_as_it_should(name: str) -> None:
    """At the step after the last one at which it fires; the watchdog's stopping is what it is for."""
    ends = [
        (seconds(before["eval_time"]), seconds(after["eval_time"]))
        for questions in _own(name)
        for before, after in pairwise(questions)
        if before["exp_alerts"] and len(after["exp_alerts"]) < len(before["exp_alerts"])
    ]

    assert any(after - before == STEP for before, after in ends)


def test_the_recording_rules_have_their_tests() -> None:
    tests = read_yaml(TESTS / f"{RECORDING_TESTS}.yml")["tests"]

    assert {question["expr"] for test in tests for question in test["promql_expr_test"]} == RECORDED


@pytest.mark.parametrize("world", WORLDS)
def test_each_world_loads_all_rules_and_looks_for_any_alert(world: str) -> None:
    content = read_yaml(TESTS / f"{world}.yml")
    expressions = {question["expr"] for test in content["tests"] for question in test["promql_expr_test"]}

    assert content["rule_files"] == ["../rules/*.yml"]
    assert any(expression.startswith("ALERTS{alertname!~") for expression in expressions)


def test_all_is_well_on_the_healthy_day_only_with_everything_there_that_the_rules_read() -> None:
    series = {
        re.split(r"[{ ]", item["series"], maxsplit=1)[0]
        for test in read_yaml(TESTS / "healthy-day.yml")["tests"]
        for item in test["input_series"]
    }
    read = {selector.metric for rule in RULES for selector in selectors(rule.expression)} - RECORDED

    assert read - series == {"ALERTS"}
