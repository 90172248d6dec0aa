"""What a report says beside verdicts and trigger states."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.model import CoverageCounts, Document, DocumentId, Heartbeat, LogSource, Reading, RowCount, Verdict
from exporter.reconcile import DISCREPANCIES, reconcile
from tests.reconcile.scene import OWN, TABLE, Scene
from tests.reconcile.world import World
from tests.support.builders import (
    DAY,
    OFFENSE,
    ONE_DAY,
    PLAYER,
    UPCOMING_PLAYER,
    beat,
    by_game_date,
    by_processing_date,
    config,
    entry,
    on,
    phase,
    pipeline,
    processor,
    run,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from exporter.model import CoverageReport, PhaseReport, Report

BEFORE = DAY - ONE_DAY


def world(*, past: int = 0) -> World:
    """Six games on the day before, seven on the day."""
    return World(by_processing_date(past=past), units={BEFORE: 6, DAY: 7})


def report(of: World, now: str = "18:00") -> Report:
    return reconcile(of.config, of.snapshot(on(now)), on(now))


def phase_of(of: World, name: str = "phase3") -> PhaseReport:
    return of.phase(name, DAY, on("18:00"))


# --- a processor ------------------------------------------------------------------------------------------------


def test_a_processor_carries_what_was_read_and_what_was_owed() -> None:
    item = Scene(rows=24, entry=entry(count=20)).report()

    assert (item.pipeline, item.phase, item.run_date, item.processor) == ("nba", "phase3", DAY, OFFENSE)
    assert (item.data_date, item.due, item.critical, item.expected) == (BEFORE, on("16:30"), False, True)
    assert (item.registered, item.record_count, item.table_rows, item.record_count_delta) == (True, 20, 24, 4)
    assert (item.rows_minimum, item.rows_maximum) == (12, 12)
    assert (item.table, item.written_at) == (TABLE.name, on("15:00:44"))
    assert (item.rows_read_at, item.document_read_at) == (on("17:55"), on("17:59:30"))


@pytest.mark.parametrize(
    ("scene", "delta"),
    [
        (Scene(entry=entry(count=0), rows=24), 24),
        (Scene(entry=entry(count=14)), -2),
        (Scene(entry=entry(count=None)), None),
        (Scene(entry=None), None),
        (Scene(unread={"rows"}), None),
        (Scene(unread={"documents"}), None),
    ],
)
def test_the_delta_is_rows_minus_record_count_where_both_are_known(scene: Scene, delta: int | None) -> None:
    assert scene.report().record_count_delta == delta


@pytest.mark.parametrize(
    ("scene", "possible"),
    [
        (Scene(), True),
        (Scene(entry=entry(count=0)), False),
        (Scene(entry=entry(count=13)), False),
        (Scene(entry=entry(count=3)), True),
        (Scene(entry=entry(count=0, incremental=True)), True),
        (Scene(entry=entry(count=0), rows=24), False),
        (Scene(entry=entry(count=0), rows=0), True),
        (Scene(entry=entry(count=None)), None),
        (Scene(entry=None), None),
        (Scene(unread={"rows"}), None),
    ],
)
def test_an_impossible_record_count_is_said_whatever_the_verdict(scene: Scene, possible: bool | None) -> None:  # noqa: FBT001 - a column of the cases
    assert scene.report().record_count_possible is possible


@pytest.mark.parametrize(
    ("scene", "bounds"),
    [
        (Scene(bounds=(28, 56)), (168, 336)),
        (Scene(bounds=(0.5, 1.5), units=3), (2, 4)),
        (Scene(bounds=None), (None, None)),
        (Scene(units=0), (0, 0)),
        (Scene(asked=False), (None, None)),
        (Scene(unread={"calendar"}), (None, None)),
    ],
)
def test_bounds_follow_the_calendar(scene: Scene, bounds: tuple[int | None, int | None]) -> None:
    item = scene.report()

    assert (item.rows_minimum, item.rows_maximum) == bounds


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        (Scene(), True),
        (Scene(units=0), False),
        (Scene(asked=False), False),
        (Scene(asked=False, unread={"calendar"}), False),
        (Scene(unread={"calendar"}), None),
    ],
)
def test_expected_is_what_mode_and_calendar_say(scene: Scene, expected: bool | None) -> None:  # noqa: FBT001 - a column of the cases
    assert scene.report().expected is expected


# --- a phase ----------------------------------------------------------------------------------------------------


def test_a_phase_counts_expected_names_only() -> None:
    entries = {PLAYER: entry(), UPCOMING_PLAYER: entry(), "PlayerGameSummaryProcessor": entry(), "retired": entry()}
    of = world()
    of.documents[DocumentId("phase3_completion", DAY)] = Document(entries=entries, completed_count=4, triggered=True)

    found = phase_of(of)

    assert (found.expected, found.registered, found.unexpected, found.entries) == (5, 2, 2, 4)
    assert (found.completed_count, found.triggered) == (4, True)


def test_a_known_name_that_the_mode_does_not_ask_for_is_neither_registered_nor_unexpected() -> None:
    of = World(by_game_date(), units={DAY: 6})
    of.documents[DocumentId("phase3_completion", DAY)] = Document(
        entries={PLAYER: entry(), UPCOMING_PLAYER: entry()}, completed_count=2
    )

    found = phase_of(of)

    assert (found.expected, found.registered, found.unexpected, found.entries) == (1, 1, 0, 2)
    assert (found.mode, found.modes) == ("same_day", ("overnight", "same_day", "tomorrow"))


def test_a_day_without_games_expects_and_registers_nothing() -> None:
    found = phase_of(World(by_processing_date(), units={}))

    assert (found.expected, found.registered, found.due) == (0, 0, None)


def test_a_document_that_is_not_there_has_nothing_in_it() -> None:
    found = phase_of(world())

    assert (found.registered, found.unexpected, found.entries, found.triggered) == (0, 0, 0, False)
    assert (found.completed_count, found.malformed) == (None, 0)


def test_an_unread_document_is_unknown_not_empty() -> None:
    of = world()

    (found, *_) = reconcile(of.config, replace(of.snapshot(on("18:00")), documents=Reading()), on("18:00")).phases

    assert found.expected == 5
    assert [found.registered, found.unexpected, found.entries, found.triggered, found.malformed] == [None] * 5


def test_an_unread_calendar_leaves_what_is_expected_unknown() -> None:
    of = world()

    (found, *_) = reconcile(of.config, replace(of.snapshot(on("18:00")), units={}), on("18:00")).phases

    assert (found.expected, found.registered) == (None, None)
    assert found.due == on("16:30")


def test_unusable_fields_are_counted() -> None:
    of = world()
    of.documents[DocumentId("phase3_completion", DAY)] = Document(
        entries={PLAYER: entry(malformed=("completed_at", "status")), "odd": entry(malformed=("entry",))},
        malformed=("_triggered_at",),
    )

    assert phase_of(of).malformed == 4


def test_a_phase_is_due_when_its_last_expected_processor_is() -> None:
    two = [processor("early", due="0 09:00"), processor("late", offset=-1, due="0 12:00")]
    both = config(pipeline([phase("phase3", two)]))

    assert phase_of(World(both, units={BEFORE: 6, DAY: 6})).due == on("17:00")
    assert phase_of(World(both, units={DAY: 6})).due == on("14:00")


def test_a_phase_without_documents_says_so() -> None:
    found = phase_of(world(), "phase5")

    assert not found.has_document
    assert (found.expected, found.registered, found.entries, found.malformed) == (1, None, None, None)


# --- which record shows that the phase ran ----------------------------------------------------------------------


def logged(of: World) -> None:
    of.log[BEFORE, "phase3_to_phase4"] = 1


def ran(of: World) -> None:
    of.ran(PLAYER, BEFORE, on("14:52"), on("15:00:46"))


def wrote(of: World) -> None:
    of.write(PLAYER, BEFORE, on("15:00:44"), 210)


@pytest.mark.parametrize(
    ("acts", "unread", "source"),
    [
        ([logged, ran, wrote], [], LogSource.PHASE_LOG),
        ([ran, wrote], [], LogSource.RUN_HISTORY),
        ([wrote], [], LogSource.ROWS),
        ([], [], LogSource.NONE),
        ([ran], ["phase_log"], LogSource.RUN_HISTORY),
        ([wrote], ["phase_log", "runs"], LogSource.ROWS),
        ([], ["phase_log"], LogSource.UNKNOWN),
        ([], ["runs"], LogSource.UNKNOWN),
        ([], ["rows"], LogSource.UNKNOWN),
        ([logged], ["rows", "runs"], LogSource.PHASE_LOG),
    ],
)
def test_the_first_record_that_shows_that_the_phase_ran(
    acts: list[Callable[[World], None]], unread: list[str], source: LogSource
) -> None:
    of = world()
    for act in acts:
        act(of)
    read = of.snapshot(on("18:00"))
    snapshot = replace(
        read,
        rows={} if "rows" in unread else read.rows,
        runs={} if "runs" in unread else read.runs,
        phase_log={} if "phase_log" in unread else read.phase_log,
    )

    assert reconcile(of.config, snapshot, on("18:00")).phases[0].log_source is source


def test_a_log_row_of_another_transition_or_date_shows_nothing() -> None:
    of = world()
    of.log = {(BEFORE, "phase2_to_phase3"): 1, (DAY, "phase3_to_phase4"): 1}

    assert phase_of(of).log_source is LogSource.NONE


def test_records_that_are_not_configured_are_not_waited_for() -> None:
    bare = World(config(pipeline([phase("phase3", [processor(OFFENSE)])], bare=True)), units={DAY: 6})

    assert phase_of(bare).log_source is LogSource.NONE


def test_a_phase_that_nothing_follows_has_no_row_in_the_log_to_wait_for() -> None:
    of = world()

    (*_, last) = reconcile(of.config, replace(of.snapshot(on("18:00")), phase_log={}), on("18:00")).phases

    assert (last.phase, last.log_source) == ("phase5", LogSource.NONE)


def test_run_history_counts_distinct_processors_with_a_success() -> None:
    of = world()
    of.runs = [
        run("success", "15:00", name="PlayerGameSummaryProcessor"),
        run("success", "16:00", name="PlayerGameSummaryProcessor"),
        run("failed", "16:00", name="TeamDefenseGameSummaryProcessor"),
        run("success", "16:00", name="TeamOffenseGameSummaryProcessor", phase_name="phase4_work"),
        run("success", "16:00", name="UpcomingTeamGameContextProcessor", data=BEFORE),
        run("success", "16:00", name="UpcomingPlayerGameContextProcessor", data=DAY, phase_name=None),
    ]

    assert phase_of(of).run_history_processors == 2


# --- a pipeline -------------------------------------------------------------------------------------------------


def test_the_calendar_is_reported_for_every_data_date() -> None:
    (found,) = report(world(past=1)).pipelines

    assert found.units == {DAY - 2 * ONE_DAY: 0, BEFORE: 6, DAY: 7}


def test_the_phase_log_is_owed_on_days_with_games() -> None:
    of = world(past=1)
    of.log[BEFORE, "phase3_to_phase4"] = 2

    (found,) = report(of).pipelines

    assert [(item.run_date, item.transition, item.rows, item.expected) for item in found.phase_log] == [
        (BEFORE, "phase2_to_phase3", 0, 0),
        (BEFORE, "phase3_to_phase4", 0, 0),
        (DAY, "phase2_to_phase3", 0, 1),
        (DAY, "phase3_to_phase4", 2, 1),
    ]


def test_an_unread_phase_log_or_calendar_is_unknown() -> None:
    of = world()

    (found,) = reconcile(of.config, replace(of.snapshot(on("18:00")), phase_log={}, units={}), on("18:00")).pipelines

    assert {(item.rows, item.expected) for item in found.phase_log} == {(None, None)}
    assert set(found.units.values()) == {None}


def test_coverage_is_that_of_the_data_date() -> None:
    of, counts = world(), CoverageCounts(212, 118, 118, {"dnp": 94, "unmarked": 0})

    def read(*days: date) -> CoverageReport:
        reading: Reading[Mapping[date, CoverageCounts]] = Reading(dict.fromkeys(days, counts), on("17:55"))
        coverage = {("nba", "minutes_played"): reading} if days else {}
        snapshot = replace(of.snapshot(on("18:00")), coverage=coverage)
        return reconcile(of.config, snapshot, on("18:00")).pipelines[0].coverage[0]

    known, other_day, unread = read(BEFORE), read(DAY), read()

    assert (known.run_date, known.data_date, known.counts) == (DAY, BEFORE, counts)
    assert (other_day.counts, unread.counts) == (None, None)


def test_the_newest_beat_and_run_of_the_pipeline_whatever_their_date() -> None:
    of = world()
    of.heartbeats = {
        "PlayerGameSummaryProcessor": beat("completed", "-2 15:00", None),
        "TeamOffenseGameSummaryProcessor": beat("running", "-1 15:00", None),
        "TeamDefenseGameSummaryProcessor": Heartbeat("TeamDefenseGameSummaryProcessor", None, None, None),
    }
    of.runs = [run("failed", "14:00", ended="14:10"), run("running", "14:05"), run("success", None)]

    (found,) = report(of).pipelines

    assert found.heartbeats_known
    assert (found.last_heartbeat_at, found.last_run_at) == (on("-1 15:00"), on("14:10"))
    assert (found.heartbeat_stale_after, found.heartbeat_silent_after) == (timedelta(minutes=5), ONE_DAY)
    assert (found.heartbeat_documents_warn, found.heartbeat_documents_critical) == (100, 500)


def test_the_size_of_the_heartbeat_collection() -> None:
    of = world()
    snapshot = replace(of.snapshot(on("18:00")), heartbeat_documents={"nba": Reading(106_000, on("17:50"))})

    assert reconcile(of.config, snapshot, on("18:00")).pipelines[0].heartbeat_documents == 106_000


def test_a_pipeline_without_heartbeats_and_history_reports_none() -> None:
    bare = World(config(pipeline([phase("phase3", [processor(OFFENSE)])], bare=True)), units={DAY: 6})

    (found,) = report(bare).pipelines

    assert not found.heartbeats_known
    assert (found.phase_log, found.coverage) == ((), ())
    assert [
        found.heartbeat_documents,
        found.heartbeat_documents_warn,
        found.heartbeat_documents_critical,
        found.heartbeat_stale_after,
        found.heartbeat_silent_after,
        found.last_heartbeat_at,
        found.last_run_at,
    ] == [None] * 7


# --- the whole --------------------------------------------------------------------------------------------------


def test_the_report_names_its_moment_and_its_zone() -> None:
    found = report(world())

    assert (found.at, found.timezone) == (on("18:00"), "America/New_York")


def test_every_exposed_date_has_every_phase_oldest_first() -> None:
    found = report(world(past=2))

    assert [(item.run_date, item.phase) for item in found.phases] == [
        (DAY + shift * ONE_DAY, name) for shift in (-2, -1, 0) for name in ("phase3", "phase4", "phase5")
    ]
    assert len(found.processors) == 3 * (5 + 3 + 1)


def test_two_pipelines_do_not_mix() -> None:
    same = [phase("phase3", [processor(OFFENSE, bounds=(2, 2))])]
    both = config(pipeline(same), pipeline([replace(same[0], collection="mlb_completion")], name="mlb", bare=True))
    scene = Scene()
    snapshot = replace(
        scene.snapshot(),
        units={"nba": Reading({DAY: 6}, on("17:55")), "mlb": Reading({DAY: 0}, on("17:55"))},
        rows={TABLE: Reading({DAY: RowCount(12, on("15:00:44"))}, on("17:55"))},
    )

    nba, mlb = reconcile(both, snapshot, on("18:00")).processors

    assert (nba.pipeline, nba.verdict) == ("nba", Verdict.OK)
    assert (mlb.pipeline, mlb.verdict) == ("mlb", Verdict.NOT_EXPECTED)


@pytest.mark.parametrize(("age", "known"), [("17:57:00", True), ("17:56:59", False)])
def test_a_reading_counts_until_it_is_too_old(age: str, known: bool) -> None:  # noqa: FBT001 - a column of the cases
    reading = Reading({OWN: Document()}, on(age), None, timedelta(minutes=3))

    assert (reading.known(on("18:00")) is not None) is known


def test_a_clock_that_jumped_back_leaves_readings_known() -> None:
    assert Reading(1, on("18:00"), None, timedelta(minutes=3)).known(on("12:00")) == 1


def test_discrepancies_are_the_verdicts_that_say_that_something_is_wrong() -> None:
    well = {
        Verdict.UNKNOWN,
        Verdict.NOT_EXPECTED,
        Verdict.RUNNING,
        Verdict.OK,
        Verdict.BACKFILL,
        Verdict.NOT_DUE,
    }

    assert set(DISCREPANCIES) == set(Verdict) - well
    assert len(DISCREPANCIES) == len(set(DISCREPANCIES))
