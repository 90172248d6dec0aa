"""The rules' unit tests for targets with more labels: those that the rules carry through, and any other.

Every series is there once for each place, which is a set of labels that its target has. Where the rules carry the
labels (`dump rules --by`), every expected alert and sample is there once for each place as well. Otherwise nothing may
change.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus

import yaml

from exporter.shipped.alerts import alert_of, alerts
from exporter.shipped.forms import Form
from tools.alerting.rulefiles import RULES, SOURCE, TESTS, read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    Place = Mapping[str, str]

PLACES: Final = ({"env": "prod", "cluster": "a"}, {"env": "dev", "cluster": "a"})
"""Two environments."""
CARRIED: Final = Form(by=("env", "cluster"))
PODS: Final = ({"pod": "one"}, {"pod": "two"})
"""A target that is found twice."""

_NOBODY: Final = f'alertname="{alert_of("exporter_down").name}",alertstate="firing",severity="critical"}}'
_NOTHING: Final = "No instance exports any pipeline"
"""The page that no target stands for, as a series and by its text: it has no labels, and names none that is down."""

_LINK: Final = "dashboard_url"


def written(folder: Path, form: Form, tests: Mapping[str, Any]) -> list[Path]:
    """Write the rules in this form, and beside them these tests, by file name. Returns the tests' paths."""
    (folder / "tests").mkdir(parents=True)
    for rules in (RULES, SOURCE):
        (folder / rules.name).mkdir()
        for path in rules.glob("*.yml"):
            text = form.rules(path.read_text(encoding="utf-8"))
            (folder / rules.name / path.name).write_text(text, encoding="utf-8")
    for name, content in tests.items():
        (folder / "tests" / name).write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False))
    return [folder / "tests" / name for name in tests]


def carried_tests() -> dict[str, Any]:
    """Every test file, in all places at once and with what is expected in each."""
    return {path.name: _file(path, PLACES, carried=True) for path in sorted(TESTS.glob("*.yml"))}


def twice_found_tests() -> dict[str, Any]:
    """Every test file, with each target found twice; what is expected stays."""
    return {path.name: _file(path, PODS, carried=False) for path in sorted(TESTS.glob("*.yml"))}


def exporters_tests(address: str) -> dict[str, Any]:
    """Every test file, with the runbooks and commands of `dump rules --exporter-url`."""
    return {path.name: _with_exporter(read_yaml(path), address) for path in sorted(TESTS.glob("*.yml"))}


def _with_exporter(content: dict[str, Any], address: str) -> dict[str, Any]:
    labels_of = {alert.name: set.intersection(*(set(kind.labels) for kind in alert.raises)) for alert in alerts()}
    asked = [question for test in content["tests"] for question in test.get("alert_rule_test", ())]
    for name, alert in [(question["alertname"], alert) for question in asked for alert in question["exp_alerts"]]:
        texts, labels = alert["exp_annotations"], alert["exp_labels"]
        there = [label for label in ("pipeline", "phase", "run_date", "processor", "check") if label in labels_of[name]]
        query = "&".join(f"{label}={quote_plus(labels[label])}" for label in there)
        action = re.sub(
            "(?<=orchestration-exporter )(check|explain)(?! --from)", rf"\1 --from {address}", texts["action"]
        )
        runbook = f"{address}/runbooks/{name}{'?' * bool(query)}{query}"
        alert["exp_annotations"] = {**texts, "action": action, "runbook_url": runbook}
    return content


def neighbours_tests(names: Sequence[str]) -> dict[str, Any]:
    """The tests of these alerts, with the series of the next test of the same file in the other environment.

    Asked is what fires in the first, on which the other must have no influence.
    """
    here, there = PLACES
    found = {}
    for name in names:
        content = read_yaml(TESTS / f"{name}.yml")
        tests = content["tests"]
        beside = [
            {
                "name": test["name"],
                "interval": test["interval"],
                "input_series": [*_series(test, [here], carried=True), *_series(other, [there], carried=True)],
                "promql_expr_test": [_firing(question, here) for question in test["alert_rule_test"]],
            }
            for test, other in zip(tests, [*tests[1:], tests[0]], strict=True)
        ]
        found[f"{name}.yml"] = {**content, "tests": beside}
    return found


def _file(path: Path, places: Sequence[Place], *, carried: bool) -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(path)
    return {**content, "tests": [_test(test, places, carried=carried) for test in content["tests"]]}


def _test(test: Mapping[str, Any], places: Sequence[Place], *, carried: bool) -> dict[str, Any]:
    changed = {**test, "input_series": list(_series(test, places, carried=carried))}
    if carried:
        for part, answers in (("alert_rule_test", "exp_alerts"), ("promql_expr_test", "exp_samples")):
            if part in test:
                changed[part] = [
                    {**question, answers: [labelled for one in question[answers] for labelled in _each(one, places)]}
                    for question in test[part]
                ]
    return changed


def _series(test: Mapping[str, Any], places: Sequence[Place], *, carried: bool) -> Iterator[dict[str, Any]]:
    for item in test["input_series"]:
        # What the rules make has no other labels than those that they carry.
        if not carried and (item["series"].startswith("ALERTS") or ":" in item["series"].partition("{")[0]):
            yield item
            continue
        for place in places:
            yield {**item, "series": _with(item["series"], place)}


def _with(series: str, place: Place) -> str:
    """A series, or the labels of a sample, with more labels."""
    name, _, rest = series.partition("{")
    labels = ",".join(f'{label}="{value}"' for label, value in place.items())
    return f"{name}{{{labels},{rest}" if rest else f"{name}{{{labels}}}"


def _each(expected: dict[str, Any], places: Sequence[Place]) -> Iterator[dict[str, Any]]:
    """An expected alert or sample in each place."""
    if isinstance(labels := expected.get("labels"), str):
        nowhere = labels.endswith(_NOBODY)
        yield from [expected] if nowhere else ({**expected, "labels": _with(labels, place)} for place in places)
        return
    annotations = expected.get("exp_annotations", {})
    nowhere = _of_nowhere(expected)
    for place in places[:1] if nowhere else places:
        here = dict.fromkeys(place, "") if nowhere else place
        variables = "".join(f"var-{label}={value}&" for label, value in here.items())
        link = {_LINK: annotations[_LINK].replace("?", f"?{variables}")} if _LINK in annotations else {}
        if nowhere:
            text = annotations["description"]
            link["description"] = (
                f"{text[: text.index(';')]}.{text[text.index(' down.') + 6 :]}" if ";" in text else text
            )
        labels = expected["exp_labels"] if nowhere else {**expected["exp_labels"], **place}
        yield {**expected, "exp_labels": labels, "exp_annotations": {**annotations, **link}}


def _firing(question: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """The question which alerts fire, asked of one place."""
    where = ",".join(f'{label}="{value}"' for label, value in place.items())
    head = f'ALERTS{{alertname="{question["alertname"]}",alertstate="firing",{where}'
    alerts = [alert["exp_labels"] for alert in question["exp_alerts"] if not _of_nowhere(alert)]
    told = [",".join([head, *(f'{label}="{value}"' for label, value in labels.items())]) for labels in alerts]
    samples = [{"labels": f"{text}}}", "value": 1} for text in told]
    return {"expr": f"{head}}}", "eval_time": question["eval_time"], "exp_samples": samples}


def _of_nowhere(alert: Mapping[str, Any]) -> bool:
    return str(alert.get("exp_annotations", {}).get("description", "")).startswith(_NOTHING)


def of_the_rule(change: str) -> bool:
    """Whether a mutant's change is of the rule itself, and not of the labels that are written into it.

    Nobody has to notice one of those that is missing in one clause: a test compares all clauses with the rule's own.
    """
    return not any(f"{label} not in" in change for label in CARRIED.by)
