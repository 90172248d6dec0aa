"""Halts, tables that may be unused, units that rows cover, keys, and deadlines of rows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from exporter.config.resolved import Due, HaltsConfig, RowsPerUnit, TableRef
from exporter.model import CalendarDoubt, CalendarEnd, Halted, HeartbeatState, Reading, RowCount, Run, Verdict
from exporter.reconcile import reconcile
from testing.builders import DAY, OFFENSE, ONE_DAY, beat, by_game_date, entry, heartbeat_name, on
from tests.reconcile.scene import TABLE, Scene
from tests.reconcile.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, time

    from exporter.config.resolved import Config
    from exporter.model import ProcessorReport, Report

DATA = DAY - ONE_DAY
HALTS = HaltsConfig(
    TableRef("ops.halts", "day", "written_at"), "halted", "sport = 'nba'", "reason", stale_after=timedelta(hours=36)
)
TONIGHT = timedelta(hours=29)
"""From the beginning of the data date until it is over in New York, in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A scene whose configuration and readings are changed: `table` and `one` are fields of the table and processor."""

    scene: Scene = field(default_factory=Scene)
    table: Mapping[str, Any] | None = None
    one: Mapping[str, Any] | None = None
    halted: Reading[Halted] | None = None
    of_pipeline: bool = False
    counted: RowCount | None = None
    other: Mapping[date, RowCount] | None = None
    left_out: int = 0

    def config(self) -> Config:
        config = self.scene.config()
        pipeline = config.pipelines["nba"]
        phase = pipeline.phases["phase3"]
        one = replace(phase.processors[OFFENSE], **{"table": self.own_table(), **(self.one or {})})
        halts = HALTS if self.halted else None
        phase = replace(phase, processors={OFFENSE: one}, halts=halts)
        pipeline = replace(pipeline, phases={"phase3": phase}, halts=halts if self.of_pipeline else None)
        return replace(config, pipelines={"nba": pipeline})

    def own_table(self) -> TableRef:
        return replace(TABLE, **(self.table or {}))

    def whole(self) -> Report:
        snapshot, now = self.scene.snapshot(), on(self.scene.now)
        rows = snapshot.rows[TABLE]
        if self.counted is not None:
            rows = replace(rows, value={DATA: self.counted})
        if self.other is not None:
            rows = replace(rows, value={**(rows.value or {}), **self.other})
        changed = replace(
            snapshot,
            rows={self.own_table(): rows},
            halts={HALTS: self.halted} if self.halted else {},
            left_out={"nba": {DATA: self.left_out}},
            calendars_end={"nba": Reading(CalendarEnd(DAY), now, None, ONE_DAY)},
        )
        return reconcile(self.config(), changed, now)

    def report(self) -> ProcessorReport:
        (found,) = self.whole().processors
        return found


def halts(*dates: date, reason: str = "fleet_blocked", written: datetime | None = None) -> Reading[Halted]:
    return Reading(Halted(dict.fromkeys(dates, reason), written), on("17:50"), None, ONE_DAY)


def texts(report: ProcessorReport) -> list[str]:
    return [hint.text for hint in report.hints]


# --- halts ----------------------------------------------------------------------------------------------------------


def test_on_a_halted_date_nothing_is_expected_and_the_reason_is_given() -> None:
    report = Owed(scene=Scene(entry=None, rows=0), halted=halts(DATA)).report()

    assert (report.verdict, report.expected) == (Verdict.NOT_EXPECTED, False)
    assert texts(report) == [f"halted on {DATA} (fleet_blocked), says table ops.halts"]


def test_a_halt_of_another_date_says_nothing() -> None:
    assert Owed(scene=Scene(entry=None, rows=0), halted=halts(DAY)).report().verdict is Verdict.MISSING


def test_while_the_halts_are_unknown_so_is_what_is_owed() -> None:
    report = Owed(scene=Scene(entry=None, rows=0), halted=Reading()).report()

    assert (report.verdict, report.expected) == (Verdict.UNKNOWN, None)
    assert texts(report) == ["halts unknown (not read yet)"]


@pytest.mark.parametrize(("of_pipeline", "expected"), [(True, False), (False, True)])
def test_coverage_means_nothing_only_where_the_whole_pipeline_is_halted(*, of_pipeline: bool, expected: bool) -> None:
    whole = Owed(halted=halts(DATA), of_pipeline=of_pipeline).whole()

    assert {one.expected for one in whole.pipelines[0].coverage if one.data_date == DATA} <= {expected}
    assert {one.expected for one in whole.pipelines[0].phase_log} <= {int(expected), None}


@pytest.mark.parametrize(("hours", "stale"), [(35, False), (37, True)])
def test_halts_that_are_no_longer_written_make_the_calendar_doubtful(hours: int, *, stale: bool) -> None:
    written = on("18:00") - timedelta(hours=hours)

    [pipeline] = Owed(halted=halts(written=written)).whole().pipelines

    assert pipeline.calendar_doubtful[CalendarDoubt.HALTS] is stale


def test_halts_without_any_row_are_not_in_use() -> None:
    [pipeline] = Owed(halted=halts()).whole().pipelines

    assert not pipeline.calendar_doubtful[CalendarDoubt.HALTS]


# --- tables that may be unused --------------------------------------------------------------------------------------


def test_a_phase_of_unused_tables_is_not_shown() -> None:
    assert Owed(scene=Scene(entry=None, rows=0), table={"optional": True}).whole().phases == ()


def test_a_table_with_a_row_of_any_date_is_in_use() -> None:
    long_ago = {DATA - 300 * ONE_DAY: RowCount(1)}

    report = Owed(scene=Scene(entry=None, rows=0), table={"optional": True}, other=long_ago).report()

    assert report.verdict is Verdict.MISSING


def test_an_optional_table_that_cannot_be_read_is_shown_as_unknown() -> None:
    report = Owed(scene=Scene(unread={"rows"}), table={"optional": True}).report()

    assert report.verdict is Verdict.UNKNOWN


# --- units, keys, bounds --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("covered", "rows", "verdict"),
    [(5, 12, Verdict.PARTIAL), (6, 7, Verdict.OK), (None, 7, Verdict.PARTIAL), (None, 12, Verdict.OK)],
)
def test_units_that_rows_cover_decide_and_where_they_are_unknown_their_number_does(
    covered: int | None, rows: int, verdict: Verdict
) -> None:
    counted = RowCount(rows, on("15:00"), units=covered)

    report = Owed(
        scene=Scene(entry=entry(count=None)), table={"units": "COUNT(DISTINCT game_id)"}, counted=counted
    ).report()

    assert report.verdict is verdict
    assert report.table_units == covered
    assert ("rows for 5 of 6 games" in texts(report)) == (covered == 5)


@pytest.mark.parametrize(("covered", "too_few"), [(5, True), (6, False), (None, None)])
def test_where_nothing_says_how_many_rows_are_right_too_few_is_unknown(
    covered: int | None, *, too_few: bool | None
) -> None:
    counted = RowCount(7, on("15:00"), units=covered)
    scene = Scene(entry=entry(count=None), bounds=None)

    report = Owed(scene=scene, table={"units": "COUNT(DISTINCT game_id)"}, counted=counted).report()

    assert report.too_few is too_few


@pytest.mark.parametrize(("duplicates", "verdict"), [(0, Verdict.OK), (3, Verdict.DUPLICATED), (None, Verdict.OK)])
def test_rows_with_one_key_are_duplicates_even_if_their_number_is_right(
    duplicates: int | None, verdict: Verdict
) -> None:
    counted = RowCount(12, on("15:00"), duplicates=duplicates)

    report = Owed(table={"key": ("game_id", "team")}, counted=counted).report()

    assert (report.verdict, report.duplicate_rows) == (verdict, duplicates)
    assert ("3 rows more than there are distinct game_id, team" in texts(report)) == (duplicates == 3)


def test_a_minimum_without_a_maximum_allows_any_number() -> None:
    report = Owed(scene=Scene(rows=10_000), one={"rows_per_unit": RowsPerUnit(2, None)}).report()

    assert (report.verdict, report.rows_minimum, report.rows_maximum) == (Verdict.OK, 12, None)


def test_units_that_do_not_count_may_have_rows() -> None:
    assert Owed(scene=Scene(rows=14), left_out=1).report().verdict is Verdict.OK
    assert Owed(scene=Scene(rows=14)).report().verdict is Verdict.DUPLICATED


def test_rows_of_a_date_whose_units_all_do_not_count_say_so() -> None:
    report = Owed(scene=Scene(units=0, rows=4), left_out=2).report()

    assert texts(report) == [
        f"no games on {DATA}, yet the table has 4 rows of it; the calendar leaves out 2 games of that date"
    ]


# --- a deadline of their own ----------------------------------------------------------------------------------------


def early(at: time, days: int = 0) -> dict[str, Any]:
    return {"rows_due": Due(days, at)}


NOON = on("12:00").time()


@pytest.mark.parametrize(
    ("scene", "verdict"),
    [
        (Scene(asked=False, entry=None, rows=0), Verdict.MISSING),
        (Scene(asked=False, entry=None, rows=12), Verdict.OK),
        (Scene(asked=False, entry=None, rows=5), Verdict.PARTIAL),
        (Scene(asked=False, entry=None, rows=0, now="16:00", counted="15:55"), Verdict.NOT_DUE),
        (Scene(asked=False, entry=None, unread={"rows"}), Verdict.UNKNOWN),
    ],
)
def test_rows_with_a_deadline_are_owed_in_every_mode(scene: Scene, verdict: Verdict) -> None:
    assert Owed(scene=scene, one=early(NOON)).report().verdict is verdict


@pytest.mark.parametrize(("rows", "verdict"), [(0, Verdict.NOT_EXPECTED), (12, Verdict.NOT_EXPECTED)])
def test_rows_without_a_deadline_are_owed_only_by_expected_processors(rows: int, verdict: Verdict) -> None:
    assert Scene(asked=False, entry=None, rows=rows).report().verdict is verdict


@pytest.mark.parametrize(("rows", "verdict"), [(5, Verdict.PARTIAL), (24, Verdict.DUPLICATED)])
def test_rows_are_judged_by_number_even_if_no_registration_is_expected(rows: int, verdict: Verdict) -> None:
    assert Scene(asked=False, entry=None, rows=rows, now="16:00", counted="15:55").report().verdict is verdict


@pytest.mark.parametrize(("rows", "verdict"), [(5, Verdict.NOT_EXPECTED), (24, Verdict.DUPLICATED)])
def test_too_few_rows_of_a_date_that_is_not_over_are_no_fault_where_nobody_is_asked(
    rows: int, verdict: Verdict
) -> None:
    """By game date, rows of the live box scores arrive game by game in the evening."""
    world = World(by_game_date(), units={DAY: 6})
    world.write(OFFENSE, DAY, on("+1 03:00"), rows)

    report = world.phase("phase3", DAY, on("+1 03:10"))

    assert {one.processor: one.verdict for one in report.processors}[OFFENSE] is verdict


def test_without_documents_too_few_rows_may_still_be_coming_before_their_deadline() -> None:
    before = Scene(collection=None, rows=5, now="16:00", counted="15:55")

    assert before.report().verdict is Verdict.NOT_DUE
    assert Scene(collection=None, rows=5).report().verdict is Verdict.PARTIAL


# --- runs before the data date was over ------------------------------------------------------------------------------


def failed_at(moment: datetime, status: str = "failed", **more: Any) -> Run:  # noqa: ANN401 - fields of a run
    return Run(heartbeat_name(OFFENSE), "r", status, DATA, None, moment - timedelta(minutes=1), moment, **more)


OVER = datetime.combine(DATA, on("00:00").time(), UTC).replace(tzinfo=UTC) + TONIGHT


@pytest.mark.parametrize(
    ("shift", "verdict"), [(-timedelta(minutes=1), Verdict.NOT_DUE), (timedelta(), Verdict.FAILED)]
)
@pytest.mark.parametrize("status", ["failed", "skipped"])
def test_a_run_that_ended_before_its_date_was_over_says_nothing_of_the_work(
    status: str, shift: timedelta, verdict: Verdict
) -> None:
    runs = [failed_at(OVER + shift, status)]

    found = Scene(entry=None, rows=0, now="10:00", counted="09:55", read="09:59", runs=runs).report()

    wanted = Verdict.SKIPPED if verdict is Verdict.FAILED and status == "skipped" else verdict
    assert found.verdict is wanted
    said = f"run history: run r {status} before {DATA} was over, which says nothing of this work"
    assert (said in texts(found)) == (verdict is Verdict.NOT_DUE)


def test_a_hint_says_why_a_run_failed() -> None:
    scene = Scene(entry=None, rows=0, runs=[failed_at(on("15:00"), category="no_data_available")])

    assert "run history: newest run r failed (no_data_available) at 15:00:00Z" in texts(scene.report())


def test_a_heartbeat_that_stopped_before_the_date_was_over_is_no_stall() -> None:
    last = replace(beat("running", "15:00"), beat_at=OVER - timedelta(hours=1))

    report = Scene(entry=None, rows=0, now="10:00", counted="09:55", read="09:59", beats=[last]).report()

    assert (report.heartbeat.state, report.verdict) == (HeartbeatState.DEAD, Verdict.NOT_DUE)
