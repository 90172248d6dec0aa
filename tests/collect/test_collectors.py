"""What a run brings, keeps and throws away, seen at the ports; integration/test_collecting.py has the real sources."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from exporter.model import CoverageCounts, Document, DocumentId, ErrorKind, Failure, Reading, Verdict
from exporter.sources.ports import SourceError
from testing.builders import (
    DAY,
    DEFENSE,
    OFFENSE,
    ONE_DAY,
    PHASE3,
    PLAYER,
    UPCOMING_PLAYER,
    beat,
    config,
    entry,
    on,
    phase,
    pipeline,
    processor,
    run,
)
from testing.collecting import COLLECTORS, PHASE3_DOCUMENT, Scene, healthy


@pytest.fixture(name="scene")
def _scene() -> Scene:
    return healthy()


# --- what a run brings ------------------------------------------------------------------------------------------


def test_a_reading_is_in_the_snapshot_with_the_time_of_its_run(scene: Scene) -> None:
    warehouse = scene.memory.warehouse
    scene.memory.store.beats["OffenseProcessor"] = beat("running", "17:59")
    warehouse.runs = (run("success", "15:00"),)
    warehouse.phase_log = {(DAY, "phase2_to_phase3"): 1}
    warehouse.coverage = {DAY: CoverageCounts(10, 8, 8, {"dnp": 2})}

    for minute, name in enumerate(COLLECTORS):
        scene.clock.now = on(f"18:0{minute}")
        scene.collectors.run(name)

    snapshot = scene.collectors.snapshot
    beats = snapshot.heartbeats["nba"]
    assert (snapshot.documents.value or {})[PHASE3_DOCUMENT].entries.keys() == set(PHASE3)
    assert (snapshot.documents.read_at, beats.read_at) == (on("18:00"), on("18:01"))
    assert snapshot.heartbeat_documents["nba"].value == 31
    counted = {(reading.read_at, (reading.value or {})[DAY].rows) for reading in snapshot.rows.values()}
    assert counted == {(on("18:03"), 12), (on("18:03"), 200)}
    assert snapshot.units["nba"].value == {DAY - ONE_DAY: 6, DAY: 6}
    assert snapshot.runs["nba"].value == warehouse.runs
    assert snapshot.phase_log["nba"].value == warehouse.phase_log
    assert snapshot.coverage["nba", "minutes_played"].value == warehouse.coverage


def test_every_run_publishes_a_report_of_all_known_values(scene: Scene) -> None:
    scene.collectors.run("completion")
    before = scene.verdicts()
    scene.collectors.run("warehouse")

    assert before[OFFENSE] is Verdict.UNKNOWN
    assert scene.verdicts()[OFFENSE] is Verdict.OK
    assert len(scene.reports) == 2


def test_records_that_are_not_configured_are_not_read() -> None:
    bare = pipeline([phase("phase5", [processor("predictions")], collection=None)], bare=True)
    scene = Scene(config(bare))

    for name in COLLECTORS:
        scene.collectors.run(name)

    assert {name: orders.calls for name, orders in scene.memory.store.orders.items()} == {
        "documents": 0,
        "heartbeats": 0,
        "count": 0,
    }
    assert scene.collectors.snapshot.heartbeats == {}


def test_a_collection_that_two_pipelines_share_is_counted_once() -> None:
    one = pipeline([phase("phase3", [processor("a")])])
    other = replace(pipeline([phase("phase3", [processor("b")])], name="mlb"), heartbeats=one.heartbeats)
    scene = Scene(config(one, other))
    scene.memory.store.size = 7

    scene.collectors.run("heartbeat_count")

    counted = scene.collectors.snapshot.heartbeat_documents
    assert scene.memory.store.orders["count"].calls == 1
    assert (counted["nba"].value, counted["mlb"].value) == (7, 7)


def test_documents_read_before_midnight_judge_the_day_that_begins(scene: Scene) -> None:
    scene.clock.now = on("+1 04:59")
    scene.memory.store.held[DocumentId("phase3_completion", DAY + ONE_DAY)] = Document(entries={PLAYER: entry()})
    scene.collectors.run("completion")

    scene.clock.now = on("+1 05:01")
    scene.collectors.conclude()

    today = [item for item in scene.reports[-1].phases if item.phase == "phase3"]
    assert [(item.run_date, item.entries) for item in today] == [(DAY + ONE_DAY, 1)]


# --- what is kept when reading fails ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collector", "kind"), [(name, kind) for name in COLLECTORS for kind in (ErrorKind.UNREACHABLE, ErrorKind.QUOTA)]
)
def test_a_failed_run_is_reported_and_keeps_the_last_good_values(scene: Scene, collector: str, kind: ErrorKind) -> None:
    scene.collectors.run_all()
    good = scene.collectors.snapshot
    scene.orders(collector).fail(kind, "the reason")
    scene.clock.now = on("18:01")

    scene.collectors.run(collector)

    now = scene.collectors.snapshot
    readings: dict[str, list[tuple[Reading[Any], Reading[Any]]]] = {
        "completion": [(good.documents, now.documents)],
        "heartbeats": [(good.heartbeats["nba"], now.heartbeats["nba"])],
        "heartbeat_count": [(good.heartbeat_documents["nba"], now.heartbeat_documents["nba"])],
        "warehouse": [
            *((good.rows[key], now.rows[key]) for key in good.rows),
            (good.units["nba"], now.units["nba"]),
            (good.runs["nba"], now.runs["nba"]),
            (good.phase_log["nba"], now.phase_log["nba"]),
            *((good.coverage[key], now.coverage[key]) for key in good.coverage),
        ],
    }
    failure = Failure(kind, "the reason", on("18:01"))
    assert all(after == replace(before, failure=failure) for before, after in readings[collector])
    state = scene.telemetry.collectors()[collector]
    assert (state.runs, state.failing, state.failures) == (2, frozenset({str(kind)}), {str(kind): 1})
    assert state.last_success == on("18:00").timestamp()
    assert state.last_attempt == on("18:01").timestamp()


def test_old_values_count_until_they_are_too_old_and_then_the_verdict_is_unknown(scene: Scene) -> None:
    scene.collectors.run_all()
    scene.orders("completion").fail(ErrorKind.PERMISSION_DENIED)
    verdicts = {}
    for minute in (1, 3, 4):
        scene.clock.now = on(f"18:0{minute}")
        scene.collectors.run("completion")
        verdicts[minute] = scene.verdicts()[OFFENSE]

    assert verdicts == {1: Verdict.OK, 3: Verdict.OK, 4: Verdict.UNKNOWN}


def test_a_source_that_recovers_brings_its_verdicts_back(scene: Scene) -> None:
    orders = scene.orders("warehouse")
    orders.fail(ErrorKind.UNREACHABLE)
    scene.collectors.run_all()
    down = scene.verdicts()[OFFENSE], scene.telemetry.sources()["bigquery"]
    orders.error = None
    scene.collectors.run("warehouse")

    assert down == (Verdict.UNKNOWN, ErrorKind.UNREACHABLE)
    assert scene.verdicts()[OFFENSE] is Verdict.OK
    assert scene.telemetry.sources() == {"firestore": None, "bigquery": None}
    assert all(reading.failure is None for reading in scene.collectors.snapshot.rows.values())


def test_one_table_that_cannot_be_read_loses_only_its_own_answers(scene: Scene) -> None:
    scene.collectors.run_all()
    offense = scene.settings.pipelines["nba"].phases["phase3"].processors[OFFENSE].table
    scene.memory.warehouse.tables[offense] = SourceError(ErrorKind.NOT_FOUND, "no such table")
    scene.clock.now = on("18:31")

    scene.collectors.run("completion")
    scene.collectors.run("warehouse")

    verdicts = scene.verdicts()
    assert verdicts[OFFENSE] is Verdict.UNKNOWN
    assert verdicts[DEFENSE] is Verdict.OK
    reading = scene.collectors.snapshot.rows[offense]
    assert (reading.read_at, reading.failure) == (
        on("18:00"),
        Failure(ErrorKind.NOT_FOUND, "no such table", on("18:31")),
    )
    state = scene.telemetry.collectors()["warehouse"]
    assert state.failing == {"not_found"}
    assert state.last_success == on("18:31").timestamp()
    assert scene.telemetry.sources()["bigquery"] is None


def test_a_failed_row_count_leaves_the_calendar_readable(scene: Scene) -> None:
    scene.orders("warehouse").fail(ErrorKind.INVALID)

    scene.collectors.run("warehouse")

    snapshot = scene.collectors.snapshot
    assert {reading.failure.kind for reading in snapshot.rows.values() if reading.failure} == {ErrorKind.INVALID}
    assert snapshot.units["nba"].value is not None
    assert scene.telemetry.collectors()["warehouse"].last_success is not None


def test_a_used_up_budget_ends_all_queries(scene: Scene) -> None:
    scene.orders("warehouse").fail(ErrorKind.BUDGET)

    scene.collectors.run("warehouse")

    assert scene.memory.warehouse.orders["context"].calls == 0
    assert scene.telemetry.sources()["bigquery"] is ErrorKind.BUDGET
    assert scene.telemetry.collectors()["warehouse"].last_success is None


def test_rows_that_were_counted_stay_when_the_rest_cannot_be_read(scene: Scene) -> None:
    scene.memory.warehouse.orders["context"].fail(ErrorKind.TIMEOUT)

    scene.collectors.run("warehouse")

    snapshot = scene.collectors.snapshot
    assert all(reading.value for reading in snapshot.rows.values())
    assert snapshot.units["nba"].known(on("18:00")) is None


def test_a_run_in_which_nothing_at_all_could_be_read_is_no_success(scene: Scene) -> None:
    missing = SourceError(ErrorKind.NOT_FOUND, "no such dataset")
    warehouse = scene.memory.warehouse
    warehouse.tables.clear()
    warehouse.rows = warehouse.units = warehouse.runs = warehouse.phase_log = warehouse.coverage = missing

    scene.collectors.run("warehouse")

    state = scene.telemetry.collectors()["warehouse"]
    assert (state.runs, state.failing, state.last_success) == (1, frozenset({"not_found"}), None)


def test_a_value_that_cannot_be_read_again_is_unknown_after_the_clock_was_set_back(scene: Scene) -> None:
    scene.collectors.run_all()
    scene.clock.now = on("17:00")
    scene.orders("completion").fail(ErrorKind.UNREACHABLE)

    scene.collectors.run_all()
    away = scene.verdicts()[OFFENSE]
    scene.orders("completion").error = None
    scene.collectors.run_all()

    assert (away, scene.verdicts()[OFFENSE]) == (Verdict.UNKNOWN, Verdict.OK)
    assert scene.reports[-1].at == on("17:00")


def test_a_value_stays_known_if_the_clock_is_set_back_during_its_reading() -> None:
    before = iter([on("18:00")])
    scene = healthy(lambda: next(before, on("17:00")))

    scene.collectors.run("completion")

    assert scene.collectors.snapshot.documents.read_at == on("17:00")


# --- entries that get lost --------------------------------------------------------------------------------------


def test_an_entry_that_vanishes_while_the_document_lives_on_is_lost(scene: Scene) -> None:
    scene.collectors.run_all()
    scene.register(*(name for name in PHASE3 if name != PLAYER))
    scene.clock.now = on("18:01")

    scene.collectors.run("completion")

    assert scene.verdicts()[PLAYER] is Verdict.LOST_UPDATE
    assert scene.collectors.snapshot.watched[PHASE3_DOCUMENT].losses[PLAYER].last_seen_at == on("18:00")


def test_a_loss_across_an_outage_is_found_when_reading_works_again(scene: Scene) -> None:
    scene.collectors.run_all()
    scene.orders("completion").fail(ErrorKind.UNREACHABLE)
    scene.collectors.run("completion")
    scene.register(*(name for name in PHASE3 if name != PLAYER))
    scene.orders("completion").error = None
    scene.clock.now = on("18:45")

    scene.collectors.run_all()

    assert scene.verdicts()[PLAYER] is Verdict.LOST_UPDATE


@pytest.mark.parametrize("reset", ["deleted", "emptied", "created again"])
def test_a_document_that_is_reset_lost_nothing(scene: Scene, reset: str) -> None:
    scene.collectors.run_all()
    match reset:
        case "deleted":
            del scene.memory.store.held[PHASE3_DOCUMENT]
        case "emptied":
            scene.register()
        case _:
            scene.register(UPCOMING_PLAYER, created=on("18:00:30"))
    scene.collectors.run("completion")
    after_reset = set(scene.verdicts().values())
    scene.register(UPCOMING_PLAYER, created=on("18:00:30"))
    scene.collectors.run("completion")

    assert Verdict.LOST_UPDATE not in after_reset | set(scene.verdicts().values())
    assert scene.collectors.snapshot.watched[PHASE3_DOCUMENT].losses == {}
