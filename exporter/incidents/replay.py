"""Replays an incident file on the same path as a real day, against local servers, and checks its expectations."""

from __future__ import annotations

import contextlib
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.collect.collector import FIRESTORE
from exporter.collect.collectors import Collectors
from exporter.collect.once import one_pass_samples
from exporter.config.load import load
from exporter.config.resolved import LedgerConfig
from exporter.incidents.frozen import Frozen
from exporter.incidents.incident import IncidentError
from exporter.incidents.promtool import Rules
from exporter.incidents.watch import alert_failures, fired, watched_series
from exporter.memory.documents import Memory
from exporter.memory.ledger import MEMORY
from exporter.metrics.catalogue import report_samples
from exporter.metrics.telemetry import Telemetry
from exporter.model import DocumentId, RemovalKind
from exporter.present.status import phase_key, phases, processor_key, processors, stamp
from exporter.sources.ports import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from exporter.config.load import Loaded
    from exporter.incidents.incident import Incident, PhaseExpectation, Step
    from exporter.incidents.local import LocalSources, SimulatedClock
    from exporter.incidents.watch import Alert, Watched
    from exporter.metrics.samples import Samples
    from exporter.model import Document, PhaseReport, Report

T = TypeVar("T")

LISTENER_SECONDS = 15.0
"""Seconds of real time for a step to reach the listener, including the listener's pauses after a fault."""

LISTENER_POLL = 0.005


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result of a replay at the incident's clock, and every expectation that did not hold.

    `alerts` is None if the alerts were not evaluated.
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
    """An incident in progress: the filled local sources, the collectors, and a clock to set."""

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
        self._stack = contextlib.ExitStack()
        clock.now = incident.clock
        local.load(incident, self.loaded.config)
        self._frozen = Frozen(local.open(self.loaded.config, self.telemetry), incident.faults)
        self._ledger = LedgerConfig(MEMORY, self.loaded.config.ledger.keep)
        if any(step.restart for step in incident.then):
            folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="orchestration-exporter-replay-"))
            self._ledger = replace(self._ledger, path=str(Path(folder) / "ledger.sqlite"))
        self.collectors = self._start()

    def _start(self) -> Collectors:
        return Collectors(
            self.loaded.config,
            self._frozen.sources(),
            self.telemetry,
            self._clock,
            self._publish,
            memory=Memory(self._ledger, self.telemetry, shapes=self.loaded.config.completions),
            follow=self.incident.listen,
        )

    def _end(self) -> None:
        self.collectors.stop()
        self.collectors.memory.close()

    def _publish(self, report: Report) -> None:
        self.report = report

    def at(self, now: datetime) -> None:
        """Set the clock."""
        self._clock.now = now

    def step(self, step: Step) -> None:
        """Carry out a later step of the incident, at its time. Raises IncidentError."""
        self.at(step.at)
        if step.restart:
            self._end()
        self._local.apply(step)
        self._frozen.thaw(self._frozen.faults if step.faults is None else step.faults)
        if step.restart:
            self.collectors = self._start()
            self.collect()
        if self.incident.listen:
            self._await_listener(step)
            self.collectors.conclude()

    def _await_listener(self, step: Step) -> None:
        """Wait in real time until the listener has reported the step's changes, or lost its stream over a fault."""
        self._await_stream()
        ids = [found for path in step.firestore if (found := document_id(path))]
        if FIRESTORE in self._frozen.faults or not ids:
            return
        deadline = Deadline(self.loaded.config.collect.completion.timeout.total_seconds())
        for key, document in self._frozen.documents(ids, deadline).items():
            self._until(partial(self._heard, key, document))

    def _await_stream(self) -> None:
        connected = 0 if FIRESTORE in self._frozen.faults else 1
        self._until(lambda: self.telemetry.value("listener_connected") == connected)

    def _heard(self, key: DocumentId, document: Document) -> bool:
        seen = self.collectors.memory.now.watched.get(key)
        return seen is not None and (seen.exists, seen.update_time) == (document.exists, document.update_time)

    def collect(self, *names: str) -> None:
        """Run these collectors (by default all) at the clock's time."""
        for name in names or tuple(self.collectors.collectors):
            self.collectors.run(name, conclude=False)
            if name == "completion" and self.incident.listen:
                self._await_stream()
        self.collectors.conclude()

    def _until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + LISTENER_SECONDS
        while not holds():
            if time.monotonic() > end:
                at = stamp(self._clock.now)
                raise IncidentError(f"at {at}: the listener reported nothing within {LISTENER_SECONDS:g} s")
            time.sleep(LISTENER_POLL)

    def samples(self) -> tuple[Samples, Samples]:
        """The series of the report, and the exporter's own series at the clock's time."""
        of_report = report_samples(self.report)
        return of_report, one_pass_samples(self.loaded, self.telemetry, self.report, of_report, self.incident.clock)

    def close(self) -> None:
        """Close the connections."""
        self._end()
        self._frozen.close()
        self._stack.close()


def replay(incident: Incident, local: LocalSources, clock: SimulatedClock, *, rules: Path | None = None) -> Replayed:
    """Run the incident at its clock and check its expectations; with the folder `rules`, also the alerts.

    Raises IncidentError, ConfigError, and WatchError where the alerts cannot be evaluated.
    """
    checked = Rules(rules) if rules else None
    return run(Replayer(incident, local, clock), checked)


def run(replayer: Replayer, rules: Rules | None = None) -> Replayed:
    """Run the incident of a replayer that has not collected yet, as `replay` does. Closes the replayer in any case."""
    passed = go_through(replayer, watched=rules is not None)
    if rules is None or passed.watched is None:
        return passed.judged()
    return passed.judged(fired(passed.watched, rules))


@dataclass(frozen=True, slots=True)
class Passed:
    """An incident that was run, before its alerts are known; `watched` is None if they are not to be evaluated."""

    incident: Incident
    loaded: Loaded
    report: Report
    live: Samples
    telemetry: Telemetry
    watched: Watched | None
    removals: tuple[str, ...]

    def judged(self, alerts: tuple[Alert, ...] | None = None) -> Replayed:
        """The result with the alerts that fired."""
        found = [
            *failures(self.incident, self.report),
            *(alert_failures(self.incident.expect.alerts, alerts) if alerts is not None else ()),
            *self.removals,
        ]
        return Replayed(
            incident=self.incident,
            loaded=self.loaded,
            report=self.report,
            live=self.live,
            telemetry=self.telemetry,
            failures=tuple(found),
            alerts=alerts,
        )


def go_through(replayer: Replayer, *, watched: bool) -> Passed:
    """Run the incident of a replayer, to its end if it is to be watched. Closes the replayer in any case."""
    incident = replayer.incident
    try:
        replayer.collect()
        report, (_, live) = replayer.report, replayer.samples()
        seen = watched_series(replayer) if watched else None
        removals = tuple(removal_failures(incident, replayer.report)) if watched else ()
    finally:
        replayer.close()
    return Passed(incident, replayer.loaded, report, live, replayer.telemetry, seen, removals)


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


def removal_failures(incident: Incident, report: Report) -> Iterator[str]:
    """Every expectation on removed and overwritten entries that does not hold."""
    found = by_key({phase_key(phase): phase for phase in report.phases})
    for key, expected in incident.expect.removals.items():
        if key not in found:
            yield f"removals: {key} is not exposed"
            continue
        went: dict[str, list[str]] = {}
        for removal in found[key].removals:
            if removal.kind is not RemovalKind.REPLACED:
                went.setdefault(removal.kind.value, []).append(removal.name)
        wanted = {kind.value: sorted(names) for kind, names in expected.items()}
        if {kind: sorted(names) for kind, names in went.items()} != wanted:
            yield f"removals: {key}: {went or 'nothing'} went, expected {wanted or 'nothing'}"
    for key, names in incident.expect.overwritten.items():
        if key not in found:
            yield f"overwritten: {key} is not exposed"
            continue
        back = sorted({one.processor for one in found[key].overwritten})
        if back != sorted(names):
            yield f"overwritten: {key}: {back} are restored, expected {sorted(names)}"


def document_id(path: str) -> DocumentId | None:
    """The completion document that a `collection/document` path names, if its id is a date."""
    collection, _, name = path.rpartition("/")
    try:
        return DocumentId(collection, date.fromisoformat(name))
    except ValueError:
        return None


def _phase_failures(key: str, phase: PhaseReport, expectation: PhaseExpectation) -> Iterator[str]:
    hints = "; ".join(hint.text for hint in phase.trigger_hints)
    for name in sorted(expectation.model_fields_set):
        actual, expected = getattr(phase, name), getattr(expectation, name)
        if actual != expected:
            yield f"phases: {key}: {name} is {actual}, expected {expected} ({hints})"


def by_key(items: Mapping[str, T]) -> dict[str, T]:
    """The items by whole key, and by the key without its pipeline (of the first pipeline that has it)."""
    short = {key.partition("/")[2]: item for key, item in reversed(list(items.items()))}
    return {**short, **items}
