"""Whether the sentence and the alerts agree on a condition, at every minute of an incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.incidents.replay import Replayer
from exporter.metrics.catalogue import CONDITIONS
from exporter.model import Bound, Condition
from exporter.present.summary import Health, beyond_bounds, held_conditions, leading, summarize
from exporter.present.words import NOTES
from exporter.shipped.alerts import alert_of, alerts
from tools.alerting.messages import order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.metrics.samples import Samples
    from exporter.model import ConditionReport, Report

COMPARED = (*CONDITIONS, Condition.PHASE_LOG_EMPTY)
ALERTS = {alert_of(condition).name: condition for condition in COMPARED}
"""The alerts that compare a condition's own gauge, and one that concludes it from other series."""

WAKING = frozenset({"critical", "warning"})
"""Severities that ask somebody to act, now or on a working day."""

UNSAID = frozenset({*NOTES, Condition.OVERWRITTEN})
"""Conditions whose text is not in the sentence: it leaves out notes, and says the other in its own words."""

KEYS = {alert.key for alert in alerts()}

Subject = tuple[Condition, frozenset[tuple[str, str]]]


class Noting(Replayer):
    """A replayer that notes the report of each minute that is watched."""

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - the replayer's own
        super().__init__(*arguments)
        self.reports: list[Report] = []
        self.unread: list[Mapping[str, str]] = []

    def samples(self) -> tuple[Samples, Samples]:
        """As ever."""
        self.reports.append(self.report)
        self.unread.append(self.telemetry.unread())
        return super().samples()


def undelayed(content: Any) -> Any:  # noqa: ANN401 - YAML
    """Of a rule file, the alerts about conditions and what they rest on, without `for` and `keep_firing_for`."""
    for group in content["groups"]:
        group["rules"] = [
            {key: value for key, value in rule.items() if key not in {"for", "keep_firing_for"}}
            for rule in group["rules"]
            if rule.get("alert") in {None, *ALERTS}
        ]
    return content


def falsely_well(
    reports: Sequence[Report],
    unread: Sequence[Mapping[str, str]],
    firing: Mapping[int, Sequence[Mapping[str, str]]],
) -> Iterator[str]:
    """Every minute at which an alert that asks somebody to act begins, and the sentence says that all is well.

    `firing`: of each minute, the labels of the alerts that fire as the rules are shipped.
    """
    before: set[tuple[tuple[str, str], ...]] = set()
    for minute, report in enumerate(reports):
        now = {tuple(sorted(labels.items())) for labels in firing.get(minute, ()) if labels["severity"] in WAKING}
        names = sorted({dict(labels)["alertname"] for labels in now - before})
        said = summarize(report, unread[minute])
        if names and said.health is Health.WELL:
            yield f"minute {minute}: {', '.join(names)} begins to fire, and the sentence is {said}"
        before = now


def led_apart(reports: Sequence[Report], firing: Mapping[int, Sequence[Mapping[str, str]]]) -> Iterator[str]:
    """Every minute at which the alert of what the sentence is about fires, and a message leads with a worse one.

    `firing`: of each minute, the labels of the alerts that fire as the rules are shipped. An alert that is only kept
    for a while is no worse one.
    """
    ranks = {alert.name: rank for rank, alert in enumerate(order())}
    for minute, report in enumerate(reports):
        lead = leading(report)
        held = next((one.condition for one in held_conditions(report)), None)
        about = lead.verdict or lead.phase.trigger_state if lead else held
        holds = {
            *(one.verdict.value for one in report.processors),
            *(phase.trigger_state.value for phase in report.phases if phase.trigger_state),
            *(one.condition.value for one in held_conditions(report)),
        }
        waking = [labels for labels in firing.get(minute, ()) if labels["severity"] in WAKING]
        names = {alert_of(key).name for key in holds & KEYS}
        fired = [labels for labels in waking if labels["alertname"] in names]
        first = min(
            fired, key=lambda labels: (labels["severity"] != "critical", ranks[labels["alertname"]]), default=None
        )
        own = alert_of(about).name if about else ""
        if first and own in {labels["alertname"] for labels in fired} and first["alertname"] != own:
            yield f"minute {minute}: the sentence is about {about}, and a message about {first['alertname']}"


def differences(reports: Sequence[Report], firing: Mapping[int, Sequence[Mapping[str, str]]]) -> Iterator[str]:
    """Every minute and subject for which sentence and alerts say something else.

    `reports`: of each minute; `firing`: of each minute, the labels of the `undelayed` alerts.
    """
    before: dict[Subject, bool] = {}
    for minute, report in enumerate(reports):
        fired = _fired(firing.get(minute, ()))
        texts = beyond_bounds(report)
        now: dict[Subject, bool] = {}
        for one in report.conditions:
            subject = one.condition, frozenset(one.labels.items())
            # What is unknown is no condition in the sentence, and an alert about it goes on.
            now[subject] = subject in before and before[subject] if one.holds is None else one.holds
            if one.condition in COMPARED and (subject in fired) is not now[subject]:
                yield f"minute {minute}: {one}, and its alert {'fires' if subject in fired else 'does not fire'}"
            if one.condition in COMPARED and one.holds and fired.get(subject) is not (one.bound is Bound.CRITICAL):
                yield f"minute {minute}: {one}, and its alert is about another bound"
            if (one.text in texts) is not _to_be_said(one):
                yield f"minute {minute}: the sentence has {texts}, and the table {one}"
        before = now


def _to_be_said(one: ConditionReport) -> bool:
    return one.holds is True and one.condition not in UNSAID


def _fired(firing: Sequence[Mapping[str, str]]) -> dict[Subject, bool]:
    """The conditions with an alert, and whether one of the alerts is about the bound `critical`."""
    found: dict[Subject, bool] = {}
    for labels in firing:
        kind = {"__name__", "alertname", "alertstate", "severity", "bound"}
        condition = ALERTS.get(labels["alertname"])
        if condition is not None:
            subject = condition, frozenset((name, value) for name, value in labels.items() if name not in kind)
            critical = Bound.CRITICAL in {labels["severity"], labels.get("bound")}
            found[subject] = found.get(subject, False) or critical
    return found
