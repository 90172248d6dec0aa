"""The register of alerts is complete, and says what the rules, runbooks, dashboards and the exporter say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from exporter.alerts import Alert, alert_of, alerts, read
from exporter.model import Verdict
from exporter.scenario.replay import COLLECTOR_SOURCES
from exporter.wording import TRIGGERS, WORDS
from tests.alerts.test_rules import METRICS
from tools.alerting.rulefiles import ROOT, Rule, load_rules
from tools.alerting.vectors import Reader

if TYPE_CHECKING:
    from pathlib import Path

RULES = [rule for rule in load_rules() if rule.alert]
DASHBOARDS = {
    path.stem: {panel["title"] for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]}
    for path in (ROOT / "grafana" / "dashboards").glob("*.json")
}

each_alert = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.key)


def rules_of(alert: Alert) -> list[Rule]:
    return [rule for rule in RULES if rule.alert == alert.name]


def test_the_register_has_the_alerts_of_the_rules_and_no_others() -> None:
    assert sorted(alert.name for alert in alerts()) == sorted({rule.name for rule in RULES})


def test_every_alert_is_about_something_of_its_own() -> None:
    assert len({alert.key for alert in alerts()}) == len(alerts())


def test_every_verdict_and_trigger_state_that_says_something_is_wrong_has_an_alert() -> None:
    assert {alert.key for alert in alerts() if alert.about == "verdict"} == {*WORDS}
    assert {alert.key for alert in alerts() if alert.about == "trigger"} == {*TRIGGERS}


@each_alert
def test_an_alert_waits_as_long_as_its_rules(alert: Alert) -> None:
    assert {rule.fields.get("for") for rule in rules_of(alert)} == {alert.pending}


@each_alert
def test_an_alert_has_the_severities_of_its_rules_and_the_labels_that_a_rule_adds(alert: Alert) -> None:
    registered = {(kind.severity, frozenset(kind.fixed.items())) for kind in alert.raises}

    assert registered == {
        (rule.labels["severity"], frozenset(rule.labels.items() - {("severity", rule.labels["severity"])}))
        for rule in rules_of(alert)
    }


@each_alert
def test_an_alert_has_the_labels_that_the_results_of_its_rules_have(alert: Alert) -> None:
    for severity in alert.severities:
        registered = {label for kind in alert.raises if kind.severity == severity for label in kind.labels}
        rules = [rule for rule in rules_of(alert) if rule.labels["severity"] == severity]

        assert registered == set().union(*(Reader(METRICS).labels(rule.expression) for rule in rules))


@each_alert
def test_an_alert_needs_known_sources_and_the_one_that_its_collector_reads(alert: Alert) -> None:
    assert {*alert.needs} <= {*COLLECTOR_SOURCES.values()}
    if alert.collector and alert.needs:
        assert COLLECTOR_SOURCES[alert.collector] in alert.needs


@each_alert
def test_an_alert_that_says_beside_which_verdict_it_fires_names_one(alert: Alert) -> None:
    assert alert.beside in {"", "any", *Verdict}


@each_alert
def test_an_alert_has_its_files(alert: Alert) -> None:
    assert (ROOT / "alerts" / "runbooks" / alert.runbook).is_file()
    assert all(rule.tests.is_file() for rule in rules_of(alert))


@each_alert
def test_an_alert_links_to_the_dashboard_of_the_register(alert: Alert) -> None:
    linked = {rule.annotations["dashboard_url"].partition("?")[0].rpartition("/")[2] for rule in rules_of(alert)}

    assert linked == {alert.dashboard}
    assert alert.dashboard in DASHBOARDS


@each_alert
def test_the_panels_that_link_to_a_runbook_exist(alert: Alert) -> None:
    for uid, titles in alert.panels.items():
        assert {*titles} <= DASHBOARDS[uid]


def test_a_field_that_the_register_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(
        "phase: {OrchestrationSomething: {trigger: stuck, short: a, raises: [], dashboard: b, sevrity: c}}\n",
        encoding="utf-8",
    )

    with pytest.raises(ValueError, match="OrchestrationSomething: the register has no field sevrity"):
        read(path)


def test_what_has_no_alert_is_not_found() -> None:
    with pytest.raises(KeyError, match="not_due"):
        alert_of(Verdict.NOT_DUE)
