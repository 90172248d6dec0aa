"""The shipped rules wait and go on over stored samples, and are otherwise what the sources say."""

from __future__ import annotations

import pytest

from tools.alerting.persistent import LEVELS, STATES, files, persistent, series, waits
from tools.alerting.promql import selectors
from tools.alerting.rulefiles import RULES, Rule, load_rules
from tools.alerting.vectors import Reader, exported

SHIPPED = load_rules(RULES)
ALERTS = [rule for rule in load_rules() if rule.alert]


def test_the_shipped_rules_are_current() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in RULES.glob("*.yml")}

    assert written == files(load_rules()), "write them again: python -m tools.alerting.persistent"


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: f"{rule.file}-{rule.place}")
def test_no_shipped_rule_waits_or_goes_on_in_the_memory_of_prometheus(rule: Rule) -> None:
    assert {"for", "keep_firing_for"}.isdisjoint(rule.fields)
    assert "ALERTS" not in {selector.metric for selector in selectors(rule.expression)}


def test_every_alert_is_shipped_with_its_labels_and_texts() -> None:
    shipped = [rule for rule in SHIPPED if rule.alert]

    assert [(rule.key, rule.annotations.keys()) for rule in shipped] == [
        (rule.key, rule.annotations.keys()) for rule in ALERTS
    ]


@pytest.mark.parametrize("rule", [rule for rule in ALERTS if waits(rule)], ids=lambda rule: rule.key)
def test_how_long_an_alert_waits_and_goes_on_stands_in_the_labels_of_its_series(rule: Rule) -> None:
    found = [
        other.labels
        for other in SHIPPED
        if other.name == series(rule.group, "condition")
        and {"alertname": rule.name, **rule.labels}.items() <= other.labels.items()
    ]

    assert [(labels.get("wait"), labels.get("keep")) for labels in found] == [
        (rule.fields.get("for"), rule.fields.get("keep_firing_for"))
    ]


@pytest.mark.parametrize("level", sorted({LEVELS[rule.group] for rule in ALERTS}))
def test_every_length_is_waited_for(level: str) -> None:
    group = next(group for group, name in LEVELS.items() if name == level)
    active = next(rule for rule in SHIPPED if rule.name == series(group, "active"))
    own = [rule.labels for rule in SHIPPED if rule.name == series(group, "condition")]
    asked = {
        (selector.metric.rpartition(":")[2], matcher.label, matcher.value)
        for selector in selectors(active.expression)
        for matcher in selector.matchers
        if matcher.operator == "="
    }

    assert asked == {
        *(("since", "wait", labels.get("wait", "")) for labels in own),
        *(("ended", "keep", labels["keep"]) for labels in own if "keep" in labels),
    }


def test_the_series_of_an_alert_are_recorded_in_order_before_it() -> None:
    for group in LEVELS:
        names = [rule.name for rule in SHIPPED if rule.group == group]
        places = [
            max(i for i, name in enumerate(names) if name == series(group, state))
            for state in STATES
            if series(group, state) in names
        ]

        assert places == sorted(places)
        assert places[-1] < min(rule.place for rule in SHIPPED if rule.group == group and rule.alert)


def test_a_text_asks_for_its_numbers_as_they_were_when_the_condition_last_held() -> None:
    fields = {
        "alert": "Own",
        "expr": "max by (pipeline) (orchestration_heartbeats_silent) == 1",
        "for": "5m",
        "keep_firing_for": "30m",
        "labels": {"severity": "warning"},
        "annotations": {
            "description": (
                '{{ with printf "time() - max(a{pipeline=%q})" $labels.pipeline | query }}{{ . }}{{ end }}'
                "{{ with printf `max(a{%s} or c{%s})` $where $where | query -}}{{ . }}{{ end }}"
            )
        },
    }

    alert = persistent([Rule("a.yml", "orchestration-heartbeats", 0, fields)], Reader(exported()))["groups"][0][
        "rules"
    ][-1]

    assert alert["annotations"]["description"] == (
        '{{ with printf "%f - max(a{pipeline=%q} @ %f)" $value $labels.pipeline $value | query }}{{ . }}{{ end }}'
        "{{ with printf `max(a{%s} @ %f or c{%s} @ %f)` $where $value $where $value | query -}}{{ . }}{{ end }}"
    )
