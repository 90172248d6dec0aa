"""Sources that do not change between two steps of an incident: repeated requests are answered from a cache.

A source with a fault refuses every call in the same way, whatever the dates. So each refusal is fetched once through
the real client and remembered for the whole incident: watching several days meets a hanging source no more often than
watching an hour.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar, cast

from exporter.collect.collector import BIGQUERY, FIRESTORE
from exporter.sources.ports import Deadline, SourceError, Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Mapping
    from datetime import date

    from exporter.config.resolved import TableRef
    from exporter.model import Document, DocumentId, Heartbeat, RowCount
    from exporter.sources.ports import (
        ChangeReceiver,
        ContextAnswer,
        ContextRequest,
        Estimate,
        Following,
        HeartbeatId,
        Window,
    )

T = TypeVar("T")

PATIENCE = (0.25, 1.0, 4.0)
"""Seconds for a source with a fault: a replay need not wait as long as a real exporter. More on a slow machine, if the
call ended differently from its fault."""


class Frozen:
    """Both ports over real sources. `thaw` empties the cache, so that the next request reaches the source.

    `faults`: by source, the fault with which it answers every call, if it has one.
    """

    def __init__(self, sources: Sources, faults: Mapping[str, str]) -> None:
        self.faults = faults
        self._sources = sources
        self._answers: dict[Hashable, object] = {}
        self._refusals: dict[Hashable, SourceError] = {}

    def sources(self) -> Sources:
        """This object as the sources of a collection."""
        return Sources(self, self)

    def thaw(self, faults: Mapping[str, str]) -> None:
        """Forget every answer: the sources have changed. `faults` are their faults from now on."""
        self._answers.clear()
        self.faults = faults

    def _once(
        self, source: str, matter: Hashable, subject: Hashable, deadline: Deadline, ask: Callable[[Deadline], T]
    ) -> T:
        """The answer to a request. `matter` is all that a refusal names, `subject` what the request is about."""
        fault = self.faults.get(source)
        refusal = self._refusals.get((source, fault, matter))
        if refusal is None:
            if (matter, subject) not in self._answers:
                try:
                    self._answers[matter, subject] = _hurried(ask, fault) if fault else ask(deadline)
                except SourceError as error:
                    refusal = self._answers[matter, subject] = error
                    if fault:
                        self._refusals[source, fault, matter] = error
            answer = self._answers[matter, subject]
            if not isinstance(answer, SourceError):
                return cast("T", answer)
            refusal = answer
        raise SourceError(refusal.kind, refusal.detail)

    def documents(self, ids: Collection[DocumentId], deadline: Deadline) -> Mapping[DocumentId, Document]:
        """As CompletionStore says."""
        return self._once(
            FIRESTORE,
            ("documents", frozenset(key.collection for key in ids)),
            tuple(ids),
            deadline,
            lambda deadline: self._sources.completions.documents(ids, deadline),
        )

    def follow(self, ids: Collection[DocumentId], receiver: ChangeReceiver) -> Following:
        """As CompletionStore says."""
        return self._sources.completions.follow(ids, receiver)

    def heartbeats(self, ids: Collection[HeartbeatId], deadline: Deadline) -> Mapping[HeartbeatId, Heartbeat | None]:
        """As CompletionStore says."""
        return self._once(
            FIRESTORE,
            ("heartbeats", frozenset(key.collection for key in ids)),
            tuple(ids),
            deadline,
            lambda deadline: self._sources.completions.heartbeats(ids, deadline),
        )

    def count(self, collection: str, deadline: Deadline) -> int:
        """As CompletionStore says."""
        return self._once(
            FIRESTORE,
            ("count", collection),
            None,
            deadline,
            lambda deadline: self._sources.completions.count(collection, deadline),
        )

    def row_counts(
        self, tables: Collection[TableRef], window: Window, deadline: Deadline
    ) -> Mapping[TableRef, Mapping[date, RowCount] | SourceError]:
        """As Warehouse says."""
        return self._once(
            BIGQUERY,
            "row_counts",
            (tuple(tables), window),
            deadline,
            lambda deadline: self._sources.warehouse.row_counts(tables, window, deadline),
        )

    def context(self, request: ContextRequest, window: Window, deadline: Deadline) -> ContextAnswer:
        """As Warehouse says. What is asked for follows from the configuration, which a replay does not change."""
        asked = tuple((part.name, tuple(getattr(request, part.name))) for part in fields(request))
        return self._once(
            BIGQUERY,
            "context",
            (asked, window),
            deadline,
            lambda deadline: self._sources.warehouse.context(request, window, deadline),
        )

    def dry_run_row_counts(
        self, tables: Collection[TableRef], window: Window, deadline: Deadline
    ) -> Mapping[TableRef, Estimate | SourceError]:
        """As Warehouse says."""
        return self._sources.warehouse.dry_run_row_counts(tables, window, deadline)

    def dry_run_context(
        self, request: ContextRequest, window: Window, deadline: Deadline
    ) -> Mapping[str, Estimate | SourceError]:
        """As Warehouse says."""
        return self._sources.warehouse.dry_run_context(request, window, deadline)

    def close(self) -> None:
        """Close the real sources' connections."""
        self._sources.close()


def _hurried(ask: Callable[[Deadline], T], fault: str) -> T:
    """The answer of a source with this fault: an error of the same name, without the full wait."""
    for seconds in PATIENCE:
        try:
            return ask(Deadline(seconds))
        except SourceError as error:
            if error.kind == fault or seconds == PATIENCE[-1]:
                raise
    raise AssertionError("the last attempt returns or raises")
