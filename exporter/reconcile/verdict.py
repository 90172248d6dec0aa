"""The verdict table: one row a verdict, tried in order; the first that applies is the answer.

Every test answers yes, no, or None: it cannot tell, because a value that it needs is unknown. If an earlier row could
not tell, a yes gives the verdict `unknown`, except in a row with `proof`: a dead heartbeat is dead even if the calendar
is unknown. docs/verdicts.md is the same table in prose.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from exporter.config.fields import FAILED, PARTIAL, SUCCESS
from exporter.model import HeartbeatState, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.reconcile.evidence import Evidence, Neighbour

SAME_RUN = timedelta(minutes=30)
"""An entry and a row written this close together count as the work of one run."""


def both(*answers: bool | None) -> bool | None:
    """Three-valued and: False if any answer is, else None if any is, else True."""
    if False in answers:
        return False
    return None if None in answers else True


def either(*answers: bool | None) -> bool | None:
    """Three-valued or: True if any answer is, else None if any is, else False."""
    if any(answers):
        return True
    return None if None in answers else False


def negated(answer: bool | None) -> bool | None:
    """Three-valued not."""
    return None if answer is None else not answer


def _not_expected(e: Evidence) -> bool | None:
    if not e.obligation.owed and not ((too_few(e) and not e.too_early(e.now)) or too_many(e)):
        return True
    return None if e.units is None else e.units == 0


def _lost_update(e: Evidence) -> bool | None:
    return e.loss is not None and e.obligation.asked


def _stalled(e: Evidence) -> bool | None:
    return e.heartbeat.state is HeartbeatState.DEAD and not e.too_early(e.heartbeat.beat_at)


def _running(e: Evidence) -> bool | None:
    if e.heartbeat_unclear and not e.done:
        return None
    return e.heartbeat.state is HeartbeatState.RUNNING or e.heartbeat.state is HeartbeatState.STALE


def _no_rows(e: Evidence) -> bool | None:
    if e.rows is None:
        return None if e.has_table else True
    return e.rows.rows == 0


def _failed(e: Evidence) -> bool | None:
    run = e.newest_run
    failed = (
        (run is not None and run.status == "failed")
        or (e.heartbeat.state is HeartbeatState.FAILED and not e.too_early(e.heartbeat.beat_at))
        or (e.entry is not None and (e.entry.status == FAILED or e.entry.failed_elsewhere))
    )
    return failed and both(not _succeeded(e), negated(e.done), _no_rows(e))


def _succeeded(e: Evidence) -> bool:
    return any(run.status == "success" for run in e.runs or ())


def _skipped(e: Evidence) -> bool | None:
    run = e.newest_run
    if run is None or run.status != "skipped":
        return False
    return both(not _succeeded(e), negated(e.done), _no_rows(e))


def _fault_in_rows(e: Evidence, answer: bool | None) -> bool | None:
    """A fault in rows that were counted before the entry was written proves nothing yet: None."""
    return None if answer and e.rows_older_than_entry else answer


def _registered_partial(e: Evidence) -> bool:
    return e.entry is not None and e.entry.status == PARTIAL


def _phantom(e: Evidence) -> bool | None:
    if e.registered is False or not e.has_table or (e.rows is not None and e.rows.rows):
        return False
    return _fault_in_rows(e, both(e.registered, not _registered_partial(e), e.due, _no_rows(e)))


def below_bounds(e: Evidence) -> bool | None:
    """Whether whole units lack rows, if the units that rows cover are counted; else whether there are too few rows.

    False if nothing in the configuration says how many are right.
    """
    rows, units, bounds = e.rows, e.units, e.row_bounds
    if rows is None or units is None:
        return None if e.judged_by_number else False
    if rows.units is not None:
        return rows.units < units
    return bounds is not None and rows.rows < bounds[0]


def above_bounds(e: Evidence) -> bool | None:
    """Whether there are more rows than the units may have; False if no bounds are configured."""
    if e.row_bounds is None or e.rows is None:
        return None if e.bounded else False
    return e.rows.rows > e.row_bounds[1]


def too_few(e: Evidence) -> bool | None:
    """Whether there are rows, but too few; None also if nothing says how many are right."""
    if e.rows is None or not (e.bounded or e.covered is not None):
        return None
    return e.rows.rows > 0 and below_bounds(e)


def too_many(e: Evidence) -> bool | None:
    """Whether there are rows above the upper bound, or with the same key; None also if neither is configured."""
    if e.rows is None or not (e.bounded or e.obligation.processor.table.key):
        return None
    return True if e.rows.duplicates else above_bounds(e)


def _repeated(e: Evidence) -> bool:
    return e.rows is not None and bool(e.rows.duplicates)


def still_filling(e: Evidence) -> bool:
    """Whether the rows of a phase without documents are too few, but not due yet, so that more may come."""
    return not e.has_document and not e.due and below_bounds(e) is True


def _partial(e: Evidence) -> bool | None:
    done, below = e.done, below_bounds(e)
    if done is False or not e.has_table or (below is False and not _registered_partial(e)):
        return False
    empty = both(_registered_partial(e), e.due, _no_rows(e))
    return _fault_in_rows(e, both(done, not still_filling(e), either(empty, below)))


def _duplicated(e: Evidence) -> bool | None:
    done, above = e.done, above_bounds(e)
    if done is False or (above is False and not _repeated(e)):
        return False
    return _fault_in_rows(e, both(done, either(_repeated(e), above)))


def _count_mismatch(e: Evidence) -> bool | None:
    if e.entry is None or e.entry.record_count is None:
        return False
    return both(e.registered, negated(e.record_count_possible))


def _ok(e: Evidence) -> bool | None:
    return both(e.done, not still_filling(e))


def wrote_here(e: Evidence, neighbour: Neighbour) -> bool:
    """Whether the run that wrote this date's rows wrote the neighbour's entry.

    The entry was completed within `SAME_RUN` of the last row write here, and not closer to the neighbour's own one.
    """
    completed_at = neighbour.entry.completed_at if neighbour.entry else None
    if completed_at is None or e.rows is None or e.rows.rows == 0 or e.rows.written_at is None:
        return False
    here = abs(completed_at - e.rows.written_at)
    own = neighbour.rows.written_at if neighbour.rows else None
    return here <= SAME_RUN and (own is None or here <= abs(completed_at - own))


def _wrong_date(e: Evidence) -> bool | None:
    return both(negated(e.done), any(wrote_here(e, neighbour) for neighbour in e.neighbours))


def _backfill(e: Evidence) -> bool | None:
    run = e.newest_run
    left = negated(_no_rows(e)) if e.has_table else run is not None and run.status == SUCCESS
    return both(negated(e.done), run is not None and run.backfill and not e.ran_to_register, left)


def _unregistered(e: Evidence) -> bool | None:
    finished: bool | None
    if e.rows is None:
        known = e.heartbeat.state is HeartbeatState.COMPLETED or (not e.has_table and e.ran_to_register)
        finished = known or (None if e.has_table or e.end_unread else False)
        finished_at = e.heartbeat.beat_at
    else:
        finished, finished_at = e.rows.rows > 0, e.rows.written_at
    if finished and e.done_before_asked:
        finished = None if e.rows is None and e.has_table else False
    found = both(negated(e.done), finished)
    return None if found and e.document_older_than(finished_at) else found


def _missing(e: Evidence) -> bool | None:
    read_at = e.rows_read_at if e.has_table else e.document_read_at
    looked_since = read_at is not None and read_at >= e.obligation.rows_owed_by
    return both(negated(e.done), e.due, None if e.rows is None and e.has_table else looked_since, _no_rows(e))


def _not_due(e: Evidence) -> bool | None:
    return True if still_filling(e) else negated(e.done)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table. `proof`: a yes decides even if an earlier row cannot tell."""

    verdict: Verdict
    applies: Callable[[Evidence], bool | None]
    proof: bool = False


TABLE = (
    Row(Verdict.NOT_EXPECTED, _not_expected),
    Row(Verdict.LOST_UPDATE, _lost_update, proof=True),
    Row(Verdict.STALLED, _stalled, proof=True),
    Row(Verdict.RUNNING, _running, proof=True),
    Row(Verdict.FAILED, _failed),
    Row(Verdict.SKIPPED, _skipped),
    Row(Verdict.PHANTOM, _phantom),
    Row(Verdict.PARTIAL, _partial),
    Row(Verdict.DUPLICATED, _duplicated),
    Row(Verdict.COUNT_MISMATCH, _count_mismatch),
    Row(Verdict.OK, _ok),
    Row(Verdict.WRONG_DATE, _wrong_date),
    Row(Verdict.BACKFILL, _backfill),
    Row(Verdict.UNREGISTERED, _unregistered),
    Row(Verdict.MISSING, _missing),
    Row(Verdict.NOT_DUE, _not_due),
)


def judge(e: Evidence) -> Verdict:
    """The one verdict that the evidence gives. Total: every evidence has one."""
    open_question = False
    for row in TABLE:
        answer = row.applies(e)
        if answer and (row.proof or not open_question):
            return row.verdict
        open_question = open_question or answer is None
    return Verdict.UNKNOWN
