"""Sources that do not change between two steps of an incident: what was asked once is answered again from memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from exporter.sources.ports import SourceError, Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping
    from datetime import date

    from exporter.config.resolved import TableRef
    from exporter.model import Document, DocumentId, Heartbeat, RowCount
    from exporter.sources.ports import ContextAnswer, ContextRequest, Deadline, Following, Hearer, HeartbeatId, Window

T = TypeVar("T")


class Frozen:
    """Both ports over real sources. `thaw` forgets, so that the next question is asked again."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._answers: dict[Hashable, object] = {}

    def sources(self) -> Sources:
        """This as the sources of a collection."""
        return Sources(self, self)

    def thaw(self) -> None:
        """Forget every answer: the sources have changed."""
        self._answers.clear()

    def _once(self, question: Hashable, ask: Callable[[], T]) -> T:
        if question not in self._answers:
            try:
                self._answers[question] = ask()
            except SourceError as error:
                self._answers[question] = error
        answer = self._answers[question]
        if isinstance(answer, SourceError):
            raise SourceError(answer.kind, answer.detail)
        return cast("T", answer)

    def documents(self, ids: Collection[DocumentId], deadline: Deadline) -> Mapping[DocumentId, Document]:
        """As CompletionStore says."""
        return self._once(("documents", tuple(ids)), lambda: self._sources.completions.documents(ids, deadline))

    def follow(self, ids: Collection[DocumentId], hearer: Hearer) -> Following:
        """As CompletionStore says."""
        return self._sources.completions.follow(ids, hearer)

    def heartbeats(self, ids: Collection[HeartbeatId], deadline: Deadline) -> Mapping[HeartbeatId, Heartbeat | None]:
        """As CompletionStore says."""
        return self._once(("heartbeats", tuple(ids)), lambda: self._sources.completions.heartbeats(ids, deadline))

    def count(self, collection: str, deadline: Deadline) -> int:
        """As CompletionStore says."""
        return self._once(("count", collection), lambda: self._sources.completions.count(collection, deadline))

    def probe(self, collection: str, deadline: Deadline) -> None:
        """As CompletionStore says."""
        self._sources.completions.probe(collection, deadline)

    def row_counts(
        self, tables: Collection[TableRef], window: Window, deadline: Deadline
    ) -> Mapping[TableRef, Mapping[date, RowCount] | SourceError]:
        """As Warehouse says."""
        return self._once(
            ("row_counts", tuple(tables), window), lambda: self._sources.warehouse.row_counts(tables, window, deadline)
        )

    def context(self, request: ContextRequest, window: Window, deadline: Deadline) -> ContextAnswer:
        """As Warehouse says. The request follows from the configuration, which a replay does not change."""
        return self._once(("context", window), lambda: self._sources.warehouse.context(request, window, deadline))

    def dry_run_row_counts(
        self, tables: Collection[TableRef], window: Window, deadline: Deadline
    ) -> Mapping[TableRef, int | SourceError]:
        """As Warehouse says."""
        return self._sources.warehouse.dry_run_row_counts(tables, window, deadline)

    def dry_run_context(
        self, request: ContextRequest, window: Window, deadline: Deadline
    ) -> Mapping[str, int | SourceError]:
        """As Warehouse says."""
        return self._sources.warehouse.dry_run_context(request, window, deadline)

    def close(self) -> None:
        """Let go of the real sources' connections."""
        self._sources.close()
