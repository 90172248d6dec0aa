"""Why a registration is missing: every explanation with the evidence for and against it, the likeliest first.

These are hints for people; no verdict depends on them. The rules are in docs/losses.md, "Why is it missing".
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from exporter.model import Cause, Explanation, HeartbeatState, Standing, Verdict
from exporter.reconcile.expectations import ONE_DAY
from exporter.reconcile.hints import moment, plural
from exporter.reconcile.removals import HOW, writes
from exporter.reconcile.verdict import wrote_here

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from exporter.model import Document, Gap, Watched
    from exporter.reconcile.evidence import Evidence

ASKED = frozenset(
    {
        Verdict.LOST_UPDATE,
        Verdict.FAILED,
        Verdict.WRONG_DATE,
        Verdict.BACKFILL,
        Verdict.UNREGISTERED,
        Verdict.MISSING,
    }
)
"""Verdicts that raise the question why there is no entry."""

HELD = timedelta(minutes=1)
"""A writer that holds a copy of a document for longer than this before it writes it back would be an odd one."""

ON_ITS_WAY = timedelta(minutes=10)
"""Rows younger than this may still be followed by their registration, which comes by a message."""

_RANK = {standing: rank for rank, standing in enumerate(Standing)}


@dataclass(frozen=True, slots=True)
class Scene:
    """What explanations look at besides the processor's own evidence: its document, and how that was watched.

    `standing`: the document's entries that give a time, in the order of their times. `remembers`: whether earlier
    readings of the document are remembered.
    """

    now: datetime = field(compare=False)
    document: Document | None
    watched: Watched | None
    standing: Sequence[tuple[datetime, str]]
    followed_since: datetime | None
    gaps: tuple[Gap, ...]
    remembers: bool


def standing_entries(document: Document | None) -> Sequence[tuple[datetime, str]]:
    """The document's entries that give a time, in the order of their times."""
    entries = document.entries if document else {}
    return sorted((entry.completed_at, name) for name, entry in entries.items() if entry.completed_at is not None)


def explanations(e: Evidence, verdict: Verdict, scene: Scene) -> tuple[Explanation, ...]:
    """Every explanation of the missing entry, ranked; empty where the verdict raises no such question."""
    if verdict not in ASKED or not e.by_entry or e.registered is not False:
        return ()
    lost = _lost(e, scene)
    found = [
        *(lost, _never_written(e, scene, lost), _wrong_date(e, scene), _backfill(e), _failed_run(e)),
        *(_not_run(e, scene), _not_yet(e, scene)),
    ]
    return tuple(sorted(found, key=lambda explanation: _RANK[explanation.standing]))


def lapse(span: timedelta) -> str:
    """`27 s`, `3 min 27 s`, `4 h 5 min`, `3 d 4 h`."""
    seconds = int(span.total_seconds())
    if seconds < 60:  # noqa: PLR2004 - of a minute
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:  # noqa: PLR2004 - of an hour
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"  # noqa: PLR2004 - of a day


def finished_at(e: Evidence) -> datetime | None:
    """When the work behind the missing entry was done. Its registration can only have come later."""
    beat = e.heartbeat
    ended = [
        e.rows.written_at if e.rows and e.rows.rows else None,
        beat.beat_at if beat.state is HeartbeatState.COMPLETED else None,
    ]
    return max((at for at in ended if at is not None), default=None)


def _watched_throughout(e: Evidence, scene: Scene) -> bool:
    """Whether every change of the document was seen since a time before the work ended."""
    done = finished_at(e)
    return scene.followed_since is not None and done is not None and scene.followed_since <= done


def _lost(e: Evidence, scene: Scene) -> Explanation:
    if e.loss is not None:
        return Explanation(Cause.LOST_UPDATE, Standing.PROVEN, supports=tuple(_seen_lost(e, scene)))
    supports, contradicts = [*_witnesses(scene)], [*_blind(scene)]
    ruled_out = False
    unwatched = _last_removal(e, scene)
    if unwatched:
        supports.append(unwatched)
    done = finished_at(e)
    if done is not None and not unwatched:
        stale = _stale(scene, done)
        supports.extend(stale[0])
        contradicts.extend(stale[1])
        written = scene.document.update_time if scene.document else None
        if written is not None and written < done and not supports:
            contradicts.append(
                f"the document was last written at {moment(written, scene.now)}, before the work ended"
                f" ({moment(done, scene.now)}): nothing can have overwritten its entry"
            )
            ruled_out = True
    if _watched_throughout(e, scene) and scene.followed_since is not None:
        contradicts.append(
            f"every change of the document since {moment(scene.followed_since, scene.now)} was seen: no such entry"
        )
        ruled_out = True
    if ruled_out:
        standing = Standing.RULED_OUT
    elif not scene.remembers:
        standing = Standing.UNRATED
    elif supports:
        standing = Standing.LIKELY if not contradicts or unwatched or _missed_count(scene) else Standing.POSSIBLE
    else:
        standing = Standing.UNLIKELY if contradicts else Standing.POSSIBLE
    return Explanation(Cause.LOST_UPDATE, standing, tuple(supports), tuple(contradicts))


def _seen_lost(e: Evidence, scene: Scene) -> Iterator[str]:
    assert e.loss is not None  # noqa: S101 - for the types: only asked where there is one
    loss = e.loss
    yield (
        f"its entry was there at {moment(loss.last_seen_at, scene.now)} and gone at"
        f" {moment(loss.missed_at, scene.now)}, while the document lives on: {HOW[loss.kind]}"
    )
    yield from writes(loss, scene.now)


def _missed_count(scene: Scene) -> int:
    """How many more entries `_completed_count` counts than there are."""
    if scene.document is None or scene.document.completed_count is None:
        return 0
    return max(0, scene.document.completed_count - len(scene.document.entries))


def _witnesses(scene: Scene) -> Iterator[str]:
    missed = _missed_count(scene)
    if missed and scene.document is not None:
        yield (
            f"_completed_count says {scene.document.completed_count}, the document has {len(scene.document.entries)}:"
            f" {plural(missed, 'entry').replace('entrys', 'entries')} more were there once"
        )


def _last_removal(e: Evidence, scene: Scene) -> str | None:
    name = e.obligation.processor.name
    removals = [removal for removal in (scene.watched.removals if scene.watched else ()) if removal.name == name]
    if not removals or removals[-1].kind not in HOW:
        return None
    last = removals[-1]
    return (
        f"its entry was there at {moment(last.last_seen_at, scene.now)} and gone at"
        f" {moment(last.missed_at, scene.now)}: {HOW[last.kind]}"
    )


def _blind(scene: Scene) -> Iterator[str]:
    """Evidence that the writers keep each other's entries, so that none of them overwrites blindly."""
    if len(scene.standing) > 1:
        last, writer = scene.standing[-1]
        earlier = scene.standing[-3:-1]
        kept = " and ".join(moment(at, scene.now) for at, _ in earlier)
        entries = "the entry" if len(earlier) == 1 else "the entries"
        yield (
            f"the last write at {moment(last, scene.now)} ({writer}) left {entries} of {kept} standing,"
            " which a blind overwrite would not"
        )


def _stale(scene: Scene, done: datetime) -> tuple[list[str], list[str]]:
    """The only write that can have written a stale copy: that of the first entry completed after the work ended."""
    first = bisect_left(scene.standing, (done, ""))
    if first == len(scene.standing):
        return [], []
    at, writer = scene.standing[first]
    held = at - done
    write = f"the write at {moment(at, scene.now)} ({writer})"
    if held > HELD:
        why = f"a copy that it read before {moment(done, scene.now)}, at least {lapse(held)} earlier"
        return [], [f"to lose it, {write} would have had to put back {why}"]
    return [f"{write} came {lapse(held)} after the work ended: a stale copy put back would explain it"], []


def _never_written(e: Evidence, scene: Scene, lost: Explanation) -> Explanation:
    supports: list[str] = []
    contradicts: list[str] = []
    if lost.standing is Standing.PROVEN or _last_removal(e, scene):
        return Explanation(Cause.NEVER_WRITTEN, Standing.RULED_OUT, contradicts=("its entry was seen in the document",))
    data_date = e.obligation.data_date
    if e.rows is not None and e.rows.rows:
        supports.append(f"the table has {plural(e.rows.rows, 'row')} of {data_date}, and no entry says so")
    elif e.heartbeat.state is HeartbeatState.COMPLETED and e.heartbeat.beat_at:
        at = moment(e.heartbeat.beat_at, scene.now)
        supports.append(f"its heartbeat of {data_date} says completed at {at}, and no entry says so")
    elif e.rows is not None or not e.has_table:
        contradicts.append(f"nothing shows that the work of {data_date} was finished")
    if _missed_count(scene):
        contradicts.append("_completed_count counts entries that are not there")
    if _watched_throughout(e, scene) and scene.followed_since is not None:
        supports.append(
            f"every change of the document since {moment(scene.followed_since, scene.now)} was seen: it never came"
        )
        return Explanation(Cause.NEVER_WRITTEN, Standing.PROVEN, tuple(supports), tuple(contradicts))
    contradicts.extend(_unseen(e, scene))
    doubtful = lost.standing in {Standing.LIKELY, Standing.PROVEN, Standing.UNRATED}
    if supports:
        standing = Standing.POSSIBLE if doubtful else Standing.LIKELY
    else:
        standing = Standing.POSSIBLE if e.rows is None and e.has_table else Standing.UNLIKELY
    return Explanation(Cause.NEVER_WRITTEN, standing, tuple(supports), tuple(contradicts))


def _unseen(e: Evidence, scene: Scene) -> Iterator[str]:
    """When the document was not watched. An entry can have come and gone unseen then."""
    done = finished_at(e)
    if done is None:
        return
    if scene.followed_since is None:
        since = f" (first read at {moment(scene.watched.first_seen_at, scene.now)})" if scene.watched else ""
        yield f"the document is not followed{since}: the entry may have come and gone unseen"
        return
    gap = next((gap for gap in reversed(scene.gaps) if gap.end > done), None)
    began = (
        f"between {moment(gap.start, scene.now)} and {moment(gap.end, scene.now)}"
        if gap
        else (f"before {moment(scene.followed_since, scene.now)}")
    )
    yield f"the document was not followed {began}: the entry may have come and gone unseen"


def _wrong_date(e: Evidence, scene: Scene) -> Explanation:
    supports: list[str] = []
    contradicts: list[str] = []
    for neighbour in e.neighbours:
        entry = neighbour.entry
        if wrote_here(e, neighbour) and entry and entry.completed_at:
            supports.append(
                f"the document of {neighbour.run_date} has its entry of {moment(entry.completed_at, scene.now)},"
                " which fits the rows of this date"
            )
        elif entry is not None:
            at = f" of {moment(entry.completed_at, scene.now)}" if entry.completed_at else ""
            contradicts.append(f"the document of {neighbour.run_date} has an entry{at}, which is not of this run")
        else:
            contradicts.append(f"the document of {neighbour.run_date} has no entry of it")
    proven = bool(supports)
    # This work's heartbeat carries its data date, so the orchestrator may have chosen the wrong document by it.
    carried = None if e.heartbeat.state is HeartbeatState.OTHER_DATE else e.heartbeat.data_date
    if carried is not None and carried != e.obligation.run_date and abs(carried - e.obligation.run_date) <= ONE_DAY:
        supports.append(f"its heartbeat carries {carried}, the neighbouring date, not {e.obligation.run_date}")
    standing = Standing.PROVEN if proven else Standing.POSSIBLE if supports else Standing.UNLIKELY
    return Explanation(Cause.WRONG_DATE, standing, tuple(supports), tuple(contradicts))


def _backfill(e: Evidence) -> Explanation:
    run = e.newest_run
    if e.runs is None:
        return Explanation(Cause.BACKFILL, Standing.POSSIBLE, contradicts=("the run history could not be read",))
    if run is None:
        said = "the run history has no run of it, and a backfill would be there"
        return Explanation(Cause.BACKFILL, Standing.UNLIKELY, contradicts=(said,))
    if run.backfill and e.ran_to_register:
        said = f"its newest run{run.numbered} was a backfill, but one before it succeeded and was none"
        return Explanation(Cause.BACKFILL, Standing.RULED_OUT, contradicts=(said,))
    if run.backfill:
        said = f"its newest run{run.numbered} was a backfill, which never registers"
        return Explanation(Cause.BACKFILL, Standing.PROVEN, supports=(said,))
    return Explanation(
        Cause.BACKFILL, Standing.RULED_OUT, contradicts=(f"its newest run{run.numbered} was no backfill",)
    )


def _failed_run(e: Evidence) -> Explanation:
    supports: list[str] = []
    contradicts: list[str] = []
    run = e.newest_run
    succeeded = next((found for found in e.runs or () if found.status == "success"), None)
    if succeeded is not None:
        contradicts.append(f"run history: run{succeeded.numbered} succeeded")
    elif run is not None and run.status == "failed":
        supports.append(f"run history: newest run{run.numbered} failed")
    if e.heartbeat.state is HeartbeatState.FAILED:
        supports.append("its heartbeat says failed")
    if e.rows is not None and e.rows.rows:
        contradicts.append(f"the table has {plural(e.rows.rows, 'row')} of {e.obligation.data_date}")
    elif e.rows is not None and e.heartbeat.state is HeartbeatState.COMPLETED:
        supports.append("its heartbeat says completed, which it does after a failure, too, and the table has no rows")
    if succeeded is not None:
        standing = Standing.RULED_OUT
    elif supports:
        standing = Standing.POSSIBLE if contradicts else Standing.LIKELY
    else:
        standing = Standing.UNLIKELY if contradicts else Standing.POSSIBLE
    return Explanation(Cause.FAILED_RUN, standing, tuple(supports), tuple(contradicts))


RAN: Final = frozenset(HeartbeatState) - {HeartbeatState.UNKNOWN, HeartbeatState.ABSENT, HeartbeatState.OTHER_DATE}
"""States of a heartbeat that carries this data date: it ran, however that ended."""


def _not_run(e: Evidence, scene: Scene) -> Explanation:
    data_date, run = e.obligation.data_date, e.newest_run
    supports: list[str] = []
    contradicts: list[str] = []
    if e.loss is not None or _last_removal(e, scene):
        contradicts.append("its entry was seen in the document")
    if e.rows is not None:
        said = f"the table has {plural(e.rows.rows, 'row')} of {data_date}"
        (contradicts if e.rows.rows else supports).append(said)
    if run is not None:
        contradicts.append(f"run history: run{run.numbered} of {data_date} {run.status}")
    elif e.runs is not None:
        supports.append(f"the run history has no run of {data_date}")
    if e.heartbeat.state in RAN:
        contradicts.append(f"its heartbeat of {data_date} says {e.heartbeat.status}")
    elif e.heartbeat.state is not HeartbeatState.UNKNOWN:
        supports.append(f"no heartbeat carries {data_date}")
    if contradicts:
        standing = Standing.RULED_OUT
    else:
        known = (e.rows is not None or not e.has_table) and e.runs is not None and e.due
        standing = Standing.LIKELY if known else Standing.POSSIBLE
    return Explanation(Cause.NOT_RUN, standing, tuple(supports), tuple(contradicts))


def _not_yet(e: Evidence, scene: Scene) -> Explanation:
    done = finished_at(e)
    if e.loss is not None:
        return Explanation(Cause.NOT_YET, Standing.RULED_OUT, contradicts=("its entry was seen in the document",))
    if done is not None and done <= scene.now:
        said = f"its work ended at {moment(done, scene.now)}"
        if scene.now - done <= ON_ITS_WAY:
            return Explanation(Cause.NOT_YET, Standing.LIKELY, (f"{said}: the message may still be on its way",))
        return Explanation(Cause.NOT_YET, Standing.RULED_OUT, contradicts=(f"{said}; a registration takes seconds",))
    due = moment(e.obligation.due, scene.now)
    if scene.now >= e.obligation.due:
        return Explanation(Cause.NOT_YET, Standing.UNLIKELY, contradicts=(f"it was due at {due}",))
    return Explanation(Cause.NOT_YET, Standing.LIKELY, (f"it is due at {due}",))
