"""The register of alerts is complete, and says what the rules, runbooks, dashboards and the exporter say."""

from __future__ import annotations

import contextlib
import json
import re
from typing import TYPE_CHECKING

import pytest

from exporter.collect.collectors import COLLECTORS
from exporter.model import Verdict
from exporter.present.words import TRIGGERS, WORDS
from exporter.shipped.alerts import Alert, alert_of, alerts, read
from tests.alerts.test_rules import METRICS
from tests.test_generated import git as listed
from tests.test_generated import marked
from tools.alerting.derived import LINKING, PARTS, Part
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
    assert {*alert.needs} <= {kind.source for kind in COLLECTORS}
    if alert.collector and alert.needs:
        assert {kind.name: kind.source for kind in COLLECTORS}[alert.collector] in alert.needs


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


@each_alert
def test_an_alert_has_a_push_line_of_its_own_labels_with_and_without_a_number(alert: Alert) -> None:
    *numbered, plain = alert.push.items()
    labels = {label for kind in alert.raises for label in (*kind.labels, *kind.fixed)}

    assert plain[1] == ""
    assert all(found for _, found in numbered)
    for line, found in alert.push.items():
        named = set(re.findall(r"\{(\w+)\}", line))
        groups = {str(number) for number in range(1, re.compile(found).groups + 1)}
        assert named <= labels | groups, line
        assert groups <= named, line


@each_alert
def test_an_alert_says_what_happens_if_nobody_acts_in_one_clause(alert: Alert) -> None:
    if alert.severities == {"none"}:
        assert alert.unattended == ""
    else:
        assert re.fullmatch(r"[a-z][^.:]+", alert.unattended)
        assert len(alert.unattended) <= 110


@each_alert
def test_an_alert_says_by_when_that_is_either_always_the_same_or_when_the_next_phase_is_due(alert: Alert) -> None:
    asked = {'label "then"' in rule.fields["annotations"]["description"] for rule in rules_of(alert)}

    assert asked == {alert.severities != {"none"} and not alert.when}
    assert re.fullmatch(r"([a-z][^.:]+)?", alert.when)


BY_HAND = {
    "alerts/catalogue.yaml": {alert.name for alert in alerts()},
    **{f"alerts/runbooks/{alert.runbook}": {alert.name} for alert in alerts()},
    # The route of the sign of life, which no label but its name tells from the one of somebody else.
    "alerts/alertmanager/alertmanager.yml": {alert_of("watchdog").name},
}
"""The files that spell an alert's name by hand, and which; beside them rules, their tests and incident files."""
ABOUT_DAYS = (
    "alerts/source/",
    "alerts/tests/",
    "benchmarks/rules_before.yml",
    "tests/incidents/",
    "exporter/incidents/demo-day.yaml",
    "CHANGELOG.md",
)


def spelled(text: str) -> set[str]:
    """The alerts whose name is in a text, with or without its beginning (a single word only with it)."""
    words = set(re.findall(r"[A-Za-z]+", text))
    return {
        alert.name
        for alert in alerts()
        if alert.name in words or (alert.short_name in words and not alert.short_name[1:].islower())
    }


def by_hand() -> dict[str, str]:
    """The text files that people write, without the parts that follow from the register."""
    texts = {}
    for name in sorted({*listed("ls-files", "--cached", "--others", "--exclude-standard")} - marked()):
        with contextlib.suppress(UnicodeDecodeError):
            texts[name] = (ROOT / name).read_text(encoding="utf-8")
    for part in PARTS:
        name = part.path.relative_to(ROOT).as_posix()
        texts[name] = part.by_hand(texts[name])
    return texts


def test_an_alerts_name_is_written_by_hand_in_register_rule_test_and_runbook_alone() -> None:
    wrong = {
        name: found
        for name, text in by_hand().items()
        if not name.startswith(ABOUT_DAYS) and (found := spelled(text) - BY_HAND.get(name, set()))
    }

    assert wrong == {}, "ask the register instead: alert_of(...), or [text][...] in a runbook"


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.path.name)
def test_what_follows_from_the_register_is_as_it_says_now(part: Part) -> None:
    assert part.path.read_text(encoding="utf-8") == part.renewed(), "run `make docs`"


def test_a_link_to_another_runbook_is_in_a_page_that_says_where_it_leads() -> None:
    pages = {*(ROOT / "alerts" / "runbooks").glob("*.md")}

    assert {path for path in pages if re.search(r"\]\[[\w#-]+\]", path.read_text(encoding="utf-8"))} == {*LINKING}


def test_a_field_that_the_register_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(
        "phase:\n"
        "  OrchestrationSomething: {trigger: stuck, short: a, push: {b: ''}, raises: [], dashboard: b, sevrity: c}\n",
        encoding="utf-8",
    )

    with pytest.raises(ValueError, match="OrchestrationSomething: the register has no field sevrity"):
        read(path)


def test_what_has_no_alert_is_not_found() -> None:
    with pytest.raises(KeyError, match="not_due"):
        alert_of(Verdict.NOT_DUE)
