"""Watches an incident: one exposition for every simulated minute, over which promtool evaluates the rules.

promtool's clock starts at 1970-01-01, so every timestamp (the families that end in `_timestamp_seconds`) is shifted by
the start of the watch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from exporter.metrics.exposition import number
from exporter.metrics.samples import label_text
from exporter.present.status import stamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from exporter.incidents.incident import AlertExpectation
    from exporter.incidents.promtool import Rules
    from exporter.incidents.replay import Replayer
    from exporter.metrics.samples import Family, Samples

MINUTE = timedelta(minutes=1)
JOB = "orchestration-exporter"
TARGET = f'job="{JOB}",instance="localhost:9189"'
UP = "up"
ABSENT = None


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert that fired while the incident was watched, and each time at which it began to fire."""

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


class History:
    """The series of a watch, one value for each minute. Successive equal values are stored and written as one."""

    def __init__(self, start: datetime) -> None:
        self._shift = start.timestamp()
        self._series: dict[tuple[Family, str], list[tuple[float | None, int]]] = {}
        self._minutes: dict[tuple[Family, str], int] = {}

    def add(self, minute: int, samples: Samples) -> None:
        """Add the exposition of a minute. Minutes come in order."""
        for family, values in samples.items():
            shift = self._shift if family.name.endswith("_timestamp_seconds") else 0.0
            for labels, value in values:
                self._extend((family, labels), value - shift, minute)

    def _extend(self, key: tuple[Family, str], value: float, minute: int) -> None:
        runs = self._series.setdefault(key, [])
        known = self._minutes.get(key, 0)
        if known < minute:
            runs.append((ABSENT, minute - known))
        if runs and runs[-1][0] == value:
            runs[-1] = (value, runs[-1][1] + 1)
        else:
            runs.append((value, 1))
        self._minutes[key] = minute + 1

    def series(self, minutes: int) -> dict[str, str]:
        """Every series over this many minutes, in promtool's notation (`7 3+0x9 stale _x2`), and `up` of the exporter.

        A scrape that lacks a series which the one before had is written as Prometheus writes it: the series is stale.
        """
        found = {f"{UP}{{{TARGET}}}": _run(1, minutes)}
        for (family, labels), runs in self._series.items():
            name = f"{family.name}{{{labels},{TARGET}}}" if labels else f"{family.name}{{{TARGET}}}"
            absent = minutes - self._minutes[family, labels]
            whole = [*runs, (ABSENT, absent)] if absent else runs
            found[name] = " ".join(_run(*run, first=place == 0) for place, run in enumerate(whole))
        return found


def _run(value: float | None, length: int, *, first: bool = False) -> str:
    if value is None and first:
        return f"_x{length}"
    if value is None:
        return "stale" if length == 1 else f"stale _x{length - 1}"
    return number(value) if length == 1 else f"{number(value)}+0x{length - 1}"


@dataclass(frozen=True, slots=True)
class Watched:
    """The series of a watch from `start` to `minutes` later, one value a minute, in promtool's notation."""

    start: datetime
    minutes: int
    series: Mapping[str, str]

    def alerts(self, firing: Mapping[int, Sequence[Mapping[str, str]]]) -> tuple[Alert, ...]:
        """The alerts, by the labels of those that fire at each minute (`Rules.firing`)."""
        return tuple(_alerts(firing, self.start))


def fired(watched: Watched, rules: Rules) -> tuple[Alert, ...]:
    """The alerts that fired over a watch. Raises WatchError."""
    return watched.alerts(rules.firing(watched.series, watched.minutes))


def watched_series(replayer: Replayer) -> Watched:
    """Run the incident from its clock to its end, minute by minute, and return its series."""
    incident = replayer.incident
    start = incident.clock
    history = History(start)
    steps = list(incident.then)
    minutes = int((incident.end - start) / MINUTE)
    for minute in range(minutes + 1):
        now = start + minute * MINUTE
        while steps and steps[0].at <= now:
            replayer.step(steps.pop(0))
        replayer.at(now)
        collectors = replayer.collectors
        if names := [name for name in collectors.collectors if collectors.planner.due(name)]:
            replayer.collect(*names)
        else:
            collectors.conclude_if_due()
        for samples in replayer.samples():
            history.add(minute, samples)
    return Watched(start, minutes, history.series(minutes + 1))


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
