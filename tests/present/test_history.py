"""What the last days looked like, and when it changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.model import TriggerState, Verdict
from exporter.present.history import DATES, STATES, History, State, Subject, news
from testing.builders import DAY, OFFENSE, ONE_DAY, entry, on
from testing.reports import changed, reported, well

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from exporter.model import Report

SUBJECT = Subject(DAY, "nba", "phase3", OFFENSE)
MINUTE = timedelta(minutes=1)


@pytest.fixture(name="report", scope="module")
def _report() -> Report:
    return reported(well())


def saying(report: Report, verdict: Verdict, minutes: int = 0, day: date = DAY) -> Report:
    told = changed(
        report,
        of_processor=lambda one: replace(one, verdict=verdict),
        of_phase=lambda phase: replace(phase, run_date=day),
    )
    return replace(told, at=report.at + minutes * MINUTE)


def after(reports: Iterable[Report]) -> History:
    history = History()
    for report in reports:
        history = history.after(report)
    return history


def test_a_verdict_that_stays_is_remembered_once(report: Report) -> None:
    history = after(saying(report, Verdict.OK, minute) for minute in range(3))

    assert history.states[SUBJECT] == (State(on("18:00"), "ok"),)
    assert history.changes(DAY) == ()
    assert history.since == on("18:00")


def test_changes_are_listed_with_their_times_newest_first(report: Report) -> None:
    verdicts = (Verdict.NOT_DUE, Verdict.RUNNING, Verdict.RUNNING, Verdict.OK)
    history = after(saying(report, verdict, minute) for minute, verdict in enumerate(verdicts))

    assert [(change.at, change.before, change.now) for change in history.changes(DAY)] == [
        (on("18:03"), "running", "ok"),
        (on("18:01"), "not_due", "running"),
    ]
    assert {change.subject for change in history.changes(DAY)} == {SUBJECT}


def test_what_was_unknown_before_the_first_collection_is_no_change(report: Report) -> None:
    history = after([saying(report, Verdict.UNKNOWN), saying(report, Verdict.OK, 1)])

    assert history.states[SUBJECT] == (State(on("18:01"), "ok"),)
    assert history.changes(DAY) == ()


@pytest.mark.parametrize(("verdict", "remembered"), [(Verdict.UNKNOWN, False), (Verdict.NOT_DUE, True)])
def test_a_phase_that_was_only_unknown_before_it_turned_out_not_to_be_in_use_is_forgotten(
    report: Report, verdict: Verdict, *, remembered: bool
) -> None:
    before = saying(report, verdict)
    [pipeline] = before.pipelines
    unused = replace(pipeline.phases[0], phase="grading", trigger_state=None)
    both = replace(before, pipelines=(replace(pipeline, phases=(*pipeline.phases, unused)),))

    history = after([both, saying(report, Verdict.OK, 1)])

    assert ("grading" in {subject.phase for subject in history.states}) is remembered
    assert history.states[SUBJECT][-1].state == "ok"


def test_a_state_that_becomes_unknown_later_is_a_change(report: Report) -> None:
    verdicts = (Verdict.OK, Verdict.UNKNOWN, Verdict.OK)
    history = after(saying(report, verdict, minute) for minute, verdict in enumerate(verdicts))

    assert [change.now for change in history.changes(DAY)] == ["ok", "unknown"]


def test_the_trigger_of_a_phase_is_remembered_like_a_verdict(report: Report) -> None:
    states = (TriggerState.WAITING, TriggerState.BLOCKED)
    history = after(
        replace(
            changed(report, of_phase=lambda phase, state=state: replace(phase, trigger_state=state)),  # type: ignore[misc]  # bound here on purpose
            at=report.at + minute * MINUTE,
        )
        for minute, state in enumerate(states)
    )

    [change] = history.changes(DAY)
    assert (change.subject.key, change.before, change.now) == ("nba/phase3/2026-02-01", "waiting", "blocked")
    assert SUBJECT.key == f"nba/phase3/2026-02-01/{OFFENSE}"


def test_a_subject_s_oldest_states_are_forgotten_first(report: Report) -> None:
    verdicts = (Verdict.OK, Verdict.RUNNING)
    history = after(saying(report, verdicts[minute % 2], minute) for minute in range(3 * STATES))

    told = history.states[SUBJECT]
    assert len(told) == STATES
    assert told[-1].at == on("18:00") + (3 * STATES - 1) * MINUTE


def test_dates_are_remembered_for_some_days_after_they_were_exposed(report: Report) -> None:
    days = [DAY + number * ONE_DAY for number in range(DATES + 5)]
    history = after(saying(report, Verdict.OK, day=day) for day in days)

    assert history.dates() == tuple(reversed(days[-DATES - 1 :]))
    assert set(history.standing(days[-1]).values()) == {State(on("18:00"), "ok")}
    assert history.standing(days[0]) == {}


def test_a_later_report_does_not_change_an_earlier_history(report: Report) -> None:
    first = History().after(saying(report, Verdict.OK))

    first.after(saying(report, Verdict.FAILED, 1))

    assert first.changes(DAY) == ()


def test_what_is_unknown_while_the_exporter_starts_ends_no_state(report: Report) -> None:
    history = History.restored([(SUBJECT, State(on("17:00"), "ok"))])

    starting = history.after(saying(report, Verdict.UNKNOWN), starting=True)
    later = starting.after(saying(report, Verdict.UNKNOWN, 1))

    assert [state.state for state in starting.states[SUBJECT]] == ["ok"]
    assert [state.state for state in later.states[SUBJECT]] == ["ok", "unknown"]


@pytest.mark.parametrize(
    ("before", "entry_by_hand", "how"),
    [
        (Verdict.UNREGISTERED, True, "registered by hand at 15:00:50Z"),
        (Verdict.LOST_UPDATE, False, "registered at 15:00:50Z"),
        (Verdict.MISSING, False, "12 rows written at 15:00:00Z"),
        (Verdict.RUNNING, False, ""),
    ],
)
def test_what_mended_a_fault_is_read_off_the_records(
    report: Report,
    before: Verdict,
    entry_by_hand: bool,  # noqa: FBT001 - a case
    how: str,
) -> None:
    good = changed(
        saying(report, Verdict.OK, 1), of_processor=lambda one: replace(one, entry=entry(manual=entry_by_hand))
    )
    history = History().after(saying(report, before)).after(good)

    assert history.states[SUBJECT][-1].how == how


def test_news_are_the_states_that_were_not_there_before(report: Report) -> None:
    first = History().after(saying(report, Verdict.UNKNOWN))
    second = first.after(saying(report, Verdict.OK, 1))
    third = second.after(saying(report, Verdict.OK, 2))

    assert [list(news(a, b)) for a, b in ((History(), first), (first, second), (second, third))] == [
        [],
        [(SUBJECT, State(on("18:01"), "ok"))],
        [],
    ]
