"""The verdict table, a line a case.

As it stands a scene is a healthy team processor of six games: an entry of 15:00:50 with 12 rows; 12 rows written at
15:00:44 and counted at 17:55; due at 16:30, judged at 18:00.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import pytest

from exporter.config.resolved import TableRef
from exporter.model import Document, HeartbeatState, Verdict
from exporter.reconcile import reconcile
from exporter.reconcile.verdict import SAME_RUN, TABLE, both, either, negated
from testing.builders import DAY, ONE_DAY, beat, entry, loss, on, run
from tests.reconcile.scene import SOURCES, TWIN, Scene, Side

if TYPE_CHECKING:
    from exporter.config.resolved import Config

DAY_BEFORE = DAY - 2 * ONE_DAY
LAST_WEEK = DAY - 7 * ONE_DAY
ROWS = {"rows"}
ALL_ELSE = SOURCES - {"heartbeats"}
ALL_BUT_CALENDAR = SOURCES - {"calendar"}

Answer: TypeAlias = bool | None
Answers: TypeAlias = tuple[bool | None, ...]

registered = Scene
unregistered = partial(Scene, entry=None)
nothing = partial(Scene, entry=None, rows=0, written=None)
unseen = partial(Scene, entry=None, unread=ROWS)
early = partial(Scene, now="16:00", counted="15:55", read="15:59")
early_unregistered = partial(early, entry=None)
counted_before = partial(Scene, now="15:01", counted="15:00:45", read="15:00:55")
without_documents = partial(Scene, collection=None)

as_partial = partial(entry, status="partial")
NO_MAP = entry(None, None, None, malformed=("entry",))
running, completed, failed = partial(beat, "running"), partial(beat, "completed"), partial(beat, "failed")
succeeded, broke = partial(run, "success"), partial(run, "failed")
backfilled = partial(run, "success", backfill=True)

CASES: Final[dict[Verdict, dict[str, Scene]]] = {
    Verdict.UNKNOWN: {
        "nothing was read": registered(unread=SOURCES),
        "calendar unread": registered(unread={"calendar"}),
        "document unread": registered(unread={"documents"}),
        "document unread and rows there": unregistered(unread={"documents"}),
        "rows unread and registered": registered(unread=ROWS),
        "rows unread and not registered": unseen(),
        "rows unread and registered as partial": registered(unread=ROWS, bounds=None, entry=as_partial(count=None)),
        "a run failed and rows are unread": unseen(runs=[broke("15:00")]),
        "registered after the rows were counted": registered(rows=0, counted="15:00:30", now="16:40", read="16:39"),
        "rows below their bounds counted before the entry": counted_before(rows=10),
        "too many rows counted before the entry": counted_before(rows=24),
        "more registered before the rows were counted": counted_before(entry=entry(count=13)),
        "registered by a clock ahead of ours after the rows were counted": registered(
            rows=0, entry=entry("16:41:59"), counted="16:39:30", now="16:40", read="16:39:59"
        ),
        "a backfill and rows unread": unseen(runs=[backfilled("15:00")], beats=[completed("15:00:48")]),
        "rows and the document read before them": unregistered(now="15:01", counted="15:00:46", read="15:00:30"),
        "rows unread, heartbeat completed since the document was read": unseen(
            read="15:00:30", now="15:01", beats=[completed("15:00:48")]
        ),
        "rows unread, heartbeat completed for the day before": unseen(beats=[completed("11:00", DAY_BEFORE)]),
        "rows unread, heartbeat completed too early": unseen(beats=[completed("-1 16:30", DAY_BEFORE)]),
        "rows unread, heartbeat completed before the date was over": early(
            entry=None, unread=ROWS, beats=[completed("04:50")]
        ),
        "rows unread, heartbeat completed late for the next day": unseen(beats=[completed("17:00", DAY)]),
        "rows unread, heartbeat completed for last week": unseen(beats=[completed("11:00", LAST_WEEK)]),
        "rerun wrote other rows since the document was read": registered(
            entry=entry(count=14), written="17:58", counted="17:59", read="17:57:30"
        ),
    },
    Verdict.NOT_EXPECTED: {
        "no games and nothing anywhere": nothing(units=0, written=None),
        "no games and registered": registered(units=0, rows=0),
        "no games and rows": unregistered(units=0),
        "no games and an old heartbeat": nothing(units=0, beats=[completed("-3 15:00", LAST_WEEK)]),
        "no games and a dead heartbeat": nothing(units=0, beats=[running("15:00")]),
        "no games and all else unread": registered(units=0, unread=ALL_BUT_CALENDAR),
        "mode does not ask": nothing(asked=False),
        "mode does not ask and registered": registered(asked=False),
        "mode does not ask and nothing read": registered(asked=False, unread=SOURCES),
        "entry lost but no games": unregistered(loss=loss(), units=0),
    },
    Verdict.LOST_UPDATE: {
        "entry lost": unregistered(loss=loss()),
        "entry lost and calendar unread": unregistered(loss=loss(), unread={"calendar"}),
        "entry lost and document unread since": unregistered(loss=loss(), unread={"documents"}),
        "entry lost and heartbeat dead": unregistered(loss=loss(), beats=[running("15:00")]),
    },
    Verdict.STALLED: {
        "heartbeat dead": nothing(beats=[running("17:44:59")]),
        "heartbeat dead over old rows": unregistered(beats=[running("17:40")]),
        "heartbeat dead before the deadline": nothing(now="15:30", beats=[running("15:10")]),
        "heartbeat dead and all else unread": registered(unread=ALL_ELSE, beats=[running("17:40")]),
        "heartbeat dead in a rerun after the entry": registered(beats=[running("17:40")]),
        "heartbeat left running, run failed": nothing(
            beats=[running("15:00:40")], runs=[broke("15:00", ended="15:00:46")]
        ),
        "heartbeat left running, entry of tomorrow": registered(entry=entry("+1 15:00"), beats=[running("15:00:40")]),
        "twin beats ahead of the clock": nothing(beats=[running("15:00"), running("23:00", document=TWIN)]),
        "twin of another date is no answer": nothing(beats=[running("15:00"), completed("17:59", DAY, document=TWIN)]),
    },
    Verdict.RUNNING: {
        "heartbeat on the edge of dead": nothing(beats=[running("17:45")]),
        "heartbeat stale": nothing(beats=[running("17:50")]),
        "heartbeat fresh": nothing(beats=[running("17:59")]),
        "heartbeat fresh in a rerun after the entry": registered(beats=[running("17:59")]),
        "heartbeat fresh and all else unread": registered(unread=ALL_ELSE, beats=[running("17:59")]),
        "twin beats after the dead one": nothing(beats=[running("15:00"), running("17:59", document=TWIN)]),
    },
    Verdict.FAILED: {
        "newest run failed": nothing(runs=[broke("15:00")]),
        "newest run failed beside one ahead of the clock": nothing(runs=[run("skipped", "23:00"), broke("15:00")]),
        "newest run failed before the deadline": nothing(now="15:30", runs=[broke("15:00")]),
        "a run without a phase failed": nothing(runs=[broke("15:00", phase_name=None)]),
        "heartbeat failed": nothing(beats=[failed("15:00")]),
        "entry says failed": registered(entry=entry(status="failed"), rows=0),
    },
    Verdict.SKIPPED: {
        "newest run decided not to run": nothing(runs=[run("skipped", "15:00")]),
        "a failed run was skipped later": nothing(runs=[broke("14:00"), run("skipped", "15:00")]),
        "skipped before the deadline": nothing(now="15:30", runs=[run("skipped", "15:00")]),
    },
    Verdict.PHANTOM: {
        "registered without rows after the deadline": registered(rows=0, written=None),
        "registered with zero records without rows": registered(rows=0, entry=entry(count=0)),
        "registered without rows and no fixed bounds": registered(rows=0, bounds=None, entry=entry(count=None)),
        "registered by hand without rows": registered(rows=0, entry=entry(count=None, status="success", manual=True)),
        "an entry that is no map without rows": registered(rows=0, entry=NO_MAP),
    },
    Verdict.PARTIAL: {
        "rows below their bounds": registered(rows=10, entry=entry(count=10)),
        "rows below their bounds before the deadline": early(rows=10, entry=entry(count=10)),
        "rows for five of six games and counts agree": registered(bounds=(28, 56), rows=140, entry=entry(count=140)),
        "registered as partial without rows": registered(rows=0, entry=as_partial(count=0)),
    },
    Verdict.DUPLICATED: {
        "every row twice": registered(rows=24, entry=entry(count=24)),
        "every row twice and the count is impossible": registered(rows=24, entry=entry(count=0)),
        "one row too many": registered(rows=13),
    },
    Verdict.COUNT_MISMATCH: {
        "zero registered over rows": registered(entry=entry(count=0)),
        "more registered than rows": registered(entry=entry(count=13)),
        "more registered than rows by hand": registered(entry=entry(count=13, status="success", manual=True)),
        "more registered than rows without a status": registered(entry=entry(count=13, status=None)),
    },
    Verdict.OK: {
        "entry lost and back": registered(loss=loss()),
        "heartbeat of yesterdays data left running": registered(beats=[running("-1 15:00", DAY_BEFORE)]),
        "heartbeat without a data date left running": registered(beats=[running("16:00", None)]),
        "heartbeat left running before the entry": registered(beats=[running("15:00:40")]),
        "heartbeat without a beat": registered(beats=[running(None)]),
        "heartbeat of no known status": registered(beats=[beat("sleeping", "15:00:40")]),
        "heartbeat completed twenty hours ago": registered(beats=[completed("-1 22:00")]),
        "heartbeats unread": registered(unread={"heartbeats"}),
        "a run failed and it is registered": registered(runs=[broke("17:00")]),
        "registered as partial early without rows": early(bounds=None, rows=0, entry=as_partial(count=0)),
        "registered as partial with all its rows": registered(entry=as_partial(count=3)),
        "rows on the lower bound": registered(bounds=(28, 56), rows=168, entry=entry(count=168)),
        "rows on the upper bound": registered(bounds=(28, 56), rows=336, entry=entry(count=336)),
        "dnp rows are rows": registered(bounds=(28, 56), rows=118 + 94, entry=entry(count=212)),
        "fewer registered than rows": registered(entry=entry(count=4)),
        "zero registered incrementally": registered(entry=entry(count=0, incremental=True)),
        "more registered incrementally": registered(entry=entry(count=13, incremental=True)),
        "zero registered as partial": registered(entry=as_partial(count=0)),
        "all agree": registered(),
        "all agree and run history and heartbeats unread": registered(unread={"heartbeats", "runs"}),
        "made by hand without a count": registered(entry=entry(None, None, "success", manual=True)),
        "an entry that is no map": registered(entry=NO_MAP),
        "no fixed bounds": registered(bounds=None, rows=1_000_000, entry=entry(count=300)),
        "rows counted before the entry and fine": counted_before(),
        "completed count went stale": registered(document=Document(completed_count=3)),
        "neighbour registered too": registered(sides={-1: Side(entry("15:00:50"), 12, "15:00:44")}),
        "a backfill of what is registered": registered(runs=[succeeded("17:00", backfill=True)]),
    },
    Verdict.WRONG_DATE: {
        "registered in yesterdays document": unregistered(sides={-1: Side(entry("15:00:50"), 12, "-1 15:00:44")}),
        "registered in tomorrows document": unregistered(sides={1: Side(entry("15:00:50"))}),
        "registered there thirty minutes after the rows": unregistered(sides={-1: Side(entry("15:30:44"))}),
    },
    Verdict.BACKFILL: {
        "newest run was a backfill": unregistered(runs=[broke("14:00"), backfilled("15:00")]),
        "a regular run before the date was over, and a backfill": unregistered(
            runs=[succeeded("04:50"), backfilled("15:00")]
        ),
    },
    Verdict.UNREGISTERED: {
        "heartbeat left running, run ended": unregistered(
            beats=[running("15:00:40")], runs=[succeeded("15:00", ended="15:00:46")]
        ),
        "a run failed and rows are there": unregistered(runs=[broke("15:00")]),
        "entry says failed and rows are there": registered(entry=entry(status="failed")),
        "entry says running and rows are there": registered(entry=entry(status="running")),
        "registered there later than that": unregistered(sides={-1: Side(entry("15:30:45"))}),
        "registered there for its own rows": unregistered(
            written="15:10:00", sides={-1: Side(entry("15:00:50"), 12, "15:00:44")}
        ),
        "registered there at no known time": unregistered(sides={-1: Side(entry(None))}),
        "registered there, rows of no known time": unregistered(written=None, sides={-1: Side(entry("15:00:50"))}),
        "a regular run came before the backfill": unregistered(runs=[succeeded("14:00"), backfilled("15:00")]),
        "a regular run came after the backfill": unregistered(runs=[backfilled("14:00"), succeeded("15:00")]),
        "rows and no entry": unregistered(),
        "rows and no document": unregistered(document=Document(exists=False)),
        "rows and no entry before the deadline": unregistered(now="15:30", counted="15:25", read="15:29"),
        "rows and no entry and run history unread": unregistered(unread={"runs"}),
        "rows and no entry and heartbeats unread": unregistered(unread={"heartbeats"}),
        "rows and the document read at once": unregistered(now="15:01", counted="15:00:46", read="15:00:44"),
        "rows of no known write time": unregistered(written=None),
        "rows unread, heartbeat completed": unseen(beats=[completed("15:00:48")]),
        "rows from when the date was over": early_unregistered(written="05:00"),
        "rows from before the date was over, after the deadline": unregistered(written="04:50"),
        "rows from before the date was over, a run since": early_unregistered(
            written="04:50", runs=[succeeded("15:00", ended="15:05")]
        ),
        "rows of no known write time, heartbeat completed since": early_unregistered(
            written=None, beats=[completed("15:00")]
        ),
    },
    Verdict.MISSING: {
        "entry says running and no rows came": registered(rows=0, entry=entry(status="running")),
        "heartbeat of todays data left running": nothing(beats=[running("16:00", DAY)]),
        "twin completed after the dead one": nothing(beats=[running("15:00"), completed("15:20", document=TWIN)]),
        "a run failed after a success": nothing(runs=[succeeded("14:00"), broke("15:00")]),
        "a failed run was rerun and goes on": nothing(runs=[broke("14:00"), run("running", "15:00")]),
        "a run of another date failed": nothing(runs=[broke("15:00", data=DAY)]),
        "a run of another phase failed": nothing(runs=[broke("15:00", phase_name="phase4_work")]),
        "a run of another processor failed": nothing(runs=[broke("15:00", name="Other")]),
        "heartbeat failed and a later run succeeded": nothing(beats=[failed("15:00")], runs=[succeeded("15:10")]),
        "heartbeat of another date failed": nothing(beats=[failed("15:00", DAY)]),
        "registered there and no rows here": nothing(sides={-1: Side(entry("15:00:50"))}),
        "a backfill without rows": nothing(runs=[backfilled("15:00")]),
        "nothing after the deadline": nothing(),
        "nothing at the deadline": nothing(now="16:30", counted="16:30", read="16:30"),
        "nothing and no document": nothing(document=Document(exists=False)),
        "nothing but a completed heartbeat": nothing(beats=[completed("15:00:48")]),
        "nothing and only the neighbours rows": nothing(sides={-1: Side(rows=12, written="15:00")}),
    },
    Verdict.NOT_DUE: {
        "nothing before the deadline": nothing(now="16:29:59", counted="16:25", read="16:29"),
        "nothing when last counted before the deadline": nothing(now="16:35", counted="16:29", read="16:34"),
        "rows from before the date was over": early_unregistered(written="04:59:59"),
        "rows and runs from before the date was over": early_unregistered(
            written="04:50", beats=[completed("04:51")], runs=[succeeded("04:40", ended="04:51")]
        ),
        "rows of no known write time before the deadline": early_unregistered(written=None),
        "rows from before the date was over, run ahead of the clock": early_unregistered(
            written="04:50", runs=[succeeded("16:10", ended="16:20")]
        ),
    },
}


@pytest.mark.parametrize(
    ("verdict", "scene"),
    [
        pytest.param(verdict, scene, id=f"{verdict}: {name}")
        for verdict, scenes in CASES.items()
        for name, scene in scenes.items()
    ],
)
def test_verdict(verdict: Verdict, scene: Scene) -> None:
    assert scene.report().verdict is verdict


def test_every_verdict_has_its_cases() -> None:
    assert list(CASES) == list(Verdict)


@pytest.mark.parametrize(
    ("verdict", "scene"),
    {
        "rows": (Verdict.OK, without_documents(bounds=None)),
        "no rows after the deadline": (Verdict.MISSING, without_documents(rows=0)),
        "no rows before it": (Verdict.NOT_DUE, without_documents(rows=0, now="16:00", counted="15:55")),
        "rows unread": (Verdict.UNKNOWN, without_documents(unread=ROWS)),
        "documents unread": (Verdict.OK, without_documents(unread={"documents"})),
        "too few rows": (Verdict.PARTIAL, without_documents(rows=11)),
        "too many rows": (Verdict.DUPLICATED, without_documents(rows=24)),
        "a failed run": (Verdict.FAILED, without_documents(rows=0, runs=[broke("15:00")])),
        "no games": (Verdict.NOT_EXPECTED, without_documents(rows=0, units=0)),
        "a dead heartbeat": (Verdict.STALLED, without_documents(rows=0, beats=[running("15:00")])),
    }.values(),
)
def test_in_a_phase_without_completion_documents_rows_stand_in_for_the_entry(verdict: Verdict, scene: Scene) -> None:
    report = scene.report()

    assert report.verdict is verdict
    assert report.registered is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tableless(Scene):
    """A scene of a processor that writes no table."""

    def config(self) -> Config:
        found = Scene.config(self)
        pipeline = found.pipelines["nba"]
        phase = pipeline.phases["phase3"]
        processors = {name: replace(one, table=TableRef("", "")) for name, one in phase.processors.items()}
        phases = {"phase3": replace(phase, processors=processors)}
        return replace(found, pipelines={"nba": replace(pipeline, phases=phases)})


none = partial(Tableless, entry=None, bounds=None, rows=99, unread=ROWS)


@pytest.mark.parametrize(
    ("verdict", "scene"),
    {
        "an entry": (Verdict.OK, none(entry=entry(count=12))),
        "an entry that counted nothing": (Verdict.OK, none(entry=entry(count=0))),
        "an entry that says partial": (Verdict.OK, none(entry=as_partial())),
        "nothing before the deadline": (Verdict.NOT_DUE, none(now="16:29", read="16:28")),
        "nothing after the deadline": (Verdict.MISSING, none()),
        "nothing in a document from before the deadline": (Verdict.NOT_DUE, none(now="16:31", read="16:29")),
        "the document unread": (Verdict.UNKNOWN, none(unread={*ROWS, "documents"})),
        "the calendar unread": (Verdict.UNKNOWN, none(unread={*ROWS, "calendar"})),
        "no games": (Verdict.NOT_EXPECTED, none(units=0)),
        "no entry and heartbeats unread": (Verdict.UNKNOWN, none(unread={*ROWS, "heartbeats"})),
        "an entry and heartbeats unread": (Verdict.OK, none(entry=entry(), unread={*ROWS, "heartbeats"})),
        "a completed heartbeat": (Verdict.UNREGISTERED, none(beats=[completed("15:00:48")])),
        "one from before the date was over": (
            Verdict.NOT_DUE,
            none(now="16:00", read="15:59", beats=[completed("04:50")]),
        ),
        "a run that succeeded": (Verdict.UNREGISTERED, none(runs=[succeeded("15:00")])),
        "a run that succeeded, heartbeats unread": (
            Verdict.UNREGISTERED,
            none(runs=[succeeded("15:00")], unread={*ROWS, "heartbeats"}),
        ),
        "a backfill": (Verdict.BACKFILL, none(runs=[backfilled("15:00")])),
        "a backfill that failed": (Verdict.FAILED, none(runs=[run("failed", "15:00", backfill=True)])),
        "a running heartbeat": (Verdict.RUNNING, none(beats=[running("17:59")])),
        "a dead heartbeat": (Verdict.STALLED, none(beats=[running("15:00")])),
        "a failed heartbeat": (Verdict.FAILED, none(beats=[failed("15:00")])),
        "a failed run": (Verdict.FAILED, none(runs=[broke("15:00")])),
        "a run that was skipped": (Verdict.SKIPPED, none(runs=[run("skipped", "15:00")])),
        "a lost entry": (Verdict.LOST_UPDATE, none(loss=loss())),
    }.values(),
)
def test_without_a_table_entry_heartbeat_and_runs_alone_are_judged(verdict: Verdict, scene: Scene) -> None:
    report = scene.report()

    assert report.verdict is verdict
    assert (report.table_rows, report.too_few, report.too_many) == (None, None, None)
    assert not any("table" in hint.text for hint in report.hints if verdict is not Verdict.UNKNOWN)


def test_verdicts_are_tried_in_the_order_in_which_the_model_lists_them() -> None:
    assert [row.verdict for row in TABLE] == [verdict for verdict in Verdict if verdict is not Verdict.UNKNOWN]


@pytest.mark.parametrize(
    ("state", "scene"),
    [
        pytest.param(HeartbeatState.UNKNOWN, Scene(unread={"heartbeats"}), id="unread"),
        pytest.param(HeartbeatState.ABSENT, Scene(), id="absent"),
        pytest.param(HeartbeatState.OTHER_DATE, Scene(beats=(beat("completed", "15:00", DAY),)), id="next_day"),
        pytest.param(HeartbeatState.OTHER_DATE, Scene(beats=(beat("completed", "15:00", None),)), id="no_date"),
        pytest.param(HeartbeatState.RUNNING, Scene(beats=(beat("running", "17:55"),)), id="on_the_edge_of_stale"),
        pytest.param(HeartbeatState.RUNNING, Scene(beats=(beat("running", "18:02"),)), id="clock_ahead_of_ours"),
        pytest.param(HeartbeatState.UNKNOWN, Scene(beats=(beat("running", "18:02:01"),)), id="ahead_of_the_clock"),
        pytest.param(HeartbeatState.STALE, Scene(beats=(beat("running", "17:54:59"),)), id="stale"),
        pytest.param(HeartbeatState.DEAD, Scene(beats=(beat("running", "17:44:59"),)), id="dead"),
        pytest.param(HeartbeatState.SUPERSEDED, Scene(beats=(beat("running", "15:00:50"),)), id="ended_as_it_beat"),
        pytest.param(
            HeartbeatState.SUPERSEDED, Scene(beats=(beat("running", "15:02:50"),)), id="ended_by_another_clock"
        ),
        pytest.param(HeartbeatState.DEAD, Scene(beats=(beat("running", "15:02:51"),)), id="began_again"),
        pytest.param(
            HeartbeatState.RUNNING, Scene(now="15:03", beats=(beat("running", "15:02:30"),)), id="begins_again"
        ),
        pytest.param(HeartbeatState.COMPLETED, Scene(beats=(beat("completed", "-1 15:00"),)), id="completed"),
        pytest.param(HeartbeatState.FAILED, Scene(beats=(beat("failed", None),)), id="failed"),
        pytest.param(HeartbeatState.UNKNOWN, Scene(beats=(beat(None, "15:00"),)), id="no_status"),
    ],
)
def test_heartbeat_state(state: HeartbeatState, scene: Scene) -> None:
    assert scene.report().heartbeat.state is state


def test_a_pipeline_without_heartbeats_has_none_to_report() -> None:
    scene = Scene()
    bare = replace(scene.config().pipelines["nba"], heartbeats=None)
    config = replace(scene.config(), pipelines={"nba": bare})

    (report,) = reconcile(config, scene.snapshot(), on(scene.now)).processors
    assert report.heartbeat.state is HeartbeatState.UNKNOWN
    assert report.verdict is Verdict.OK


def test_of_two_heartbeats_the_newest_that_carries_the_data_date_speaks() -> None:
    scene = Scene(beats=(beat("completed", "15:00"), beat("completed", "17:00", DAY, document=TWIN)))

    assert scene.report().heartbeat.beat_at == on("15:00")


@pytest.mark.parametrize("gap", [timedelta(), SAME_RUN])
def test_an_entry_equally_near_to_the_rows_of_both_dates_counts_for_this_date(gap: timedelta) -> None:
    written = on("15:00") + gap
    side = Side(entry("15:00"), 12, written.isoformat())

    assert Scene(entry=None, written=written.isoformat(), sides={-1: side}).report().verdict is Verdict.WRONG_DATE


@pytest.mark.parametrize(
    ("answers", "together", "any_of_them"),
    [
        ((), True, False),
        ((True, True), True, True),
        ((True, None), None, True),
        ((False, None), False, None),
        ((True, False), False, True),
        ((None, None), None, None),
        ((False, False), False, False),
    ],
)
def test_three_valued_logic(answers: Answers, together: Answer, any_of_them: Answer) -> None:
    assert both(*answers) is together
    assert either(*answers) is any_of_them
    assert [negated(answer) for answer in (True, False, None)] == [False, True, None]
