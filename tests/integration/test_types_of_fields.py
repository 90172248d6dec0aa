"""Fields of types that nobody expects, through the real Firestore client: read, or named and unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.metrics.catalogue import UNUSABLE, report_samples
from exporter.model import HeartbeatState, TriggerState, Verdict
from exporter.present.history import History
from exporter.web.sections import sections
from testing.real_day import DOCUMENT, FIRESTORE, PROJECT, Day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.incidents.local import LocalSources, SimulatedClock
    from exporter.model import PhaseReport, ProcessorReport

PLAYER = "player_game_summary"
HEARTBEAT = "processor_heartbeats/PlayerGameSummaryProcessor"
# Twenty minutes before the clock of the day: older than `dead_after`.
DEAD = datetime(2026, 1, 20, 17, 40, tzinfo=UTC)
BEATING = datetime(2026, 1, 20, 17, 59, tzinfo=UTC)


@pytest.fixture(name="loaded_day", scope="module")
def _loaded_day(_running: LocalSources, clock: SimulatedClock) -> Iterator[Day]:
    """The day of all modules, half an hour after its deadline: a heartbeat that says nothing excuses an hour."""
    day = Day(_running, clock, due="+0d 12:30")
    day.collect("warehouse")
    yield day
    day.close()


@pytest.fixture(name="day")
def _day(day_of_documents: Day) -> Day:
    return day_of_documents


def phase(day: Day, **metadata: object) -> PhaseReport:
    """The phase, once its document says this."""
    day.local.firestore.merge(DOCUMENT, metadata, project=PROJECT)
    day.collect(*FIRESTORE)
    return day.reports[-1].phases[0]


def player(day: Day) -> ProcessorReport:
    day.collect(*FIRESTORE)
    return next(found for found in day.reports[-1].processors if found.processor == PLAYER)


def beating(day: Day, **fields: object) -> ProcessorReport:
    """The processor, not registered, whose heartbeat says that it runs, and this."""
    found = day.local.firestore.get(DOCUMENT, project=PROJECT)
    assert found is not None
    day.local.firestore.put(DOCUMENT, {key: found[key] for key in found if key != PLAYER}, project=PROJECT)
    beat = {"status": "running", "data_date": "2026-01-19", "last_heartbeat": DEAD}
    day.local.firestore.put(HEARTBEAT, {**beat, **fields}, project=PROJECT)
    return player(day)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("soon", 'text "soon"'),
        (2, "number 2"),
        (0.5, "number 0.5"),
        (datetime(1970, 1, 1, tzinfo=UTC), "timestamp 1970-01-01T00:00:00Z"),
        ({"at": 1}, "map"),
        ([True], "array"),
        (b"\x01", "bytes"),
        ({"__oid__": "507f1f77bcf86cd799439011"}, "BSON ObjectId"),
    ],
)
@pytest.mark.parametrize("name", ["_triggered", "_trigger_succeeded"])
def test_a_trigger_field_that_cannot_be_read_makes_the_state_unknown_and_is_named(
    day: Day, name: str, value: object, said: str
) -> None:
    found = phase(day, **{name: value})

    assert found.trigger_state is TriggerState.UNKNOWN
    assert [hint.text for hint in found.trigger_hints] == [f"the document's trigger cannot be read: {name} ({said})"]
    assert day.failing("completion") == {"invalid"}


@pytest.mark.parametrize("value", ["true", "Yes", "1", 1, 1.0])
def test_a_trigger_flag_is_read_however_it_is_written(day: Day, value: object) -> None:
    found = phase(day, _triggered=value, _trigger_succeeded=value)

    assert found.trigger_state is TriggerState.TRIGGERED


def test_a_moment_in_place_of_a_trigger_flag_is_when_it_triggered(day: Day) -> None:
    found = phase(day, _triggered=DEAD, _triggered_at=None)

    assert (found.trigger_state, found.triggered_at) == (TriggerState.TRIGGERED, DEAD)


@pytest.mark.parametrize("fields", [{"_triggered": "false"}, {"_triggered": 0}, {"_trigger_succeeded": "no"}])
def test_a_trigger_flag_that_says_no_leaves_the_phase_stuck(day: Day, fields: dict[str, object]) -> None:
    assert phase(day, **fields).trigger_state is TriggerState.STUCK


@pytest.mark.parametrize("name", ["_triggered_at", "_trigger_pending"])
def test_what_only_says_more_of_a_trigger_does_not_decide_whether_there_was_one(day: Day, name: str) -> None:
    found = phase(day, **{name: "soon"})

    assert found.trigger_state is TriggerState.TRIGGERED
    assert day.failing("completion") == set()
    assert [hint.text for hint in found.trigger_hints] == [
        "triggered: all_complete",
        f'the document\'s trigger has unusable fields: {name} (text "soon")',
    ]


def test_a_success_that_cannot_be_read_decides_nothing_of_a_document_that_did_not_trigger(day: Day) -> None:
    assert phase(day, _triggered=False, _trigger_succeeded="soon").trigger_state is TriggerState.STUCK


@pytest.mark.parametrize("value", [1768923600, 1768923600.0, "1768923600000", "2026-01-20T15:40:00Z"])
def test_when_it_triggered_is_read_however_it_is_written(day: Day, value: object) -> None:
    found = phase(day, _triggered_at=value)

    assert found.trigger_state is TriggerState.TRIGGERED
    assert found.triggered_at == datetime(2026, 1, 20, 15, 40, tzinfo=UTC)


def test_a_reason_that_is_no_text_is_said(day: Day) -> None:
    found = phase(day, _trigger_reason=3)

    assert found.trigger_state is TriggerState.TRIGGERED
    assert [hint.text for hint in found.trigger_hints] == [
        "triggered: no reason written",
        "the document's trigger has unusable fields: _trigger_reason (number 3)",
    ]


def test_the_numbers_and_moments_of_a_mongodb_client_are_read(day: Day) -> None:
    seconds = int(DEAD.timestamp())
    entry = {
        "status": "success",
        "record_count": {"__int__": 280},
        "completed_at": {"__request_timestamp__": {"seconds": seconds, "increment": 1}},
    }
    found = phase(day, **{PLAYER: None, "_completed_count": {"__decimal128__": "5"}})
    day.local.firestore.merge(DOCUMENT, {PLAYER: entry}, project=PROJECT)

    assert found.completed_count == 5
    assert player(day).entry is not None
    assert player(day).record_count == 280
    assert player(day).entry.completed_at == DEAD  # type: ignore[union-attr]  # asserted above
    assert player(day).verdict is Verdict.OK


def test_a_heartbeat_of_a_mongodb_client_is_read(day: Day) -> None:
    seconds = int(DEAD.timestamp())

    found = beating(day, last_heartbeat={"__request_timestamp__": {"seconds": seconds, "increment": 0}})

    assert (found.heartbeat.beat_at, found.heartbeat.state) == (DEAD, HeartbeatState.DEAD)


def test_a_value_that_a_mongodb_client_alone_knows_is_named(day: Day) -> None:
    day.local.firestore.merge(
        DOCUMENT, {PLAYER: {"record_count": {"__regex__": {"pattern": "a", "options": ""}}}}, project=PROJECT
    )

    found = player(day)

    assert found.record_count is None
    assert "its entry has unusable fields: record_count (BSON regular expression)" in texts(found)


@pytest.mark.parametrize(
    "value",
    [
        DEAD,
        *(DEAD.timestamp(), int(DEAD.timestamp()), str(int(DEAD.timestamp()))),
        *(int(DEAD.timestamp()) * 1000, int(DEAD.timestamp()) * 1_000_000),
        *("2026-01-20T17:40:00Z", "2026-01-20 12:40:00-05:00", "2026-01-20T17:40:00"),
    ],
)
def test_a_beat_is_read_however_it_is_written_and_a_dead_one_is_stalled(day: Day, value: object) -> None:
    found = beating(day, last_heartbeat=value)

    assert (found.verdict, found.heartbeat.beat_at) == (Verdict.STALLED, DEAD)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"last_heartbeat": "a minute ago"}, 'last_heartbeat (text "a minute ago")'),
        ({"last_heartbeat": 20260120}, "last_heartbeat (number 20260120)"),
        ({"last_heartbeat": "2026-01-20"}, 'last_heartbeat (text "2026-01-20")'),
        ({"last_heartbeat": b"x", "updated_at": True}, "last_heartbeat (bytes), updated_at (boolean true)"),
        ({"last_heartbeat": datetime(1, 1, 1, tzinfo=UTC)}, "last_heartbeat (timestamp 0001-01-01T00:00:00Z)"),
        ({"last_heartbeat": None}, "no time of a beat"),
        ({"status": 3, "last_heartbeat": BEATING}, "status (number 3)"),
        ({"status": "idle", "last_heartbeat": BEATING}, 'status (text "idle", which `statuses` does not name)'),
    ],
)
def test_a_heartbeat_that_does_not_say_whether_it_runs_leaves_the_verdict_unknown(
    day: Day, fields: dict[str, object], said: str
) -> None:
    found = beating(day, **fields)

    assert (found.verdict, found.heartbeat.state) == (Verdict.UNKNOWN, HeartbeatState.UNKNOWN)
    assert f"heartbeat PlayerGameSummaryProcessor does not say whether it runs: {said}" in texts(found)


@pytest.mark.parametrize("status", [3, "idle"])
def test_a_status_that_nobody_knows_hides_nothing_once_the_last_beat_is_too_old(day: Day, status: object) -> None:
    found = beating(day, status=status)

    assert (found.verdict, found.heartbeat.state) == (Verdict.UNREGISTERED, HeartbeatState.UNKNOWN)
    assert any(
        text.startswith("heartbeat PlayerGameSummaryProcessor does not say how its run ended: status (")
        and text.endswith("; its last beat was at 17:40:00Z")
        for text in texts(found)
    )


def test_an_entry_that_failed_by_a_field_that_is_not_read_is_unknown_and_said_to_be_unread(day: Day) -> None:
    document = day.local.firestore.get(DOCUMENT, project=PROJECT)
    assert document is not None
    day.local.firestore.put(DOCUMENT, {**document, PLAYER: {"state": "failed"}}, project=PROJECT)

    assert player(day).verdict is Verdict.UNKNOWN
    assert day.failing("completion") == {"invalid"}


def test_the_other_time_of_a_beat_stands_in_for_one_that_cannot_be_read(day: Day) -> None:
    assert beating(day, last_heartbeat="?", updated_at=DEAD).verdict is Verdict.STALLED


def test_a_beat_in_the_future_is_no_running_processor(day: Day) -> None:
    found = beating(day, last_heartbeat=day.clock.now + timedelta(minutes=10))

    assert found.verdict is Verdict.UNKNOWN
    assert "heartbeat says running at 18:10:00Z, ahead of the clock: no sign that it runs now" in texts(found)


def test_a_beat_in_the_future_does_not_hide_that_all_heartbeats_are_silent(day: Day) -> None:
    beating(day, last_heartbeat=day.clock.now + timedelta(days=1))

    assert day.reports[-1].pipelines[0].last_heartbeat_at == datetime(2026, 1, 20, 15, 4, 28, tzinfo=UTC)


def test_a_clock_a_little_ahead_of_ours_beats_now(day: Day) -> None:
    assert beating(day, last_heartbeat=day.clock.now + timedelta(minutes=1)).verdict is Verdict.RUNNING


def test_an_unreadable_heartbeat_takes_nothing_from_what_is_registered(day: Day) -> None:
    day.local.firestore.merge(HEARTBEAT, {"status": "running", "last_heartbeat": "?"}, project=PROJECT)

    assert player(day).verdict is Verdict.OK


@pytest.mark.parametrize(
    "value", ["20260119", 20260119, "2026/01/19", datetime(2026, 1, 19, tzinfo=UTC), "2026-01-19T00:00:00Z"]
)
def test_a_data_date_is_read_however_it_is_written(day: Day, value: object) -> None:
    assert beating(day, data_date=value).verdict is Verdict.STALLED


def test_a_data_date_that_leaves_a_doubt_is_named_and_not_called_absent(day: Day) -> None:
    found = beating(day, data_date="01/02/2026")

    assert found.heartbeat.state is HeartbeatState.OTHER_DATE
    assert (
        "heartbeat says running at 17:40:00Z but carries a data date that cannot be used"
        ' (text "01/02/2026"), not 2026-01-19'
    ) in texts(found)


@pytest.mark.parametrize("value", ["perhaps", 2])
def test_a_count_is_not_called_impossible_of_a_run_that_may_have_been_incremental(day: Day, value: object) -> None:
    day.local.firestore.merge(DOCUMENT, {PLAYER: {"record_count": 300, "is_incremental": value}}, project=PROJECT)

    found = player(day)

    assert found.verdict is Verdict.UNKNOWN
    assert any("its entry has unusable fields: is_incremental" in text for text in texts(found))


def test_what_cannot_be_used_is_a_metric_by_kind_and_named_on_the_page(day: Day) -> None:
    day.local.firestore.merge(DOCUMENT, {"_mode": 3, PLAYER: {"record_count": "all", "status": b"x"}}, project=PROJECT)
    day.local.firestore.merge(HEARTBEAT, {"started_at": "noon"}, project=PROJECT)
    day.collect(*FIRESTORE)
    report = day.reports[-1]

    values = dict(report_samples(report)[UNUSABLE])

    assert values == {
        f'pipeline="nba",kind="{kind}"': number
        for kind, number in (("documents", 1), ("entries", 2), ("heartbeats", 1), ("rows", 0))
    }
    facts = {fact.what: fact.value for _, found in sections(report, History()).facts for fact in found}
    assert facts["Unusable fields, documents"] == "1: phase3_completion/2026-01-20: _mode (number 3)"
    assert facts["Unusable fields, entries"] == (
        "2: phase3_completion/2026-01-20 player_game_summary: status (bytes),"
        ' phase3_completion/2026-01-20 player_game_summary: record_count (text "all")'
    )
    beat = 'heartbeat PlayerGameSummaryProcessor: started_at (text "noon")'
    assert facts["Unusable fields, heartbeats"] == f"1: {beat}"
    assert "Unusable fields, rows" not in facts


def texts(processor: ProcessorReport) -> list[str]:
    return [hint.text for hint in processor.hints]
