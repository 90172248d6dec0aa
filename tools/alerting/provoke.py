"""Provokes every alert once in the whole chain of real programs, and measures how long its messages take.

That is the time from the fault to the message, and from the repair to the message that it is over.

Faults of the data come all at the same moment, faults of the exporter and its sources one after the other. `phase`,
from 0 to 1, is where between two reads the fault comes.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from exporter.incidents.local import LocalSources, SimulatedClock
from testing.chain import Chain
from testing.compressed import compressed_collect
from testing.days import HEALTHY, a_past_day, moved, settings
from testing.running import RunningExporter
from testing.waiting import until
from tools.alerting.detection import LONGER
from tools.alerting.faulty_days import OF_A_PIPELINE, ONE_DAY, PIPELINES, faulty_days, mended, together
from tools.alerting.reference import shipped_times
from tools.alerting.rulefiles import by_rule, load_rules, rule_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from testing.alertmanager import Message

PROJECT = "nba-props-platform"
PATIENCE = 400.0
"""Seconds to wait for one message; the slowest alert takes a third of it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds by rule, in compressed time: from the fault to its message, and from the repair to its end's message."""

    told: dict[str, float]
    over: dict[str, float]


def data_faults(faster: int, phase: float) -> Taken:
    """Every alert about data, all at the same moment."""
    days = faulty_days(a_past_day() - ONE_DAY)
    incident, step = together(days)
    config = settings(
        incident,
        a_past_day(),
        documents={"only": [str(item.date) for item in days.values()]},
        collect={"pace": "fixed", **compressed_collect(faster)},
        pipelines=PIPELINES,
    )
    clock = SimulatedClock()
    with tempfile.TemporaryDirectory() as folder, LocalSources(clock) as local:
        local.load(incident, PROJECT)
        with Chain(Path(folder), local, config, faster) as chain:
            chain.go_on(1)
            assert not chain.firing(), chain.firing()
            _between_reads("warehouse", faster, phase)
            clock.now = datetime.now(UTC)
            at = time.monotonic()
            local.apply(step)
            wanted = {key: {"run_date": str(item.date)} for key, item in days.items()}
            wanted |= {key: {"pipeline": name} for key, name in OF_A_PIPELINE.items()}
            told = {key: _message(chain, key, labels).at - at for key, labels in wanted.items()}
            clock.now = datetime.now(UTC)
            at = time.monotonic()
            local.apply(mended(days))
            ends = {key: labels for key, labels in wanted.items() if key not in LONGER}
            return Taken(told, {key: _message(chain, key, labels, "resolved").at - at for key, labels in ends.items()})


@dataclass
class _Scene:
    """A chain that reads a healthy day."""

    local: LocalSources
    chain: Chain
    config: dict[str, Any]
    firestore: Mapping[str, Mapping[str, Any]]

    def reload(self, config: Mapping[str, Any] | str) -> None:
        """Give the exporter another configuration."""
        text = config if isinstance(config, str) else yaml.safe_dump(dict(config))
        (self.chain.folder / "exporter.yaml").write_text(text, encoding="utf-8")
        self.chain.exporter.client.post("/-/reload")

    def stale_at(self, collectors: str) -> float:
        """The time by the monotonic clock at which the first of these collectors gets older than three intervals."""
        expression = (
            f'min(orchestration_exporter_collector_last_success_timestamp_seconds{{collector=~"{collectors}"}}'
            " + 3 * orchestration_exporter_collector_interval_seconds)"
        )
        return (self.chain.prometheus.value(expression) or 0) - time.time() + time.monotonic()


def _fail(method: str) -> Callable[[_Scene], float]:
    def fault(scene: _Scene) -> float:
        scene.local.firestore.faults.fail("INVALID_ARGUMENT", method=method)
        return time.monotonic()

    return fault


def _cut(source: str) -> Callable[[_Scene], float]:
    def fault(scene: _Scene) -> float:
        scene.local.fault({source: "permission_denied"})
        return time.monotonic()

    return fault


def _refused(scene: _Scene) -> float:
    scene.reload("project: [")
    return time.monotonic()


def _spent(scene: _Scene) -> float:
    scene.reload({**scene.config, "collect": {**scene.config["collect"], "warehouse": _least(scene.config)}})
    return time.monotonic()


def _least(config: Mapping[str, Any]) -> dict[str, Any]:
    return {**config["collect"]["warehouse"], "maximum_bytes_billed": "1MiB", "daily_budget": "1MiB"}


def _stale(scene: _Scene) -> float:
    _fail("BatchGetDocuments")(scene)
    failing = 'count(orchestration_exporter_collector_failing{collector=~"completion|heartbeats"} == 1)'
    until(lambda: scene.chain.prometheus.value(failing), "both to fail")
    return scene.stale_at("completion|heartbeats")


def _overwritten(scene: _Scene) -> float:
    """Write all entries except one, and all again at once: between two polls, so that only the listener sees it."""
    path = next(path for path in scene.firestore if path.startswith("phase3_completion/"))
    _, *others = scene.firestore[path].items()
    scene.local.firestore.put(path, dict(others), project=PROJECT)
    scene.local.firestore.put(path, scene.firestore[path], project=PROJECT)
    return time.monotonic()


def _deaf(scene: _Scene) -> float:
    scene.local.firestore.faults.fail("RESOURCE_EXHAUSTED", method="Listen")
    scene.local.firestore.faults.break_streams("RESOURCE_EXHAUSTED")
    return time.monotonic()


def _without_ledger(scene: _Scene) -> float:
    scene.reload({**scene.config, "ledger": {"path": str(scene.chain.folder / "no such folder" / "ledger.sqlite")}})
    return time.monotonic()


OF_THE_EXPORTER: Mapping[str, Callable[[_Scene], float]] = by_rule(
    {
        "overwritten[warning]": _overwritten,
        "listener_down[warning]": _deaf,
        "ledger_failing[warning]": _without_ledger,
        "reload_refused[warning]": _refused,
        "source_unreachable[critical,firestore]": _cut("firestore"),
        "source_unreachable[critical,bigquery]": _cut("bigquery"),
        "budget_exhausted[warning]": _spent,
        "collector_failing[warning]": _fail("RunAggregationQuery"),
        "collector_stale[warning]": _stale,
    }
)


def exporter_faults(faster: int, phase: float) -> Taken:
    """What is provoked on a healthy day, one after the other."""
    day = a_past_day()
    incident = moved(HEALTHY, day)
    config = settings(incident, day, collect={"pace": "fixed", **compressed_collect(faster)})
    taken = Taken({}, {})
    with tempfile.TemporaryDirectory() as folder, LocalSources(SimulatedClock()) as local:
        local.load(incident, PROJECT)
        for number, (key, fault) in enumerate(OF_THE_EXPORTER.items()):
            # A chain each: Alertmanager keeps a group for a while after its last alert, and what joins it waits longer.
            place = Path(folder) / str(number)
            place.mkdir()
            with Chain(place, local, config, faster) as chain:
                chain.go_on(1)
                _between_reads("completion", faster, phase)
                scene = _Scene(local, chain, yaml.safe_load(config), incident.firestore)
                at = fault(scene)
                taken.told[key] = _message(chain, key, {}).at - at
                at = time.monotonic()
                local.fault({})
                if key not in LONGER:
                    scene.reload(scene.config)
                    taken.over[key] = _message(chain, key, {}, "resolved").at - at
    return taken


LOST = (rule_key("exporter_down[warning]"), rule_key("exporter_down[critical]"))
"""End one of two exporters, and then the other."""


def lost_exporters(faster: int, phase: float) -> Taken:
    """The end of one of two exporters, and then of the other."""
    day = a_past_day()
    incident = moved(HEALTHY, day)
    config = settings(incident, day, collect={"pace": "fixed", **compressed_collect(faster)})
    with tempfile.TemporaryDirectory() as folder, LocalSources(SimulatedClock()) as local:
        local.load(incident, PROJECT)
        file = Path(folder) / "second.yaml"
        file.write_text(config, encoding="utf-8")
        (Path(folder) / "first").mkdir()
        with RunningExporter(Path(folder), ["--config.file", file], local) as second:
            target = second.client.base_url.netloc.decode()
            with Chain(Path(folder) / "first", local, config, faster, others=[target]) as chain:
                chain.go_on(1)
                _between_reads("completion", faster, phase)
                first_end = _end(second)
                one = _message(chain, LOST[0], {}).at - first_end
                last_end = _end(chain.exporter)
                both = _message(chain, LOST[1], {}).at - last_end
    return Taken(dict(zip(LOST, (one, both), strict=True)), {})


def _end(exporter: RunningExporter) -> float:
    exporter.process.terminate()
    at = time.monotonic()
    exporter.wait()
    return at


def _between_reads(collector: str, faster: int, phase: float) -> None:
    """Wait for this share of the collector's interval, so that rounds begin at different times of it."""
    time.sleep(phase * shipped_times().collectors[collector] / faster)


def _message(chain: Chain, key: str, labels: Mapping[str, str], status: str = "firing") -> Message:
    """Wait for the first message that says this of this rule's alert with these labels."""
    (rule,) = (rule for rule in load_rules() if rule.key == key)
    wanted = {"alertname": rule.name, **rule.labels, **labels}.items()

    def found() -> Message | None:
        return next((item for item in chain.recorder.messages() if _says(item, status, dict(wanted))), None)

    message = until(found, f"a message that {key} is {status}", PATIENCE)
    assert message is not None
    return message


def _says(message: Message, status: str, wanted: Mapping[str, str]) -> bool:
    return any(alert["status"] == status and wanted.items() <= alert["labels"].items() for alert in message.alerts)
