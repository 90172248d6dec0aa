"""What a report says beside verdicts and trigger states."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.model import Document, DocumentId, Entry, LogSource, Reading, Record, RowCount, Verdict
from exporter.model import TriggerState as State
from exporter.reconcile import reconcile
from testing.builders import (
    DAY,
    OFFENSE,
    ONE_DAY,
    PLAYER,
    UPCOMING_PLAYER,
    by_game_date,
    by_processing_date,
    config,
    entry,
    on,
    phase,
    pipeline,
    processor,
    run,
    unusable,
)
from tests.reconcile.scene import TABLE, Scene
from tests.reconcile.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from exporter.model import PhaseReport

BEFORE = DAY - ONE_DAY


def world() -> World:
    """Six games on the day before, seven on the day."""
    return World(by_processing_date(), units={BEFORE: 6, DAY: 7})


def phase_of(of: World, name: str = "phase3") -> PhaseReport:
    return of.phase(name, DAY, on("18:00"))


# --- a processor ------------------------------------------------------------------------------------------------


def test_the_report_of_a_processor_has_what_was_read_and_what_was_expected() -> None:
    item = Scene(rows=24, entry=entry(count=20)).report()

    assert (item.pipeline, item.phase, item.run_date, item.processor) == ("nba", "phase3", DAY, OFFENSE)
    assert (item.data_date, item.due, item.critical, item.expected) == (BEFORE, on("16:30"), False, True)
    assert (item.registered, item.record_count, item.table_rows, item.record_count_delta) == (True, 20, 24, 4)
    assert (item.rows_minimum, item.rows_maximum) == (12, 12)
    assert (item.table, item.written_at) == (TABLE.name, on("15:00:44"))
    assert item.rows_read_at == on("17:55")


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
def test_an_impossible_record_count_is_a_hint_under_any_verdict(scene: Scene, possible: bool | None) -> None:  # noqa: FBT001 - a column of the cases
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


@pytest.mark.parametrize(
    ("statuses", "unknown", "countings"),
    [
        (["success", "complete", None], "success", (3, 4)),
        (["success", "success", "partial"], "success", (2, 3, 4)),
        (["success", "success", "failed"], "failed", (2, 3, 4)),
        (["success", "partial", "running"], "partial", (1, 2, 3, 4)),
        ([], "success", (0, 1)),
    ],
)
def test_the_own_count_of_a_document_may_leave_out_unknown_names_and_entries_that_are_not_whole(
    statuses: list[str | None], unknown: str, countings: tuple[int, ...]
) -> None:
    of = world()
    known = dict(zip((PLAYER, UPCOMING_PLAYER, OFFENSE), map(Entry, statuses), strict=False))
    of.documents[DocumentId("phase3_completion", DAY)] = Document(entries={**known, "retired": Entry(unknown)})

    assert phase_of(of).countings == countings


def test_a_known_name_that_the_mode_does_not_expect_is_neither_registered_nor_unexpected() -> None:
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
        malformed=unusable("_triggered_at"),
    )

    assert phase_of(of).malformed == 4


def test_a_phase_is_due_when_its_last_expected_processor_is() -> None:
    two = [processor("early", due="0 09:00"), processor("late", offset=-1, due="0 12:00")]
    both = config(pipeline([phase("phase3", two)]))

    assert phase_of(World(both, units={BEFORE: 6, DAY: 6})).due == on("17:00")
    assert phase_of(World(both, units={DAY: 6})).due == on("14:00")


def test_a_phase_without_documents_has_no_registrations() -> None:
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


def test_a_kind_of_record_that_is_unknown_has_no_count_of_unusable_fields() -> None:
    def kinds(*unread: str) -> set[str]:
        scene = Scene(unread=set(unread))
        (found,) = reconcile(scene.config(), scene.snapshot(), on(scene.now)).pipelines
        return {str(kind) for kind in found.unusable}

    assert kinds() == {"documents", "entries", "heartbeats", "rows"}
    assert kinds("documents") == {"heartbeats", "rows"}
    assert kinds("heartbeats") == {"documents", "entries", "rows"}
    assert kinds("rows") == kinds("runs") == {"documents", "entries", "heartbeats"}


def test_a_write_time_that_cannot_be_used_is_a_hint_and_is_counted() -> None:
    scene = Scene(written=None)
    snapshot = scene.snapshot()
    odd = RowCount(12, unusable=unusable("processed_at", said="date 2026-02-01"))
    counted: Mapping[date, RowCount] = {DAY - ONE_DAY: odd}
    rows = {TABLE: Reading(counted, on("17:55"), None, ONE_DAY)}

    report = reconcile(scene.config(), replace(snapshot, rows=rows), on(scene.now))

    (processor,) = report.processors
    assert [hint.text for hint in processor.hints] == [
        f"the write time of the rows of table {TABLE.name} is unknown: processed_at (date 2026-02-01) cannot be used"
    ]
    (pipeline,) = report.pipelines
    assert pipeline.unusable[Record.ROWS] == (f"table {TABLE.name} 2026-01-31: processed_at (date 2026-02-01)",)


@pytest.mark.parametrize("triggered", [False, True])
def test_a_document_whose_entries_cannot_be_read_registers_nobody_and_leaves_nobody_out(*, triggered: bool) -> None:
    of = world()
    for name, shift in ((PLAYER, 1), (OFFENSE, 1), (UPCOMING_PLAYER, 0)):
        of.write(name, DAY - shift * ONE_DAY, on("15:00"), 12)
    holder = replace(unusable("steps")[0], of="entries")
    of.documents[DocumentId("phase3_completion", DAY)] = Document(malformed=(holder,), triggered=triggered)

    found = phase_of(of)

    assert (found.registered, found.entries, found.unexpected, found.trigger_state) == (None, None, None, State.UNKNOWN)
    unknown = next(one for one in found.processors if one.processor == PLAYER)
    assert unknown.verdict is Verdict.UNKNOWN
    assert any("completion document unknown (invalid: steps (" in hint.text for hint in unknown.hints)
