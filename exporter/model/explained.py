"""What stands beside a conclusion: `Hint`, `Since`, `Explanation` of a missing registration, `NextDue`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.model.records import record

if TYPE_CHECKING:
    from datetime import date, datetime


class HintKind(StrEnum):
    """The kinds of evidence that a verdict can carry."""

    RECORD_COUNT = "record_count"
    ROWS_PER_UNIT = "rows_per_unit"
    DUPLICATES = "duplicates"
    NEIGHBOUR_DATE = "neighbour_date"
    HEARTBEAT = "heartbeat"
    RUN_HISTORY = "run_history"
    ENTRY = "entry"
    LOST = "lost"
    FRESHNESS = "freshness"
    CALENDAR = "calendar"
    TRIGGER = "trigger"


@record(frozen=True, slots=True)
class Hint:
    """One short piece of evidence, in plain words."""

    kind: HintKind
    text: str


@record(frozen=True, slots=True)
class Since:
    """Since when a fault has been there. `after`: it was not there yet, and nobody looked again before `at`."""

    at: datetime
    after: datetime | None = None

    @classmethod
    def known(cls, at: datetime | None) -> Since | None:
        """Since then; None for a time that is not known."""
        return None if at is None else cls(at)


class Cause(StrEnum):
    """Possible reasons why a processor's registration is not in its document."""

    LOST_UPDATE = "lost_update"
    NEVER_WRITTEN = "never_written"
    WRONG_DATE = "wrong_date"
    BACKFILL = "backfill"
    FAILED_RUN = "failed_run"
    NOT_RUN = "not_run"
    NOT_YET = "not_yet"


class Standing(StrEnum):
    """How well the evidence supports an explanation, best first.

    `unrated`: only earlier readings could tell, and none is remembered.
    """

    PROVEN = "proven"
    LIKELY = "likely"
    POSSIBLE = "possible"
    UNRATED = "unrated"
    UNLIKELY = "unlikely"
    RULED_OUT = "ruled_out"


@record(frozen=True, slots=True)
class Explanation:
    """One explanation of a missing registration, with the evidence for and against it: a hint, never a verdict."""

    cause: Cause
    standing: Standing
    supports: tuple[str, ...] = ()
    contradicts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NextDue:
    """What a pipeline is expected to do next, and by when. `past`: whether that is over."""

    pipeline: str
    phase: str
    run_date: date
    due: datetime
    past: bool = False

    @property
    def what(self) -> str:
        """What its time follows: `phase4 is due at`, or `was` once that is over."""
        return f"{self.phase} {'was' if self.past else 'is'} due at"
