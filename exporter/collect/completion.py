"""The collector `completion`: the completion documents, read at intervals and reported by a listener."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from exporter.collect.collector import FIRESTORE, Collector, ReadResult
from exporter.memory.losses import newer
from exporter.model import DocumentId, ErrorKind, Matter, Reading, UnusableField
from exporter.reconcile.expectations import processor_names
from exporter.reconcile.plan import reading_plan
from exporter.sources.ports import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date, datetime

    from exporter.collect.collector import Board, Run
    from exporter.config.resolved import Config, PhaseConfig
    from exporter.memory.settling import Settling
    from exporter.model import Document, Failure

    Documents = Mapping[DocumentId, Document]

MOST_IN_A_BATCH: Final = 500
"""The most documents in one batch. A season has more, and one lost answer then costs only one batch."""


class Completion(Collector):
    """Reads the exposed documents and their neighbours, and remembers them before anything is concluded."""

    name = "completion"
    source = FIRESTORE
    matters = (Matter.DOCUMENT,)

    def __init__(self, board: Board) -> None:
        super().__init__(board)
        self._names = processor_names(board.config)

    def read(self, run: Run) -> ReadResult:
        """Read all documents of the plan: in one batch, unless there are very many."""
        board = self.board
        plan = reading_plan(board.config, run.now)
        if board.follower:
            board.follower.follow(plan.documents)
        if plan.documents:
            documents: dict[DocumentId, Document] = {}
            for start in range(0, len(plan.documents), MOST_IN_A_BATCH):
                batch = plan.documents[start : start + MOST_IN_A_BATCH]
                documents |= board.sources.completions.documents(batch, run.deadline)
            if board.follower:
                board.follower.compare(documents)
            self._remember(documents, run.now, run)
            return ReadResult(tuple(_undecided(board.config, plan.run_dates, documents)))
        return ReadResult()

    def kept(self, failure: Failure) -> dict[str, Any]:
        """The last values of all documents."""
        return {"documents": replace(self.board.snapshot.documents, failure=failure)}

    def take(self, documents: Documents, now: datetime) -> bool:
        """Store the changes that a listener reported. Returns whether anything is new."""
        with self.board.swap:
            if self.board.stopped.is_set():
                return False
            self.board.memory.follow(now)
        if documents:
            self._remember(documents, now)
        return bool(documents)

    def begin_gap(self) -> None:
        """Note that the documents are no longer followed."""
        self.board.memory.begin_gap()
        self.board.change(**self._remembered())

    def _remember(self, documents: Documents, now: datetime, run: Run | None = None) -> None:
        """Remember a reading before anything is concluded from it. With `run`, it is a reading of all documents."""
        board = self.board
        with board.swap:
            if board.closed(run):
                return
            longest_gap = self.max_age
            everything = run is not None
            board.memory.observe(documents, self._names, now, longest_gap=longest_gap, everything=everything)
            known = dict(board.snapshot.documents.value or {})
            newest = {key: newer(known.pop(key, None), document) for key, document in documents.items()}
            counting = counting_documents(board.settling, newest, now)
            others = {} if everything else known
            reading = Reading(cast("Documents", {**others, **counting}), self.read_at(now), max_age=self.max_age)
            remembered = self._remembered()
            board.snapshot = replace(board.snapshot, documents=reading, doubts=board.settling.doubts, **remembered)

    def _remembered(self) -> dict[str, Any]:
        now = self.board.memory.now
        return {"watched": now.watched, "followed_since": now.followed_since, "gaps": now.gaps}


def _undecided(config: Config, run_dates: Sequence[date], documents: Documents) -> Iterator[SourceError]:
    """An error for each exposed document that has fields which cannot be used, and decide."""
    for phase in (phase for pipeline in config.pipelines.values() for phase in pipeline.phases.values()):
        for day in run_dates if phase.collection else ():
            document = documents.get(DocumentId(phase.collection or "", day))
            fields = [str(field) for field in _deciding(phase, document)] if document else []
            if fields:
                where = f"{phase.collection}/{day}"
                yield SourceError(ErrorKind.INVALID, f"document {where}: {', '.join(fields)}, which nobody can read")


def _deciding(phase: PhaseConfig, document: Document) -> Iterator[UnusableField]:
    """The unusable fields without which nobody knows who is registered, or whether the next phase was started."""
    if document.unreadable:
        yield document.unreadable
    if phase.trigger:
        yield from document.undecided
    for name in phase.processors:
        entry = document.entries.get(name)
        if entry and entry.failed_elsewhere:
            yield from (UnusableField(f"{name}.{field.name}", field.said) for field in entry.malformed)


def counting_documents(
    settling: Settling, documents: Mapping[DocumentId, Document], now: datetime
) -> dict[DocumentId, Document]:
    """Leave out documents that were deleted or emptied. Single entries that were removed are losses instead."""
    sizes = {key: document.exists + bool(document.entries) for key, document in documents.items()}
    doubtful = settling.hold(Matter.DOCUMENT, sizes, now)
    return {key: document for key, document in documents.items() if key not in doubtful}
