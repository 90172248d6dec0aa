"""The rules of the house for alert rules, kept by tests."""

from __future__ import annotations

import re
import shlex
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import click
import pytest

from exporter.cli import main as command_line
from exporter.collect.collector import BIGQUERY, FIRESTORE
from exporter.collect.collectors import COLLECTORS
from exporter.metrics.live import UNREACHED
from exporter.model import Bound, ErrorKind, HeartbeatState, LogSource, TriggerState, Verdict
from exporter.shipped.alerts import alert_of, alerts
from tools.alerting.promql import Aggregate, Binary, Grouping, Matcher, Node, Number, Selector, parse, selectors
from tools.alerting.promtool import failed_checks
from tools.alerting.rulefiles import RULES, SOURCE, Rule, load_rules
from tools.alerting.templates import own_matchers, read_template
from tools.alerting.vectors import TARGET, Reader, exported, with_recorded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NAMES = {alert.name for alert in alerts()}
KEYS = {alert.key for alert in alerts()}
EXPORTERS_OWN = "orchestration-exporter"
"""The group of alerts about the exporter itself; all others are about a pipeline."""

INTERVAL = "orchestration_exporter_collector_interval_seconds"

RUNBOOKS = "https://runbooks.example.com/orchestration-exporter"
DASHBOARDS = "https://grafana.example.com/d"
DASHBOARD_VARIABLES = ("pipeline", "phase", "run_date", "processor")
ANNOTATIONS = {"summary", "description", "action", "runbook_url", "dashboard_url"}
LABELS = {"severity", "source", "bound"}
IDENTITY = {"pipeline", "phase", "run_date", "processor", "check", "collector", "reason"}

OWNERS_OF_A_TIME = ("phase", "processor", "coverage", "pipeline", "exporter")

# What a matcher may ask for, by metric and label.
VALUES: dict[tuple[str, str], set[str]] = {
    ("orchestration_processor_verdict", "verdict"): {*Verdict},
    ("orchestration_phase_trigger_state", "state"): {*TriggerState},
    ("orchestration_processor_heartbeat_state", "state"): {*HeartbeatState},
    ("orchestration_phase_log_source", "source"): {*LogSource},
    ("orchestration_exporter_source_up", "source"): {FIRESTORE, BIGQUERY},
    ("orchestration_exporter_source_error", "source"): {FIRESTORE, BIGQUERY},
    ("orchestration_exporter_source_error", "reason"): {*ErrorKind},
    ("orchestration_exporter_collector_failing", "reason"): {*ErrorKind},
    ("orchestration_exporter_collector_failing", "collector"): {kind.name for kind in COLLECTORS},
    # The bucket that a configuration has for rows which nobody marked; without it the rule has nothing to add.
    ("orchestration_coverage_excluded_rows", "reason"): {"unmarked"},
    ("up", "job"): {"orchestration-exporter"},
    ("orchestration_coverage_low", "bound"): {*Bound},
    **{(f"orchestration_{what}_since_timestamp_seconds", "about"): KEYS for what in OWNERS_OF_A_TIME},
    ("orchestration_exporter_since_timestamp_seconds", "source"): {FIRESTORE, BIGQUERY},
    ("orchestration_heartbeat_collection_bloated", "bound"): {*Bound},
    # What fires is asked to hold an alert whose cause is unknown.
    ("ALERTS", "alertname"): NAMES,
    ("ALERTS", "alertstate"): {"firing"},
    ("ALERTS", "bound"): {*Bound},
    **{("ALERTS", label): {""} for label in ("processor", "phase", "check")},
    **{(f"{level}:orchestration_alerts:held", "alertname"): NAMES for level in ("processor", "phase", "check")},
    **{
        (f"{level}:orchestration_alerts:held", "severity"): {"critical", "warning"}
        for level in ("processor", "phase", "check")
    },
}

ALL = load_rules()
ALERTS = [rule for rule in ALL if rule.alert]
RECORDING = [rule for rule in ALL if not rule.alert]


METRICS = with_recorded(ALL)

each_rule = pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.key)
each_alert = pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule.key)


def _alert_labels(rule: Rule) -> frozenset[str]:
    """What `$labels` holds: the labels of the expression's result, without those that the rule adds."""
    return Reader(METRICS).labels(rule.expression)


def _everything_asked(rule: Rule) -> Iterable[Node]:
    yield rule.expression
    for text in rule.annotations.values():
        yield from read_template(text).queries


def test_no_two_rules_make_the_same_alert() -> None:
    assert [key for key, number in Counter(rule.key for rule in ALL).items() if number > 1] == []


@pytest.mark.usefixtures("_programs")
def test_prometheus_finds_nothing_to_complain_about() -> None:
    assert failed_checks(sorted([*SOURCE.glob("*.yml"), *RULES.glob("*.yml")]), "--lint=all") == {}


@each_rule
def test_every_metric_and_label_exists_and_every_match_can_succeed(rule: Rule) -> None:
    reader = Reader(METRICS)

    for query in _everything_asked(rule):
        reader.labels(query)

    assert reader.faults == []


@each_rule
def test_every_value_that_is_asked_for_can_occur(rule: Rule) -> None:
    wrong = [
        f"{selector.metric}{{{matcher}}}"
        for query in _everything_asked(rule)
        for selector in selectors(query)
        for matcher in selector.matchers
        if not (matcher.operator == "=" and matcher.value == "x") and not _can_occur(selector.metric, matcher)
    ]

    assert wrong == []


def _can_occur(metric: str, matcher: Matcher) -> bool:
    if matcher.label.startswith("exported_"):
        return (matcher.operator, matcher.value) == ("!=", "")
    return set(matcher.value.split("|")) <= VALUES.get((metric, matcher.label), set())


def test_every_label_that_a_rule_asks_for_is_missed_where_a_target_has_one_of_its_name() -> None:
    own = {label for metric in exported().values() for label in metric.labels} - TARGET - OF_ALERTS_ALONE
    asked = {
        label
        for rule in ALL
        for node in rule.expression.walk()
        for label in _labels_in(node)
        if rule.name != alert_of("labels_replaced").name
    }
    (missed,) = (rule.expression for rule in ALERTS if rule.name == alert_of("labels_replaced").name)

    found = {matcher.label.removeprefix("exported_") for item in selectors(missed) for matcher in item.matchers}

    assert found == asked & own


OF_ALERTS_ALONE = {"alertname", "alertstate", "severity"}


def _labels_in(node: Node) -> set[str]:
    """The labels that one part of an expression names, but for those that it forgets."""
    match node:
        case Selector(matchers=matchers):
            return {matcher.label for matcher in matchers}
        case Aggregate(grouping=Grouping("by", labels)) | Binary(matching=Grouping("on", labels)):
            return set(labels)
        case _:
            return set()


def test_every_source_has_its_rule() -> None:
    asked = {rule.labels["source"] for rule in ALERTS if rule.name == alert_of("source_unreachable").name}

    assert asked == {FIRESTORE, BIGQUERY}


def test_what_is_not_a_collectors_own_fault_is_what_says_that_the_source_was_not_reached() -> None:
    rule = next(rule for rule in ALERTS if rule.name == alert_of("collector_failing").name)
    asked = [
        set(matcher.value.split("|"))
        for selector in selectors(rule.expression)
        for matcher in selector.matchers
        if matcher.operator == "=~"
    ]

    assert asked == [{*UNREACHED}]


@each_rule
def test_no_number_of_the_pipeline_stands_in_a_rule(rule: Rule) -> None:
    """0 and 1 are what states and counts are compared with.

    A report may be three intervals old, and a success two intervals older than the pause until the next run.
    """
    assert [value for value in _numbers(rule.expression) if value not in {0, 1}] == []


def _numbers(node: Node) -> Iterator[float]:
    match node:
        case Number(value):
            yield value
        case Binary("*", Number(2 | 3), factor) if {selector.metric for selector in selectors(factor)} == {INTERVAL}:
            return
        case _:
            for _, _, child in node.children():
                yield from _numbers(child)


@pytest.mark.parametrize("rule", RECORDING, ids=lambda rule: rule.key)
def test_a_recorded_series_is_named_level_metric_operations(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z_]+:orchestration_[a-z_]+:[a-z_0-9]+", rule.name)


@each_alert
def test_severity_and_the_other_labels_are_known(rule: Rule) -> None:
    assert rule.labels.keys() <= LABELS
    assert rule.labels["severity"] in {"critical", "warning", "info", "none"}


@each_alert
def test_an_alert_about_a_pipeline_names_it(rule: Rule) -> None:
    labels = _alert_labels(rule)

    assert "pipeline" in labels or rule.group == EXPORTERS_OWN
    assert labels <= IDENTITY | {"reason"}


@each_alert
def test_a_failing_source_does_not_resolve_an_alert_about_a_pipeline(rule: Rule) -> None:
    assert ("keep_firing_for" in rule.fields) == (rule.group != EXPORTERS_OWN)


@each_alert
def test_every_annotation_is_there_and_the_summary_is_one_fixed_sentence(rule: Rule) -> None:
    assert rule.annotations.keys() == ANNOTATIONS
    assert re.fullmatch(r"[A-Z][^.{}]*\.", rule.annotations["summary"])


@each_alert
def test_templates_print_only_labels_that_the_alert_has(rule: Rule) -> None:
    there = _alert_labels(rule)

    for text in rule.annotations.values():
        template = read_template(text)
        assert template.faults == ()
        assert template.labels <= there


@each_alert
def test_every_number_in_a_text_is_written_as_what_it_is(rule: Rule) -> None:
    """Go writes a number from a million on as 1e+06, unless it is told how."""
    forms = {form for text in rule.annotations.values() for form in re.findall(r"\| value\b *\|? *(\S*)", text)}

    assert forms <= {"printf", "humanize1024", "humanizeDuration", "humanizePercentage", "humanizeTimestamp"}


@each_alert
def test_templates_ask_for_the_series_of_this_very_alert(rule: Rule) -> None:
    identity = _alert_labels(rule) & IDENTITY

    for text in rule.annotations.values():
        for query in read_template(text).queries:
            for selector in selectors(query):
                assert own_matchers(selector.matchers) == identity & METRICS[selector.metric].labels


@each_alert
def test_links_lead_to_the_alerts_page_and_to_its_dashboard_with_all_that_is_known_filled_in(rule: Rule) -> None:
    variables = [name for name in DASHBOARD_VARIABLES if name in _alert_labels(rule)]
    filled = "&".join(f"var-{name}={{{{ $labels.{name} }}}}" for name in variables)
    query = "var-job=orchestration-exporter" if rule.group == EXPORTERS_OWN else filled

    assert rule.annotations["runbook_url"] == f"{RUNBOOKS}/{rule.name}.md"
    address, _, asked = rule.annotations["dashboard_url"].partition("?")
    assert re.fullmatch(rf"{DASHBOARDS}/orchestration-[a-z]+", address)
    assert asked == query


@each_alert
def test_the_action_is_a_command_that_exists(rule: Rule) -> None:
    words = shlex.split(rule.annotations["action"].replace("{{ $labels.run_date }}", "2026-02-01"))

    if words[0] == "promtool":
        assert words[1:3] == ["query", "instant"]
        assert Reader(METRICS).labels(parse(words[4])) == {"job", "instance"}
        return
    command: click.Command = command_line
    program, *arguments = words
    assert program == "orchestration-exporter"
    while isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    options = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in arguments if word.startswith("--")} <= options


def test_rules_of_one_alert_differ_only_in_what_sets_them_apart() -> None:
    families: dict[str, list[Rule]] = defaultdict(list)
    for rule in ALERTS:
        families[rule.name].append(rule)

    for rules in families.values():
        assert len({(rule.fields.get("for"), rule.fields.get("keep_firing_for")) for rule in rules}) == 1
        assert len({frozenset(rule.labels) for rule in rules}) == 1
