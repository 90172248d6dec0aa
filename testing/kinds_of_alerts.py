"""The alerts of the register as Alertmanager gets them, and an independent statement of which alert mutes which.

The matrix in tests/alertmanager tests Alertmanager against it; tests/alerts/test_register.py compares register and
rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config.parsing import parse_yaml
from exporter.shipped.alerts import PREFIX, alert_of, alerts
from tools.alerting.rulefiles import load_rules

if TYPE_CHECKING:
    from collections.abc import Iterable

Labels = dict[str, str]

PIPELINE = ("pipeline",)
DAY = ("pipeline", "run_date")
PHASE = ("pipeline", "phase", "run_date")
PROCESSOR = (*PHASE, "processor")
CHECK = (*DAY, "check")

FIRESTORE, BIGQUERY = "firestore", "bigquery"

VALUES = {
    "pipeline": "nba",
    "phase": "phase3",
    "run_date": "2026-02-01",
    "processor": "player_game_summary",
    "check": "minutes_played",
    "collector": "warehouse",
    "reason": "not_found",
}
"""An example of each label."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of alert: its name, severity and labels, and the labels with a constant value."""

    name: str
    severity: str
    labels: tuple[str, ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()

    @property
    def example(self) -> Labels:
        """One alert of this kind."""
        values = {label: VALUES[label] for label in self.labels}
        return {"alertname": PREFIX + self.name, "severity": self.severity, **values, **dict(self.fixed)}

    def __str__(self) -> str:
        told = [value for _, value in self.fixed]
        return "-".join([self.name, self.severity, *told, *self.labels[:1]])


KINDS = tuple(
    Kind(alert.short_name, kind.severity, kind.labels, tuple(kind.fixed.items()))
    for alert in alerts()
    for kind in alert.raises
)

NEEDS = {alert.short_name: frozenset(alert.needs) for alert in alerts() if alert.needs}
"""The sources that an alert about a pipeline needs."""

COLLECTORS = {
    "completion": FIRESTORE,
    "heartbeats": FIRESTORE,
    "heartbeat_count": FIRESTORE,
    "warehouse": BIGQUERY,
}
"""The collectors and what they read."""

TRIGGER = {alert.short_name for alert in alerts() if alert.about == "trigger"}
BY_CRITICALITY = {
    alert.short_name for alert in alerts() if alert.about == "verdict" and alert.severities == {"critical", "warning"}
}
EXPORTER_DOWN, UNREACHABLE, STALE, MISSING, LOST, UNREGISTERED, PHANTOM, MISMATCH, COVERAGE_LOW = (
    alert_of(key).short_name
    for key in (
        "exporter_down",
        "source_unreachable",
        "collector_stale",
        "missing",
        "lost_update",
        "unregistered",
        "phantom",
        "count_mismatch",
        "coverage_low",
    )
)


def mutes(cause: Labels, alert: Labels) -> bool:
    """Whether this cause mutes this alert while both fire, according to the design."""
    return any(rule(cause, alert) for rule in RULES)


def _name(labels: Labels) -> str:
    return labels["alertname"].removeprefix(PREFIX)


def _same(cause: Labels, alert: Labels, names: tuple[str, ...]) -> bool:
    return all(name in cause and cause[name] == alert.get(name) for name in names)


def _exporter_down(cause: Labels, alert: Labels) -> bool:
    """Of a pipeline: every alert about its data."""
    down = _name(cause) == EXPORTER_DOWN and cause["severity"] == "critical"
    return down and _name(alert) in NEEDS and _same(cause, alert, PIPELINE)


def _source_unreachable(cause: Labels, alert: Labels) -> bool:
    """What needs the source, and the collectors that read it."""
    if _name(cause) != UNREACHABLE:
        return False
    if _name(alert) == STALE:
        return COLLECTORS[alert["collector"]] == cause["source"]
    return cause["source"] in NEEDS.get(_name(alert), ()) and _same(cause, alert, PIPELINE)


def _phase_in_trouble(cause: Labels, alert: Labels) -> bool:
    """Every ticket about a processor of the phase and day."""
    trouble = _name(cause) in {*TRIGGER, MISSING} and cause["severity"] == "critical"
    return trouble and alert["severity"] == "warning" and "processor" in alert and _same(cause, alert, PHASE)


def _entry_lost(cause: Labels, alert: Labels) -> bool:
    """That the same processor is unregistered."""
    lost = _name(cause) == LOST and _name(alert) == UNREGISTERED
    return lost and _same(cause, alert, PROCESSOR)


def _no_row_at_all(cause: Labels, alert: Labels) -> bool:
    """That the registered count of the same processor is wrong."""
    return _name(cause) == PHANTOM and _name(alert) == MISMATCH and _same(cause, alert, PROCESSOR)


def _upstream_failed(cause: Labels, alert: Labels) -> bool:
    """That later phases of the day have no data."""
    failed = _name(cause) in TRIGGER | BY_CRITICALITY and cause["severity"] == "critical"
    missing = _name(alert) == MISSING and _same(cause, alert, DAY)
    return failed and missing and cause["phase"] < alert["phase"]


def _critical(cause: Labels, alert: Labels) -> bool:
    """The ticket of the same name about the same thing."""
    subject = {COVERAGE_LOW: CHECK, EXPORTER_DOWN: (), **dict.fromkeys(BY_CRITICALITY, PROCESSOR)}
    one = _name(cause) == _name(alert) and (cause["severity"], alert["severity"]) == ("critical", "warning")
    return one and _name(cause) in subject and _same(cause, alert, subject[_name(cause)])


RULES = (
    _exporter_down,
    _source_unreachable,
    _phase_in_trouble,
    _entry_lost,
    _no_row_at_all,
    _upstream_failed,
    _critical,
)


def raised() -> set[tuple[str, str, frozenset[str], str]]:
    """Every kind that the rules' own tests, run by promtool, show to be raised: name, severity, labels, fixed label."""
    found = set()
    for path in {rule.tests for rule in load_rules() if rule.alert}:
        for test in parse_yaml(path.read_text(encoding="utf-8"))["tests"]:
            for case in test.get("alert_rule_test", ()):
                for alert in case["exp_alerts"]:
                    labels = alert["exp_labels"]
                    fixed = labels.get("bound") or labels.get("source") or ""
                    found.add((case["alertname"], labels["severity"], frozenset(labels), fixed))
    return found


OTHERS = {
    "phase": ("phase1", "phase2", "phase4", "phase6"),
    "run_date": ("2026-01-31",),
    "processor": ("team_offense_game_summary",),
    "check": ("other_check",),
    "collector": tuple(COLLECTORS),
}
"""Other values of the labels, so that cause and alert differ in one."""


def variants(kind: Kind) -> list[Labels]:
    """Alerts of a kind: its example, and for each of its labels the example with another value."""
    example = kind.example
    changed = [{**example, label: value} for label in kind.labels for value in OTHERS.get(label, ())]
    return [example, *changed]


def all_variants(kinds: Iterable[Kind], beside: Labels) -> list[Labels]:
    """Every variant of these kinds, except the alert itself that they are to be set beside."""
    return [labels for kind in kinds for labels in variants(kind) if labels != beside]


LOCAL = [kind for kind in KINDS if "pipeline" in kind.labels]
GLOBAL = [kind for kind in KINDS if "pipeline" not in kind.labels]

ACTION = "orchestration-exporter check --run-date 2026-02-01"
ANNOTATIONS = {
    "summary": "A processor's data is there and its completion was not recorded.",
    "description": (
        "player_game_summary (nba phase3 of 2026-02-01): 212 rows in its table, expected an entry, found none."
    ),
    "action": ACTION,
    "runbook_url": f"https://runbooks.example.com/orchestration-exporter/{alert_of('unregistered').name}.md",
    "dashboard_url": "https://grafana.example.com/d/orchestration-phase?var-pipeline=nba&var-phase=phase3",
}
"""The annotations of an alert about an unregistered processor."""


def unregistered(pipeline: str, processor: str = "player_game_summary", **more: str) -> Labels:
    """The labels of an alert about an unregistered processor. Each pipeline has a group of its own."""
    return {
        "alertname": alert_of("unregistered").name,
        "severity": "warning",
        "pipeline": pipeline,
        "phase": "phase3",
        "run_date": "2026-02-01",
        "processor": processor,
        **more,
    }
