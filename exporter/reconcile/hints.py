"""Hints: the evidence behind a verdict in plain words, strongest first. No verdict depends on them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from exporter.config.fields import DATA_DATE, FAILED, RUNNING
from exporter.config.wording import several
from exporter.model import HeartbeatState, Hint, HintKind, Verdict
from exporter.reconcile.evidence import (
    CALENDAR,
    DOCUMENT,
    HALTS,
    HEARTBEAT,
    RUN_HISTORY,
    newest,
)
from exporter.reconcile.expectations import ONE_DAY
from exporter.reconcile.moments import whole
from exporter.reconcile.verdict import SAME_RUN, above_bounds, below_bounds, wrote_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from exporter.model import Entry, HeartbeatReport, Removal, RowCount, Run
    from exporter.reconcile.evidence import Evidence

MINUTE: Final = timedelta(minutes=1)
SECOND: Final = timedelta(seconds=1)


def hints(e: Evidence, verdict: Verdict) -> tuple[Hint, ...]:
    """Every hint that the evidence gives for this verdict."""
    if verdict is Verdict.NOT_EXPECTED:
        return tuple(_why_not_expected(e))
    found = [
        *(_table(e) if e.obligation.processor.more and verdict is not Verdict.OK else ()),
        *(_unknown(e) if verdict is Verdict.UNKNOWN else ()),
        *(_lost(e, e.loss) if e.loss else ()),
        *_heartbeat(e),
        *_run_history(e, verdict),
        *(_rows(e, e.rows) if e.rows and e.rows.rows else ()),
        *(_write_time(e, e.rows) if e.rows and e.rows.unusable else ()),
        *(_record_count(e, e.entry, e.rows) if e.entry and e.rows and e.record_count_possible is False else ()),
        *(_neighbours(e, e.rows) if e.rows and e.rows.rows and e.registered is False else ()),
        *(_entry(e.entry) if e.entry else ()),
        *_freshness(e, verdict),
    ]
    return tuple(found)


def moment(at: datetime, now: datetime) -> str:
    """A time in UTC, with its date if that is not today."""
    day = at.date()
    text = at.time().isoformat("seconds")
    return f"{text}Z" if day == now.date() else f"{day} {text}Z"


def plural(number: int, noun: str) -> str:
    """`1 game`, `6 games`."""
    return f"{number} {noun if number == 1 else several(noun)}"


def lasting(duration: timedelta) -> str:
    """How long, in the one or two units that matter: `40 s`, `12 min`, `2 h 55 min`, `3 d 4 h`. Never negative."""
    minutes = whole(duration, MINUTE)
    if minutes < 1:
        return f"{max(0, whole(duration, SECOND))} s"
    hours, days = minutes // 60, minutes // 1440
    if not hours:
        return f"{minutes} min"
    if not days:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 else f"{days} d"


def _why_not_expected(e: Evidence) -> Iterator[Hint]:
    if not e.obligation.owed:
        yield Hint(HintKind.CALENDAR, "the document's mode does not ask for it")
    elif e.nothing_owed:
        yield Hint(HintKind.CALENDAR, e.nothing_owed)
    else:
        # A calendar that nobody filled looks like a day without games; only rows show that there were some.
        yet = f", yet the table has {plural(e.rows.rows, 'row')} of it" if e.rows and e.rows.rows else ""
        yield Hint(
            HintKind.CALENDAR, f"no {several(e.noun)} on {e.obligation.data_date}{yet}{_left_out(e) if yet else ''}"
        )


def _table(e: Evidence) -> Iterator[Hint]:
    """Which of several tables is spoken of."""
    processor = e.obligation.processor
    yield Hint(HintKind.ROWS_PER_UNIT, f"of its {1 + len(processor.more)} tables, this is of {processor.table.name}")


def _left_out(e: Evidence) -> str:
    if not e.left_out:
        return ""
    return f"; the calendar leaves out {plural(e.left_out, e.noun)} of that date"


def _unknown(e: Evidence) -> Iterator[Hint]:
    of_table = f"table {e.obligation.processor.table.name}"
    known = {
        CALENDAR: e.units is not None or not e.halts_known,
        HALTS: e.halts_known,
        DOCUMENT: e.document_known or not e.has_document,
        of_table: e.rows is not None or not e.has_table,
    }
    for record, is_known in known.items():
        failure = e.rows_failure if record == of_table else e.failures[record]
        if is_known:
            continue
        if record in e.doubts:
            why = _doubted(e, record)
        elif record == CALENDAR and e.calendar_doubt:
            why = e.calendar_doubt
        else:
            why = f"{failure.kind}: {failure.detail}" if failure else "not read yet"
        yield Hint(HintKind.FRESHNESS, f"{record} unknown ({why})")
    if e.end_unread:
        yield Hint(
            HintKind.FRESHNESS, "heartbeats unknown (not read), and there is no table that shows whether it ended"
        )


def _doubted(e: Evidence, record: str) -> str:
    """What an earlier reading found, and that the last one found less."""
    doubt = e.doubts[record]
    if record in {DOCUMENT, HEARTBEAT}:
        was, found = "it was there", "without entries" if doubt.found[-1] else "gone"
    else:
        noun = {CALENDAR: e.noun, RUN_HISTORY: "run"}.get(record, "row")
        was, found = f"{plural(doubt.was, noun)} of {e.obligation.data_date}", f"{doubt.found[-1]:,}"
    at, since = moment(doubt.seen_at, e.now), moment(doubt.since, e.now)
    # docs/verdicts.md, "Unknown".
    needed = "third" if record == CALENDAR and not doubt.found[-1] else "second"
    return f"{was} at {at}, {found} since {since}; this counts once a {needed} reading says so too"


def _lost(e: Evidence, loss: Removal) -> Iterator[Hint]:
    entry = loss.sighting.entry
    count = "" if entry.record_count is None else f" with record_count {entry.record_count}"
    done = "" if entry.completed_at is None else f" of {moment(entry.completed_at, e.now)}"
    yield Hint(
        HintKind.LOST,
        f"its entry{done}{count} was there at {moment(loss.last_seen_at, e.now)}"
        f" and gone at {moment(loss.missed_at, e.now)}, while the document lives on",
    )


def _heartbeat(e: Evidence) -> Iterator[Hint]:
    beat = e.heartbeat
    if beat.state is HeartbeatState.COMPLETED and (e.rows is None or e.rows.rows):
        return
    at = f" at {moment(beat.beat_at, e.now)}" if beat.beat_at else ""
    if beat.state is HeartbeatState.OTHER_DATE:
        unusable = next((field.said for field in beat.unusable if field.key == DATA_DATE), None)
        none = f"a data date that cannot be used ({unusable})" if unusable else "no data date"
        carried = none if beat.data_date is None else f"data date {beat.data_date}"
        if not beat.dated:
            yield Hint(HintKind.HEARTBEAT, f"heartbeat{at} is of another day than this work")
            return
        weak = "; it may still be of this run" if _completed_nearby(e) else ""
        yield Hint(
            HintKind.HEARTBEAT,
            f"heartbeat says {beat.status}{at} but carries {carried}, not {e.obligation.data_date}{weak}",
        )
    elif e.heartbeat_unclear or _shows_nothing(beat):
        yield Hint(HintKind.HEARTBEAT, _unclear(e))
    elif beat.state is HeartbeatState.SUPERSEDED:
        yield Hint(HintKind.HEARTBEAT, f"heartbeat still says running{at}, before the work was recorded as finished")
    elif beat.state in {HeartbeatState.DEAD, HeartbeatState.STALE} and beat.beat_at:
        ago = lasting(e.now - beat.beat_at)
        yield Hint(HintKind.HEARTBEAT, f"heartbeat says running, last beat{at}, {ago} ago")
    elif beat.state is HeartbeatState.FAILED:
        message = f": {e.heartbeat_error[:200]}" if e.heartbeat_error else ""
        yield Hint(HintKind.HEARTBEAT, f"heartbeat says failed{at}{message}")
    elif beat.state is HeartbeatState.COMPLETED:
        yield Hint(HintKind.HEARTBEAT, f"heartbeat says completed{at}, table has no rows")


def _shows_nothing(beat: HeartbeatReport) -> bool:
    """Whether the heartbeat is of this work, and has fields that do not tell what became of it."""
    return beat.state is HeartbeatState.UNKNOWN and bool(beat.status == RUNNING or (beat.over and beat.unusable))


def _unclear(e: Evidence) -> str:
    beat = e.heartbeat
    if HEARTBEAT in e.doubts:
        return f"heartbeat unknown ({_doubted(e, HEARTBEAT)})"
    if beat.beat_at is not None and beat.status == "running":
        return f"heartbeat says running at {moment(beat.beat_at, e.now)}, ahead of the clock: no sign that it runs now"
    fields = ", ".join(map(str, beat.unusable)) or "no time of a beat"
    if beat.over and beat.beat_at:
        at = moment(beat.beat_at, e.now)
        return f"heartbeat {beat.document} does not say how its run ended: {fields}; its last beat was at {at}"
    return f"heartbeat {beat.document} does not say whether it runs: {fields}"


def _completed_nearby(e: Evidence) -> bool:
    """A completed heartbeat for a neighbouring data date, last renewed in the day before the deadline."""
    beat = e.heartbeat
    if beat.status != "completed" or beat.data_date is None or beat.beat_at is None:
        return False
    near = abs(beat.data_date - e.obligation.data_date) <= ONE_DAY
    return near and timedelta() <= e.obligation.due - beat.beat_at < ONE_DAY


def _run_history(e: Evidence, verdict: Verdict) -> Iterator[Hint]:
    run = e.newest_run
    if run is not None and run.status == "success" and e.registered and e.done:
        # Only where the work is not done is there more to say than the newest run's success.
        return
    early = newest(e.runs or (), e.now)
    if early is not None and early is not run and early.status != "success" and not e.done:
        yield Hint(
            HintKind.RUN_HISTORY,
            f"run history: run{early.numbered} {_ended(early)} before {e.obligation.data_date} was over,"
            " which says nothing of this work",
        )
    if run is not None:
        at = run.finished_at or run.started_at
        said = f" at {moment(at, e.now)}" if at else ""
        if run.status != "success" or not e.registered:
            kind = "backfill run" if run.backfill else "run"
            yield Hint(HintKind.RUN_HISTORY, f"run history: newest {kind} {run.run_id} {_ended(run)}{said}")
    elif e.runs is None and verdict is Verdict.UNREGISTERED:
        yield Hint(HintKind.RUN_HISTORY, "run history unknown: a backfill, which never registers, cannot be ruled out")


def _ended(run: Run) -> str:
    return f"{run.status} ({run.category})" if run.category else run.status


def _rows(e: Evidence, rows: RowCount) -> Iterator[Hint]:
    if rows.duplicates:
        key = ", ".join(e.obligation.processor.table.key)
        yield Hint(HintKind.DUPLICATES, f"{plural(rows.duplicates, 'row')} more than there are distinct {key}")
    if e.units is None:
        return
    if e.covered is not None and e.covered < e.units:
        yield Hint(HintKind.ROWS_PER_UNIT, f"rows for {e.covered} of {plural(e.units, e.noun)}")
    elif e.row_bounds is not None and above_bounds(e):
        _, most = e.row_bounds
        twice = f"twice the {most} expected" if rows.rows == 2 * most else f"at most {most} expected"
        yield Hint(HintKind.ROWS_PER_UNIT, f"{_counted(e, rows)}: {twice}")
    elif e.row_bounds is not None and below_bounds(e):
        yield Hint(HintKind.ROWS_PER_UNIT, f"{_counted(e, rows)}: at least {e.row_bounds[0]} expected")


def _counted(e: Evidence, rows: RowCount) -> str:
    return f"{plural(rows.rows, 'row')} for {plural(e.units or 0, e.noun)}"


def _write_time(e: Evidence, rows: RowCount) -> Iterator[Hint]:
    table, fields = e.obligation.processor.table.name, ", ".join(map(str, rows.unusable))
    yield Hint(HintKind.FRESHNESS, f"the write time of the rows of table {table} is unknown: {fields} cannot be used")


def _record_count(e: Evidence, entry: Entry, rows: RowCount) -> Iterator[Hint]:
    """A count that is impossible over these rows."""
    registered, counted = entry.record_count or 0, rows.rows
    yield Hint(HintKind.RECORD_COUNT, f"record_count {registered}, table has {plural(counted, 'row')}")
    # This date's own units explain this number of rows.
    lawful = e.row_bounds == (registered, registered)
    for neighbour in e.neighbours:
        if neighbour.rows is not None and neighbour.rows.rows == registered and _telling(e, registered) and not lawful:
            yield Hint(HintKind.NEIGHBOUR_DATE, f"record_count equals the rows of {neighbour.data_date}")


def _telling(e: Evidence, count: int) -> bool:
    """Whether only one date has this number of rows, so that the number identifies it."""
    return count > 1 and sum(counted.rows == count for counted in e.dates.values()) == 1


def _neighbours(e: Evidence, rows: RowCount) -> Iterator[Hint]:
    for neighbour in e.neighbours:
        entry = neighbour.entry
        if entry is None:
            continue
        if wrote_here(e, neighbour) and entry.completed_at and rows.written_at:
            yield Hint(
                HintKind.NEIGHBOUR_DATE,
                f"registered in the document of {neighbour.run_date} at {moment(entry.completed_at, e.now)},"
                f" within {int(SAME_RUN.total_seconds() // 60)} minutes of the last row"
                f" ({moment(rows.written_at, e.now)})",
            )
        if entry.record_count == rows.rows and _telling(e, rows.rows):
            yield Hint(
                HintKind.NEIGHBOUR_DATE,
                f"the entry in the document of {neighbour.run_date} has record_count {entry.record_count},"
                f" the rows of {e.obligation.data_date}",
            )


def _entry(entry: Entry) -> Iterator[Hint]:
    if entry.malformed:
        yield Hint(HintKind.ENTRY, f"its entry has unusable fields: {', '.join(map(str, entry.malformed))}")
    if entry.manual:
        yield Hint(HintKind.ENTRY, "its entry was made by hand")
    if entry.status in (FAILED, RUNNING):
        yield Hint(HintKind.ENTRY, f"its entry says {entry.status}")


def _freshness(e: Evidence, verdict: Verdict) -> Iterator[Hint]:
    if e.rows_older_than_entry and e.rows_read_at and e.entry and e.entry.completed_at:
        yield Hint(
            HintKind.FRESHNESS,
            f"table last counted at {moment(e.rows_read_at, e.now)}, before its entry of"
            f" {moment(e.entry.completed_at, e.now)}",
        )
    last, at = ("row", e.rows.written_at) if e.rows else ("beat", e.heartbeat.beat_at)
    if verdict is Verdict.UNKNOWN and at and e.document_read_at and e.document_older_than(at):
        yield Hint(
            HintKind.FRESHNESS,
            f"document last read at {moment(e.document_read_at, e.now)}, before the last {last} of {moment(at, e.now)}",
        )
    if verdict is Verdict.NOT_DUE and e.again and e.now < e.again[1]:
        since, by = (moment(at, e.now) for at in e.again)
        text = f"the document was reset at {since}: what was done before has until {by} to register again"
        yield Hint(HintKind.FRESHNESS, text)
    elif verdict is Verdict.NOT_DUE and e.due and e.has_table:
        yield Hint(HintKind.FRESHNESS, "table not counted since the deadline")
