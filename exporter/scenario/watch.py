"""Watching an incident: every simulated minute an exposition, and over all of them the shipped rules, by promtool.

promtool's clock starts at 1970-01-01, so every timestamp (the families that end in `_timestamp_seconds`) is shifted by
the start of the watch. What fires is asked as `ALERTS` at every minute; promtool answers by way of failed expectations.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.exposition import number
from exporter.metrics import report_samples
from exporter.samples import label_text
from exporter.status import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from exporter.samples import Samples
    from exporter.scenario.incident import AlertExpectation
    from exporter.scenario.replay import Replayer

MINUTE = timedelta(minutes=1)
JOB = "orchestration-exporter"
TARGET = f'job="{JOB}",instance="localhost:9189"'
TIMEOUT_SECONDS = 120
TIMEOUT_SECONDS_PER_DAY = 240
"""promtool evaluates every rule for every simulated minute: an outage of days takes long, more so on a busy machine."""
UP = "up"
ABSENT = "_"

_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ANSWER = re.compile(r'expr: "ALERTS[^\n]*time: (?P<time>[^,]+),\s*\n\s*exp:[^\n]*\n\s*got:(?P<got>[^\n]*)')
_ALERT = re.compile(r"\{([^}]*)\} 1E?\+?0*")
_DURATION = re.compile(r"(\d+)([dhms])")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


class WatchError(Exception):
    """promtool could not be run, or said something else than what was asked; the message has its words."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fired while the incident was watched, and each time it began to."""

    name: str
    severity: str
    labels: Mapping[str, str]
    firing_at: tuple[datetime, ...]

    def json(self) -> dict[str, Any]:
        """The item of `alerts` that `replay --alerts --format json` prints."""
        return {
            "alertname": self.name,
            "severity": self.severity,
            "labels": dict(self.labels),
            "firing_at": [stamp(moment) for moment in self.firing_at],
        }


def watch(replayer: Replayer, rules: Path) -> tuple[Alert, ...]:
    """Run the incident from its clock to its end, a minute at a time, and say which alerts of the rules fired.

    Raises WatchError.
    """
    incident = replayer.incident
    start = incident.clock
    series: dict[str, list[str]] = {}
    steps = list(incident.then)
    minutes = int((incident.end - start) / MINUTE)
    due = dict.fromkeys(replayer.collectors.collectors, start)
    for minute in range(minutes + 1):
        now = start + minute * MINUTE
        while steps and steps[0].at <= now:
            replayer.step(steps.pop(0))
        replayer.at(now)
        for name, config in replayer.collectors.collectors.items():
            if due[name] <= now:
                replayer.collect(name)
                due[name] = now + config.every
        _add(series, minute, report_samples(replayer.report), start)
        _add(series, minute, replayer.live(), start)
    lasting = {name: [*values, *[ABSENT] * (minutes + 1 - len(values))] for name, values in series.items()}
    lasting[f"{UP}{{{TARGET}}}"] = ["1"] * (minutes + 1)
    return tuple(_alerts(_firing(lasting, minutes, rules), start))


def _add(series: dict[str, list[str]], minute: int, samples: Samples, start: datetime) -> None:
    for family, values in samples.items():
        shift = start.timestamp() if family.name.endswith("_timestamp_seconds") else 0.0
        for labels, value in values:
            name = f"{family.name}{{{labels},{TARGET}}}" if labels else f"{family.name}{{{TARGET}}}"
            known = series.setdefault(name, [])
            known.extend([ABSENT] * (minute - len(known)))
            known.append(number(value - shift))


def _firing(series: Mapping[str, Sequence[str]], minutes: int, rules: Path) -> dict[int, list[dict[str, str]]]:
    """By minute, the labels of every alert that fires."""
    test = {
        "rule_files": [str(file.resolve()) for file in sorted(rules.glob("*.yml"))],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": _runs(values)} for name, values in series.items()],
                "promql_expr_test": [
                    {"expr": 'ALERTS{alertstate="firing"}', "eval_time": f"{minute}m", "exp_samples": []}
                    for minute in range(minutes + 1)
                ],
            }
        ],
    }
    if not test["rule_files"]:
        raise WatchError(f"{rules}: no rule files (*.yml)")
    with tempfile.TemporaryDirectory(prefix="orchestration-exporter-watch-") as folder:
        file = Path(folder) / "watch.json"  # JSON is YAML, and quicker to write
        file.write_text(json.dumps(test), encoding="utf-8")
        seconds = TIMEOUT_SECONDS + TIMEOUT_SECONDS_PER_DAY * (minutes * MINUTE / timedelta(days=1))
        try:
            done = subprocess.run(
                ["promtool", "test", "rules", str(file)],  # noqa: S607 - found on the path, where the package puts it
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
            )
        except FileNotFoundError:
            raise WatchError("promtool is not installed: apt-get install prometheus") from None
        except subprocess.TimeoutExpired:
            raise WatchError(f"promtool did not end within {seconds:.0f} s") from None
    said = done.stdout + done.stderr
    firing = {_minute(answer["time"]): list(_labels(answer["got"])) for answer in _ANSWER.finditer(said)}
    if not firing and done.returncode:
        raise WatchError(f"promtool failed: {said.strip()[:2000]}")
    return firing


def _runs(values: Sequence[str]) -> str:
    """Values in promtool's notation, equal values in a row as one (`7x120`, `_x3`)."""
    parts: list[str] = []
    start = 0
    for end in range(1, len(values) + 1):
        if end < len(values) and values[end] == values[start]:
            continue
        length = end - start
        if length == 1:
            parts.append(values[start])
        elif values[start] == ABSENT:
            parts.append(f"_x{length}")
        else:
            parts.append(f"{values[start]}+0x{length - 1}")
        start = end
    return " ".join(parts)


def _minute(text: str) -> int:
    return sum(int(count) * _SECONDS[unit] for count, unit in _DURATION.findall(text)) // 60


def _labels(text: str) -> Iterator[dict[str, str]]:
    for found in re.finditer(r"\{((?:[^{}\"]|\"(?:[^\"\\]|\\.)*\")*)\}", text):
        labels = {name: json.loads(f'"{value}"') for name, value in _LABEL.findall(found[1])}
        if labels.get("alertstate") == "firing":
            yield labels


def _alerts(firing: Mapping[int, Sequence[Mapping[str, str]]], start: datetime) -> Iterator[Alert]:
    began: dict[tuple[str, ...], list[int]] = {}
    seen: dict[tuple[str, ...], tuple[int, Mapping[str, str]]] = {}
    for minute in sorted(firing):
        for labels in firing[minute]:
            key = tuple(f"{name}={value}" for name, value in sorted(labels.items()))
            if key not in seen or seen[key][0] != minute - 1:
                began.setdefault(key, []).append(minute)
            seen[key] = (minute, labels)
    for key, minutes in sorted(began.items(), key=lambda item: (item[1], item[0])):
        labels = dict(seen[key][1])
        for name in ("__name__", "alertstate"):
            labels.pop(name, None)
        yield Alert(
            name=labels.pop("alertname"),
            severity=labels.pop("severity", ""),
            labels=labels,
            firing_at=tuple(start + minute * MINUTE for minute in minutes),
        )


def alert_failures(expected: AlertExpectation, fired: Sequence[Alert]) -> Iterator[str]:
    """Every expectation on alerts that did not hold."""
    names = {alert.name for alert in fired}
    for name in expected.firing:
        if name not in names:
            yield f"alerts: {name} did not fire"
    for alert in fired:
        text = f"{alert.name} ({alert.severity}) fired at {stamp(alert.firing_at[0])}: {label_text(**alert.labels)}"
        if alert.name in expected.silent:
            yield f"alerts: {text}; it must stay silent"
        if alert.severity in expected.no_severity:
            yield f"alerts: {text}; nothing of that severity may fire"
