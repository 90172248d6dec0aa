"""The templates of messages, rendered by amtool: every alert of the rules, and texts with special characters."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from exporter.config.parsing import parse_yaml
from exporter.shipped.alerts import alert_of
from testing.alertmanager import (
    SHIPPED,
    amtool,
    shipped,
)
from testing.kinds_of_alerts import ANNOTATIONS, KINDS, Labels, unregistered
from tools.alerting.rulefiles import load_rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def shown_alerts() -> list[tuple[Labels, Mapping[str, str]]]:
    """An alert of each kind with its annotations, as promtool renders them in the rules' own tests."""
    found: dict[tuple[str, ...], tuple[Labels, Mapping[str, str]]] = {}
    for path in sorted({rule.tests for rule in load_rules() if rule.alert}):
        for test in parse_yaml(path.read_text(encoding="utf-8"))["tests"]:
            for case in test.get("alert_rule_test", ()):
                for alert in case["exp_alerts"]:
                    labels = {"alertname": case["alertname"], **alert["exp_labels"]}
                    kind = (labels["alertname"], labels["severity"], *sorted(labels))
                    found.setdefault(kind, (labels, alert["exp_annotations"]))
    return list(found.values())


def rendered(form: str, labels: Labels, annotations: Mapping[str, str], folder: Path) -> str:
    """One alert in one form of the shipped templates."""
    return rendered_group(f'{{{{ template "orchestration.{form}" . }}}}', [(labels, annotations)], folder)


def rendered_group(
    template: str, alerts: Sequence[tuple[Labels, Mapping[str, str]]], folder: Path, *, status: str = "firing"
) -> str:
    """What a template of the configuration makes of alerts that all fire or are all resolved."""
    told = [
        {
            "status": status,
            "labels": labels,
            "annotations": dict(annotations),
            "startsAt": "2026-02-01T18:10:30Z",
            "endsAt": "2026-02-01T19:10:30Z",
        }
        for labels, annotations in alerts
    ]
    labels, _ = alerts[0]
    data = {
        "status": status,
        "groupLabels": {name: labels[name] for name in ("pipeline", "phase", "run_date") if name in labels},
        "commonLabels": labels,
        "alerts": told,
    }
    path = folder / "data.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    answer = amtool(
        "template",
        "render",
        f"--template.glob={SHIPPED / 'templates' / '*.tmpl'}",
        f"--template.data={path}",
        f"--template.type={'html' if 'orchestration.html' in template else 'text'}",
        f"--template.text={template}",
    )
    assert answer.code == 0, answer.text
    return answer.text


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(("labels", "annotations"), shown_alerts(), ids=lambda item: item.get("alertname", ""))
def test_every_alert_of_the_rules_reads_well(labels: Labels, annotations: Mapping[str, str], tmp_path: Path) -> None:
    text = rendered("plain", labels, annotations, tmp_path)

    name = labels["alertname"].removeprefix("Orchestration")
    lines = text.splitlines()
    assert lines[0].replace("\u00a0", " ") == f"{name}: {annotations['summary']}"
    assert re.fullmatch(r"- [\w-]+:\u00a0[a-z_, ]+ since 2026-02-01 18:10 UTC", lines[1])
    assert lines[2].replace("\u00a0", " ") == f"  {annotations['description']}"
    # As it is, to be copied into a shell.
    assert lines[-1] == f"First:\u00a0{annotations['action']}"
    assert len(lines) == 5


@pytest.mark.usefixtures("_programs")
def test_the_verdict_in_a_message_is_the_one_that_the_rule_asks_for(tmp_path: Path) -> None:
    asked = {}
    for rule in load_rules():
        asks, _, _ = rule.fields["expr"].partition("unless")
        verdicts = re.findall(r'orchestration_processor_verdict\{verdict="(\w+)"\} *\)? *== 1', asks)
        states = re.findall(r'orchestration_phase_trigger_state\{state="(\w+)"\}', rule.fields["expr"])
        if rule.alert and (verdicts or states):
            asked[rule.alert] = verdicts[0] if verdicts else f"trigger {states[0]}"
    examples = {kind.example["alertname"]: kind.example for kind in KINDS}

    told = {}
    for name in asked:
        found = re.search(r":\u00a0([a-z_ ]+).* since", rendered("plain", examples[name], ANNOTATIONS, tmp_path))
        told[name] = found[1] if found else None

    assert told == asked
    assert len(told) >= 10


DETAILS = next(item for item in shipped()["receivers"] if item["name"] == "pager")["pagerduty_configs"][0]["details"]
BETWEEN = '{{ "\\x01" }}'
"""What no text can hold, as a template."""
NO_TEXT_IN_YAML_1_2 = re.compile(
    r"|~|null|Null|NULL|true|True|TRUE|false|False|FALSE|[-+]?\d+|0o[0-7]+|0x[\da-fA-F]+"
    r"|[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
ODD = (
    *(
        "",
        "yes",
        "007",
        "~",
        "null",
        "1e3",
        "2026-02-01",
        "a: b",
        "a:",
        "a :",
        ": a",
        "# a",
        "a # b",
        "a #",
        "##",
        "- a",
    ),
    *("? a", "[a", "{a: b}", "&a b", "*a", "!a b", "| a", "> a", "'a", '"a', "%a", "@a", "`a", "---", "...", "--- a"),
    *("a\nb: c", "a\n---\nb", "a\n# b", "a\tb:\tc", "a\r\nb:", "a:\u0085b", "a:\u2028b #c", "a:\u00a0b", "\ufeffa: b"),
    *("\x00", "\x1b[1m: a", "a:\x0bb", "\uffff: a", "\U0001f600: a", "{{ .Status }}: a", "<<: a", "=", "a\\: b\\"),
)
odd_texts = st.one_of(st.sampled_from(ODD), st.lists(st.sampled_from(ODD)).map(" ".join), st.text())


@st.composite
def odd_alerts(draw: st.DrawFn) -> list[tuple[Labels, dict[str, str]]]:
    """Alerts whose every text is odd."""
    labels = st.fixed_dictionaries({"alertname": odd_texts, "processor": odd_texts, "pipeline": odd_texts})
    annotations = st.fixed_dictionaries(dict.fromkeys(("summary", "description", "action"), odd_texts))
    return draw(st.lists(st.tuples(labels, annotations), min_size=1, max_size=3))


@pytest.mark.usefixtures("_programs")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(alerts=odd_alerts(), status=st.sampled_from(["firing", "resolved"]))
@example(
    alerts=[({"alertname": odd, "processor": odd}, dict.fromkeys(ANNOTATIONS, odd)) for odd in ODD], status="firing"
)
@example(
    alerts=[({"alertname": odd, "processor": odd}, dict.fromkeys(ANNOTATIONS, odd)) for odd in ODD], status="resolved"
)
def test_whatever_an_alert_says_yaml_reads_each_detail_of_a_page_as_the_same_words(
    alerts: list[tuple[Labels, dict[str, str]]], status: str, tmp_path: Path
) -> None:
    text = rendered_group(BETWEEN.join(DETAILS.values()), alerts, tmp_path, status=status)

    details = text.split("\x01")
    assert len(details) == len(DETAILS) == 5
    for detail in details:
        node = yaml.compose(detail, yaml.SafeLoader)
        assert isinstance(node, yaml.ScalarNode)
        assert (node.tag, node.style) == ("tag:yaml.org,2002:str", None)
        assert not NO_TEXT_IN_YAML_1_2.fullmatch(node.value)
        # A reader of YAML folds the lines of a plain text into one; Alertmanager sends the text as it is.
        assert _words(node.value) == _words(detail)


def _words(text: str) -> list[str]:
    return [word for word in re.split("[ \n]+", text) if word]


@pytest.mark.usefixtures("_programs")
def test_mail_shows_markup_as_text_and_follows_no_odd_link(tmp_path: Path) -> None:
    annotations = ANNOTATIONS | {
        "description": "<script>alert(1)</script>",
        "dashboard_url": "javascript:alert(1)",
        "action": "echo <b> & 'quoted'",
    }

    page = rendered("html", unregistered("nba", "<i>odd</i>"), annotations, tmp_path)

    assert (
        f'<h1 style="font-size: 1.1em">[WARNING] nba phase3 2026-02-01: {alert_of("unregistered").short_name}</h1>'
        in page
    )
    assert "<b>&lt;i&gt;odd&lt;/i&gt;</b>: unregistered since 2026-02-01 18:10 UTC<br>" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<code>echo &lt;b&gt; &amp; &#39;quoted&#39;</code>" in page
    assert f'<a href="{ANNOTATIONS["runbook_url"]}">' in page
    assert "javascript:" not in page
