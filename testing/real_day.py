"""The healthy day in the local servers, and an exporter's collectors that read it by a clock to set."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from exporter.collect.collectors import Collectors
from exporter.config.load import load
from exporter.config.quantities import parse_due
from exporter.config.resolved import LedgerConfig
from exporter.incidents.incident import load_incident
from exporter.incidents.local import DATABASE
from exporter.memory.documents import Memory
from exporter.memory.ledger import MEMORY
from exporter.metrics.telemetry import Telemetry
from exporter.sources.factory import sources_of
from testing.days import HEALTHY, INCIDENTS

if TYPE_CHECKING:
    from exporter.config.resolved import Config, Due
    from exporter.incidents.local import LocalSources, SimulatedClock
    from exporter.model import Report, Verdict

PROJECT = "nba-props-platform"
DAY = date(2026, 1, 20)
DOCUMENT = f"phase3_completion/{DAY}"
FIRESTORE = ("completion", "heartbeats", "heartbeat_count")


class Day:
    """Collectors over the real clients."""

    def __init__(
        self,
        local: LocalSources,
        clock: SimulatedClock,
        *,
        firestore: str | None = None,
        bigquery: str | None = None,
        due: str | None = None,
    ) -> None:
        """`firestore` and `bigquery`: addresses to read at, if they are not the local servers' own.

        `due`: the deadline of the processors of phase 3, if it is not the preset's.
        """
        self.local, self.clock = local, clock
        self.incident = load_incident(INCIDENTS / f"{HEALTHY}.yaml")
        config = load(preset=self.incident.preset, overlay=self.incident.config, environ={}).config
        if due is not None:
            config = _due(config, parse_due(due))
        clock.now = self.incident.clock
        local.load(self.incident, PROJECT)
        self.telemetry = Telemetry()
        self.reports: list[Report] = []
        self.sources = sources_of(
            replace(config, database=DATABASE),
            self.telemetry,
            clock,
            firestore=firestore or local.firestore.address,
            bigquery=bigquery or local.gate.address,
        )
        self.collectors = Collectors(config, self.sources, self.telemetry, clock, self.reports.append)

    def rewrite_documents(self) -> None:
        """Write the documents again, as they were, and forget what was seen of them."""
        memory = Memory(LedgerConfig(MEMORY, timedelta.max), self.telemetry)
        self.collectors.memory = self.collectors._board.memory = memory  # noqa: SLF001 - spares reading the tables again
        self.local.firestore.reset()
        # Its times begin again there, and two documents of one time would be taken for the same.
        self.clock.now += timedelta(milliseconds=1)
        self.local.firestore.put_all(self.incident.firestore, project=PROJECT)

    def collect(self, *names: str, after: timedelta = timedelta()) -> None:
        """Move the clock by this duration, and run these collectors."""
        self.clock.now += after
        for name in names:
            self.collectors.run(name)

    def verdicts(self) -> dict[str, Verdict]:
        return {item.processor: item.verdict for item in self.reports[-1].processors}

    def shorten(self, seconds: float) -> None:
        """Set the time limit of every run."""
        for name, settings in self.collectors.collectors.items():
            self.collectors.collectors[name] = replace(settings, timeout=timedelta(seconds=seconds))

    def failing(self, name: str) -> set[str]:
        return set(self.telemetry.collectors()[name].failing)

    def close(self) -> None:
        """Lift the faults and close the connections."""
        self.local.fault({})
        self.collectors.stop()
        self.sources.close()


def _due(config: Config, due: Due) -> Config:
    """The configuration with another deadline of the processors of phase 3."""
    pipeline = config.pipelines["nba"]
    phase = pipeline.phases["phase3"]
    processors = {name: replace(one, due=due) for name, one in phase.processors.items()}
    phases = {**pipeline.phases, "phase3": replace(phase, processors=processors)}
    return replace(config, pipelines={"nba": replace(pipeline, phases=phases)})
