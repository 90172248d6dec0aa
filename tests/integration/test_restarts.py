"""Prometheus is restarted once while one alert waits, another fires, and a third goes on after its cause has ended.

All programs are real and times are divided. The rules as they are shipped live through the same story as those with
`for` and `keep_firing_for` from which they are made.
"""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

from exporter.emulators.bigquery.loopback import Answer, LoopbackServer
from exporter.shipped.alerts import alert_of
from testing.alertmanager import Alertmanager, Recorder, recorded
from testing.compressed import compressed_prometheus, compressed_rules, shorter
from testing.prometheus import JOB, Prometheus
from testing.waiting import until
from tools.alerting.persistent import series
from tools.alerting.rulefiles import RULES, SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FASTER = 20
RESEND = "50s"
"""A little less than an evaluation, so that every one sends: a minute's does so only every other time."""
AT_ONCE = "500ms"
"""How soon Alertmanager tells of a change, so that it tells of an end that lasts only for a moment."""
GRACE, LOOKBACK = "10m", "5m"
"""Prometheus's defaults: which `for` it restores, and how far a selector looks back."""
GROUP = "orchestration-processors"
MISSING = alert_of("missing").name
KEPT, FIRING, WAITING = "2026-01-01", "2026-01-02", "2026-01-03"
"""The run date of each alert: whose cause has ended, whose cause lasts, and which does not fire yet."""


@dataclass
class Exported:
    """What the exporter would say of one processor on the three dates."""

    missing: set[str] = field(default_factory=set)

    def answer(self, _: object) -> Answer:
        lines = [
            f"orchestration_exporter_report_timestamp_seconds {time.time()}",
            'orchestration_exporter_collector_interval_seconds{collector="completion"} 60',
        ]
        for day in (KEPT, FIRING, WAITING):
            own = f'pipeline="nba",phase="phase3",run_date="{day}",processor="one"'
            lines.append(f"orchestration_processor_critical{{{own}}} 1")
            verdict = "missing" if day in self.missing else "not_due"
            lines.append(f'orchestration_processor_verdict{{{own},verdict="{verdict}"}} 1')
        return Answer(200, "\n".join([*lines, ""]).encode(), "text/plain; version=0.0.4")


@dataclass
class Watch:
    """A Prometheus with these rules, its Alertmanager and a receiver; a context manager."""

    folder: Path
    rules: Path
    target: str
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        (self.folder / "rules").mkdir(parents=True)
        self.files = compressed_rules(self.folder / "rules", FASTER, self.rules)
        with contextlib.ExitStack() as stack:
            self.recorder = stack.enter_context(Recorder())
            config = recorded(self.folder, self.recorder, faster=FASTER)
            config.write_text(re.sub(r"group_interval: \S+", f"group_interval: {AT_ONCE}", config.read_text()))
            self.alertmanager = stack.enter_context(Alertmanager(self.folder, config))
            self._running = stack.enter_context(contextlib.ExitStack())
            self._stack = stack.pop_all()
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Run Prometheus, on what it has stored."""
        receiver = self.alertmanager.url.removeprefix("http://")
        config = {
            "global": compressed_prometheus(FASTER),
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [self.target]}]}],
            "rule_files": self.files,
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [receiver]}]}]},
        }
        flags = [
            f"--rules.alert.resend-delay={shorter(RESEND, FASTER)}",
            f"--rules.alert.for-grace-period={shorter(GRACE, FASTER)}",
            f"--query.lookback-delta={shorter(LOOKBACK, FASTER)}",
        ]
        self.prometheus = self._running.enter_context(Prometheus(self.folder, self.target, config, flags))

    def restart(self) -> None:
        """End Prometheus, and run it again."""
        self._running.close()
        self.start()

    def state(self, day: str) -> str:
        """What Prometheus says of the alert: pending, firing, or nothing."""
        found = self.prometheus.query(f'ALERTS{{alertname="{MISSING}",run_date="{day}"}}')
        return found[0][0]["alertstate"] if found else ""

    def recorded(self, kind: str, day: str) -> float | None:
        """The value of one of the series of which a shipped alert is made."""
        return self.prometheus.value(f'{series(GROUP, kind)}{{alertname="{MISSING}",run_date="{day}"}}')

    def told(self, day: str) -> list[str]:
        """The status of every message about the alert, in order."""
        messages = self.recorder.messages(receiver="pager", about=day)
        return [
            alert["status"] for message in messages for alert in message.alerts if alert["labels"]["run_date"] == day
        ]


@dataclass(frozen=True, slots=True)
class Story:
    """The two watches after the restart, and when what was recorded had begun before it."""

    shipped: Watch
    source: Watch
    ended: float | None
    since: float | None


@pytest.fixture(name="story", scope="module")
def _story(_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    exported, folder = Exported(), tmp_path_factory.mktemp("restarts")
    with LoopbackServer(exported.answer) as server, contextlib.ExitStack() as stack:
        target = server.address.removeprefix("http://")
        shipped = stack.enter_context(Watch(folder / "shipped", RULES, target))
        source = stack.enter_context(Watch(folder / "source", SOURCE, target))
        watches = shipped, source
        exported.missing = {KEPT, FIRING}
        until(lambda: all(watch.told(KEPT) and watch.told(FIRING) for watch in watches), "two pages")
        exported.missing = {FIRING, WAITING}
        until(lambda: source.state(WAITING) == "pending", "an alert that waits")
        ended = until(lambda: shipped.recorded("ended", KEPT), "an alert that outlasts its cause")
        since = until(lambda: shipped.recorded("since", WAITING), "an alert that waits")
        for watch in watches:
            watch.restart()
        until(lambda: all(watch.told(WAITING) for watch in watches), "the third page")
        until(lambda: len(source.told(FIRING)) > 2, "the second page about the same")
        yield Story(shipped, source, ended, since)


def test_an_alert_that_fires_is_told_once(story: Story) -> None:
    assert story.shipped.told(FIRING) == ["firing"]


def test_an_alert_that_waits_does_not_begin_again(story: Story) -> None:
    assert story.shipped.recorded("since", WAITING) == story.since
    assert story.shipped.told(WAITING) == ["firing"]


def test_an_alert_goes_on_for_as_long_as_it_would_have_without_the_restart(story: Story) -> None:
    assert story.shipped.told(KEPT) == ["firing"]
    assert story.shipped.state(KEPT) == "firing"
    assert story.shipped.recorded("ended", KEPT) == story.ended


def test_with_for_the_same_alert_is_told_to_be_over_and_pages_again(story: Story) -> None:
    assert story.source.told(FIRING)[:3] == ["firing", "resolved", "firing"]


def test_with_keep_firing_for_the_restart_is_the_end(story: Story) -> None:
    assert story.source.told(KEPT) == ["firing", "resolved"]
    assert story.source.state(KEPT) == ""
