"""Rounds of simultaneous writes to scratch documents, which are deleted at the end in any case."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from google.api_core.exceptions import Aborted, GoogleAPIError

from exporter.probe.outcome import OLDER, Outcome, Write, compare, summarize
from exporter.probe.strategies import WRITES, Meeting, StoppedError, Strategy, Turn
from exporter.sources.calls import ended
from exporter.sources.errors import fault_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from google.cloud.firestore import Client, DocumentReference

    from exporter.probe.connection import Connection
    from exporter.probe.outcome import Round


_DELETED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan: how many rounds of how many writers for every strategy, in documents that are named after `run`.

    Attributes:
        attempts: how often a transaction is tried; the client's own default is 5.
        seconds: how long a writer may keep the others waiting.

    """

    run: str
    strategies: tuple[Strategy, ...]
    writers: int
    rounds: int
    attempts: int
    seconds: float
    now: datetime


@dataclass(slots=True)
class Remains:
    """Documents that could not be deleted, and why."""

    documents: tuple[str, ...] = ()
    why: str = ""


class Scratch:
    """The documents to write to. A context manager that deletes all of them at the end, or reports what remains."""

    def __init__(self, client: Client, collection: str, remains: Remains) -> None:
        self._client = client
        self._collection = client.collection(collection)
        self._remains = remains
        self._handed_out: dict[str, DocumentReference] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        documents = list(self._handed_out.values())
        for start in range(0, len(documents), _DELETED_AT_ONCE):
            batch = self._client.batch()
            for document in documents[start : start + _DELETED_AT_ONCE]:
                batch.delete(document)
            try:
                batch.commit()
            except Exception as error:  # noqa: BLE001 - nothing is raised over what may be on its way up already
                self._remains.documents = tuple(document.id for document in documents[start:])
                self._remains.why = fault_of(error).message
                return

    def document(self, name: str) -> DocumentReference:
        """A document of this name, which is deleted at the end."""
        return self._handed_out.setdefault(name, self._collection.document(name))


def measure(
    plan: Plan, connection: Connection, scratch: Scratch, stopping: threading.Event, say: Callable[[str], None]
) -> Iterator[Outcome]:
    """Try the strategies one after the other. Ends early, without the current round, once `stopping` is set.

    `say` receives a message for each strategy that begins. Raises what the client raises if a round cannot be prepared
    or read back.
    """
    for strategy in plan.strategies:
        if stopping.is_set():
            return
        say(f"{strategy}: {plan.rounds} x {plan.writers} writers ...")
        rounds: list[Round] = []
        for number in range(plan.rounds):
            try:
                rounds.append(_round(plan, connection, scratch, strategy, number, stopping))
            except StoppedError:
                break
        if rounds:
            yield summarize(strategy, rounds)


def _round(
    plan: Plan,
    connection: Connection,
    scratch: Scratch,
    strategy: Strategy,
    number: int,
    stopping: threading.Event,
) -> Round:
    def check() -> None:
        if stopping.is_set():
            raise StoppedError

    check()
    name = f"{plan.run}-{strategy}-{number}"
    names = [f"processor_{writer + 1}" for writer in range(plan.writers)]
    entries = {writer: _entry(plan, writer, count) for count, writer in enumerate([OLDER, *names])}
    apart = strategy is Strategy.DOCUMENT_PER_PROCESSOR
    shared = scratch.document(f"{name}-{OLDER}" if apart else name)
    own = {writer: scratch.document(f"{name}-{writer}") if apart else shared for writer in names}
    shared.set(entries[OLDER] if apart else {OLDER: entries[OLDER]})

    barrier = threading.Barrier(plan.writers, timeout=3 * plan.seconds)
    turns = [
        Turn(connection.client, shared, own[writer], writer, entries[writer], Meeting(barrier), check, plan.attempts)
        for writer in names
    ]
    with ThreadPoolExecutor(plan.writers, thread_name_prefix="writer") as threads:
        writing = [threads.submit(_write, connection, strategy, turn) for turn in turns]
        ended(writing)
    writes = [future.result() for future in writing]
    check()
    found = (
        {writer: document.get().to_dict() for writer, document in {OLDER: shared, **own}.items()}
        if apart
        else shared.get().to_dict() or {}
    )
    return compare(writes, entries, {key: entry for key, entry in found.items() if entry is not None})


def _entry(plan: Plan, writer: str, count: int) -> dict[str, object]:
    return {
        "status": "success",
        "completed_at": plan.now,
        "record_count": count,
        "correlation_id": f"{plan.run}-{writer}",
    }


def _write(connection: Connection, strategy: Strategy, turn: Turn) -> Write:
    error: str | None = None
    before = time.perf_counter()
    with connection.api.counted() as tally:
        try:
            WRITES[strategy](turn)
        except Exception as failure:  # noqa: BLE001 - whatever it is, it is this write's outcome
            error = reason(failure)
    seconds = time.perf_counter() - before
    # A writer that failed before it met the others must not keep them waiting.
    with suppress(threading.BrokenBarrierError):
        turn.meet()
    return Write(
        turn.name,
        seconds - turn.meet.seconds,
        conflicts=tally.aborted,
        retries=tally.retries,
        error=error,
    )


def reason(error: BaseException) -> str:
    """Why a write was given up, in the same words for every write with the same problem."""
    seen: BaseException | None = error
    # A rollback of a transaction that never began, or the last attempt, raises an error that hides the first one.
    while seen is not None and not isinstance(seen, GoogleAPIError):
        seen = seen.__cause__ or seen.__context__
    if isinstance(seen, Aborted):
        return "ABORTED at its last attempt" if seen is not error else "ABORTED while it read"
    return fault_of(seen or error).message
