"""The alerts that the rules can raise, with their labels, and which of them mutes which: the design, told once more.

The matrix of test_inhibition.py holds Alertmanager to it; test_config.py holds it to the rules.
"""

from __future__ import annotations

from dataclasses import dataclass

from exporter.files import parse_yaml
from tools.alerting.rulefiles import load_rules

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
    """One kind of alert: its name and severity, the labels it has, and those of them that are always the same."""

    name: str
    severity: str
    labels: tuple[str, ...] = ()
    fixed: tuple[tuple[str, str], ...] = ()

    @property
    def example(self) -> Labels:
        """One alert of this kind."""
        values = {label: VALUES[label] for label in self.labels}
        return {"alertname": f"Orchestration{self.name}", "severity": self.severity, **values, **dict(self.fixed)}

    def __str__(self) -> str:
        told = [value for _, value in self.fixed]
        return "-".join([self.name, self.severity, *told, *self.labels[:1]])


def _by_criticality(name: str) -> tuple[Kind, Kind]:
    return Kind(name, "critical", PROCESSOR), Kind(name, "warning", PROCESSOR)


KINDS = (
    Kind("PhaseStuck", "critical", PHASE),
    Kind("PhaseBlocked", "critical", PHASE),
    Kind("CompletionCountInconsistent", "warning", PHASE),
    Kind("CompletionEntryOverwritten", "warning", PHASE),
    Kind("PhaseLogEmpty", "info", DAY),
    *_by_criticality("ProcessorDataMissing"),
    *_by_criticality("ProcessorRegisteredWithoutData"),
    *_by_criticality("ProcessorStalled"),
    *_by_criticality("ProcessorFailed"),
    Kind("CompletionEntryLost", "critical", PROCESSOR),
    Kind("ProcessorUnregistered", "warning", PROCESSOR),
    Kind("ProcessorWrongDate", "info", PROCESSOR),
    Kind("RecordCountMismatch", "warning", PROCESSOR),
    Kind("ProcessorDataPartial", "warning", PROCESSOR),
    Kind("ProcessorDataDuplicated", "warning", PROCESSOR),
    Kind("ProcessorHeartbeatStale", "warning", PROCESSOR),
    Kind("ProcessorRunningPastDue", "warning", PROCESSOR),
    Kind("CalendarDoubtful", "warning", (*PIPELINE, "reason")),
    Kind("HeartbeatsSilent", "warning", PIPELINE),
    Kind("HeartbeatCollectionBloated", "warning", PIPELINE, (("bound", "warn"),)),
    Kind("HeartbeatCollectionBloated", "warning", PIPELINE, (("bound", "critical"),)),
    Kind("CoverageLow", "critical", CHECK),
    Kind("CoverageLow", "warning", CHECK),
    Kind("CoverageUnclassified", "info", CHECK),
    Kind("ExporterDown", "critical"),
    Kind("ExporterDown", "critical", PIPELINE),
    Kind("ExporterDown", "warning"),
    Kind("SourceUnreachable", "critical", PIPELINE, (("source", FIRESTORE),)),
    Kind("SourceUnreachable", "critical", PIPELINE, (("source", BIGQUERY),)),
    Kind("CollectorFailing", "warning", ("collector", "reason")),
    Kind("CollectorStale", "warning", ("collector",)),
    Kind("QueryBudgetExhausted", "warning", ("collector",)),
    Kind("ListenerDown", "warning", PIPELINE),
    Kind("LedgerFailing", "warning"),
    Kind("ConfigReloadFailed", "warning"),
    Kind("Watchdog", "none"),
)

NEEDS = {
    "PhaseStuck": {FIRESTORE, BIGQUERY},
    "PhaseBlocked": {FIRESTORE, BIGQUERY},
    "CompletionCountInconsistent": {FIRESTORE},
    "CompletionEntryOverwritten": {FIRESTORE},
    "ListenerDown": {FIRESTORE},
    "PhaseLogEmpty": {BIGQUERY},
    "ProcessorDataMissing": {FIRESTORE, BIGQUERY},
    "ProcessorRegisteredWithoutData": {FIRESTORE, BIGQUERY},
    "ProcessorStalled": {FIRESTORE},
    "ProcessorFailed": {FIRESTORE, BIGQUERY},
    "CompletionEntryLost": {FIRESTORE},
    "ProcessorUnregistered": {FIRESTORE, BIGQUERY},
    "ProcessorWrongDate": {FIRESTORE, BIGQUERY},
    "RecordCountMismatch": {FIRESTORE, BIGQUERY},
    "ProcessorDataPartial": {BIGQUERY},
    "ProcessorDataDuplicated": {BIGQUERY},
    "ProcessorHeartbeatStale": {FIRESTORE},
    "ProcessorRunningPastDue": {FIRESTORE},
    "CalendarDoubtful": {BIGQUERY},
    "HeartbeatsSilent": {FIRESTORE, BIGQUERY},
    "HeartbeatCollectionBloated": {FIRESTORE},
    "CoverageLow": {BIGQUERY},
    "CoverageUnclassified": {BIGQUERY},
}
"""The sources that an alert about a pipeline is concluded from."""

COLLECTORS = {
    "completion": FIRESTORE,
    "heartbeats": FIRESTORE,
    "heartbeat_count": FIRESTORE,
    "warehouse": BIGQUERY,
}
"""The collectors and what they read."""

TRIGGER = {"PhaseStuck", "PhaseBlocked"}
BY_CRITICALITY = {"ProcessorDataMissing", "ProcessorRegisteredWithoutData", "ProcessorStalled", "ProcessorFailed"}


def mutes(cause: Labels, alert: Labels) -> bool:
    """Whether the design lets this cause mute this alert while both fire."""
    return any(rule(cause, alert) for rule in RULES)


def _name(labels: Labels) -> str:
    return labels["alertname"].removeprefix("Orchestration")


def _same(cause: Labels, alert: Labels, names: tuple[str, ...]) -> bool:
    return all(name in cause and cause[name] == alert.get(name) for name in names)


def _exporter_down(cause: Labels, alert: Labels) -> bool:
    """Of a pipeline, or of all: every alert about data."""
    down = _name(cause) == "ExporterDown" and cause["severity"] == "critical"
    return down and _name(alert) in NEEDS and ("pipeline" not in cause or _same(cause, alert, PIPELINE))


def _source_unreachable(cause: Labels, alert: Labels) -> bool:
    """What needs the source, and the collectors that read it."""
    if _name(cause) != "SourceUnreachable":
        return False
    if _name(alert) == "CollectorStale":
        return COLLECTORS[alert["collector"]] == cause["source"]
    return cause["source"] in NEEDS.get(_name(alert), ()) and _same(cause, alert, PIPELINE)


def _phase_in_trouble(cause: Labels, alert: Labels) -> bool:
    """Every ticket about a processor of the phase and day."""
    trouble = _name(cause) in {*TRIGGER, "ProcessorDataMissing"} and cause["severity"] == "critical"
    return trouble and alert["severity"] == "warning" and "processor" in alert and _same(cause, alert, PHASE)


def _entry_lost(cause: Labels, alert: Labels) -> bool:
    """That the same processor is unregistered."""
    lost = _name(cause) == "CompletionEntryLost" and _name(alert) == "ProcessorUnregistered"
    return lost and _same(cause, alert, PROCESSOR)


def _upstream_failed(cause: Labels, alert: Labels) -> bool:
    """That later phases of the day have no data."""
    failed = _name(cause) in TRIGGER | BY_CRITICALITY and cause["severity"] == "critical"
    missing = _name(alert) == "ProcessorDataMissing" and _same(cause, alert, DAY)
    return failed and missing and cause["phase"] < alert["phase"]


def _critical(cause: Labels, alert: Labels) -> bool:
    """The ticket of the same name about the same thing."""
    subject = {"CoverageLow": CHECK, "ExporterDown": (), **dict.fromkeys(BY_CRITICALITY, PROCESSOR)}
    one = _name(cause) == _name(alert) and (cause["severity"], alert["severity"]) == ("critical", "warning")
    return one and _name(cause) in subject and _same(cause, alert, subject[_name(cause)])


RULES = (_exporter_down, _source_unreachable, _phase_in_trouble, _entry_lost, _upstream_failed, _critical)


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
