"""The whole chain in compressed time: local sources, exporter, Prometheus, Alertmanager, and its receivers.

All programs are real, with the shipped rules and the shipped Alertmanager configuration.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from exporter.shipped.alerts import alert_of
from testing.alertmanager import Alertmanager, Message, Recorder, recorded
from testing.compressed import RESEND, compressed_prometheus, compressed_rules, shorter
from testing.prometheus import JOB, Prometheus
from testing.running import RunningExporter
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from exporter.incidents.local import LocalSources

WATCHDOG = alert_of("watchdog").name
DEAD_MANS_SWITCH = "dead-mans-switch"


@dataclass(frozen=True, slots=True)
class Told:
    """One alert in a message. Without a processor it is about something else; the status is `firing` or `resolved`."""

    alertname: str
    severity: str
    processor: str = ""
    status: str = "firing"

    @property
    def over(self) -> Told:
        """The same alert, resolved."""
        return replace(self, status="resolved")


@dataclass(frozen=True, slots=True)
class Notification:
    """One message: its receiver, its group (the labels as sorted pairs), and its alerts."""

    receiver: str
    status: str
    group: tuple[tuple[str, str], ...]
    alerts: frozenset[Told]


def notification(message: Message) -> Notification:
    """A webhook's message without the parts that differ from run to run."""
    alerts = (
        Told(labels["alertname"], labels["severity"], labels.get("processor", ""), alert["status"])
        for alert in message.alerts
        if (labels := alert["labels"])
    )
    group = sorted(message.content["groupLabels"].items())
    return Notification(message.receiver, message.content["status"], tuple(group), frozenset(alerts))


@dataclass
class Chain:
    """Sources, exporter, Prometheus, Alertmanager, recorder; a context manager.

    `settings` is the exporter's YAML. Prometheus scrapes the `others` (host:port) besides.
    """

    folder: Path
    local: LocalSources
    settings: str
    faster: int
    others: Sequence[str] = ()
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        (self.folder / "rules").mkdir()
        config = self.folder / "exporter.yaml"
        config.write_text(self.settings, encoding="utf-8")
        with contextlib.ExitStack() as stack:
            self.recorder = stack.enter_context(Recorder())
            self.alertmanager = stack.enter_context(
                Alertmanager(self.folder, recorded(self.folder, self.recorder, faster=self.faster))
            )
            self.exporter = stack.enter_context(
                RunningExporter(self.folder, ["--config.file", config, "--web.enable-lifecycle"], self.local)
            )
            self.exporter.wait_until_ready()
            target = self.exporter.client.base_url.netloc.decode()
            self.prometheus = stack.enter_context(
                Prometheus(
                    self.folder,
                    target,
                    config={
                        "global": compressed_prometheus(self.faster),
                        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [target, *self.others]}]}],
                        "rule_files": compressed_rules(self.folder / "rules", self.faster),
                        "alerting": {
                            "alertmanagers": [
                                {"static_configs": [{"targets": [self.alertmanager.url.removeprefix("http://")]}]}
                            ]
                        },
                    },
                    flags=[f"--rules.alert.resend-delay={shorter(RESEND, self.faster)}"],
                )
            )
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def told(self) -> list[Notification]:
        """The messages so far, in order, without the watchdog's."""
        return [notification(message) for message in self.recorder.messages() if message.receiver != DEAD_MANS_SWITCH]

    def firing(self) -> set[tuple[str, str]]:
        """The alerts that fire in Prometheus now, except the watchdog: name and processor (or empty)."""
        return {
            (labels["alertname"], labels.get("processor", ""))
            for labels, _ in self.prometheus.query(f'ALERTS{{alertstate="firing",alertname!="{WATCHDOG}"}}')
        }

    def muted(self) -> dict[tuple[str, str], bool]:
        """The alerts that Alertmanager holds, by name and processor (or empty), and whether each is inhibited."""
        return {
            (item["labels"]["alertname"], item["labels"].get("processor", "")): bool(item["status"]["inhibitedBy"])
            for item in self.alertmanager.alerts()
        }

    def signs_of_life(self) -> int:
        """The messages to the dead man's switch so far; each proves that the whole chain works."""
        return len(self.recorder.messages(receiver=DEAD_MANS_SWITCH))

    def go_on(self, signs: int = 2) -> None:
        """Wait until the dead man's switch got this many more messages."""
        before = self.signs_of_life()
        until(lambda: self.signs_of_life() >= before + signs, f"{signs} more signs of life")
