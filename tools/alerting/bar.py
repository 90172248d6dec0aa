"""The quality figures of the alerts, computed from rules, tests, runbooks and the inhibition matrix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.shipped.alerts import alerts
from testing.kinds_of_alerts import LOCAL, all_variants, mutes
from tools.alerting.mutate import REPORT
from tools.alerting.rulefiles import ROOT, TESTS, load_rules, read_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

RUNBOOKS = ROOT / "alerts" / "runbooks"
ALERTMANAGER = ROOT / "alerts" / "alertmanager" / "alertmanager.yml"
CHAIN = ROOT / "tests" / "integration" / "test_notifications.py"
SECTIONS = ("Meaning", "Impact", "Diagnosis", "Mitigation")


def bar_markdown() -> str:
    """The table."""
    alerts = sorted({rule.alert for rule in load_rules() if rule.alert})
    rows = (
        ("alerts with unit tests of their own", f"{_part(alerts, _tested(alerts))}, {_questions()} questions asked"),
        ("mutants of the rules that a test notices", _mutants()),
        ("alerts with a whole runbook", _part(alerts, [name for name in alerts if _has_runbook(name)])),
        ("pairs of alerts in the inhibition matrix", _pairs()),
        ("alerts with a receiver", _part(alerts, _received())),
        ("tests of the notifications of whole days, by the real programs", str(_chain_tests())),
    )
    lines = [f"| {what} | {numbers} |" for what, numbers in rows]
    return "\n".join(["| | |", "|---|---|", *lines, ""])


def _part(everything: Sequence[str], some: Sequence[str]) -> str:
    return f"{len(some)} of {len(everything)}"


def _tested(alerts: Sequence[str]) -> list[str]:
    return [name for name in alerts if (TESTS / f"{name}.yml").exists()]


def _questions() -> int:
    """The questions to promtool in all files: whether an alert has exactly these labels and texts at a time."""
    return sum(
        len(test.get("alert_rule_test", ())) + len(test.get("promql_expr_test", ()))
        for file in TESTS.glob("*.yml")
        for test in read_yaml(file)["tests"]
    )


def _mutants() -> str:
    found = re.search(r"\*\*(\d+) mutants: (\d+) noticed, (\d+) equivalent", REPORT.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{REPORT}: no line with the number of mutants")
    tried, noticed, equivalent = found.groups()
    return f"{noticed} of {tried}, {equivalent} equivalent"


def _has_runbook(alert: str) -> bool:
    page = RUNBOOKS / f"{alert}.md"
    return page.exists() and all(f"\n## {title}\n" in page.read_text(encoding="utf-8") for title in SECTIONS)


def _pairs() -> str:
    """Of one pipeline: every kind as a cause beside every kind, with the same labels and with each label different."""
    pairs = [(cause.example, alert) for cause in LOCAL for alert in all_variants(LOCAL, cause.example)]
    muted = sum(mutes(cause, alert) for cause, alert in pairs)
    return f"{len(pairs)} within a pipeline: {muted} must mute, {len(pairs) - muted} must not"


def _received() -> list[str]:
    """The alerts whose every severity has a route of its own."""
    routes = read_yaml(ALERTMANAGER)["route"]["routes"]
    routed = {matcher for route in routes for matcher in route["matchers"]}
    return sorted(
        alert.name
        for alert in alerts()
        if all({f'severity="{severity}"', f'alertname="{alert.name}"'} & routed for severity in alert.severities)
    )


def _chain_tests() -> int:
    return len(re.findall(r"^def test_", CHAIN.read_text(encoding="utf-8"), re.MULTILINE)) if CHAIN.exists() else 0
