"""One processor's records on one day, to be varied in one line."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from exporter.config.resolved import Mode, TableRef
from exporter.model import Document, DocumentId, Reading, RowCount, Snapshot
from exporter.reconcile import reconcile
from testing.builders import (
    DAY,
    EVERY_RELATION,
    OFFENSE,
    ONE_DAY,
    at,
    config,
    entry,
    heartbeat_name,
    on,
    phase,
    pipeline,
    processor,
    without,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from exporter.config.resolved import Config
    from exporter.model import Entry, Gap, Heartbeat, PhaseReport, ProcessorReport, Removal, Run

T = TypeVar("T")
TABLE = TableRef(f"nba.{OFFENSE}", "game_date", "processed_at")
OWN = DocumentId("phase3_completion", DAY)
TWIN = f"Async{heartbeat_name(OFFENSE)}"
SOURCES = frozenset({"documents", "rows", "calendar", "heartbeats", "runs"})


@dataclass(frozen=True, slots=True)
class Side:
    """A neighbouring day: the entry in its document, the rows of its data date."""

    entry: Entry | None = None
    rows: int = 0
    written: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the sources hold of one processor's work; as it stands, six games' work of a team processor, all well.

    `unread` names the sources that have no value: documents, rows, calendar, heartbeats, runs.
    """

    now: str = "18:00"
    asked: bool = True
    collection: str | None = ""
    bounds: tuple[float, float] | None = (2, 2)
    units: int = 6
    document: Document = field(default_factory=Document)
    read: str = "17:59:30"
    entry: Entry | None = field(default_factory=entry)
    others: Mapping[str, Entry] = field(default_factory=dict)
    loss: Removal | None = None
    followed: str | None = None
    gaps: Sequence[Gap] = ()
    rows: int = 12
    written: str | None = "15:00:44"
    counted: str = "17:55"
    sides: Mapping[int, Side] = field(default_factory=dict)
    beats: Sequence[Heartbeat] = ()
    runs: Sequence[Run] = ()
    unread: Collection[str] = ()

    def config(self) -> Config:
        modes = None if self.asked else [Mode("other", EVERY_RELATION, frozenset())]
        one = processor(OFFENSE, offset=-1, bounds=self.bounds)
        return config(pipeline([phase("phase3", [one], modes=modes, collection=self.collection)]))

    def snapshot(self) -> Snapshot:
        now, data_date = on(self.now), DAY - ONE_DAY
        own = {OFFENSE: self.entry} if self.entry else {}
        documents = {OWN: replace(self.document, entries={**own, **self.others})}
        rows = {data_date: RowCount(self.rows, at(self.written))}
        for shift, side in self.sides.items():
            key = DocumentId("phase3_completion", DAY + shift * ONE_DAY)
            documents[key] = Document(entries={OFFENSE: side.entry} if side.entry else {})
            rows[data_date + shift * ONE_DAY] = RowCount(side.rows, at(side.written))
        names = (heartbeat_name(OFFENSE), TWIN)
        beats = {name: next((item for item in self.beats if item.document == name), None) for name in names}
        return Snapshot(
            documents=self._reading("documents", documents, on(self.read)),
            watched={OWN: without({OFFENSE: self.loss})} if self.loss else {},
            followed_since=at(self.followed),
            gaps=tuple(self.gaps),
            heartbeats={"nba": self._reading("heartbeats", beats, now)},
            rows={TABLE: self._reading("rows", rows, on(self.counted))},
            units={"nba": self._reading("calendar", {data_date: self.units}, now)},
            runs={"nba": self._reading("runs", tuple(self.runs), now)},
        )

    def _reading(self, source: str, value: T, read_at: datetime) -> Reading[T]:
        return Reading(None if source in self.unread else value, min(read_at, on(self.now)), None, ONE_DAY)

    def phase(self) -> PhaseReport:
        (report,) = reconcile(self.config(), self.snapshot(), on(self.now)).phases
        return report

    def report(self) -> ProcessorReport:
        (report,) = self.phase().processors
        return report
