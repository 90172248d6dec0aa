"""The page about all alerts: current, and its times those of the shipped numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.shipped.alerts import alert_of, alerts
from tests.runbooks.pages import ALERTS, Page
from tools.alerting.reference import RUNBOOKS, alerts_markdown, shipped_times
from tools.alerting.rulefiles import load_rules, rule_key

if TYPE_CHECKING:
    from exporter.shipped.alerts import Alert

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
        assert not anchor or anchor in page.anchors, link


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
def test_every_runbook_says_when_it_turns_good_and_when_the_alert_is_closed(alert: Alert) -> None:
    text = " ".join((RUNBOOKS / alert.runbook).read_text(encoding="utf-8").split())

    assert re.search(r"show it good \w+ after the repair at most\. Alertmanager closes the alert by itself, \w+", text)
