"""A service over sources in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.config.load import load
from exporter.incidents.local import SimulatedClock
from exporter.model import Document, DocumentId, Verdict
from exporter.run.service import Service
from testing.builders import DAY, PLAYER, UPCOMING_TEAM, entry, on
from testing.collecting import COLLECTORS
from testing.memory import Memory
from testing.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.metrics.samples import Family
    from exporter.model import Report


DOCUMENT = DocumentId("phase3_completion", DAY)
OVERLAY = "preset: nba\ndocuments: {past: 0, future: 0}\n"


class NotingService(Service):
    """Keeps every report that it serves."""

    def __init__(self, *arguments: Any) -> None:  # noqa: ANN401 - the service's own
        self.served: list[Report] = []
        super().__init__(*arguments)

    def _publish(self, report: Report) -> None:
        super()._publish(report)
        self.served.append(report)

    def settled(self) -> bool:
        """Whether a report of the configuration in force, with all its collectors, is served."""
        return not self._running.collectors.waiting_for


class Scene:
    """A service over sources in memory that reads its configuration from a file."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.memory = Memory()
        self.memory.store.held[DOCUMENT] = Document(
            entries={name: entry() for name in (PLAYER, UPCOMING_TEAM)}, create_time=on("-1 12:00")
        )
        self.memory.warehouse.units = {DAY: 6, on("-1 12:00").date(): 6}
        self.clock = SimulatedClock(on("18:00"))
        self.write(OVERLAY)
        self.service = NotingService(lambda: load(file=file, environ={}), self.memory.open, self.clock)

    def write(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start, and wait for the end of the first pass: one report at the start, and one after each collector."""
        self.service.start()
        until(lambda: len(self.service.served) == 1 + len(COLLECTORS), "the first pass")

    def reload(self) -> None:
        """Reload, and wait for the first report of the new configuration, which has everything.

        The old configuration may serve one more meanwhile: where the clock was moved, its report is due.
        """
        self.service.reload()
        until(self.service.settled, "the report of the new configuration")

    def last_attempts(self) -> dict[str, bool]:
        """Whether each collector has ended a run at this moment of the clock."""
        states = self.service.telemetry.collectors()
        return {name: states[name].last_attempt == self.clock.now.timestamp() for name in COLLECTORS}

    def live(self, family: Family, labels: str = "") -> float:
        """The value of one of the exporter's own series."""
        return dict(self.service.live()[family])[labels]

    def verdict(self, processor: str) -> Verdict:
        return next(item.verdict for item in self.service.report.processors if item.processor == processor)
