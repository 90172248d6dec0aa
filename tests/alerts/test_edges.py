"""No rule test is on the edge of a range, where Prometheus 2 and 3 differ; and the linter that finds those that are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.alerting.edges import includes_the_oldest, moved, on_an_edge, without_look_back
from tools.alerting.promtool import failed_tests
from tools.alerting.rulefiles import TESTS

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
groups:
  - name: own
    rules:
      - {record: lately, expr: "max_over_time(a[5m])"}
      - {alert: Range, expr: "max_over_time(a[5m]) == 1"}
      - {alert: Shifted, expr: "max_over_time(a[5m] offset 2m) == 1"}
      - {alert: Subquery, expr: "max_over_time((a + 0)[5m:1m]) == 1"}
      - {alert: Ended, expr: "last_over_time(b[5m]) == 1"}
      - {alert: Waiting, expr: "a == 0 unless max_over_time(a[5m]) == 1", for: 3m}
      - {alert: Recorded, expr: "lately == 1"}
      - {alert: Following, expr: "group(ALERTS{alertname=\\"Waiting\\",alertstate=\\"firing\\"})"}
      - {alert: Constant, expr: "max_over_time(c[5m]) == 1"}
      - {alert: Now, expr: "a == 1"}
      - {alert: Gone, expr: "d == 1"}
"""
# `a` is 1 from 0 to 3m, then 0; `b` ends at 3m; `c` never changes; `d` ends at 3m without being stale. So the last 1 is
# at the edge of 5m at 8m.
SERIES = (
    "[{series: a, values: 1x3 0x30}, {series: b, values: 1x3 stale _x30}, {series: c, values: 1x40},"
    " {series: d, values: 1x3 _x30}]"
)


def _test_of(folder: Path, part: str, *answers: str) -> Path:
    """A test file with the one of these answers that passes with the promtool that is here: at an edge they differ."""
    (folder / "rules.yml").write_text(RULES, encoding="utf-8")
    files = [folder / f"test{number}.yml" for number in range(len(answers))]
    for file, answer in zip(files, answers, strict=True):
        file.write_text(
            "rule_files: [rules.yml]\nevaluation_interval: 1m\n"
            f"tests: [{{name: here, interval: 1m, input_series: {SERIES}, {part}: [{{{answer}}}]}}]\n",
            encoding="utf-8",
        )
    (passing,) = set(files) - failed_tests(files).keys()
    return passing


def _about_alert(folder: Path, alert: str, minute: int) -> Path:
    question = f"eval_time: {minute}m, alertname: {alert}"
    return _test_of(
        folder, "alert_rule_test", *(f"{question}, exp_alerts: {alerts}" for alerts in ("[]", "[{exp_labels: {}}]"))
    )


def _about_number(folder: Path, expression: str, minute: int) -> Path:
    question = f"eval_time: {minute}m, expr: '{expression}'"
    return _test_of(
        folder,
        "promql_expr_test",
        *(f"{question}, exp_samples: [{{labels: '{{}}', value: {value}}}]" for value in range(8)),
    )


@pytest.mark.usefixtures("_programs")
def test_no_test_of_the_rules_is_on_an_edge() -> None:
    assert on_an_edge(sorted(TESTS.glob("*.yml"))) == {}


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("alert", "minute"),
    [
        ("Range", 8),
        ("Shifted", 10),
        ("Subquery", 8),
        ("Ended", 8),
        ("Waiting", 11),
        ("Recorded", 8),
        ("Following", 11),
    ],
)
def test_a_question_on_an_edge_is_found_and_neither_the_one_before_nor_the_one_after(
    alert: str, minute: int, tmp_path: Path
) -> None:
    found = {}
    for at in (minute - 1, minute, minute + 1):
        folder = tmp_path / str(at)
        folder.mkdir()
        found[at] = list(on_an_edge([_about_alert(folder, alert, at)]).values())

    assert found == {minute - 1: [], minute: [f"name: here,\nalertname: {alert}, time: {minute}m,"], minute + 1: []}


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("alert", "minute"), [("Constant", 5), ("Constant", 8), ("Now", 3), ("Now", 8), ("Range", 5), ("Waiting", 8)]
)
def test_a_question_that_the_sample_at_the_edge_does_not_decide_is_left_alone(
    alert: str, minute: int, tmp_path: Path
) -> None:
    assert on_an_edge([_about_alert(tmp_path, alert, minute)]) == {}


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("expression", "found"),
    [("count_over_time(c[5m])", 1), ("count_over_time(c[270s])", 0), ("max_over_time(c[5m])", 0)],
)
def test_the_ranges_of_a_tests_own_expressions_count(expression: str, found: int, tmp_path: Path) -> None:
    file = _about_number(tmp_path, expression, 8)

    assert list(on_an_edge([file])) == [file] * found


@pytest.mark.usefixtures("_programs")
def test_a_question_on_the_edge_of_the_look_back_is_found_by_prometheus_2(tmp_path: Path) -> None:
    files = {}
    for at in (7, 8, 9):
        (tmp_path / str(at)).mkdir()
        files[_about_alert(tmp_path / str(at), "Gone", at)] = at

    found = [files[file] for file in on_an_edge(list(files))]

    assert found == ([8] if includes_the_oldest(tmp_path) else [])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("1x3 _x20", "1x3 _x4 stale _x15"),
        ("1x3 _x5", "1x3 _x4 stale"),
        ("1x3 _x4 2 _x9", "1x3 _x4 2 _x4 stale _x4"),
        ("1 _ _x9", "1 _ _x3 stale _x5"),
        ("1x3", "1x3 _x4 stale"),
        ("1x3 stale _x20", "1x3 stale _x20"),
        ("_x3 1+2x40", "_x3 1+2x40"),
        ("1x26", "1x26"),
    ],
)
def test_a_series_is_made_stale_where_its_last_value_is_as_old_as_the_look_back(values: str, expected: str) -> None:
    assert without_look_back(values, steps=5, last=30) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a[5m]", "a[299999ms]"),
        ("a[ 1h30m ] offset 5m", "a[5399999ms ] offset 5m"),
        ("max_over_time(a[1d:5m])", "max_over_time(a[86399999ms:5m])"),
        ('a{phase=~"phase[2-6]"}', 'a{phase=~"phase[2-6]"}'),
        ("a", "a"),
    ],
)
def test_ranges_are_moved_and_nothing_else(expression: str, expected: str) -> None:
    assert moved(expression, -1) == expected
