"""The one sentence above everything."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from exporter.model import Condition, ConditionReport, CoverageCounts, ErrorKind, TriggerState, Verdict
from exporter.present.summary import Health, beyond_bounds, problems, summarize, tally, worst_first
from exporter.present.summary import well as is_well
from exporter.present.words import CONDITIONS, ELSEWHERE
from exporter.reconcile import DISCREPANCIES
from testing.builders import DAY, OFFENSE, ONE_DAY, PHASE3, PHASE4, PLAYER, on
from testing.collecting import Scene, healthy
from testing.reports import changed, overwritten, reported, seed_like, triggered, well

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.model import ProcessorReport, Report


def with_verdicts(**verdicts: Verdict) -> Report:
    """A healthy day on which these processors have these verdicts."""
    return changed(
        reported(triggered()), of_processor=lambda one: replace(one, verdict=verdicts.get(one.processor, one.verdict))
    )


def at_player(verdict: Verdict) -> Callable[[ProcessorReport], ProcessorReport]:
    return lambda one: replace(one, verdict=verdict) if one.processor == PLAYER else one


def with_trigger(report: Report, state: TriggerState) -> Report:
    return changed(
        report,
        of_phase=lambda phase: replace(phase, trigger_state=state, rule_met_at=None) if phase.trigger_state else phase,
    )


def test_the_sentence_of_a_good_day_says_that_all_is_well() -> None:
    summary = summarize(reported(well()))

    assert (summary.health, str(summary)) == (Health.WELL, "All well: 1 processor checked, no discrepancy.")


def test_processors_that_are_neither_done_nor_wrong_are_counted() -> None:
    report = with_verdicts(**{PLAYER: Verdict.RUNNING, OFFENSE: Verdict.NOT_DUE, PHASE4[0]: Verdict.NOT_DUE})

    assert str(summarize(report)).endswith("no discrepancy, 1 still running, 2 not due yet.")


def test_the_sentence_of_a_blocked_day_says_since_when_how_bad_and_what_to_do_first() -> None:
    summary = summarize(reported(seed_like()))

    assert summary.health is Health.WRONG
    assert str(summary) == (
        "nba phase3 of 2026-02-01 is blocked: 2 of 5 processors finished and never registered"
        " (player_game_summary, upcoming_team_game_context)."
        " For 2 h 59 min, since 15:00:50 UTC (10:00:50 EST)."
        " Critical: the next phase waits, but the data is there; phase4 was due at 17:30 UTC (12:30 EST)."
        " First: register what finished, do not run it again."
        " After the repair: shown good within 10 min, alert closed within 47 min."
    )


def test_what_comes_next_is_due_until_its_deadline_and_was_due_from_then_on() -> None:
    scene = seed_like()
    said = {}
    for clock in ("17:29", "17:30"):
        scene.clock.now = on(clock)
        said[clock] = str(summarize(reported(scene)))

    assert "; phase4 is due at 17:30 UTC (12:30 EST)." in said["17:29"]
    assert "; phase4 was due at 17:30 UTC (12:30 EST)." in said["17:30"]


def test_different_ways_of_not_being_registered_are_one_number_where_they_block() -> None:
    report = with_trigger(
        with_verdicts(**{PLAYER: Verdict.LOST_UPDATE, OFFENSE: Verdict.WRONG_DATE}), TriggerState.BLOCKED
    )

    assert "2 of 5 processors finished and are not registered" in summarize(report).what
    assert summarize(report).since == ""


def test_unknown_rows_are_not_reported_as_present() -> None:
    blocked = with_trigger(with_verdicts(**{PLAYER: Verdict.UNREGISTERED}), TriggerState.BLOCKED)
    report = changed(blocked, of_processor=lambda one: replace(one, table_rows=None))

    assert summarize(report).effect.startswith("critical: the next phase waits; phase4 was due at ")


def test_a_stuck_trigger_says_that_its_rule_is_met() -> None:
    summary = summarize(with_trigger(reported(triggered()), TriggerState.STUCK))

    assert summary.what == (
        "nba phase3 of 2026-02-01 is stuck: the rule is met and nothing was triggered (5 of 5 registered)"
    )
    assert summary.first.startswith("read the orchestrator's logs")


@pytest.mark.parametrize("verdict", DISCREPANCIES)
def test_each_verdict_alone_makes_whole_sentences(verdict: Verdict) -> None:
    summary = summarize(with_verdicts(**{OFFENSE: verdict}))

    assert summary.health is Health.WRONG
    assert summary.what.startswith("nba phase3 of 2026-02-01: 1 of 5 processors ")
    assert OFFENSE in summary.what
    assert {name for name, _ in summary.clauses()} >= {"what", "effect", "first"}
    assert all(re.fullmatch(r"(nba|[A-Z]).*[^,;.]\.", text) for _, text in summary.clauses())


def test_critical_faults_lead_the_sentence_and_others_follow() -> None:
    verdicts = dict(
        zip(PHASE3, (Verdict.DUPLICATED, Verdict.FAILED, Verdict.MISSING, Verdict.OK, Verdict.PHANTOM), strict=True)
    )

    summary = summarize(with_verdicts(**verdicts, **{PHASE4[0]: Verdict.PARTIAL}), {"warehouse": "quota"})

    assert "1 of 5 processors left too many rows (player_game_summary)" in summary.what
    assert summary.effect.startswith("rows are there more than once; phase4 was due at ")
    assert summary.besides == (
        f"1 failed ({PHASE3[1]}), 1 left no row by the deadline ({PHASE3[2]}),"
        f" 1 registered without one row ({PHASE3[4]}), 1 more with other discrepancies,"
        " not all of BigQuery could be read (quota)"
    )


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        (Verdict.MISSING, "critical: the rows are missing"),
        (Verdict.LOST_UPDATE, "critical: the data is there, but the trigger no longer counts it"),
        (Verdict.UNREGISTERED, "the data is there"),
        (Verdict.WRONG_DATE, "the data is there"),
    ],
)
def test_critical_is_what_its_alert_pages_for(verdict: Verdict, said: str) -> None:
    assert summarize(with_verdicts(**{PLAYER: verdict})).effect.partition(";")[0] == said


def test_what_nobody_has_to_act_on_does_not_lead_although_its_processor_is_critical() -> None:
    summary = summarize(with_verdicts(**{PLAYER: Verdict.WRONG_DATE, OFFENSE: Verdict.UNREGISTERED}))

    assert f"1 of 5 processors finished and never registered ({OFFENSE})" in summary.what
    assert summary.besides == f"1 registered under a neighbouring date ({PLAYER})"


def test_low_coverage_that_pages_leads_before_a_ticket_and_not_before_another_page() -> None:
    scene = triggered()
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(212, 118, 80, {"dnp": 94})}
    low = "overage minutes_played of nba, rows of 2026-01-31, is 67.8% (80 of 118), below the critical 80%"
    said = {}
    for verdict in (Verdict.UNREGISTERED, Verdict.LOST_UPDATE):
        report = changed(reported(scene), of_processor=at_player(verdict))
        said[verdict] = summarize(report)

    assert said[Verdict.UNREGISTERED].what == f"C{low}"
    assert said[Verdict.UNREGISTERED].besides == f"1 finished and never registered ({PLAYER})"
    assert said[Verdict.LOST_UPDATE].what.endswith(f"1 of 5 processors lost the registered entry ({PLAYER})")
    assert said[Verdict.LOST_UPDATE].besides == f"c{low}"


def test_without_the_table_nobody_says_that_the_data_is_there() -> None:
    report = changed(
        with_verdicts(**{PLAYER: Verdict.UNREGISTERED}), of_processor=lambda one: replace(one, table_rows=None)
    )

    assert summarize(report).effect.startswith("whether the data is there is not known; phase4 ")


def test_of_a_doubtful_calendar_the_sentence_says_what_to_do_about_it_and_not_about_a_source() -> None:
    labels = {"pipeline": "nba", "reason": "empty"}
    text = "the calendar of nba is doubtful: table x has no row at all"
    doubt = ConditionReport(Condition.CALENDAR_DOUBTFUL, labels, holds=True, text=text)
    unknown = with_verdicts(**{OFFENSE: Verdict.UNKNOWN})

    summary = summarize(replace(unknown, own=(*unknown.own, doubt)))

    assert (summary.health, summary.what) == (Health.UNKNOWN, f"Cannot tell: {text}, 1 unknown")
    assert summary.first == CONDITIONS[Condition.CALENDAR_DOUBTFUL].first
    assert (summary.effect, summary.besides) == ("what is expected of these dates may be wrong; from now on", "")
    assert summary.after


def test_where_one_table_is_gone_the_sentence_does_not_ask_to_wait_for_the_source() -> None:
    report = with_verdicts(**{OFFENSE: Verdict.UNKNOWN})

    summary = summarize(report, {"warehouse": "not_found"})

    assert summary.effect.endswith("; from now on")
    assert summary.first == ELSEWHERE["collector_failing"].first


def test_of_two_triggers_that_hang_the_newer_leads() -> None:
    scene = Scene(replace(healthy().settings, documents=replace(healthy().settings.documents, past=1)))
    report = with_trigger(reported(scene), TriggerState.STUCK)

    summary = summarize(report)

    assert summary.what.startswith("nba phase3 of 2026-02-01 is stuck")
    assert "phase3 of 2026-01-31 is stuck" in summary.besides


def test_what_is_unknown_is_no_all_clear() -> None:
    scene = well()
    scene.orders("completion").fail(ErrorKind.UNREACHABLE)

    summary = summarize(reported(scene))

    assert (summary.health, summary.what) == (Health.UNKNOWN, "Cannot tell: 1 unknown")


def test_what_could_not_be_read_is_no_all_clear_although_no_verdict_needed_it() -> None:
    summary = summarize(reported(well()), {"heartbeats": "permission_denied", "warehouse": "not_found, quota"})

    assert summary.health is Health.UNKNOWN
    assert summary.what == (
        "Cannot tell: not all of Firestore could be read (permission_denied),"
        " not all of BigQuery could be read (not_found, quota)"
    )


def test_an_unknown_trigger_is_no_all_clear() -> None:
    summary = summarize(with_trigger(reported(triggered()), TriggerState.UNKNOWN))

    assert summary.what == "Cannot tell: trigger of phase3 of 2026-02-01 unknown"


def test_low_coverage_is_wrong_although_no_processor_is() -> None:
    scene = triggered()
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(212, 118, 80, {"dnp": 94})}

    summary = summarize(reported(scene))

    assert summary.health is Health.WRONG
    assert summary.what == (
        "Coverage minutes_played of nba, rows of 2026-01-31, is 67.8% (80 of 118), below the critical 80%"
    )
    assert summary.since == "for 1 h 30 min, since 16:30 UTC (11:30 EST)"
    assert summary.effect == "whatever uses these rows is wrong or incomplete; no deadline configured"
    assert summary.first == "list the uncovered rows, then run the processor again"


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"table_rows": 100, "too_few": True}, [f"{PLAYER} of phase3 {DAY} has 100 rows, at least 168 expected"]),
        ({"table_rows": 400, "too_many": True}, [f"{PLAYER} of phase3 {DAY} has 400 rows, at most 336 expected"]),
        (
            {"table_rows": 300, "too_few": True, "table_units": 5, "units": 6, "noun": "game"},
            [f"{PLAYER} of phase3 {DAY} has rows of 5 of 6 games"],
        ),
        (
            {"table_rows": 300, "too_many": True, "duplicate_rows": 44},
            [f"{PLAYER} of phase3 {DAY} has 300 rows, 44 of them twice"],
        ),
        ({"record_count_possible": False}, [f"{PLAYER} of phase3 {DAY} registered 12 and has 200 rows"]),
        ({"table_rows": 0}, []),
        ({"table_rows": None}, []),
        ({}, []),
    ],
)
@pytest.mark.parametrize("verdict", [Verdict.RUNNING, Verdict.BACKFILL])
def test_impossible_counts_are_reported_beside_a_verdict_about_something_else(
    verdict: Verdict, values: dict[str, Any], said: list[str]
) -> None:
    report = changed(
        reported(triggered()),
        of_processor=lambda one: replace(one, verdict=verdict, **values) if one.processor == PLAYER else one,
    )

    assert beyond_bounds(report) == said
    assert beyond_bounds(replace(report, at=on("16:29"))) == []


def test_only_conditions_that_hold_are_in_the_sentence() -> None:
    scene = healthy()
    scene.memory.store.size = 106_000
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(212, 118, 118, {"unmarked": 94})}
    report = reported(scene)

    assert {one.condition for one in report.conditions if one.holds} == {
        Condition.COLLECTION_BLOATED,
        Condition.COVERAGE_UNCLASSIFIED,
    }
    assert beyond_bounds(report) == ["106,000 heartbeat documents of nba, more than 500"]


def test_problems_come_worst_first_and_a_blocked_trigger_takes_its_own_along() -> None:
    found = problems(reported(seed_like()))

    assert [(problem.verdict, len(problem.processors)) for problem in found] == [(None, 2)]


def test_processors_are_put_worst_first_and_counted() -> None:
    report = with_verdicts(**{OFFENSE: Verdict.UNKNOWN, PLAYER: Verdict.PARTIAL, PHASE3[4]: Verdict.FAILED})
    phase = report.phases[0]

    assert [one.processor for one in worst_first(phase.processors)] == [PLAYER, PHASE3[4], OFFENSE, *PHASE3[2:4]]
    assert tally(phase.processors) == {Verdict.FAILED: 1, Verdict.PARTIAL: 1, Verdict.UNKNOWN: 1, Verdict.OK: 2}
    assert [is_well(phase) for phase in report.phases] == [False, True, True]


def test_a_restored_entry_is_no_discrepancy_and_is_in_the_sentence() -> None:
    scene = overwritten()
    said = f"1 entry was overwritten and restored ({PLAYER})."

    fine = summarize(reported(scene))
    unread = summarize(reported(scene), {"warehouse": "quota"})
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(212, 118, 50, {"dnp": 94})}
    low = summarize(reported(scene))
    stuck = summarize(with_trigger(reported(scene), TriggerState.STUCK))

    assert [one.health for one in (fine, unread, low, stuck)] == [
        Health.WELL,
        Health.UNKNOWN,
        Health.WRONG,
        Health.WRONG,
    ]
    assert all(str(one).endswith(said) for one in (fine, unread, low, stuck))


def test_several_overwritten_entries_are_counted() -> None:
    report = changed(
        reported(overwritten()),
        of_phase=lambda phase: replace(
            phase, overwritten=tuple(replace(one, processor=name) for one in phase.overwritten for name in PHASE3)
        ),
    )

    assert "5 entries were overwritten and restored (" in str(summarize(report))
