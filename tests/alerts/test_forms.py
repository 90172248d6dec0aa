"""Rules for more than one environment, and for targets with labels that no rule knows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from exporter.shipped.alerts import alert_of
from exporter.shipped.forms import Expected, Form
from tools.alerting.labelled import (
    CARRIED,
    carried_tests,
    exporters_tests,
    neighbours_tests,
    twice_found_tests,
    written,
)
from tools.alerting.promql import parse, selectors
from tools.alerting.promtool import failed_checks, failed_tests
from tools.alerting.rulefiles import RULES, SOURCE, Rule, load_rules
from tools.alerting.strict import carried, faults
from tools.alerting.templates import read_template

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ALL = load_rules()
ALERTS = sorted({rule.alert for rule in ALL if rule.alert})


def _one_in_four(tests: dict[str, Any]) -> dict[str, Any]:
    """Of what the rules' own forms say already (`strict.faults`), these tests; with LONG_FORMS (make long), all."""
    return tests if "LONG_FORMS" in os.environ else dict(list(tests.items())[::4])


def _failures(folder: Path, form: Form, tests: Mapping[str, Any]) -> dict[str, str]:
    return {file.name: said for file, said in failed_tests(written(folder / "form", form, tests)).items()}


@pytest.mark.usefixtures("_programs")
@pytest.mark.timeout(300)
def test_two_environments_have_alerts_of_their_own_with_their_own_words_and_links(tmp_path: Path) -> None:
    assert _failures(tmp_path, CARRIED, carried_tests()) == {}


@pytest.mark.usefixtures("_programs")
@pytest.mark.timeout(300)
def test_no_alert_of_an_environment_follows_from_what_is_in_another(tmp_path: Path) -> None:
    assert _failures(tmp_path, CARRIED, _one_in_four(neighbours_tests(ALERTS))) == {}


@pytest.mark.usefixtures("_programs")
@pytest.mark.timeout(300)
def test_a_target_that_is_found_twice_fails_no_rule_and_changes_no_alert(tmp_path: Path) -> None:
    assert _failures(tmp_path, Form(), _one_in_four(twice_found_tests())) == {}


@pytest.mark.usefixtures("_programs")
@pytest.mark.timeout(300)
def test_with_the_exporter_s_address_the_first_command_asks_it_and_the_runbook_is_its_own(tmp_path: Path) -> None:
    """The words of all alerts, and some as promtool sees them."""
    address = "https://exporter.example.com:9189"
    form = Form(exporter=f"{address}/")

    assert _failures(tmp_path, form, _one_in_four(exporters_tests(address))) == {}
    for rule in load_rules(tmp_path / "form" / RULES.name):
        if rule.alert:
            words = rule.annotations["action"].split()
            assert words[1] not in {"check", "explain", "repair"} or words[2:4] == ["--from", address]
            assert rule.annotations["runbook_url"].startswith(f"{address}/runbooks/{rule.name}")


@pytest.mark.parametrize("rule", [*ALL, *load_rules(RULES)], ids=lambda rule: f"{rule.key}-{rule.place}")
def test_every_rule_is_in_a_form_that_carries_labels_and_bears_targets_that_are_found_twice(rule: Rule) -> None:
    assert faults(rule.expression) == []


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("rules", [RULES, SOURCE], ids=lambda folder: folder.name)
def test_the_labels_are_in_every_grouping_and_in_every_query_of_an_annotation_and_nothing_else_is_changed(
    tmp_path: Path, rules: Path
) -> None:
    written(tmp_path / "form", CARRIED, {})
    labelled = load_rules(tmp_path / "form" / rules.name)

    assert failed_checks(sorted((tmp_path / "form" / rules.name).iterdir()), "--lint=all") == {}
    for rule, with_labels in zip(load_rules(rules), labelled, strict=True):
        assert with_labels.expression == carried(rule.expression, CARRIED.by)
        assert {**with_labels.fields, "expr": "", "annotations": {}} == {**rule.fields, "expr": "", "annotations": {}}
        for name, text in with_labels.annotations.items():
            before, after = read_template(rule.annotations[name]), read_template(text)
            assert after.faults == ()
            assert len(after.queries) == len(before.queries)
            for query in after.queries:
                assert all(
                    {(label, "x") for label in CARRIED.by} <= {(m.label, m.value) for m in selector.matchers}
                    for selector in selectors(query)
                )


GONE = 100
"""Minutes after which two of three pipelines are exported no more: their targets left service discovery."""
BACK = 1700
"""Minutes after which one is exported again: more than a day later."""


def _of_pipeline(name: str, values: str, *, reports: str) -> list[dict[str, str]]:
    """A pipeline with an instance of its own, whose only phase is stuck."""
    target = f'job="orchestration-exporter",instance="{name}:9189"'
    phase = f'{target},pipeline="{name}",phase="phase3",run_date="1970-01-01"'
    return [
        {"series": f'orchestration_processor_critical{{{phase},processor="one"}}', "values": values},
        {"series": f'orchestration_phase_trigger_state{{{phase},state="stuck"}}', "values": values},
        {"series": f"orchestration_exporter_report_timestamp_seconds{{{target}}}", "values": reports},
        {
            "series": f'orchestration_exporter_collector_interval_seconds{{{target},collector="completion"}}',
            "values": values,
        },
    ]


def _leaving(firing: Mapping[int, list[tuple[str, str]]]) -> dict[str, Any]:
    """Pipelines `named` and `other` leave, and `named` comes back; asked is what fires, minute by minute."""
    away = f"1x{GONE // 4} stale _x{(BACK - GONE) // 4 - 2}"
    reports = f"0+240x{GONE // 4} stale _x{(BACK - GONE) // 4 - 2}"
    series = [
        *_of_pipeline("named", f"{away} 1x50", reports=f"{reports} {BACK * 60}+240x50"),
        *_of_pipeline("other", away, reports=reports),
        *_of_pipeline("stays", "1x500", reports="0+240x500"),
    ]
    questions = [
        {
            "expr": 'ALERTS{alertstate="firing",severity="critical"}',
            "eval_time": f"{minute}m",
            "exp_samples": [
                {"labels": f'ALERTS{{alertname="{name}",alertstate="firing",severity="critical",{more}}}', "value": 1}
                for name, more in alerts
            ],
        }
        for minute, alerts in firing.items()
    ]
    tests = [{"interval": "4m", "input_series": series, "promql_expr_test": questions}]
    return {"leaving.yml": {"rule_files": ["../rules/*.yml"], "evaluation_interval": "4m", "tests": tests}}


def _stuck(pipeline: str) -> tuple[str, str]:
    return alert_of("stuck").name, f'pipeline="{pipeline}",phase="phase3",run_date="1970-01-01"'


def _down(pipeline: str) -> tuple[str, str]:
    return alert_of("exporter_down").name, f'pipeline="{pipeline}"'


@pytest.mark.usefixtures("_programs")
def test_an_expected_pipeline_that_leaves_pages_until_it_is_back_and_its_alerts_are_held(tmp_path: Path) -> None:
    form = Form(expected=(Expected("named", {}), Expected("stays", {})))
    three = [_stuck("named"), _stuck("other"), _stuck("stays")]
    held = [_down("named"), _stuck("named"), _stuck("stays")]

    firing = {96: three, 160: held, 1696: held, 1708: [_stuck("named"), _stuck("stays")]}

    assert _failures(tmp_path, form, _leaving(firing)) == {}


@pytest.mark.usefixtures("_programs")
def test_a_pipeline_that_nobody_named_may_leave(tmp_path: Path) -> None:
    three = [_stuck("named"), _stuck("other"), _stuck("stays")]

    assert _failures(tmp_path, Form(), _leaving({96: three, 160: [_stuck("stays")], 1600: [_stuck("stays")]})) == {}


def test_without_labels_the_rules_are_the_committed_ones() -> None:
    for path in RULES.glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        assert Form().rules(text) == text


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("max(a)", "write `by ()` to leave no label"),
        ("vector(1)", "vector() is not known to keep labels"),
        ("a * on (job) b", "more than one series can be on a side of *"),
        ("a * on (job) group_left () b", "more than one series can be on a side of *"),
        ("max by (job, x) (a) / on (job) max by (job) (b)", "more than one series can be on a side of /"),
        ("a > ignoring (x) b", "more than one series can be on a side of >"),
        ("a * on (job) group_left (x) max by (job) (b)", "more than one series can be on a side of *"),
        ("a unless on () absent(b)", "absent() has no labels"),
    ],
)
def test_a_form_that_is_not_known_is_refused(expression: str, fault: str) -> None:
    assert [found for found in faults(parse(expression)) if found.startswith(fault)]


@pytest.mark.parametrize(
    "expression",
    [
        "max by () (a)",
        "a or absent(b or c)",
        "abs(time() - max by (job) (a)) <= on (job) 3 * max by (job) (b)",
        "group by (job, x) (a) * on (job) group_left () max by (job) (b)",
        "a and on (job) b",
        "abs(time() - a) > 3 * b",
    ],
)
def test_a_known_form_is_taken(expression: str) -> None:
    assert faults(parse(expression)) == []
