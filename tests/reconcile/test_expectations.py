from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.resolved import Due, Mode, Relation, Trigger
from exporter.model import DocumentId
from exporter.reconcile.expectations import due_at, phase_day, relation, rule_met, run_dates, today
from exporter.reconcile.plan import reading_plan
from testing.builders import (
    BY_RELATION,
    DAY,
    DEFENSE,
    EVERY_RELATION,
    NEW_YORK,
    OFFENSE,
    ONE_DAY,
    PHASE3,
    PLAYER,
    UPCOMING_PLAYER,
    UPCOMING_TEAM,
    by_game_date,
    by_processing_date,
    config,
    on,
    phase,
    pipeline,
    processor,
)

AUCKLAND = ZoneInfo("Pacific/Auckland")
KOLKATA = ZoneInfo("Asia/Kolkata")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- dates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        (NEW_YORK, "2026-02-01T04:59:59", date(2026, 1, 31)),
        (NEW_YORK, "2026-02-01T05:00:00", date(2026, 2, 1)),
        (NEW_YORK, "2026-07-01T03:59:59", date(2026, 6, 30)),
        (NEW_YORK, "2026-07-01T04:00:00", date(2026, 7, 1)),
        (NEW_YORK, "2026-03-08T04:59:59", date(2026, 3, 7)),
        (NEW_YORK, "2026-03-09T03:59:59", date(2026, 3, 8)),
        (NEW_YORK, "2026-03-09T04:00:00", date(2026, 3, 9)),
        (NEW_YORK, "2026-11-01T04:00:00", date(2026, 11, 1)),
        (NEW_YORK, "2026-11-02T04:59:59", date(2026, 11, 1)),
        (NEW_YORK, "2026-11-02T05:00:00", date(2026, 11, 2)),
        (NEW_YORK, "2027-01-01T04:59:59", date(2026, 12, 31)),
        (AUCKLAND, "2026-02-01T10:59:59", date(2026, 2, 1)),
        (AUCKLAND, "2026-02-01T11:00:00", date(2026, 2, 2)),
        (AUCKLAND, "2026-07-01T12:00:00", date(2026, 7, 2)),
        (KOLKATA, "2026-02-01T18:30:00", date(2026, 2, 2)),
    ],
)
def test_the_day_begins_at_midnight_in_the_pipelines_zone(zone: ZoneInfo, now: str, expected: date) -> None:
    assert today(utc(now), zone) == expected


def test_run_dates_are_today_and_those_around_it_oldest_first() -> None:
    around = config(past=2, future=1)

    assert run_dates(around, on("04:59:59")) == tuple(DAY + ONE_DAY * shift for shift in (-3, -2, -1, 0))
    assert run_dates(around, on("05:00:00")) == (date(2026, 1, 30), date(2026, 1, 31), DAY, DAY + ONE_DAY)


@pytest.mark.parametrize("now", ["2026-03-08T12:00", "2026-03-09T12:00", "2026-11-01T12:00", "2026-11-02T12:00"])
def test_run_dates_are_consecutive_across_a_change_of_clocks(now: str) -> None:
    dates = run_dates(config(past=2, future=1), utc(now))

    assert [day - dates[0] for day in dates] == [ONE_DAY * index for index in range(4)]
    assert dates[2] == utc(now).date()


def test_fixed_run_dates_do_not_depend_on_the_day() -> None:
    fixed = config(past=2, only=(DAY, DAY + ONE_DAY))

    assert run_dates(fixed, utc("2030-01-01T00:00")) == (DAY, DAY + ONE_DAY)


def test_relation_to_today() -> None:
    assert [relation(DAY + shift * ONE_DAY, DAY) for shift in (-3, -1, 0, 1)] == [
        Relation.PAST,
        Relation.PAST,
        Relation.TODAY,
        Relation.AHEAD,
    ]


# --- deadlines --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "run_date", "due", "expected"),
    [
        (NEW_YORK, "2026-02-01", "0 11:30", "2026-02-01T16:30"),
        (NEW_YORK, "2026-02-01", "1 11:30", "2026-02-02T16:30"),
        (NEW_YORK, "2026-02-01", "-1 17:00", "2026-01-31T22:00"),
        (NEW_YORK, "2026-07-01", "0 11:30", "2026-07-01T15:30"),
        (NEW_YORK, "2025-12-31", "1 00:30", "2026-01-01T05:30"),
        # the clocks go forward on 2026-03-08 at 02:00
        (NEW_YORK, "2026-03-07", "0 11:30", "2026-03-07T16:30"),
        (NEW_YORK, "2026-03-07", "1 11:30", "2026-03-08T15:30"),
        (NEW_YORK, "2026-03-08", "0 01:59", "2026-03-08T06:59"),
        (NEW_YORK, "2026-03-08", "0 02:30", "2026-03-08T07:30"),
        (NEW_YORK, "2026-03-08", "0 03:00", "2026-03-08T07:00"),
        (NEW_YORK, "2026-03-08", "0 11:30", "2026-03-08T15:30"),
        # and back on 2026-11-01 at 02:00: 01:30 comes twice
        (NEW_YORK, "2026-11-01", "0 01:30", "2026-11-01T05:30"),
        (NEW_YORK, "2026-11-01", "0 02:00", "2026-11-01T07:00"),
        (NEW_YORK, "2026-11-01", "0 11:30", "2026-11-01T16:30"),
        (NEW_YORK, "2026-10-31", "1 11:30", "2026-11-01T16:30"),
        (AUCKLAND, "2026-02-01", "0 11:30", "2026-01-31T22:30"),
        (AUCKLAND, "2026-02-01", "1 00:00", "2026-02-01T11:00"),
        (AUCKLAND, "2026-09-27", "0 02:30", "2026-09-26T14:30"),
        (AUCKLAND, "2026-04-05", "0 02:30", "2026-04-04T13:30"),
        (KOLKATA, "2026-02-01", "0 11:30", "2026-02-01T06:00"),
    ],
)
def test_a_deadline_is_a_local_time_of_the_documents_date(
    zone: ZoneInfo, run_date: str, due: str, expected: str
) -> None:
    days, clock = due.split()

    moment = due_at(Due(int(days), time.fromisoformat(clock)), date.fromisoformat(run_date), zone)

    assert moment == utc(expected)
    assert moment.tzinfo is UTC


@given(
    st.dates(date(1990, 1, 1), date(2100, 1, 1)),
    st.integers(-31, 31),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from([NEW_YORK, AUCKLAND, KOLKATA, ZoneInfo("UTC"), ZoneInfo("Australia/Lord_Howe")]),
)
def test_a_deadline_is_its_local_time_or_what_a_change_of_clocks_makes_of_it(
    run_date: date, days: int, clock: time, zone: ZoneInfo
) -> None:
    local = due_at(Due(days, clock), run_date, zone).astimezone(zone)

    written = datetime.combine(run_date + ONE_DAY * days, clock)
    assert timedelta() <= local.replace(tzinfo=None) - written <= timedelta(hours=1)


# --- modes and obligations --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "mode", "asked"),
    [
        ("-1 12:00", "tomorrow", {UPCOMING_PLAYER}),
        ("04:59:59", "tomorrow", {UPCOMING_PLAYER}),
        ("05:00:00", "same_day", {UPCOMING_PLAYER}),
        ("+1 04:59:59", "same_day", {UPCOMING_PLAYER}),
        ("+1 05:00:00", "overnight", set(PHASE3)),
        ("+3 12:00", "overnight", set(PHASE3)),
    ],
)
def test_the_mode_of_a_document_follows_the_day_in_the_zone(now: str, mode: str, asked: set[str]) -> None:
    phase3 = by_game_date().pipelines["nba"].phases["phase3"]

    day = phase_day(phase3, DAY, on(now), NEW_YORK)

    assert day.mode.name == mode
    assert {item.processor.name for item in day.obligations if item.asked} == asked
    assert [item.processor.name for item in day.obligations] == list(PHASE3)


@pytest.mark.parametrize(
    ("run_date", "midnight"),
    [("2026-03-07", "2026-03-08T05:00"), ("2026-03-08", "2026-03-09T04:00"), ("2026-11-01", "2026-11-02T05:00")],
)
def test_the_mode_changes_at_midnight_of_days_with_23_and_25_hours(run_date: str, midnight: str) -> None:
    phase3 = by_game_date().pipelines["nba"].phases["phase3"]
    day, change = date.fromisoformat(run_date), utc(midnight)

    assert phase_day(phase3, day, change - timedelta(microseconds=1), NEW_YORK).mode.name == "same_day"
    assert phase_day(phase3, day, change, NEW_YORK).mode.name == "overnight"


def test_the_two_readings_of_a_date() -> None:
    by_processing, by_game = (
        phase_day(reading.pipelines["nba"].phases["phase3"], DAY, on("18:00"), NEW_YORK)
        for reading in (by_processing_date(), by_game_date())
    )

    assert [item.data_date - DAY for item in by_processing.obligations] == [-ONE_DAY] * 3 + [timedelta()] * 2
    assert {item.due for item in by_processing.obligations} == {on("16:30")}
    assert {item.data_date for item in by_game.obligations} == {DAY}
    assert {item.processor.name: item.due for item in by_game.obligations} == {
        PLAYER: on("+1 16:30"),
        OFFENSE: on("+1 16:30"),
        DEFENSE: on("+1 16:30"),
        UPCOMING_PLAYER: on("16:30"),
        UPCOMING_TEAM: on("+1 16:30"),
    }


@pytest.mark.parametrize("now", ["12:00", "18:00", "+1 05:00:00", "+1 18:00"])
def test_no_processor_is_overdue_when_a_mode_first_expects_it(now: str) -> None:
    """upcoming_team_game_context is due on the day itself at 11:30, when the document does not ask for it yet."""
    phase3 = by_game_date().pipelines["nba"].phases["phase3"]

    day = phase_day(phase3, DAY, on(now), NEW_YORK)

    assert phase3.processors[UPCOMING_TEAM].due == Due(0, time(11, 30))
    assert {item.processor.name: item.due for item in day.obligations}[UPCOMING_TEAM] == on("+1 16:30")


@pytest.mark.parametrize(
    ("now", "team"), [("-1 18:00", "05:00"), ("18:00", "05:00"), ("+1 04:59", "05:00"), ("+1 05:00", "+1 05:00")]
)
def test_what_was_done_before_a_mode_asked_for_it_is_not_what_must_register(now: str, team: str) -> None:
    """By game date, rows of a date are made on that date for its games, and registered in the night after it."""
    day = phase_day(by_game_date().pipelines["nba"].phases["phase3"], DAY, on(now), NEW_YORK)

    begun = {item.processor.name: item.registers_from for item in day.obligations}
    assert begun == {
        **dict.fromkeys((PLAYER, OFFENSE, DEFENSE), on("+1 05:00")),
        UPCOMING_PLAYER: None,
        UPCOMING_TEAM: on(team),
    }


@pytest.mark.parametrize(
    ("not_before", "begun"),
    [("0 06:00", "11:00"), ("0 00:00", "05:00"), ("-1 06:00", "05:00"), ("1 06:00", "+1 11:00")],
)
def test_what_was_done_before_its_runs_begin_is_not_what_must_register(not_before: str, begun: str) -> None:
    days, clock = not_before.split()
    one = replace(processor(PLAYER, offset=-1), not_before=Due(int(days), time.fromisoformat(clock)))

    day = phase_day(phase("phase3", [one, processor(OFFENSE, offset=-1)]), DAY, on("18:00"), NEW_YORK)

    assert [item.registers_from for item in day.obligations] == [on(begun), on("05:00")]


def test_a_document_whose_mode_always_holds_asks_from_its_own_date_on() -> None:
    day = phase_day(by_processing_date().pipelines["nba"].phases["phase3"], DAY, on("18:00"), NEW_YORK)

    assert {item.registers_from for item in day.obligations} == {on("05:00")}


def test_a_processor_that_no_mode_asks_for_keeps_its_own_deadline() -> None:
    alone = phase("phase3", [processor(OFFENSE)], modes=[Mode("none", EVERY_RELATION, frozenset())])

    (obligation,) = phase_day(alone, DAY, on("18:00"), NEW_YORK).obligations

    assert not obligation.asked
    assert obligation.due == on("16:30")


@given(
    st.sets(st.sampled_from(list(Relation)), min_size=1),
    st.integers(-2, 2),
    st.integers(-2, 2),
    st.integers(-72, 72),
)
def test_deadlines_do_not_move_and_never_lie_before_the_configured_ones(
    relations: set[Relation], days: int, other_days: int, hours: int
) -> None:
    modes = [
        Mode(relation, frozenset({relation}), frozenset({PLAYER, OFFENSE} if relation in relations else {PLAYER}))
        for relation in Relation
    ]
    both = phase("phase3", [processor(PLAYER, due=f"{other_days} 11:30"), processor(OFFENSE, due=f"{days} 11:30")])
    both = replace(both, modes=tuple(modes))

    now = phase_day(both, DAY, on("12:00") + timedelta(hours=hours), NEW_YORK)
    then = phase_day(both, DAY, on("12:00"), NEW_YORK)

    assert [item.due for item in now.obligations] == [item.due for item in then.obligations]
    assert all(item.due >= due_at(item.processor.due, DAY, NEW_YORK) for item in now.obligations)


# --- the reading plan -------------------------------------------------------------------------------------------


def test_the_plan_reads_the_exposed_documents_and_their_neighbours_once() -> None:
    plan = reading_plan(by_processing_date(past=2), on("18:00"))

    days = [DAY + ONE_DAY * shift for shift in range(-3, 2)]
    assert plan.run_dates == tuple(days[1:4])
    assert plan.documents == tuple(
        DocumentId(collection, day) for collection in ("phase3_completion", "phase4_completion") for day in days
    )


def test_the_plan_reads_the_data_dates_of_every_document_it_reads() -> None:
    by_processing, by_game = (
        reading_plan(reading, on("18:00")) for reading in (by_processing_date(past=2), by_game_date(past=2, future=1))
    )

    assert (by_processing.first, by_processing.last) == (DAY - 4 * ONE_DAY, DAY + ONE_DAY)
    assert (by_game.first, by_game.last) == (DAY - 3 * ONE_DAY, DAY + 2 * ONE_DAY)


def test_the_plan_reads_as_far_as_coverage_and_phase_log_reach() -> None:
    alone = pipeline([phase("phase3", [processor(OFFENSE)])], log_offset=-5)

    plan = reading_plan(config(alone), on("18:00"))

    assert (plan.first, plan.last) == (DAY - 6 * ONE_DAY, DAY + ONE_DAY)


def test_the_plan_names_each_heartbeat_and_table_once() -> None:
    twice = [phase("phase3", [processor(OFFENSE)]), phase("phase4", [processor(OFFENSE, offset=-1)])]

    plan = reading_plan(config(pipeline(twice), pipeline(twice, name="mlb", bare=True)), on("18:00"))

    beat = "TeamOffenseGameSummaryProcessor"
    assert plan.heartbeats == {"nba": (beat, f"Async{beat}")}
    assert [table.name for table in plan.tables] == [f"nba.{OFFENSE}"]


def test_a_fixed_choice_of_run_dates_is_read_with_neighbours_only_around_them() -> None:
    apart = config(pipeline([phase("phase3", [processor(OFFENSE)])]), only=(DAY - 9 * ONE_DAY, DAY))

    plan = reading_plan(apart, on("18:00"))

    assert [(key.run_date - DAY).days for key in plan.documents] == [-10, -9, -8, -1, 0, 1]


def test_nothing_configured_is_nothing_to_read() -> None:
    plan = reading_plan(config(), on("18:00"))

    assert (plan.documents, plan.tables, plan.heartbeats) == ((), (), {})
    assert (plan.first, plan.last) == (DAY - ONE_DAY, DAY + ONE_DAY)


# --- the trigger rule -------------------------------------------------------------------------------------------

RULE = Trigger(0.6, timedelta(minutes=30))
FIVE = tuple(by_processing_date().pipelines["nba"].phases["phase3"].processors.values())
P, O, D, UP, UT = PHASE3  # noqa: E741 - one letter a processor, so that a case is a line


@pytest.mark.parametrize(
    ("done", "reason", "since"),
    [
        ({}, None, None),
        ({P: "15:00", UP: "15:04"}, None, None),
        ({P: "15:00", O: "15:01", D: "15:02", UT: "15:03"}, None, None),
        ({O: "15:01", D: "15:02", UP: "15:04", UT: "15:03"}, None, None),
        ({P: "15:00", O: "15:01", UP: "15:04"}, "critical_plus_majority_60pct", "15:04"),
        ({P: "15:09", O: "15:01", UP: "15:04"}, "critical_plus_majority_60pct", "15:09"),
        ({P: "15:00", O: "15:09", UP: "15:04"}, "critical_plus_majority_60pct", "15:09"),
        ({P: "15:00", O: "15:01", D: "15:09", UP: "15:04"}, "critical_plus_majority_80pct", "15:04"),
        ({P: "15:00", O: "15:01", D: "15:02", UP: "15:04", UT: "15:09"}, "all_complete", "15:04"),
        ({P: "15:00", O: "15:01", UP: None}, "critical_plus_majority_60pct", None),
        ({P: "15:00", O: "15:01", D: None, UP: "15:04"}, "critical_plus_majority_80pct", None),
        ({P: "15:00", O: "15:01", UP: "15:04", "Retired": None}, "critical_plus_majority_60pct", "15:04"),
    ],
)  # fmt: skip
def test_trigger_rule(done: dict[str, str | None], reason: str | None, since: str | None) -> None:
    met = rule_met(RULE, FIVE, {name: on(when) if when else None for name, when in done.items()})

    assert (met.reason if met else None) == reason
    assert (met.since if met else None) == (on(since) if since else None)


@pytest.mark.parametrize(
    ("trigger", "critical", "done", "reason"),
    [
        (Trigger(1, ONE_DAY), False, 4, None),
        (Trigger(1, ONE_DAY), False, 5, "all_complete"),
        (Trigger(0, ONE_DAY), False, 0, None),
        (Trigger(0, ONE_DAY), False, 1, "critical_plus_majority_20pct"),
        (Trigger(0, ONE_DAY), True, 4, None),
        (Trigger(2 / 3, ONE_DAY), False, 3, None),
        (Trigger(2 / 3, ONE_DAY), False, 4, "critical_plus_majority_80pct"),
    ],
)
def test_trigger_rule_with_other_ratios(
    trigger: Trigger,
    critical: bool,  # noqa: FBT001 - a column of the cases
    done: int,
    reason: str | None,
) -> None:
    processors = [processor(f"p{index}", critical=critical) for index in range(5)]

    met = rule_met(trigger, processors, {item.name: on("15:00") for item in processors[:done]})

    assert (met.reason if met else None) == reason


def test_the_rule_asks_only_for_what_is_expected() -> None:
    upcoming = [item for item in FIVE if item.name in BY_RELATION[1].expected]

    met = rule_met(RULE, upcoming, {UP: on("15:04"), P: on("15:00")})

    assert met is not None
    assert (met.reason, met.since) == ("all_complete", on("15:04"))


def test_the_rule_is_never_met_where_nothing_is_expected() -> None:
    assert rule_met(RULE, [], {P: on("15:00")}) is None


@given(
    st.dictionaries(st.sampled_from(PHASE3), st.integers(0, 600).map(lambda m: on("15:00") + timedelta(minutes=m))),
    st.floats(0, 1),
)
def test_the_rule_held_from_its_since_and_not_before(done: dict[str, datetime], ratio: float) -> None:
    rule = Trigger(ratio, ONE_DAY)

    met = rule_met(rule, FIVE, done)

    held = {moment: rule_met(rule, FIVE, {k: v for k, v in done.items() if v <= moment}) for moment in done.values()}
    assert (met.since if met else None) == min((moment for moment, then in held.items() if then), default=None)
