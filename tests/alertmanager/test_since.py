"""Since when: every message tells the fault's own time, in UTC and where the pipeline is, or why it cannot is known."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from exporter.shipped.alerts import alert_of, alerts
from testing.alertmanager import SHIPPED, amtool
from tools.alerting.rulefiles import SOURCE, load_rules, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

NEVER_KNOWN: Final = {
    "collection_bloated": "the documents are only counted, and a count has no time",
    "labels_replaced": "Prometheus replaces them after it has read them, so no exporter can see it",
    "watchdog": "it is the sign of life, and no fault",
}
"""Alerts whose fault has no time that anybody knows. Their messages say since when there has been the alert."""
TESTS: Final = SOURCE.parent / "tests"
TIME: Final = r"(\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d)?"
LATER: Final = "2031-01-02 03:04 UTC (22:04 EST)"
FOLLOWED: Final = f"; phase4 was due at {LATER}; last beat was at {LATER}, the last one at {LATER}, since {LATER}"
"""What a description can say of other times, after the fault's own."""
SINCE: Final = rf" since (a moment between {TIME} UTC \({TIME} EST\) and )?{TIME} UTC \({TIME} EST\)"


def described() -> Iterator[tuple[str, str]]:
    """The name of an alert, and a description that promtool proves to be what its rule says."""
    for path in sorted(TESTS.glob("*.yml")):
        content: dict[str, Any] = read_yaml(path)
        for test in content.get("tests", ()):
            for question in test.get("alert_rule_test", ()):
                for found in question["exp_alerts"]:
                    yield question["alertname"], found["exp_annotations"]["description"]


@pytest.fixture(name="said", scope="module")
def _said(_programs: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """By alert, what the messages with these descriptions say since when."""
    return _rendered(list(dict.fromkeys(described())), tmp_path_factory.mktemp("since") / "alerts.json")


def _rendered(texts: Sequence[tuple[str, str]], data: Path) -> dict[str, list[str]]:
    told = [
        {
            "status": "firing",
            "labels": {"alertname": name},
            "annotations": {"description": text},
            "startsAt": "2000-01-01T00:00:00Z",
        }
        for name, text in texts
    ]
    data.write_text(json.dumps({"status": "firing", "alerts": told}), encoding="utf-8")
    answer = amtool(
        *("template", "render", f"--template.glob={SHIPPED / 'templates' / '*.tmpl'}", f"--template.data={data}"),
        '--template.text={{ range .Alerts }}{{ template "orchestration.since" . }}{{ "\\x02" }}{{ end }}',
    )
    assert answer.code == 0, answer.text
    said: dict[str, list[str]] = {}
    for (name, _), text in zip(texts, answer.text.split("\x02")[:-1], strict=True):
        said.setdefault(name, []).append(text)
    return said


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.short_name)
def test_a_message_says_since_when_its_fault_has_been_there_unless_nobody_can_know(
    alert: Any,  # noqa: ANN401 - an alert of the register
    said: dict[str, list[str]],
) -> None:
    own = [text for text in said[alert.name] if re.fullmatch(SINCE, text)]

    assert bool(own) == (alert.key not in NEVER_KNOWN), said[alert.name]


def test_no_other_time_in_a_description_is_taken_for_the_fault_s_own(
    said: dict[str, list[str]], tmp_path: Path
) -> None:
    texts = [(name, f"{text}{FOLLOWED}") for name, text in dict.fromkeys(described())]
    followed = _rendered(texts, tmp_path / "alerts.json")

    known = {
        name: [
            (before, after) for before, after in zip(texts, followed[name], strict=True) if re.fullmatch(SINCE, before)
        ]
        for name, texts in said.items()
    }
    assert {name: pairs for name, pairs in known.items() if any(before != after for before, after in pairs)} == {}


def test_only_alerts_that_there_are_have_a_reason_why_their_time_is_not_known() -> None:
    assert {alert_of(key).key for key in NEVER_KNOWN} == set(NEVER_KNOWN)


def test_every_time_in_a_text_of_an_alert_has_the_local_time_beside_it() -> None:
    texts = [text for rule in load_rules(SOURCE) if rule.alert for text in rule.annotations.values()]
    times = [" ".join(rest.split()) for text in texts for rest in text.split("humanizeTimestamp")[1:]]

    beside = re.compile(
        r'(\}\}\{\{ with \. \| first \| label "local" \}\}'
        r"|\| reReplaceAll"
        r"|\}\}\{\{ (else \}\}an unknown time\{\{ )?end \}\} \{\{- with [^{]*(\{[^}]*\}[^{]*)*utc_offset_seconds)"
    )
    assert times
    assert [rest for rest in times if not beside.match(rest)] == []
