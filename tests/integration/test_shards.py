"""Two shards, each with two replicas, under the shipped rules: what is told while they die one by one.

Prometheus and Alertmanager are real and times are divided; the exporters are stand-ins that say what real ones would.
One replica of a shard saw an entry that was lost before the other looked.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

from exporter.config.shards import Shard
from exporter.emulators.bigquery.loopback import Answer, LoopbackServer
from exporter.shipped.alerts import alert_of
from testing.alertmanager import Alertmanager, Recorder, recorded
from testing.compressed import compressed_prometheus, compressed_rules, shorter
from testing.prometheus import JOB, Prometheus
from testing.waiting import until
from tools.alerting.rulefiles import load_rules, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

FASTER = 100
PIPELINES = ("nba", "mlb")
OF_MLB, OF_NBA = Shard(0, 2), Shard(1, 2)
MISSING, LOST, UNREGISTERED = (alert_of(key).name for key in ("missing", "lost_update", "unregistered"))
DOWN = alert_of("exporter_down").name
KEPT = max(seconds(rule.fields.get("keep_firing_for")) for rule in load_rules()) / FASTER
"""How long a rule goes on by itself, in seconds of compressed time."""


@dataclass
class Replica:
    """One exporter of a shard. `up`: whether it answers; `saw`: whether it saw the entry before it was lost."""

    shard: Shard
    saw: bool = True
    up: bool = True

    def answer(self, _: object) -> Answer:
        if not self.up:
            return Answer(503, b"", "text/plain")
        lines = [
            f"orchestration_exporter_report_timestamp_seconds {time.time()}",
            'orchestration_exporter_collector_interval_seconds{collector="warehouse"} 600',
            'orchestration_exporter_collector_pace_seconds{collector="warehouse"} 600',
            f'orchestration_exporter_collector_last_success_timestamp_seconds{{collector="warehouse"}} {time.time()}',
            'orchestration_exporter_source_up{source="firestore"} 1',
            'orchestration_exporter_source_up{source="bigquery"} 1',
        ]
        verdicts = {"one": "missing", "two": "lost_update" if self.saw else "unregistered"}
        for pipeline in filter(self.shard.has, PIPELINES):
            for processor, verdict in verdicts.items():
                own = f'pipeline="{pipeline}",phase="phase3",run_date="2026-01-01",processor="{processor}"'
                lines.append(f"orchestration_processor_critical{{{own}}} 1")
                lines.append(f"orchestration_processor_registered{{{own}}} 0")
                lines.append(f'orchestration_processor_verdict{{{own},verdict="{verdict}"}} 1')
        return Answer(200, "\n".join([*lines, ""]).encode(), "text/plain; version=0.0.4")


@dataclass
class Watch:
    """A Prometheus with the shipped rules that scrapes these exporters, and its Alertmanager; a context manager."""

    folder: Path
    targets: list[str]
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        (self.folder / "rules").mkdir()
        with contextlib.ExitStack() as stack:
            self.recorder = stack.enter_context(Recorder())
            config = recorded(self.folder, self.recorder, faster=FASTER)
            self.alertmanager = stack.enter_context(Alertmanager(self.folder, config))
            receiver = self.alertmanager.url.removeprefix("http://")
            settings = {
                "global": compressed_prometheus(FASTER),
                "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": self.targets}]}],
                "rule_files": compressed_rules(self.folder / "rules", FASTER),
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [receiver]}]}]},
            }
            flags = [f"--rules.alert.resend-delay={shorter('50s', FASTER)}"]
            self.prometheus = stack.enter_context(Prometheus(self.folder, self.targets[0], settings, flags))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def told(self) -> Counter[tuple[str, str, str]]:
        """How often pager and tickets were told that it begins or ends: name, pipeline, and which.

        A message repeats the alerts of its group, so each beginning and each end counts once.
        """
        messages = [one for name in ("pager", "ticket") for one in self.recorder.messages(receiver=name)]
        each = {
            (labels["alertname"], labels.get("pipeline", ""), alert["status"], alert["fingerprint"], alert["startsAt"])
            for message in messages
            for alert in message.alerts
            for labels in (alert["labels"],)
        }
        return Counter((name, pipeline, status) for name, pipeline, status, _, _ in each)

    def firing(self) -> set[tuple[str, str, str]]:
        """The alerts that fire, each once: name, severity and pipeline."""
        found = self.prometheus.query('ALERTS{alertstate="firing",severity=~"critical|warning"}')
        every = [(one["alertname"], one["severity"], one.get("pipeline", "")) for one, _ in found]
        assert len(set(every)) == len(every)
        return set(every)

    def rest(self) -> None:
        """Wait for longer than any rule goes on by itself."""
        end = time.monotonic() + 1.3 * KEPT
        until(lambda: time.monotonic() > end, "what is kept to end", 3 * KEPT)


@dataclass(frozen=True, slots=True)
class State:
    """How things stood at one time of the story."""

    told: Counter[tuple[str, str, str]]
    firing: set[tuple[str, str, str]]

    @property
    def of_faults(self) -> dict[tuple[str, str, str], int]:
        """What was told about the pipelines' own faults."""
        return {key: times for key, times in self.told.items() if key[0] != DOWN}


@dataclass(frozen=True, slots=True)
class Story:
    """With all exporters; without the one that saw the loss; without its whole shard; with the other one again."""

    whole: State
    one_less: State
    shard_less: State
    back: State
    complaints: list[str]


def faults(pipeline: str) -> set[tuple[str, str, str]]:
    """The alerts about the pipeline's own faults."""
    return {(MISSING, "critical", pipeline), (LOST, "critical", pipeline)}


@pytest.fixture(name="story", scope="module")
def _story(_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    replicas = [Replica(OF_NBA), Replica(OF_NBA, saw=False), Replica(OF_MLB), Replica(OF_MLB)]
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(LoopbackServer(one.answer)) for one in replicas]
        targets = [server.address.removeprefix("http://") for server in servers]
        watch = stack.enter_context(Watch(tmp_path_factory.mktemp("shards"), targets))

        def state() -> State:
            return State(watch.told(), watch.firing())

        of_faults = faults("nba") | faults("mlb")
        until(lambda: all(watch.told()[name, pipeline, "firing"] for name, _, pipeline in of_faults), "four pages")
        until(lambda: (UNREGISTERED, "warning", "nba") in watch.firing(), "the ticket of the one that did not see it")
        whole = state()
        replicas[0].up = False
        until(lambda: (DOWN, "warning", "") in watch.firing(), "the ticket about one instance")
        watch.rest()
        one_less = state()
        replicas[1].up = False
        until(lambda: watch.told()[DOWN, "nba", "firing"], "the page about the shard")
        watch.rest()
        shard_less = state()
        replicas[1].up = True
        until(lambda: watch.told()[DOWN, "nba", "resolved"], "the end of that page")
        watch.rest()
        yield Story(whole, one_less, shard_less, state(), watch.prometheus.complaints)


def test_each_fault_is_one_page_however_many_see_it(story: Story) -> None:
    assert story.whole.of_faults == {
        (name, pipeline, "firing"): 1 for name, _, pipeline in faults("nba") | faults("mlb")
    }


def test_what_one_replica_saw_is_the_page_and_what_the_other_says_is_not_sent(story: Story) -> None:
    assert {(LOST, "critical", "nba"), (UNREGISTERED, "warning", "nba")} <= story.whole.firing
    assert (UNREGISTERED, "nba", "firing") not in story.back.told


def test_whatever_dies_and_comes_back_no_fault_is_told_to_be_over_or_told_again(story: Story) -> None:
    assert story.one_less.of_faults == story.shard_less.of_faults == story.back.of_faults == story.whole.of_faults


def test_a_replica_that_dies_is_a_ticket_and_ends_nothing(story: Story) -> None:
    assert story.one_less.firing == story.whole.firing | {(DOWN, "warning", "")}
    assert story.one_less.told[DOWN, "nba", "firing"] == 0


def test_a_whole_shard_that_is_lost_pages_for_its_pipelines_alone_and_holds_their_alerts(story: Story) -> None:
    assert story.shard_less.firing == story.one_less.firing | {(DOWN, "critical", "nba")}
    assert story.shard_less.told[DOWN, "nba", "firing"] == 1
    assert story.back.told[DOWN, "mlb", "firing"] == 0


def test_when_the_other_replica_is_back_only_the_page_about_the_shard_is_over(story: Story) -> None:
    assert story.back.firing == story.one_less.firing
    assert story.back.told[DOWN, "nba", "resolved"] == 1


def test_no_rule_fails_over_replicas(story: Story) -> None:
    assert [line for line in story.complaints if "rule" in line.lower()] == []
