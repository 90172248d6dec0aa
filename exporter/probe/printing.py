"""The outcomes as a table for people and as JSON for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from exporter.messages.secrets import masked_json
from exporter.probe.outcome import conclusion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.messages.secrets import Masked
    from exporter.probe.outcome import Outcome

_HEADINGS: Final = (
    *("strategy", "rounds", "written", "left", "lost", "older lost", "damaged"),
    *("p50", "p99", "max", "conflicts", "retries", "errors"),
)


def table(outcomes: Sequence[Outcome]) -> str:
    """A line a strategy, why writes were given up, and the conclusion. Times are in milliseconds."""
    rows = [_HEADINGS, *map(_row, outcomes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    for outcome in outcomes:
        lines += [f"{outcome.strategy}: {number} given up: {why}" for why, number in outcome.errors.items()]
        if outcome.unacknowledged_left:
            lines.append(f"{outcome.strategy}: {outcome.unacknowledged_left} of those are there all the same")
    return "\n".join([*lines, "", conclusion(outcomes)])


def to_json(outcomes: Sequence[Outcome], about: Mapping[str, object]) -> Masked:
    """The same for programs, after `about`; times are in seconds."""
    return masked_json(
        {**about, "strategies": [asdict(outcome) for outcome in outcomes], "conclusion": conclusion(outcomes)}
    )


def _row(outcome: Outcome) -> tuple[str, ...]:
    counts = (
        *(outcome.rounds, outcome.written, outcome.left, outcome.lost, outcome.older_lost, outcome.damaged),
        *(_milliseconds(value) for value in (outcome.p50, outcome.p99, outcome.maximum)),
        *(outcome.conflicts, outcome.retries, sum(outcome.errors.values())),
    )
    return (str(outcome.strategy), *map(str, counts))


def _milliseconds(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f}"
