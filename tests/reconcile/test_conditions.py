"""The table of conditions: what is wrong beside verdicts and trigger states, row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from exporter.metrics.catalogue import CONDITIONS
from exporter.model import (
    Bound,
    CalendarDoubt,
    CalendarReport,
    Condition,
    CoverageCounts,
    HeartbeatState,
    LogSource,
    Since,
    Verdict,
)
from exporter.reconcile.conditions import TABLE, conditions_of
from exporter.reconcile.evidence import PATIENCE
from exporter.reconcile.removals import NEWS
from exporter.shipped.alerts import alert_of
from testing.builders import DAY, ONE_DAY, PHASE3, PLAYER, on
from testing.collecting import healthy
from testing.reports import changed, overwritten, reported, triggered
from tools.alerting.rulefiles import load_rules

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from exporter.model import ConditionReport, PipelineReport, ProcessorReport

HOUR = ONE_DAY / 24
PLACE = {"pipeline": "nba", "phase": "phase3", "run_date": "2026-02-01"}
NOON = on("18:00")
OF_THE_EXPORTER = {Condition.LISTENER_DOWN, Condition.LEDGER_FAILING, Condition.RELOAD_REFUSED}
"""Conditions that `collect/own.py` decides."""


def day() -> PipelineReport:
    """The only pipeline of a day on which all is well."""
    (pipeline,) = reported(triggered()).pipelines
    return pipeline


def answers(condition: Condition, pipeline: PipelineReport, now: datetime = NOON) -> list[ConditionReport]:
    return [one for one in conditions_of(pipeline, now) if one.condition is condition]


def answer(condition: Condition, pipeline: PipelineReport, now: datetime = NOON) -> ConditionReport:
    """The answer for the pipeline's only subject, or for its phase 3."""
    (found,) = (one for one in answers(condition, pipeline, now) if one.labels.get("phase", "phase3") == "phase3")
    return found


def covered(counts: CoverageCounts | None, expected: bool | None = True) -> PipelineReport:  # noqa: FBT001, FBT002 - a value of the report
    pipeline = day()
    return replace(
        pipeline, coverage=tuple(replace(one, counts=counts, expected=expected) for one in pipeline.coverage)
    )


def beating(last_beat: datetime | None, last_run: datetime | None, **values: Any) -> PipelineReport:  # noqa: ANN401 - any field
    known = {"heartbeats_known": True, "run_history_known": True} | values
    return replace(day(), last_heartbeat_at=last_beat, last_run_at=last_run, **known)


# --- the table as a whole ---------------------------------------------------------------------------------------


def test_every_condition_has_one_row_a_metric_and_an_alert_that_compares_that_metric_alone() -> None:
    assert sorted(row.condition for row in TABLE) == sorted(set(Condition) - OF_THE_EXPORTER)
    for row in (row for row in TABLE if row.condition in CONDITIONS):
        family, alert = CONDITIONS[row.condition], alert_of(row.condition)
        rules = [rule for rule in load_rules() if rule.alert == alert.name]
        assert rules
        for rule in rules:
            compared = [line for line in rule.fields["expr"].splitlines() if {"==", ">", "<"} & {*line.split()}]
            assert compared
            assert all(family.name in line for line in compared)
        assert ("bound" in family.labels) == (len(row.holds) > 1)


def test_on_a_day_on_which_all_is_well_no_condition_holds_and_each_says_of_what() -> None:
    logged = tuple(replace(one, rows=1) for one in day().phase_log)
    answers = conditions_of(replace(day(), heartbeat_documents=31, phase_log=logged), NOON)

    assert set(Condition) - {one.condition for one in answers} == {
        *OF_THE_EXPORTER,
        Condition.CALENDAR_DOUBTFUL,
        Condition.OVERWRITTEN,
        # Only of processors that run.
        Condition.HEARTBEAT_STALE,
        Condition.RUNNING_PAST_DUE,
    }
    assert {one.text for one in answers if one.holds is not None} == {""}
    assert {one.condition: one.labels for one in answers if one.labels.get("phase", "phase3") == "phase3"} == {
        Condition.COUNT_INCONSISTENT: {"pipeline": "nba", "phase": "phase3", "run_date": "2026-02-01"},
        Condition.COVERAGE_LOW: {"pipeline": "nba", "run_date": "2026-02-01", "check": "minutes_played"},
        Condition.COVERAGE_UNCLASSIFIED: {"pipeline": "nba", "run_date": "2026-02-01", "check": "minutes_played"},
        Condition.PHASE_LOG_EMPTY: {"pipeline": "nba", "run_date": "2026-02-01"},
        Condition.HEARTBEATS_SILENT: {"pipeline": "nba"},
        Condition.COLLECTION_BLOATED: {"pipeline": "nba"},
    }


def test_a_pipeline_without_heartbeats_has_no_condition_of_them() -> None:
    bare = replace(day(), heartbeat_silent_after=None, heartbeat_documents_warn=None)

    assert not answers(Condition.HEARTBEATS_SILENT, bare)
    assert not answers(Condition.COLLECTION_BLOATED, bare)


# --- the count of a document ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "holds"),
    [
        ({"completed_count": 3}, True),
        ({"completed_count": 5}, False),
        ({"completed_count": 4, "countings": (4, 5)}, False),
        ({"completed_count": 3, "countings": (4, 5)}, True),
        ({"completed_count": None}, False),
        ({"completed_count": 3, "expected": 0}, False),
        ({"completed_count": 3, "expected": None}, None),
        ({"completed_count": 3, "entries": None, "countings": ()}, None),
    ],
)
def test_a_documents_own_count_is_a_number_of_its_entries_that_a_writer_may_count(
    values: dict[str, Any],
    holds: bool | None,  # noqa: FBT001 - what is expected
) -> None:
    pipeline = day()
    phases = tuple(replace(one, **values) if one.phase == "phase3" else one for one in pipeline.phases)

    found = answer(Condition.COUNT_INCONSISTENT, replace(pipeline, phases=phases))

    assert found.holds is holds
    assert found.text == (f"_completed_count of phase3 {DAY} is 3, and the entries are {len(PHASE3)}" if holds else "")


# --- coverage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("covered_rows", "bound", "said"),
    [
        (100, None, ""),
        (90, None, ""),
        (
            89,
            Bound.WARN,
            "89.0% (89 of 100), below 90%",
        ),
        (
            80,
            Bound.WARN,
            "80.0% (80 of 100), below 90%",
        ),
        (
            79,
            Bound.CRITICAL,
            "79.0% (79 of 100), below the critical 80%",
        ),
        (
            0,
            Bound.CRITICAL,
            "0.0% (0 of 100), below the critical 80%",
        ),
    ],
)
def test_coverage_is_low_below_either_bound_and_not_at_it(covered_rows: int, bound: Bound | None, said: str) -> None:
    scene = healthy()
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(194, 100, covered_rows, {"dnp": 94})}
    (pipeline,) = reported(scene).pipelines

    found = answer(Condition.COVERAGE_LOW, pipeline)

    assert (found.holds, found.bound) == (bound is not None, bound)
    assert found.text == (f"coverage minutes_played of nba, rows of 2026-01-31, is {said}" if said else "")


def test_nothing_to_cover_is_not_low() -> None:
    assert answer(Condition.COVERAGE_LOW, covered(CoverageCounts(0, 0, 0, {}))).holds is False


@pytest.mark.parametrize("condition", [Condition.COVERAGE_LOW, Condition.COVERAGE_UNCLASSIFIED])
def test_rows_are_judged_where_games_were_and_once_the_first_phase_is_due_in_full(condition: Condition) -> None:
    low = CoverageCounts(212, 118, 80, {"unmarked": 94})

    assert answer(condition, covered(low), on("16:30")).holds is True
    assert answer(condition, covered(low), on("16:29")).holds is False
    assert answer(condition, covered(low, expected=False)).holds is False
    assert answer(condition, covered(low, expected=None)).holds is None
    assert answer(condition, covered(None)).holds is None
    assert answer(condition, replace(covered(low), phases=())).holds is False


@pytest.mark.parametrize(
    ("excluded", "holds"),
    [({"dnp": 94}, False), ({"dnp": 93}, True), ({"dnp": 90, "unmarked": 4}, True), ({"dnp": 95}, False)],
)
def test_rows_that_are_neither_eligible_nor_excluded_or_unmarked_are_unclassified(
    excluded: dict[str, int], *, holds: bool
) -> None:
    found = answer(Condition.COVERAGE_UNCLASSIFIED, covered(CoverageCounts(212, 118, 118, excluded)))

    assert found.holds is holds
    assert bool(found.text) is holds


# --- heartbeats -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last_beat", "last_run", "said"),
    [
        ("-2 18:00", "17:00", "no heartbeat of nba any more"),
        ("-1 18:00", "17:00", "no heartbeat of nba any more"),
        ("-1 18:01", "17:00", ""),
        ("-2 18:00", "-9 17:00", ""),
        ("-2 18:00", "-1 18:00", ""),
        ("17:00", "17:00", ""),
        (None, "17:00", "no heartbeat of nba at all"),
        (None, None, ""),
    ],
)
def test_silence_is_a_fault_only_while_runs_go_on(last_beat: str | None, last_run: str | None, said: str) -> None:
    beat, ran = (on(time) if time else None for time in (last_beat, last_run))

    found = answer(Condition.HEARTBEATS_SILENT, beating(beat, ran))

    assert (found.holds, found.text) == (bool(said), said)


def test_without_a_run_history_nothing_is_silent() -> None:
    assert answer(Condition.HEARTBEATS_SILENT, beating(None, None, run_history_known=None)).holds is False


@pytest.mark.parametrize("values", [{"heartbeats_known": False}, {"run_history_known": False}])
def test_silence_is_unknown_where_heartbeats_or_run_history_are(values: dict[str, Any]) -> None:
    assert answer(Condition.HEARTBEATS_SILENT, beating(None, NOON - HOUR, **values)).holds is None


@pytest.mark.parametrize(
    ("number", "holds", "bound"),
    [
        (100, False, None),
        (101, True, Bound.WARN),
        (500, True, Bound.WARN),
        (501, True, Bound.CRITICAL),
        (None, None, None),
    ],
)
def test_a_collection_is_bloated_above_either_bound_and_not_at_it(
    number: int | None,
    holds: bool | None,  # noqa: FBT001 - what is expected
    bound: Bound | None,
) -> None:
    found = answer(Condition.COLLECTION_BLOATED, replace(day(), heartbeat_documents=number))

    assert (found.holds, found.bound) == (holds, bound)
    more = 500 if bound is Bound.CRITICAL else 100
    assert found.text == (f"{number:,} heartbeat documents of nba, more than {more}" if holds else "")


# --- entries, running processors, the calendar ------------------------------------------------------------------


def running(state: HeartbeatState, minutes: int = 7, verdict: Verdict = Verdict.RUNNING) -> PipelineReport:
    """One processor says running, and beat that long ago."""
    beat_at = NOON - HOUR * minutes / 60

    def changed_one(one: ProcessorReport) -> ProcessorReport:
        if one.processor != PLAYER:
            return one
        return replace(one, verdict=verdict, heartbeat=replace(one.heartbeat, state=state, beat_at=beat_at))

    (pipeline,) = changed(reported(triggered()), of_processor=changed_one).pipelines
    return pipeline


def holding(condition: Condition, pipeline: PipelineReport, now: datetime = NOON) -> list[ConditionReport]:
    return [one for one in answers(condition, pipeline, now) if one.holds]


def test_a_heartbeat_that_is_late_is_a_condition_with_the_last_beat_as_its_time() -> None:
    (found,) = holding(Condition.HEARTBEAT_STALE, running(HeartbeatState.STALE))

    assert found.text == f"{PLAYER} of phase3 2026-02-01 says running and its heartbeat is late"
    assert found.since == Since(on("17:53"))


@pytest.mark.parametrize(
    ("state", "verdict"),
    [(HeartbeatState.RUNNING, Verdict.RUNNING), (HeartbeatState.STALE, Verdict.OK)],
)
def test_a_heartbeat_in_time_or_of_work_that_is_done_is_none(state: HeartbeatState, verdict: Verdict) -> None:
    assert not holding(Condition.HEARTBEAT_STALE, running(state, verdict=verdict))


@pytest.mark.parametrize(("now", "holds"), [("17:29", False), ("17:30", True)])
def test_a_run_is_past_due_when_the_alert_has_waited_its_hour(now: str, holds: bool) -> None:  # noqa: FBT001 - a case
    found = holding(Condition.RUNNING_PAST_DUE, running(HeartbeatState.RUNNING), on(now))
    waits = {rule.fields["for"] for rule in load_rules() if rule.alert == alert_of("running_past_due").name}

    assert bool(found) is holds
    assert waits == {f"{PATIENCE // HOUR}h"}
    if found:
        assert found[0].text == f"{PLAYER} of phase3 2026-02-01 still runs past its deadline"
        assert found[0].since == Since(on("16:30"))


@pytest.mark.parametrize(("now", "holds"), [(NEWS - HOUR / 60, True), (NEWS, False)])
def test_an_overwritten_entry_is_news_for_an_hour(now: timedelta, holds: bool) -> None:  # noqa: FBT001 - a case
    (pipeline,) = reported(overwritten()).pipelines
    (one,) = next(phase for phase in pipeline.phases if phase.overwritten).overwritten

    found = holding(Condition.OVERWRITTEN, pipeline, one.missed_at + now)

    assert [condition.since for condition in found] == ([Since(one.missed_at, after=one.last_seen_at)] if holds else [])


def test_a_doubtful_calendar_is_a_condition_for_each_reason() -> None:
    doubts = {CalendarDoubt.ENDED: "it ended on 2026-01-31 and work goes on"}
    (found,) = answers(Condition.CALENDAR_DOUBTFUL, replace(day(), calendar=CalendarReport(DAY, doubts)))

    assert found.labels == {"pipeline": "nba", "reason": "ended"}
    assert found.text == "the calendar of nba is doubtful: it ended on 2026-01-31 and work goes on"


def test_coverage_is_low_since_its_rows_were_last_written_if_that_was_after_the_deadline() -> None:
    low = covered(CoverageCounts(100, 100, 10, {}))
    table, when = low.coverage[0].check.table.name, on("17:15")
    phases = tuple(
        replace(
            phase,
            processors=tuple(
                replace(one, table=table, data_date=low.coverage[0].data_date, written_at=when)
                for one in phase.processors
            ),
        )
        for phase in low.phases
    )

    assert answer(Condition.COVERAGE_LOW, low).since == Since(on("16:30"))
    assert answer(Condition.COVERAGE_LOW, replace(low, phases=phases)).since == Since(when)


@pytest.mark.parametrize(
    ("rows", "expected", "ran", "holds"),
    [
        (0, 1, LogSource.ROWS, True),
        (1, 1, LogSource.ROWS, False),
        (0, 0, LogSource.ROWS, False),
        (0, 1, LogSource.NONE, False),
        (None, 1, LogSource.ROWS, None),
        (0, None, LogSource.ROWS, None),
        (0, 1, LogSource.UNKNOWN, None),
    ],
)
def test_an_empty_phase_log_is_unknown_until_all_that_shows_it_is_known(
    rows: int | None,
    expected: int | None,
    ran: LogSource,
    holds: bool | None,  # noqa: FBT001 - a case
) -> None:
    pipeline = day()
    logs = tuple(replace(one, rows=rows, expected=expected) for one in pipeline.phase_log)
    phases = tuple(replace(one, log_source=ran) for one in pipeline.phases)

    (found,) = answers(Condition.PHASE_LOG_EMPTY, replace(pipeline, phase_log=logs, phases=phases), on("23:00"))

    assert found.holds is holds
