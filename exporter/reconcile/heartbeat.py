"""Which heartbeat speaks for a piece of work, and what it says (docs/verdicts.md, "Heartbeats")."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from exporter.config.fields import DATA_DATE, STATUS
from exporter.model import AHEAD, HeartbeatReport, HeartbeatState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.resolved import HeartbeatsConfig, PipelineConfig
    from exporter.model import Entry, Heartbeat, Run
    from exporter.reconcile.expectations import Obligation

_ENDED: Final = {str(state): state for state in (HeartbeatState.COMPLETED, HeartbeatState.FAILED)}
NEVER = datetime.min.replace(tzinfo=UTC)


def past(at: datetime | None, now: datetime) -> datetime | None:
    """The moment; None if it is ahead of the clock, because nothing can have happened then."""
    return at if at is not None and (at <= now or at - AHEAD <= now) else None


def goes_stale_after(config: HeartbeatsConfig) -> timedelta:
    """How old the last beat of a running processor is when it is stale."""
    return config.stale_after


def runs(beat: Heartbeat, config: HeartbeatsConfig, now: datetime) -> bool | None:
    """Whether a heartbeat says that its processor runs, for whatever date; None if it may."""
    says_status = bool(config.fields[STATUS])
    if says_status and beat.status != "running":
        return False
    if beat.beat_at is None or beat.beat_at > now + AHEAD:
        return None
    return now - beat.beat_at <= (config.dead_after if says_status else config.stale_after)


def heartbeat_of(
    known: Mapping[str, Heartbeat | None] | None,
    pipeline: PipelineConfig,
    obligation: Obligation,
    entry: Entry | None,
    runs: tuple[Run, ...] | None,
    now: datetime,
) -> tuple[HeartbeatReport, str | None]:
    """The heartbeat that speaks for this work, and the error message it carries. `known`: all of them, if known.

    Only a heartbeat with this data date says anything about it; of several (an `Async` twin), the newest one does. A
    heartbeat of another date is reported as such: the document belongs to the last run, so it proves nothing about this
    date.
    See docs/verdicts.md, "Heartbeats".
    """
    if known is None or pipeline.heartbeats is None:
        return HeartbeatReport(HeartbeatState.UNKNOWN), None
    found = [beat for name in obligation.processor.heartbeats if (beat := known.get(name)) is not None]
    if not found:
        read = all(name in known for name in obligation.processor.heartbeats)
        return HeartbeatReport(HeartbeatState.ABSENT if read else HeartbeatState.UNKNOWN), None
    dated = bool(pipeline.heartbeats.fields[DATA_DATE])
    if not dated:
        found = [_dated(beat, obligation) for beat in found]
    days = obligation.dates.records
    own = [beat for beat in found if beat.data_date in days]
    among = own or found
    beat = among[0] if len(among) == 1 else max(among, key=lambda heartbeat: past(heartbeat.beat_at, now) or NEVER)
    state = _state(beat, pipeline.heartbeats, entry, runs, now) if own else HeartbeatState.OTHER_DATE
    over = False
    if state is HeartbeatState.UNKNOWN and beat.beat_at is not None:
        over = now - beat.beat_at > pipeline.heartbeats.dead_after
    return (
        HeartbeatReport(state, beat.document, beat.status, beat.beat_at, beat.data_date, beat.malformed, dated, over),
        beat.error_message,
    )


def _dated(beat: Heartbeat, obligation: Obligation) -> Heartbeat:
    """A heartbeat that carries no date, with that of this work if its run began on the day on which this is due."""
    at = beat.started_at or beat.beat_at
    begin, end = obligation.dates.work_day
    return replace(beat, data_date=obligation.data_date if at is not None and begin <= at < end else None)


def _state(
    beat: Heartbeat,
    config: HeartbeatsConfig,
    entry: Entry | None,
    runs: tuple[Run, ...] | None,
    now: datetime,
) -> HeartbeatState:
    if beat.status in _ENDED:
        return _ENDED[beat.status]
    if not config.fields[STATUS]:
        fresh = beat.beat_at is not None and -AHEAD <= now - beat.beat_at <= config.stale_after
        return HeartbeatState.RUNNING if fresh else HeartbeatState.UNKNOWN
    if beat.status != "running" or beat.beat_at is None or beat.beat_at > now + AHEAD:
        return HeartbeatState.UNKNOWN
    ends = [run.finished_at for run in runs or () if run.status == "success"]
    ends.append(entry.completed_at if entry else None)
    age = now - beat.beat_at
    # Who recorded the end may have another clock. A new run that began at once is seen while it beats.
    slack = timedelta() if age <= config.stale_after else AHEAD
    if any(end is not None and end <= now and beat.beat_at - end <= slack for end in ends):
        return HeartbeatState.SUPERSEDED
    if age > config.dead_after:
        return HeartbeatState.DEAD
    return HeartbeatState.STALE if age > config.stale_after else HeartbeatState.RUNNING
