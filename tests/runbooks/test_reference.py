"""The page about all alerts: current, and its times those of the shipped numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.present.over import after
from exporter.shipped.alerts import alert_of, alerts
from exporter.shipped.over import over
from tests.runbooks.pages import ALERTS, Page
from tools.alerting.detection import LONGER, MEASURED, NOT_PROVOKED
from tools.alerting.reference import OVER_FILE, RUNBOOKS, alerts_markdown, in_register, over_yaml, shipped_times
from tools.alerting.rulefiles import load_rules, read_yaml, rule_key, seconds

if TYPE_CHECKING:
    from exporter.shipped.alerts import Alert
    from tools.alerting.rulefiles import Rule

ENDING = [rule for rule in load_rules() if rule.alert and rule.key not in NOT_PROVOKED]

PAGE = Path(__file__).parents[2] / "docs" / "alerts.md"


def test_the_page_is_what_the_rules_say_now() -> None:
    assert PAGE.read_text(encoding="utf-8") == alerts_markdown(), "run `make docs`"


def test_the_page_has_every_alert() -> None:
    assert [title for level, title in Page(PAGE).headings if level == 3] == [alert.name for alert in alerts()]
    assert {alert.name for alert in alerts()} == set(ALERTS)


def test_every_link_of_the_page_leads_somewhere() -> None:
    page = Page(PAGE)

    for link in page.links:
        target, _, anchor = link.partition("#")
        assert (PAGE.parent / target).exists(), link
        assert not anchor or anchor in (Page(PAGE.parent / target) if target else page).anchors, link


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        # The next run of the collector, scrape, evaluation, for, group_wait.
        ("lost_update[critical]", (60, 30, 60, 0, 30)),
        ("blocked[critical]", (600, 30, 60, 60, 30)),
        ("unregistered[warning]", (600, 30, 60, 600, 60)),
        ("source_unreachable[critical,firestore]", (60, 30, 60, 300, 30)),
        ("exporter_down[critical]", (0, 30, 60, 300, 30)),
    ],
)
def test_the_time_until_somebody_is_told_is_the_sum_of_its_parts(key: str, parts: tuple[int, ...]) -> None:
    (rule,) = (rule for rule in load_rules() if rule.key == rule_key(key))

    assert shipped_times().until_told(rule) == sum(parts)


def test_the_page_shows_that_time() -> None:
    row = re.search(rf"^\| \[{alert_of('blocked').short_name}\].*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

    assert row
    assert "| critical | warehouse | 1m | 30s | 13m |" in row[0]


@pytest.mark.parametrize(
    ("key", "good", "parts"),
    [
        # The next run of the collector; then scrape, evaluation, keep_firing_for, group_interval.
        ("lost_update[critical]", 60, (30, 60, 1800, 300)),
        # Nothing runs as far as heartbeats say; removed rows are read again; any collector's next run.
        ("stalled[critical]", 300, (30, 60, 1800, 300)),
        ("duplicated[warning]", 600 + 180, (30, 60, 1800, 300)),
        ("collector_stale[warning]", 900, (30, 60, 0, 300)),
        ("coverage_low[warning]", 600, (30, 60, 1800, 300)),
        ("wrong_date[info]", 600, (30, 60, 1800, 3600)),
        ("overwritten[warning]", 60 + 3600, (30, 60, 1800, 300)),
        ("source_unreachable[critical,firestore]", 60, (30, 60, 0, 300)),
    ],
)
def test_the_time_until_an_alert_is_over_is_the_sum_of_its_parts(key: str, good: int, parts: tuple[int, ...]) -> None:
    (rule,) = (rule for rule in load_rules() if rule.key == rule_key(key))
    times = shipped_times()

    assert (times.until_good(rule), times.until_over(rule)) == (good, good + sum(parts))


@pytest.mark.parametrize("alert", [alert for alert in alerts() if alert.key != "watchdog"], ids=lambda alert: alert.key)
def test_every_runbook_says_for_each_kind_when_it_turns_good_and_when_the_alert_is_closed(alert: Alert) -> None:
    head = (RUNBOOKS / alert.runbook).read_text(encoding="utf-8").partition("## ")[0]
    (said,) = (line for line in head.splitlines() if line.startswith("**After the repair:** "))

    for kind in alert.raises:
        assert after(alert.key, kind.severity, kind.fixed.get("source", "")) in said


def test_what_the_exporter_reads_of_it_is_what_the_rules_say_now() -> None:
    assert OVER_FILE.read_text(encoding="utf-8") == over_yaml(), "run `make docs`"


@pytest.mark.parametrize("rule", ENDING, ids=lambda rule: rule.key)
def test_no_alert_was_measured_to_last_longer_than_is_said_or_to_end_before_it_may(rule: Rule) -> None:
    measured = read_yaml(MEASURED)
    noise = 2 * measured["faster"]
    said = over(in_register(rule).key, rule.labels["severity"], rule.labels.get("source", ""))

    assert said
    assert (rule.key in measured["over"]) is not (rule.key in LONGER)
    for taken in measured["over"].get(rule.key, ()):
        assert seconds(rule.fields.get("keep_firing_for")) <= taken <= said.closed.total_seconds() + noise
