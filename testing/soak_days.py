"""Days of a pipeline as its sources see them pass: what is written when, with one fault a day at random."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from exporter.model import CoverageCounts, DocumentId, Halted, RowCount, Run, Verdict
from exporter.reconcile.expectations import due_at

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from datetime import date, datetime

    from exporter.config.resolved import Config, PhaseConfig, ProcessorConfig
    from exporter.emulators.firestore.server import FirestoreServer
    from testing.memory import MemoryWarehouse

ONE_DAY: Final = timedelta(days=1)
MINUTE: Final = timedelta(minutes=1)
EARLY: Final = timedelta(minutes=40)
"""So long before its deadline everything is written."""
GAMES: Final = 5
DOCUMENT_DAYS: Final = 30
"""The pipeline deletes a completion document that is so old."""


class Fault(StrEnum):
    """What happens on a day."""

    NONE = "none"
    UNREGISTERED = "unregistered"
    NO_ROWS = "no rows"
    FAILED = "failed"
    OVERWRITTEN = "overwritten"
    FIRESTORE = "firestore denies access"
    BIGQUERY = "bigquery refuses"
    RESTART = "restart"
    RELOAD = "reload"


VERDICTS: Final = {
    Fault.UNREGISTERED: Verdict.UNREGISTERED,
    Fault.NO_ROWS: Verdict.PHANTOM,
    Fault.FAILED: Verdict.FAILED,
    Fault.OVERWRITTEN: Verdict.LOST_UPDATE,
}
"""The verdict on the day's processor by the evening. With all other faults every verdict is good by then."""


@dataclass
class Days:
    """The content of both sources, and what is written to them from `first` on, `count` days long."""

    config: Config
    firestore: FirestoreServer
    warehouse: MemoryWarehouse
    faults: dict[date, tuple[Fault, ProcessorConfig]] = field(default_factory=dict)
    entries: defaultdict[DocumentId, set[str]] = field(default_factory=lambda: defaultdict(set))
    later: defaultdict[datetime, list[Callable[[], None]]] = field(default_factory=lambda: defaultdict(list))

    def plan(self, first: date, count: int, chance: random.Random) -> None:
        """Fill the sources for a new stretch of days; those that came before the first are written at once."""
        (pipeline,) = self.config.pipelines.values()
        phase = pipeline.phases["phase3"]
        dates = [first + number * ONE_DAY for number in range(-5, count + 3)]
        # What the warehouse no longer holds cannot be read: it is asked for the dates of this stretch alone.
        self.warehouse.units = dict.fromkeys(dates, GAMES)
        none = CoverageCounts(0, 0, 0, dict.fromkeys(next(iter(pipeline.coverage.values())).excluded, 0))
        self.warehouse.coverage = dict.fromkeys(dates, none)
        transitions = pipeline.phase_log.transitions if pipeline.phase_log else ()
        self.warehouse.phase_log = {(day, name): 1 for day in dates for name in transitions}
        self.warehouse.tables = defaultdict(dict)
        self.warehouse.runs = ()
        for day in dates[2:-2]:
            fault = chance.choice(list(Fault)) if day >= first else Fault.NONE
            self.faults[day] = fault, chance.choice(list(phase.processors.values()))
            for each in pipeline.phases.values():
                self._plan_phase(each, day)
            for each in pipeline.phases.values():
                gone = DocumentId(each.collection or "", day - DOCUMENT_DAYS * ONE_DAY)
                if each.collection and self.entries.pop(gone, None):
                    self._at(
                        due_at(next(iter(each.processors.values())).due, day, self.config.timezone), self._delete, gone
                    )

    def write_until(self, now: datetime) -> Iterator[datetime]:
        """Write what is due by then, at one moment after the other; each is given before it is written."""
        while self.later and (moment := min(self.later)) <= now:
            yield moment
            for write in self.later.pop(moment):
                write()
            self.warehouse.halts = Halted({}, moment)

    def _at(self, moment: datetime, write: Callable[..., None], *arguments: object) -> None:
        self.later[moment].append(lambda: write(*arguments))

    def _plan_phase(self, phase: PhaseConfig, day: date) -> None:
        fault, faulty = self.faults[day]
        zone = self.config.timezone
        for processor in phase.processors.values():
            at = due_at(processor.due, day, zone) - EARLY
            mine = fault if processor is faulty else Fault.NONE
            self._at(at, self._run, phase, processor, day, at, mine)
            if mine is Fault.OVERWRITTEN:
                self._at(at + 20 * MINUTE, self._overwrite, DocumentId(phase.collection or "", day), processor.name)
            if phase.trigger and processor.name == list(phase.processors)[-1]:
                later = at + 25 * MINUTE
                self._at(later, self._trigger, DocumentId(phase.collection or "", day), later)

    def _run(self, phase: PhaseConfig, processor: ProcessorConfig, day: date, at: datetime, fault: Fault) -> None:
        data_date = day + processor.data_date_offset * ONE_DAY
        status = "failed" if fault is Fault.FAILED else "success"
        if processor.runs_as:
            name = processor.runs_as[0]
            run = Run(name, f"{name}-{day}", status, data_date, phase.run_history_phase, at - MINUTE, at)
            assert isinstance(self.warehouse.runs, tuple)
            self.warehouse.runs = (*(one for one in self.warehouse.runs if one.data_date >= day - 7 * ONE_DAY), run)
        if processor.heartbeats:
            beat = {"status": "completed", "last_heartbeat": at, "data_date": str(data_date)}
            self._put(f"processor_heartbeats/{processor.heartbeats[0]}", beat)
        if fault is Fault.FAILED:
            return
        table = processor.table
        least = round(processor.rows_per_unit.minimum) if processor.rows_per_unit else 3
        rows = 0 if fault is Fault.NO_ROWS else GAMES * least
        if rows:
            counted = RowCount(rows, at, GAMES if table.units else None, 0 if table.key else None)
            self.warehouse.tables[table] = {**self._rows(processor), data_date: counted}
            self._cover(processor, data_date, rows)
        if phase.collection and fault is not Fault.UNREGISTERED:
            key = DocumentId(phase.collection, day)
            entry = {"status": "success", "completed_at": at, "record_count": rows}
            self.entries[key].add(processor.name)
            self._merge(key, {processor.name: entry})

    def _rows(self, processor: ProcessorConfig) -> dict[date, RowCount]:
        held = self.warehouse.tables.get(processor.table, {})
        assert isinstance(held, dict)
        return held

    def _cover(self, processor: ProcessorConfig, day: date, rows: int) -> None:
        (pipeline,) = self.config.pipelines.values()
        for check in pipeline.coverage.values():
            if check.table.name == processor.table.name:
                assert isinstance(self.warehouse.coverage, dict)
                counts = CoverageCounts(rows, rows, rows, dict.fromkeys(check.excluded, 0))
                self.warehouse.coverage = {**self.warehouse.coverage, day: counts}

    def _trigger(self, key: DocumentId, at: datetime) -> None:
        self._merge(key, {"_triggered": True, "_triggered_at": at, "_trigger_reason": "all_complete"})

    def _overwrite(self, key: DocumentId, name: str) -> None:
        """A writer that read the document before this entry was there writes the whole of it."""
        path = f"{key.collection}/{key.run_date}"
        fields = self.firestore.get(path, project=self.config.project) or {}
        self.entries[key].discard(name)
        self._put(path, {key: value for key, value in fields.items() if key != name})

    def _put(self, path: str, fields: dict[str, Any]) -> None:
        self.firestore.put(path, fields, project=self.config.project)

    def _merge(self, key: DocumentId, fields: dict[str, Any]) -> None:
        self.firestore.merge(f"{key.collection}/{key.run_date}", fields, project=self.config.project)

    def _delete(self, key: DocumentId) -> None:
        self.firestore.delete(f"{key.collection}/{key.run_date}", project=self.config.project)
