"""No alert that is a ticket or a page is open while page, `check` and API say that all is well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from exporter.model import Bound, Condition, ConditionReport, TriggerState, Verdict
from exporter.present.history import History
from exporter.present.status import status
from exporter.present.summary import Health, summarize
from exporter.present.table import report_text
from exporter.present.words import CONDITIONS, NOTES, TRIGGERS, WORDS
from exporter.shipped.alerts import alerts
from exporter.web.page import About, render_page
from exporter.web.state import View
from testing.builders import on
from testing.reports import changed, overwritten, reported, triggered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.model import Report
    from exporter.shipped.alerts import Alert

ASKS_SOMEBODY: Final = {"critical", "warning"}
UNREAD: Final = {
    "source_unreachable": {"completion": "permission_denied"},
    "collector_failing": {"heartbeat_count": "invalid"},
    "collector_stale": {"heartbeat_count": "timeout"},
    "budget_exhausted": {"warehouse": "budget"},
}
"""What could not be read while these alerts fire: a collector goes stale because its runs fail."""
UNKNOWABLE: Final = {
    "exporter_down": "it does not answer then; an instance that does knows nothing of the others",
    "labels_replaced": "Prometheus replaces them after it has read them",
}
"""Alerts about what no exporter can see of itself, and why."""


def told(alert: Alert) -> tuple[Report, Mapping[str, str]]:
    """A day on which all is well but for what this alert is about, and what could not be read."""
    report = reported(triggered())
    if alert.key == Condition.OVERWRITTEN:
        scene = overwritten()
        scene.clock.now = on("15:30")
        report = reported(scene)
    elif alert.about == "verdict":
        verdict = Verdict(alert.key)
        report = changed(report, of_processor=lambda one: replace(one, verdict=verdict))
    elif alert.about == "trigger":
        state = TriggerState(alert.key)
        report = changed(report, of_phase=lambda one: replace(one, trigger_state=state) if one.trigger_state else one)
    elif alert.key not in UNREAD:
        labels = {name: "nba" for kind in alert.raises for name in kind.labels}
        found = ConditionReport(Condition(alert.key), labels, holds=True, bound=Bound.WARN, text=f"this is {alert.key}")
        report = replace(report, own=(*report.own, found))
    return report, UNREAD.get(alert.key, {})


def test_the_day_is_well_without_them() -> None:
    assert summarize(reported(triggered())).health is Health.WELL


@pytest.mark.parametrize(
    "alert",
    [one for one in alerts() if one.severities & ASKS_SOMEBODY and one.key not in UNKNOWABLE],
    ids=lambda alert: alert.short_name,
)
def test_nothing_is_well_while_an_alert_asks_somebody_to_act(alert: Alert) -> None:
    report, unread = told(alert)

    said = [
        report_text(report, unread),
        str(status(report, unread)["summary"]),
        render_page(View(report, History(), unread), About("1.0.0")),
    ]

    assert summarize(report, unread).health is not Health.WELL
    assert not [text for text in said if "All well" in text]


@pytest.mark.parametrize("alert", [one for one in alerts() if one.severities == {"info"}], ids=lambda alert: alert.key)
def test_what_nobody_has_to_act_on_is_said_in_a_line_of_its_own(alert: Alert) -> None:
    if alert.about == "verdict":
        return
    report, _ = told(alert)

    assert summarize(report).health is Health.WELL
    assert f"note: this is {alert.key}" in report_text(report)
    assert f"This is {alert.key}" in render_page(View(report), About("1.0.0"))


def test_every_alert_has_its_first_step_or_a_reason_why_nobody_is_told_one() -> None:
    worded = {str(key) for table in (WORDS, TRIGGERS, CONDITIONS, NOTES) for key in table}

    assert {alert.key for alert in alerts()} - worded == {*UNREAD, *UNKNOWABLE, "watchdog"}
