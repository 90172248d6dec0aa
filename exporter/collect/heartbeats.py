"""The collectors `heartbeats` and `heartbeat_count`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.collect.collector import FIRESTORE, Collector, ReadResult
from exporter.model import Matter, Reading
from exporter.reconcile.plan import reading_plan
from exporter.sources.ports import HeartbeatId

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exporter.collect.collector import Run
    from exporter.memory.settling import Settling
    from exporter.model import Failure, Heartbeat


class Heartbeats(Collector):
    """Reads the heartbeats of the configured processors."""

    name = "heartbeats"
    source = FIRESTORE
    matters = (Matter.HEARTBEAT,)

    def read(self, run: Run) -> ReadResult:
        """Read them all in one batch."""
        board = self.board
        plan = reading_plan(board.config, run.now)
        ids = {
            pipeline: [HeartbeatId(config.heartbeats.collection, name) for name in names]
            for pipeline, names in plan.heartbeats.items()
            if (config := board.config.pipelines[pipeline]).heartbeats
        }
        wanted = list(dict.fromkeys(key for keys in ids.values() for key in keys))
        read = board.sources.completions.heartbeats(wanted, run.deadline) if wanted else {}
        found = counting_heartbeats(board.settling, read, run.now)
        read_at = self.read_at(run.now)
        board.change(
            run,
            heartbeats={
                pipeline: Reading(
                    {key.document: found[key] for key in keys if key in found}, read_at, max_age=self.max_age
                )
                for pipeline, keys in ids.items()
            },
        )
        return ReadResult()

    def kept(self, failure: Failure) -> dict[str, Any]:
        """The last heartbeats of every pipeline."""
        return {"heartbeats": self.failed(self.board.snapshot.heartbeats, tuple(self.board.config.pipelines), failure)}


class HeartbeatCount(Collector):
    """Counts all documents of the heartbeat collections."""

    name = "heartbeat_count"
    source = FIRESTORE

    def read(self, run: Run) -> ReadResult:
        """Count each collection once."""
        board = self.board
        collections = {
            pipeline.name: pipeline.heartbeats.collection
            for pipeline in board.config.pipelines.values()
            if pipeline.heartbeats
        }
        counts = {
            collection: board.sources.completions.count(collection, run.deadline)
            for collection in dict.fromkeys(collections.values())
        }
        read_at = self.read_at(run.now)
        board.change(
            run,
            heartbeat_documents={
                pipeline: Reading(counts[collection], read_at, max_age=self.max_age)
                for pipeline, collection in collections.items()
            },
        )
        return ReadResult()

    def kept(self, failure: Failure) -> dict[str, Any]:
        """The last count of every pipeline."""
        board = self.board
        return {
            "heartbeat_documents": self.failed(
                board.snapshot.heartbeat_documents, tuple(board.config.pipelines), failure
            )
        }


def counting_heartbeats(
    settling: Settling, found: Mapping[HeartbeatId, Heartbeat | None], now: datetime
) -> dict[HeartbeatId, Heartbeat | None]:
    """Leave out the heartbeats that were deleted."""
    sizes = {(key.collection, key.document): int(beat is not None) for key, beat in found.items()}
    doubtful = settling.hold(Matter.HEARTBEAT, sizes, now)
    return {key: beat for key, beat in found.items() if (key.collection, key.document) not in doubtful}
