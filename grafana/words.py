"""How states are shown: the word always, a colour beside it, and the number that stands for it where one is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMapping, ValueMappingResult

from exporter.model import ErrorKind, HeartbeatState, LogSource, TriggerState, Verdict
from exporter.reconcile import DISCREPANCIES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WRONG: Final = "red"
DOUBTFUL: Final = "orange"
UNKNOWN: Final = "purple"
BUSY: Final = "blue"
WELL: Final = "green"
NOTHING: Final = "#808080"

NONE: Final = "-1"
"""What stands for no value where a query has to say so."""


@dataclass(frozen=True, slots=True)
class Shade:
    """One state as it is shown."""

    text: str
    colour: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What several verdicts come to for somebody in a hurry. `rank` sorts them, worst first from above."""

    text: str
    rank: int
    colour: str
    verdicts: tuple[Verdict, ...]


STANDINGS: Final = (
    Standing("at fault", 4, WRONG, DISCREPANCIES),
    Standing("unknown", 3, UNKNOWN, (Verdict.UNKNOWN,)),
    Standing("pending", 2, BUSY, (Verdict.RUNNING, Verdict.NOT_DUE)),
    Standing("well", 1, WELL, (Verdict.OK, Verdict.NOT_EXPECTED, Verdict.SKIPPED, Verdict.BACKFILL)),
)
"""Every verdict is in one of them."""

_MILDER: Final = (
    Verdict.UNREGISTERED,
    Verdict.PARTIAL,
    Verdict.DUPLICATED,
    Verdict.COUNT_MISMATCH,
    Verdict.WRONG_DATE,
)

_NOTHING_OWED: Final = (Verdict.NOT_EXPECTED, Verdict.NOT_DUE, Verdict.SKIPPED, Verdict.BACKFILL)

VERDICTS: Final[Mapping[str, Shade]] = {
    **{verdict: Shade(verdict, standing.colour) for standing in STANDINGS for verdict in standing.verdicts},
    **{verdict: Shade(verdict, DOUBTFUL) for verdict in _MILDER},
    **{verdict: Shade(verdict, NOTHING) for verdict in _NOTHING_OWED},
}
TRIGGERS: Final[Mapping[str, Shade]] = {
    TriggerState.NOT_EXPECTED: Shade("not_expected", NOTHING),
    TriggerState.UNKNOWN: Shade("unknown", UNKNOWN),
    TriggerState.WAITING: Shade("waiting", BUSY),
    TriggerState.READY: Shade("ready", BUSY),
    TriggerState.STUCK: Shade("stuck", WRONG),
    TriggerState.BLOCKED: Shade("blocked", WRONG),
    TriggerState.TRIGGERED: Shade("triggered", WELL),
    TriggerState.BYPASSED: Shade("bypassed", DOUBTFUL),
}
HEARTBEATS: Final[Mapping[str, Shade]] = {
    HeartbeatState.UNKNOWN: Shade("unknown", UNKNOWN),
    HeartbeatState.ABSENT: Shade("absent", NOTHING),
    HeartbeatState.OTHER_DATE: Shade("other_date", NOTHING),
    HeartbeatState.RUNNING: Shade("running", BUSY),
    HeartbeatState.STALE: Shade("stale", DOUBTFUL),
    HeartbeatState.DEAD: Shade("dead", WRONG),
    HeartbeatState.SUPERSEDED: Shade("superseded", NOTHING),
    HeartbeatState.COMPLETED: Shade("completed", WELL),
    HeartbeatState.FAILED: Shade("failed", WRONG),
}
LOG_SOURCES: Final[Mapping[str, Shade]] = {
    LogSource.PHASE_LOG: Shade("phase log", WELL),
    LogSource.RUN_HISTORY: Shade("run history (phase log empty)", DOUBTFUL),
    LogSource.ROWS: Shade("rows alone (no log, no run history)", DOUBTFUL),
    LogSource.NONE: Shade("no record that it ran", NOTHING),
    LogSource.UNKNOWN: Shade("unknown", UNKNOWN),
}
ERRORS: Final[Mapping[str, Shade]] = {
    "none": Shade("answers", WELL),
    **{kind: Shade(kind, UNKNOWN if kind is ErrorKind.BUDGET else WRONG) for kind in ErrorKind},
}

REGISTERED: Final = {"1": Shade("registered", WELL), "0": Shade("not registered", DOUBTFUL)}
CRITICAL: Final = {"1": Shade("yes", NOTHING), "0": Shade("no", NOTHING)}
POSSIBLE: Final = {"1": Shade("possible", WELL), "0": Shade("impossible", WRONG)}
REACHED: Final = {"1": Shade("reached", WELL), "0": Shade("not reached", WRONG)}
UP: Final = {"1": Shade("up", WELL), "0": Shade("down", WRONG)}
ACCEPTED: Final = {"1": Shade("accepted", WELL), "0": Shade("refused: the old one is in force", WRONG)}
CONNECTED: Final = {"1": Shade("connected", WELL), "0": Shade("not connected", WRONG)}
DURABLE: Final = {"1": Shade("on disk", WELL), "0": Shade("cannot be used", DOUBTFUL)}
RANKS: Final = {str(standing.rank): Shade(standing.text, standing.colour) for standing in STANDINGS}


def codes(shades: Mapping[str, Shade]) -> list[tuple[str, int]]:
    """The states and the numbers that stand for them."""
    return [(state, number) for number, state in enumerate(shades, start=1)]


def coded(shades: Mapping[str, Shade]) -> dict[str, Shade]:
    """What those numbers are shown as."""
    return {str(number): shades[state] for state, number in codes(shades)}


def mappings(shades: Mapping[str, Shade]) -> list[ValueMapping]:
    """The same for Grafana."""
    return [ValueMap(options=dict(_results(shades.items())))]


def _results(shades: Iterable[tuple[str, Shade]]) -> Iterable[tuple[str, ValueMappingResult]]:
    for index, (value, shade) in enumerate(shades):
        yield value, ValueMappingResult(text=shade.text, color=shade.colour, index=index)
