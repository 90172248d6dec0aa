"""Finds rule tests on the edge of a range, whose result depends on whether the range includes its oldest moment.

Prometheus 2 includes a sample that is exactly as old as the range is long; Prometheus 3 does not. Prometheus 2 with
ranges that are a millisecond shorter answers as Prometheus 3 does, and Prometheus 3 with longer ones as Prometheus 2.
A test is on an edge if it passes with the ranges as they are and fails with the changed ones; it should ask a step
earlier or later. This covers ranges, offsets, subqueries and the moment at which `for` began. A test whose answer does
not depend on the sample at the edge is not on one.

A selector without a range looks back for five minutes, with the same difference. With Prometheus 2 a series is made
stale where Prometheus 3 sees it no more; the other way round cannot be made to look so, and Prometheus 3 finds ranges
alone. A test that means the end of a series writes `stale`.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tools.alerting.promtool import failed_tests
from tools.alerting.rulefiles import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_RANGE: Final = re.compile(r"\[\s*((?:\d+(?:ms|[smhdwy]))+)(?=\s*[]:])")
_PART: Final = re.compile(r"(\d+)(ms|[smhdwy])")
_MILLISECONDS: Final = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 7 * 86_400_000,
    "y": 365 * 86_400_000,
}
_LOOK_BACK: Final = 5 * 60_000
STALE: Final = "stale"
_QUESTION: Final = re.compile(r"^ *(?:name|alertname|expr): .*$", re.MULTILINE)
_EDGE: Final = {
    "evaluation_interval": "1m",
    "tests": [
        {
            "interval": "1m",
            "input_series": [{"series": "edge", "values": "1 1"}],
            "promql_expr_test": [
                {"expr": "count_over_time(edge[1m])", "eval_time": "1m", "exp_samples": [{"labels": "{}", "value": 2}]}
            ],
        }
    ],
}
"""A test that passes where the oldest moment of a range is in it."""


def on_an_edge(files: Sequence[Path]) -> dict[Path, str]:
    """The passing test files with questions on an edge, and these questions. Raises PromtoolError.

    Annotations are left out: they are texts, and most of the time of a run.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        by = -1 if includes_the_oldest(folder) else 1
        written = {
            test: file
            for number, file in enumerate(files)
            if (test := _written(folder / str(number), file, by)) is not None
        }
        return {
            written[test]: "\n".join(line.strip() for line in _QUESTION.findall(said)) or said
            for test, said in failed_tests(list(written)).items()
        }


def includes_the_oldest(folder: Path) -> bool:
    """Whether this promtool includes a sample that is exactly as old as a range is long, as Prometheus 2 does."""
    _write(folder / "edge.yml", _EDGE)
    return not failed_tests([folder / "edge.yml"])


def moved(expression: str, by: int) -> str:
    """The expression with each of its ranges lengthened by this many milliseconds."""
    return _RANGE.sub(lambda found: f"[{_milliseconds(found[1]) + by}ms", expression)


def _milliseconds(duration: str) -> int:
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in _PART.findall(duration))


def _written(folder: Path, file: Path, by: int) -> Path | None:
    """The test file in a folder of its own, with moved ranges; nothing if nothing in it is on an edge at all."""
    content = read_yaml(file)
    paths = [path for pattern in content.get("rule_files", ()) for path in sorted(file.parent.glob(pattern))]
    rules = {path.name: read_yaml(path)["groups"] for path in paths}
    tests = [_test(test, by) for test in content["tests"]]
    ended = [test["input_series"] for test in tests] != [test.get("input_series", []) for test in content["tests"]]
    needed = _needed(
        content["tests"], [rule for groups in rules.values() for group in groups for rule in group["rules"]]
    )
    asked = [question["expr"] for test in content["tests"] for question in test.get("promql_expr_test", ())]
    if not ended and not any(_RANGE.search(text) for text in (*asked, *(str(rule["expr"]) for rule in needed))):
        return None
    folder.mkdir()
    for name, groups in rules.items():
        kept = [{**group, "rules": [_rule(rule, by) for rule in group["rules"] if rule in needed]} for group in groups]
        _write(folder / name, {"groups": kept})
    _write(folder / file.name, {**content, "rule_files": list(rules), "tests": tests})
    return folder / file.name


def _needed(tests: Sequence[Mapping[str, Any]], rules: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rules that the answers depend on: all of them, where an expression may ask for any alert."""
    if any("promql_expr_test" in test for test in tests):
        return list(rules)
    names = {question["alertname"] for test in tests for question in test.get("alert_rule_test", ())}
    while True:
        needed = [rule for rule in rules if "record" in rule or rule["alert"] in names]
        alerts = {rule["alert"] for rule in rules if "alert" in rule}
        named = {name for name in alerts for rule in needed if f'"{name}"' in str(rule["expr"])}
        if named <= names:
            return needed
        names |= named


def _rule(rule: Mapping[str, Any], by: int) -> dict[str, Any]:
    kept = {key: value for key, value in rule.items() if key != "annotations"}
    return {**kept, "expr": moved(str(rule["expr"]), by)}


def without_look_back(values: str, steps: int, last: int) -> str:
    """The values of a series, in promtool's notation, made stale so many steps after each of its ends.

    `last` is the last step that anybody asks about: an end that is not seen by then stays.
    """
    found: list[str] = []
    now, gap = -1, -1
    for token in values.split():
        if not token.startswith("_"):
            found.append(token)
            now += int(token.partition("x")[2] or 0) + 1 if token != STALE else 1
            gap = -1 if token == STALE else 0
            continue
        length = int(token[2:] or 1)
        now += length
        if 0 <= gap < steps <= gap + length:
            parts = (steps - gap - 1, gap + length - steps)
            found += [*_absent(parts[0]), STALE, *_absent(parts[1])]
            gap = -1
        else:
            found.append(token)
            gap = gap + length if gap >= 0 else gap
    if gap >= 0 and now - gap + steps <= last:
        found += [*_absent(steps - gap - 1), STALE]
    return " ".join(found)


def _absent(steps: int) -> list[str]:
    return [f"_x{steps}"] if steps else []


def _series(test: Mapping[str, Any], by: int) -> list[Any]:
    series = test.get("input_series", [])
    steps, rest = divmod(_LOOK_BACK, interval := _milliseconds(str(test.get("interval", "1m"))))
    if by > 0 or rest:
        return list(series)
    asked = [*test.get("alert_rule_test", ()), *test.get("promql_expr_test", ())]
    last = max((_milliseconds(str(question["eval_time"])) for question in asked), default=0) // interval
    return [{**item, "values": without_look_back(item["values"], steps, last)} for item in series]


def _test(test: Mapping[str, Any], by: int) -> dict[str, Any]:
    return {
        **test,
        "input_series": _series(test, by),
        "alert_rule_test": [
            {
                **question,
                "exp_alerts": [{"exp_labels": alert.get("exp_labels", {})} for alert in question["exp_alerts"]],
            }
            for question in test.get("alert_rule_test", ())
        ],
        "promql_expr_test": [
            {**question, "expr": moved(question["expr"], by)} for question in test.get("promql_expr_test", ())
        ],
    }


def _write(file: Path, content: Mapping[str, Any]) -> None:
    # JSON is YAML, and quicker to write.
    file.write_text(json.dumps(content), encoding="utf-8")
