"""Whether the message about an alert says what page, `check` and API say: verdict, since when, date and first step.

promtool renders the alert's texts over the samples of a report, amtool the message from them.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from exporter.incidents.watch import History, Watched
from exporter.metrics.catalogue import report_samples
from exporter.metrics.clock import NO_DEADLINE, local
from exporter.present.status import status
from exporter.shipped.alerts import alert_of, alerts
from testing.alertmanager import SHIPPED, amtool
from tests.incidents.one_truth import signature
from tools.alerting.promtool import failed_tests
from tools.alerting.rulefiles import RULES, SOURCE, load_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from exporter.model import Report

    Labels = Mapping[str, str]

FIRES: Final = "fires"
"""A series that stands for the alerts that fire, in place of the rules' expressions."""
BEGAN: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""When each alert began, for Alertmanager; no fault began then."""
SAID: Final = re.compile(r"Labels:\{(?P<labels>.*)\}\s*\n\s*Annotations:\{(?P<annotations>.*)\}")
PAIR: Final = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")')
INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?= \+0000 UTC)")
PARTS: Final = ("verdict", "since", "unattended", "first", "mended", "push", "at")
NAMES: Final = ("pipeline", "phase", "run_date", "processor", "check", "reason")
KEYS: Final = {alert.name: alert.key for alert in alerts()}


def differences(
    reports: Sequence[Report], firing: Mapping[int, Sequence[Labels]], folder: Path
) -> Iterator[tuple[str, str]]:
    """What is compared at the minute at which most is told, and what the message says that the report does not.

    `reports`: of each minute; `firing`: of each minute, the alerts that fire. Compared are the alerts about a verdict,
    a trigger or low coverage that the report has; the text is empty where all agree.
    """
    minutes = {signature(reports[minute]): minute for minute, labels in firing.items() if labels}
    told = {minute: [*_told(reports[minute], firing[minute])] for minute in minutes.values()}
    most = max(told, key=lambda minute: len(told[minute]), default=None)
    if most is not None and told[most]:
        yield from _differences(reports[most], told[most], folder)


def _told(report: Report, firing: Sequence[Labels]) -> Iterator[Labels]:
    wanted = dict(_expected(report))
    yield from (labels for labels in firing if _key(labels) in wanted)


def _differences(report: Report, told: Sequence[Labels], folder: Path) -> Iterator[tuple[str, str]]:
    wanted = dict(_expected(report))
    for labels, said in _messages(report, told, folder):
        key = _key(labels)
        verdict, since, by_when, first, after, rows = wanted[key]
        names = dict(key)
        expected = {
            "verdict": verdict or said["verdict"],
            "since": f" since {since}" if since else None,
            "by when": by_when,
            "first": first,
            "after": after,
            "date": names.get("run_date"),
            "rows": rows,
            "subject": True,
        }
        found = {
            "verdict": said["verdict"],
            "since": None if said["since"].startswith(", alert since ") else said["since"],
            "first": said["first"].replace("\u00a0", " "),
            # The series that says since when says by when as well.
            "by when": by_when if not since or f"; {by_when}. " in said["unattended"] else said["unattended"],
            "after": said["mended"],
            "date": next(iter(re.findall(r"--run-date (\S+)", said["action"])), None),
            "rows": next(iter(re.findall(r"rows of ([^)]+)", said["at"])), ""),
            "subject": (names.get("processor") or names.get("check") or names.get("phase", "")) in said["push"],
        }
        wrong = [
            f"{what} is {found[what]!r} in the message, and {expected[what]!r} in the report"
            for what in expected
            if found[what] != expected[what]
        ]
        yield f"{labels['alertname']} {dict(key)}", "; ".join(wrong)


def _key(labels: Labels) -> tuple[tuple[str, str], ...]:
    about = KEYS.get(labels["alertname"], "")
    return (("about", about), *((name, labels[name]) for name in NAMES if name in labels))


def _expected(
    report: Report,
) -> Iterator[tuple[tuple[tuple[str, str], ...], tuple[str, str | None, str, str, str, str]]]:
    """By alert, what the API has: verdict (empty: whatever), since when, by when, first, what after, whose rows."""
    said = status(report)
    then = {key: _then(phase["then"], report) for key, phase in said["phases"].items()}
    for one in report.processors:
        api = said["processors"][f"{one.pipeline}/{one.phase}/{one.run_date}/{one.processor}"]
        if api["first"]:
            place = (("pipeline", one.pipeline), ("phase", one.phase), ("run_date", one.run_date.isoformat()))
            yield (
                (("about", one.verdict.value), *place, ("processor", one.processor)),
                (
                    api["verdict"],
                    _words(api, report.timezone),
                    then[f"{one.pipeline}/{one.phase}/{one.run_date}"],
                    api["first"],
                    api["after"],
                    "",
                ),
            )
    for phase in report.phases:
        api = said["phases"][f"{phase.pipeline}/{phase.phase}/{phase.run_date}"]
        if api["first"]:
            place = (("pipeline", phase.pipeline), ("phase", phase.phase), ("run_date", phase.run_date.isoformat()))
            state = api["trigger_state"]
            since = _words(api, report.timezone)
            yield (
                (("about", state), *place),
                (
                    f"trigger {state}",
                    since,
                    then[f"{phase.pipeline}/{phase.phase}/{phase.run_date}"],
                    api["first"],
                    api["after"],
                    "",
                ),
            )
    for fault in said["conditions"]:
        about, labels = fault["condition"], fault["labels"]
        where = tuple((name, labels[name]) for name in NAMES if name in labels)
        by_when = alert_of(about).when or then["/".join(labels[name] for name in NAMES[:3])]
        since = _words(fault, report.timezone)
        days = re.findall(r"rows of (\d{4}-\d\d-\d\d)", fault["text"]) if "check" in labels else ()
        rows = [date.fromisoformat(day) for day in days]
        said_rows = f"{rows[0]:%-d %b}" if rows else ""
        yield (("about", about), *where), ("", since, by_when, fault["first"], fault["after"], said_rows)


def _then(api: Mapping[str, Any] | None, report: Report) -> str:
    """By when, as a message has it."""
    if api is None:
        return NO_DEADLINE
    over = datetime.fromisoformat(api["due"]) <= report.at
    return f"{api['phase']} {'was' if over else 'is'} due at {_time(api['due'], report.timezone)}"


def _words(api: Mapping[str, Any], zone: str) -> str | None:
    """Since when, by the API, as a message has it: in UTC and in this zone, and with the range if it is one."""
    since, after = api["since"], api["since_after"]
    if since is None:
        return None
    at, before = _time(since, zone), after and _time(after, zone)
    return at if before in {None, at} else f"a moment between {before} and {at}"


def _time(at: str, zone: str) -> str:
    moment = datetime.fromisoformat(at).astimezone(UTC)
    words = f"{moment:%Y-%m-%d %H:%M:%S}"
    there = local(moment, zone)
    return f"{words.removesuffix(':00') if words.endswith(':00') else words} UTC{f' ({there})' if there else ''}"


def _messages(report: Report, firing: Sequence[Labels], folder: Path) -> Iterator[tuple[Labels, Mapping[str, str]]]:
    described = list(_described(report, firing, folder))
    data = folder / "alerts.json"
    content = {
        "status": "firing",
        "alerts": [
            {"status": "firing", "labels": labels, "annotations": texts, "startsAt": BEGAN.isoformat()}
            for labels, texts in described
        ],
    }
    data.write_text(json.dumps(content), encoding="utf-8")
    parts = '{{ "\\x01" }}'.join(f'{{{{ template "orchestration.{part}" . }}}}' for part in PARTS)
    answer = amtool(
        *("template", "render", f"--template.glob={SHIPPED / 'templates' / '*.tmpl'}", f"--template.data={data}"),
        f'--template.text={{{{ range .Alerts }}}}{parts}{{{{ "\\x02" }}}}{{{{ end }}}}',
    )
    assert answer.code == 0, answer.text
    for (labels, texts), text in zip(described, answer.text.split("\x02")[:-1], strict=True):
        yield labels, {**dict(zip(PARTS, text.split("\x01"), strict=True)), **texts}


def _described(report: Report, firing: Sequence[Labels], folder: Path) -> Iterator[tuple[Labels, Mapping[str, str]]]:
    """The alerts with their annotations, as Prometheus renders them at the moment of the report."""
    history = History(report.at)
    history.add(0, report_samples(report))
    series = Watched(report.at, 0, history.series(1)).series
    names = sorted({labels["alertname"] for labels in firing})
    rules: list[Mapping[str, Any]] = [
        rule.fields for rule in load_rules(SOURCE) if not rule.alert and "held" not in rule.name
    ]
    for rule in load_rules(RULES):
        if rule.alert in names:
            own = ",".join(f'{name}="{value}"' for name, value in {"alertname": rule.name, **rule.labels}.items())
            # The time at which the condition held last, which is now.
            rules.append({**rule.fields, "expr": f"max without (alertname, severity) ({FIRES}{{{own}}})"})
    (folder / "rules.json").write_text(json.dumps({"groups": [{"name": "all", "rules": rules}]}), encoding="utf-8")
    told = [
        {name: value for name, value in labels.items() if name not in {"__name__", "alertstate"}} for labels in firing
    ]
    inputs = {**series, **{f"{FIRES}{{{_pairs(labels)}}}": "0" for labels in told}}
    test = {
        "rule_files": ["rules.json"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in inputs.items()],
                "alert_rule_test": [{"eval_time": "0m", "alertname": name, "exp_alerts": []} for name in names],
            }
        ],
    }
    path = folder / "test.json"
    path.write_text(json.dumps(test), encoding="utf-8")
    found = [
        ({name: json.loads(value) for name, value in PAIR.findall(one["labels"])}, one["annotations"])
        for one in SAID.finditer(failed_tests([path])[path])
    ]
    assert len(found) == len(told), (found, told)
    for labels, texts in found:
        yield labels, {name: _moved(json.loads(value), report.at) for name, value in PAIR.findall(texts)}


def _pairs(labels: Labels) -> str:
    return ",".join(f"{name}={json.dumps(value)}" for name, value in labels.items())


def _moved(text: str, now: datetime) -> str:
    """A text with its times, which are relative to the report's, as they are."""
    epoch = datetime.fromtimestamp(0, UTC)

    def there(found: re.Match[str]) -> str:
        at = datetime.strptime(found[0], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        return f"{now + timedelta(seconds=round((at - epoch).total_seconds())):%Y-%m-%d %H:%M:%S}"

    return INSTANT.sub(there, text)
