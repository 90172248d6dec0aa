"""Replay: an incident file through the same path as a real day, against local servers, and its expectations checked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.collection import BIGQUERY, FIRESTORE, Collectors
from exporter.config.load import load
from exporter.once import one_pass_samples
from exporter.scenario.frozen import Frozen
from exporter.scenario.watch import alert_failures, watch
from exporter.status import phase_key, phases, processor_key, processors, stamp
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from exporter.config.load import Loaded
    from exporter.model import PhaseReport, Report
    from exporter.samples import Samples
    from exporter.scenario.incident import Incident, PhaseExpectation, Step
    from exporter.scenario.local import LocalSources, SimulatedClock
    from exporter.scenario.watch import Alert

T = TypeVar("T")

FAULTY_TIMEOUT = timedelta(seconds=1)
"""A collector's time-out while its source has a fault: what a real exporter waits for, a replay need not."""

COLLECTOR_SOURCES = {
    "completion": FIRESTORE,
    "heartbeats": FIRESTORE,
    "heartbeat_count": FIRESTORE,
    "warehouse": BIGQUERY,
}


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay concluded at the incident's clock, and every expectation that did not hold.

    `alerts` is None where the alerts were not asked for.
    """

    incident: Incident
    loaded: Loaded
    report: Report
    live: Samples
    telemetry: Telemetry
    failures: tuple[str, ...]
    alerts: tuple[Alert, ...] | None = None

    def json(self) -> dict[str, Any]:
        """The object that `replay --format json` prints (docs/incidents.md)."""
        said: dict[str, Any] = {
            "title": self.incident.title,
            "clock": stamp(self.incident.clock),
            "phases": phases(self.report),
            "processors": processors(self.report),
        }
        if self.alerts is not None:
            said["alerts"] = [alert.json() for alert in self.alerts]
        return said | {"failures": list(self.failures)}


class Replayer:
    """An incident under way: the local sources filled with it, the collectors, and a clock to set."""

    def __init__(self, incident: Incident, local: LocalSources, clock: SimulatedClock) -> None:
        """Fill the sources. Raises IncidentError and ConfigError."""
        self.incident = incident
        self.telemetry = Telemetry()
        self.report: Report
        self.loaded = load(
            preset=incident.preset, overlay=incident.config, overlay_name=f"config of {incident.title!r}", environ={}
        )
        self._local = local
        self._clock = clock
        clock.now = incident.clock
        local.load(incident, self.loaded.config.project)
        self._faults: Mapping[str, str] = incident.faults
        self._frozen = Frozen(local.open(self.loaded.config, self.telemetry))
        self.collectors = Collectors(self.loaded.config, self._frozen.sources(), self.telemetry, clock, self._publish)
        self._timeouts = dict(self.collectors.collectors)

    def _publish(self, report: Report) -> None:
        self.report = report

    def at(self, now: datetime) -> None:
        """Set the clock."""
        self._clock.now = now

    def step(self, step: Step) -> None:
        """Carry out a later step of the incident, at its time. Raises IncidentError."""
        self.at(step.at)
        self._local.apply(step)
        self._frozen.thaw()
        if step.faults is not None:
            self._faults = step.faults

    def collect(self, *names: str) -> None:
        """Run these collectors (all, if none is named) at the time the clock says."""
        for name in names or tuple(self._timeouts):
            config = self._timeouts[name]
            if COLLECTOR_SOURCES[name] in self._faults:
                config = replace(config, timeout=min(config.timeout, FAULTY_TIMEOUT))
            self.collectors.collectors[name] = config
            self.collectors.run(name)

    def live(self) -> Samples:
        """The exporter's own series as they stand at the time the clock says."""
        return one_pass_samples(self.loaded, self.telemetry, self.report, self.incident.clock)

    def close(self) -> None:
        """Let go of the connections."""
        self._frozen.close()


def replay(incident: Incident, local: LocalSources, clock: SimulatedClock, *, rules: Path | None = None) -> Replayed:
    """Run the incident at its clock and check what it expects; with `rules`, a folder, also the alerts.

    Raises IncidentError, ConfigError, and WatchError where the alerts cannot be evaluated.
    """
    replayer = Replayer(incident, local, clock)
    try:
        replayer.collect()
        report, live = replayer.report, replayer.live()
        alerts = watch(replayer, rules) if rules else None
    finally:
        replayer.close()
    found = [
        *failures(incident, report),
        *(alert_failures(incident.expect.alerts, alerts) if alerts is not None else ()),
    ]
    return Replayed(
        incident=incident,
        loaded=replayer.loaded,
        report=report,
        live=live,
        telemetry=replayer.telemetry,
        failures=tuple(found),
        alerts=alerts,
    )


def failures(incident: Incident, report: Report) -> Iterator[str]:
    """Every expectation on verdicts, phases and deltas that does not hold."""
    found_phases = by_key({phase_key(phase): phase for phase in report.phases})
    found = by_key({processor_key(processor): processor for processor in report.processors})
    for key, verdict in incident.expect.verdicts.items():
        processor = found.get(key)
        if processor is None:
            yield f"verdicts: {key} is not exposed"
        elif processor.verdict != verdict:
            hints = "; ".join(hint.text for hint in processor.hints)
            yield f"verdicts: {key} is {processor.verdict}, expected {verdict} ({hints})"
    for key, expectation in incident.expect.phases.items():
        phase = found_phases.get(key)
        if phase is None:
            yield f"phases: {key} is not exposed"
        else:
            yield from _phase_failures(key, phase, expectation)
    for key, delta in incident.expect.deltas.items():
        processor = found.get(key)
        if processor is None:
            yield f"deltas: {key} is not exposed"
        elif processor.record_count_delta != delta:
            yield f"deltas: {key} is {processor.record_count_delta}, expected {delta}"


def _phase_failures(key: str, phase: PhaseReport, expectation: PhaseExpectation) -> Iterator[str]:
    hints = "; ".join(hint.text for hint in phase.trigger_hints)
    for name in sorted(expectation.model_fields_set):
        actual, expected = getattr(phase, name), getattr(expectation, name)
        if actual != expected:
            yield f"phases: {key}: {name} is {actual}, expected {expected} ({hints})"


def by_key(items: Mapping[str, T]) -> dict[str, T]:
    """The items by their whole key, and by the key without its pipeline: the first pipeline's, where two share it."""
    short = {key.partition("/")[2]: item for key, item in reversed(list(items.items()))}
    return {**short, **items}
