"""Compares the written entries with those that are there afterwards, in numbers and in one sentence."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.probe.strategies import Strategy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OLDER: Final = "older"
"""The key of the entry that is in the document before the writers begin."""


@dataclass(frozen=True, slots=True)
class Write:
    """One writer's entry: how long it took (seconds, without waiting for other writers) and how it went.

    Attributes:
        conflicts: answers that said ABORTED.
        retries: how often something was retried, for a conflict or another transient error.
        error: why it was given up; None if it was acknowledged.

    """

    writer: str
    seconds: float
    conflicts: int = 0
    retries: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """The writes of one round, and the entries afterwards: those as they were written, and all others."""

    writes: tuple[Write, ...]
    intact: frozenset[str]
    damaged: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """All rounds of one strategy. Seconds are None if no write was acknowledged.

    Attributes:
        written: entries whose write was acknowledged. Of these, `left` are there afterwards and `lost` are not.
        older_lost: entries that were there before the round and are not there after it.
        damaged: entries that are there with another content than was written.
        unacknowledged_left: entries that are there although their write ended in an error.
        errors: why writes were given up, and how many.

    """

    strategy: Strategy
    rounds: int
    written: int
    left: int
    lost: int
    older_lost: int
    damaged: int
    unacknowledged_left: int
    p50: float | None
    p99: float | None
    maximum: float | None
    conflicts: int
    retries: int
    errors: Mapping[str, int]


def compare(writes: Iterable[Write], written: Mapping[str, Mapping[str, object]], found: Mapping[str, object]) -> Round:
    """The round in which these entries were written and those were found."""
    intact = frozenset(name for name, entry in found.items() if name in written and entry == written[name])
    return Round(tuple(writes), intact, frozenset(found) - intact)


def summarize(strategy: Strategy, rounds: Sequence[Round]) -> Outcome:
    """The rounds in numbers."""
    writes = [(played, write) for played in rounds for write in played.writes]
    acknowledged = [(played, write) for played, write in writes if write.error is None]
    there = [write for played, write in acknowledged if write.writer in played.intact | played.damaged]
    seconds = sorted(write.seconds for _, write in acknowledged)
    return Outcome(
        strategy=strategy,
        rounds=len(rounds),
        written=len(acknowledged),
        left=len(there),
        lost=len(acknowledged) - len(there),
        older_lost=sum(OLDER not in played.intact | played.damaged for played in rounds),
        damaged=sum(len(played.damaged) for played in rounds),
        unacknowledged_left=sum(write.error is not None and write.writer in played.intact for played, write in writes),
        p50=_percentile(seconds, 0.5),
        p99=_percentile(seconds, 0.99),
        maximum=seconds[-1] if seconds else None,
        conflicts=sum(write.conflicts for _, write in writes),
        retries=sum(write.retries for _, write in writes),
        errors=dict(Counter(write.error for _, write in writes if write.error is not None)),
    )


def conclusion(outcomes: Sequence[Outcome]) -> str:
    """The conclusion in one sentence, about the strategies that were tried."""
    said = [_losses(outcome) for outcome in outcomes if outcome.lost or outcome.older_lost]
    kept = [f"`{outcome.strategy}`" for outcome in outcomes if outcome.written and not _lossy(outcome)]
    if kept:
        said.append(f"{_listed(kept)} lost none")
    said += [f"`{outcome.strategy}` left {outcome.damaged} damaged" for outcome in outcomes if outcome.damaged]
    said += [
        f"{sum(outcome.errors.values())} of {outcome.written + sum(outcome.errors.values())} writes by"
        f" `{outcome.strategy}` were given up"
        for outcome in outcomes
        if outcome.errors
    ]
    return f"{'; '.join(said)}{_advice(outcomes)}." if said else "Nothing was measured."


_UNSAFE: Final = frozenset({Strategy.SET, Strategy.BLIND_SET})


def _advice(outcomes: Sequence[Outcome]) -> str:
    if any(_lossy(outcome) and outcome.strategy not in _UNSAFE for outcome in outcomes):
        return ": a way to write that must not lose has lost, which is a fault of this Firestore or of the probe"
    if not any(outcome.lost or outcome.older_lost for outcome in outcomes):
        return ""
    return ": write one's own entry alone, or the whole document inside the transaction that read it"


def _lossy(outcome: Outcome) -> bool:
    return bool(outcome.lost or outcome.older_lost or outcome.damaged)


def _losses(outcome: Outcome) -> str:
    older = f" and {outcome.older_lost} of {outcome.rounds} that were there before" if outcome.older_lost else ""
    return f"`{outcome.strategy}` lost {outcome.lost} of {outcome.written} entries{older}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that is not exceeded by this share of the values."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
