"""The linter's own eyes: what it must find, and what it must leave alone."""

from __future__ import annotations

import pytest

from tools.alerting.promql import PromqlError, parse
from tools.alerting.rulefiles import Rule, load_rules, seconds
from tools.alerting.templates import read_template
from tools.alerting.vectors import Metric, Reader

METRICS = {
    "a": Metric(frozenset({"job", "instance", "x", "y"})),
    "b": Metric(frozenset({"job", "instance", "x"})),
    "n_total": Metric(frozenset({"job", "instance", "x"}), counter=True),
}


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("a", {"job", "instance", "x", "y"}),
        ("max by (x) (a)", {"x"}),
        ("max without (x, job) (a)", {"instance", "y"}),
        ("max(a)", set()),
        ("time() - b", {"job", "instance", "x"}),
        ("b > 2 * 3", {"job", "instance", "x"}),
        ("a and on (x) b", {"job", "instance", "x", "y"}),
        ("a * on (x) group_left () max by (x) (b)", {"job", "instance", "x", "y"}),
        ("max by (x) (b) * on (x) group_right () a", {"job", "instance", "x", "y"}),
        ("max by (x) (a) * on (x) group_left (instance) b", {"x", "instance"}),
        ("a - ignoring (y) b", {"job", "instance", "x"}),
        ("a > on (x, job) b", {"x", "job"}),
        ("max by (x) (a) or max by (y) (a)", {"x", "y"}),
        ("absent(a)", set()),
        ("rate(n_total[5m])", {"job", "instance", "x"}),
        ("last_over_time(b[5m])", {"job", "instance", "x"}),
    ],
)
def test_the_labels_of_a_result(expression: str, labels: set[str]) -> None:
    reader = Reader(METRICS)

    assert reader.labels(parse(expression)) == labels
    assert reader.faults == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("gone > 0", "no metric gone"),
        ('a{z="1"}', "a has no label z"),
        ("max by (z) (a)", "nothing to group has the label z"),
        ("a and on (y) b", "not on both sides of and: label y"),
        ("a and ignoring (y, z) b", "on neither side of and: label z"),
        ("a and b", "never matches, y on one side only: (a and b)"),
        ("a * on (x) group_left (y) b", "nothing to carry has the label y"),
        ("n_total > 0", "n_total is a counter"),
        ("rate(b[5m])", "b is no counter"),
    ],
)
def test_what_cannot_be_right_is_found(expression: str, fault: str) -> None:
    reader = Reader(METRICS)

    reader.labels(parse(expression))

    assert fault in reader.faults


@pytest.mark.parametrize("expression", ["a >", "topk(3, a)", "a > bool 1", "a[5m:1m]", '{__name__="a"}', "a @ start()"])
def test_what_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(PromqlError):
        parse(expression)


@pytest.mark.parametrize("rule", load_rules(), ids=lambda rule: rule.key)
def test_an_expression_is_written_as_it_was_read(rule: Rule) -> None:
    expression = rule.expression

    assert parse(str(expression)) == expression


def test_a_template_tells_its_labels_and_queries() -> None:
    template = read_template(
        '{{ $where := printf "x=%q,y=%q" $labels.x $labels.y -}} {{ with printf "max(a{%s})" $where | query }}'
        '{{ . | first | value }}{{ end }} {{ with query "b{x=\\"1\\"}" }}{{ end }} {{ $labels.z }}'
    )

    assert template.labels == {"x", "y", "z"}
    assert [str(query) for query in template.queries] == ['max(a{x="x",y="x"})', 'b{x="1"}']
    assert template.faults == ()


@pytest.mark.parametrize(
    "text",
    [
        '{{ $where := printf "x=%q,y=%q" $labels.y $labels.x }}',
        "{{ with query $something }}{{ end }}",
    ],
    ids=["labels in another order", "a query that cannot be read"],
)
def test_a_template_that_asks_for_something_else_is_found(text: str) -> None:
    assert read_template(text).faults != ()


@pytest.mark.parametrize(
    ("duration", "expected"), [(None, 0), ("0s", 0), ("90s", 90), ("1h30m", 5400), ("1d", 86400), ("5m", 300)]
)
def test_durations_are_read(duration: str | None, expected: int) -> None:
    assert seconds(duration) == expected
