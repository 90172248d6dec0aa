from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from google.api_core.datetime_helpers import DatetimeWithNanoseconds
from hypothesis import given
from hypothesis import strategies as st

from exporter.model import Entry, Heartbeat, UnusableField
from exporter.sources.documents import parse_document, parse_entry, parse_heartbeat
from exporter.sources.fields import Unusable, moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
UNUSABLE = Unusable("bytes")

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())),
    st.just(UNUSABLE),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)
ENTRY_KEYS = st.sampled_from(
    [
        *("status", "completed_at", "timestamp", "record_count", "records_processed", "is_incremental"),
        *("manual_override", "correlation_id"),
    ]
)
DOCUMENT_KEYS = st.sampled_from(
    [
        *("_completed_count", "_triggered", "_triggered_at", "_trigger_succeeded", "_trigger_reason", "_mode"),
        *("player_game_summary", "", "_", "None", 'it\'s\n"quoted"'),
    ]
)
HEARTBEAT_KEYS = st.sampled_from(
    ["status", "last_heartbeat", "updated_at", "data_date", "started_at", "error_message", "progress"]
)


def names(malformed: Iterable[UnusableField]) -> tuple[str, ...]:
    return tuple(field.name for field in malformed)


@pytest.mark.parametrize(
    ("fields", "entry"),
    [
        (
            {
                "status": "success",
                "completed_at": NOON,
                "record_count": 212,
                "correlation_id": "0a807a75",
                "execution_id": "e",
                "is_incremental": True,
                "entities_changed": ["a"],
            },
            Entry("success", NOON, 212, incremental=True, correlation_id="0a807a75"),
        ),
        (
            {
                "status": "complete",
                "timestamp": "2026-02-01T12:00:00Z",
                "records_processed": 24,
                "manual_override": True,
            },
            Entry("success", NOON, 24, manual=True),
        ),
        ({"status": " Success "}, Entry("success")),
        ({"record_count": 0}, Entry(record_count=0)),
        ({"record_count": 12.0}, Entry(record_count=12)),
        ({"record_count": " 12 "}, Entry(record_count=12)),
        ({"record_count": "12.0"}, Entry(record_count=12)),
        ({"is_incremental": "True"}, Entry(incremental=True)),
        ({"is_incremental": 0}, Entry()),
        ({"record_count": None, "records_processed": 3}, Entry(record_count=3)),
        ({"manual_override": "by hand, 2026-02-01"}, Entry(manual=True)),
        ({"manual_override": False}, Entry()),
        ({"manual_override": "no"}, Entry()),
        ({"manual_override": 0}, Entry()),
        ({"correlation_id": 1234}, Entry(correlation_id="1234")),
        ({}, Entry()),
    ],
)
def test_an_entry_is_read_as_it_was_written(fields: Mapping[str, object], entry: Entry) -> None:
    assert parse_entry(fields) == entry


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("status", 3, "number 3"),
        ("status", "  ", 'text ""'),
        ("completed_at", "yesterday", 'text "yesterday"'),
        ("completed_at", 20260201, "number 20260201"),
        ("record_count", "many", 'text "many"'),
        ("record_count", "1.5", 'text "1.5"'),
        ("record_count", "-1", 'text "-1"'),
        ("record_count", "1,200", 'text "1,200"'),
        ("record_count", True, "boolean true"),
        ("record_count", -1, "number -1"),
        ("record_count", 1.5, "number 1.5"),
        ("record_count", Decimal("1.5"), "number 1.5"),
        ("record_count", float("nan"), "number nan"),
        ("record_count", float("inf"), "number inf"),
        ("record_count", 1e300, "number 1e+300"),
        ("record_count", 10**40, "number of more than 20 digits"),
        ("record_count", {"__int__": "3"}, "map"),
        ("correlation_id", ["a"], "array"),
        ("correlation_id", UNUSABLE, "bytes"),
    ],
)
def test_a_field_that_cannot_be_used_is_named_and_unknown_not_zero(name: str, value: object, said: str) -> None:
    assert parse_entry({name: value}) == Entry(malformed=(UnusableField(name, said),))


@pytest.mark.parametrize("value", ["perhaps", "", 2, -1, 0.5, NOON, UNUSABLE])
def test_whether_a_run_was_incremental_is_unknown_where_it_cannot_be_read(value: object) -> None:
    entry = parse_entry({"is_incremental": value})

    assert entry.incremental is None
    assert names(entry.malformed) == ("is_incremental",)


def test_a_field_of_a_hand_made_entry_stands_in_for_one_that_cannot_be_used() -> None:
    entry = parse_entry({"completed_at": "?", "timestamp": NOON, "record_count": "?", "records_processed": 5})

    assert (entry.completed_at, entry.record_count) == (NOON, 5)
    assert names(entry.malformed) == ("completed_at", "record_count")


@pytest.mark.parametrize(
    ("value", "entry"),
    [
        ("success", Entry("success")),
        (" Done ", Entry("success")),
        ("partial", Entry("partial")),
        ("FAILED", Entry("failed")),
        ("in_progress", Entry("running")),
        (True, Entry("success")),
        ("yes", Entry("success")),
        (False, Entry("running")),
        ("no", Entry("running")),
        (NOON, Entry(completed_at=NOON)),
        ("2026-02-01T12:00:00Z", Entry(completed_at=NOON)),
    ],
)
def test_an_entry_that_is_no_map_says_what_one_of_its_fields_would(value: object, entry: Entry) -> None:
    assert parse_document({"player_game_summary": value}).entries == {"player_game_summary": entry}


@pytest.mark.parametrize("value", [None, "", "soon", 3, 1, 0, 212.0, ["success"], UNUSABLE])
def test_an_entry_that_is_no_map_and_says_nothing_is_there_and_malformed(value: object) -> None:
    document = parse_document({"player_game_summary": value})

    (entry,) = document.entries.values()
    assert entry == Entry(malformed=entry.malformed)
    assert names(entry.malformed) == ("entry",)


def test_metadata_is_told_apart_from_entries_by_its_underscore() -> None:
    document = parse_document(
        {
            "player_game_summary": {"status": "success"},
            "PlayerGameSummaryProcessor": {"status": "success"},
            "_completed_count": 2,
            "_triggered": True,
            "_triggered_at": NOON,
            "_trigger_succeeded": False,
            "_trigger_reason": "critical_plus_majority_60pct",
            "_trigger_pending": True,
            "_mode": "overnight",
            "_last_update": NOON,
            "_first_completion_at": "2026-02-01T12:00:00",
        },
        NOON,
        NOON + timedelta(hours=1),
    )

    assert set(document.entries) == {"player_game_summary", "PlayerGameSummaryProcessor"}
    assert document.exists
    assert document.completed_count == 2
    assert document.triggered
    assert document.triggered_at == NOON
    assert document.trigger_succeeded is False
    assert document.trigger_reason == "critical_plus_majority_60pct"
    assert document.written_mode == "overnight"
    assert document.malformed == ()
    assert (document.create_time, document.update_time) == (NOON, NOON + timedelta(hours=1))


@pytest.mark.parametrize("value", [1, 1.0, Decimal(1), "1", "true", " True ", "YES", "y", "T", "on"])
def test_a_trigger_flag_is_read_from_a_number_or_a_word_that_can_mean_nothing_else(value: object) -> None:
    assert parse_document({"_triggered": value}).triggered is True


@pytest.mark.parametrize("value", [0, 0.0, Decimal(0), "0", "false", "False\n", "no", "N", "f", "OFF"])
def test_a_trigger_flag_that_says_no_is_no_trigger(value: object) -> None:
    document = parse_document({"_triggered": value})

    assert (document.triggered, document.malformed) == (False, ())


@pytest.mark.parametrize(
    "value", ["soon", "", "null", 2, -1, float("nan"), EPOCH, "2026-02-01", [True], {"at": NOON}, UNUSABLE]
)
def test_a_trigger_flag_of_another_type_is_unknown(value: object) -> None:
    document = parse_document({"_triggered": value})

    assert document.triggered is None
    assert names(document.malformed) == ("_triggered",)


@pytest.mark.parametrize("value", [NOON, NOON.isoformat(), int(NOON.timestamp()), f"{NOON.timestamp():.0f}000"])
def test_a_moment_in_place_of_a_trigger_flag_says_that_it_triggered_and_when(value: object) -> None:
    document = parse_document({"_triggered": value})

    assert (document.triggered, document.triggered_at, document.malformed) == (True, NOON, ())


def test_the_field_for_the_moment_of_the_trigger_comes_before_a_moment_in_place_of_the_flag() -> None:
    document = parse_document({"_triggered": NOON, "_triggered_at": NOON + timedelta(minutes=1)})

    assert document.triggered_at == NOON + timedelta(minutes=1)


@pytest.mark.parametrize("fields", [{}, {"_triggered": None}, {"_triggered": False}])
def test_a_document_without_a_trigger_flag_has_not_triggered(fields: dict[str, object]) -> None:
    assert parse_document(fields).triggered is False


@pytest.mark.parametrize("value", [True, "five", "", -1, 2.5])
def test_a_completed_count_that_is_no_count_is_unknown(value: object) -> None:
    document = parse_document({"_completed_count": value})

    assert document.completed_count is None
    assert names(document.malformed) == ("_completed_count",)


def test_a_document_of_ten_thousand_unexpected_entries_is_read_whole() -> None:
    document = parse_document({f"name {number}'\n": {"status": "success"} for number in range(10_000)})

    assert len(document.entries) == 10_000


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        DatetimeWithNanoseconds(2026, 2, 1, 12, tzinfo=UTC),
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=-5))),
        "2026-02-01T12:00:00+00:00",
        "2026-02-01T07:00:00-05:00",
        " 2026-02-01T12:00:00Z ",
        "2026-02-01 12:00:00",
        "2026-02-01T12:00:00.000000000Z",
        "2026-02-01 12:00:00.000000000000+00",
        "2026-02-01 12:00:00 UTC",
        *(1769947200, 1769947200.0, "1769947200", "1769947200.0", Decimal(1769947200)),
        *(1769947200_000, 1769947200_000.0, "1769947200000"),
        *(1769947200_000_000, "1769947200000000", 1769947200_000_000_000),
    ],
)
def test_a_time_is_a_plain_datetime_in_utc(value: object) -> None:
    found = moment(value)

    assert found == NOON
    assert type(found) is datetime
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        *("", "noon", "2026-13-01T00:00:00Z", 0, 1.5, True, None, b"2026-02-01", date(2026, 2, 1)),
        *("2026-02-01", "20260201", 20260201, "2026-W05", "12:00:00", "20260201120000", 202602011200),
        *(-1769947200, float("nan"), float("inf"), 10**40, "1" * 10_000, Decimal("1E+6144")),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    ],
)
def test_a_value_that_is_no_time_is_none(value: object) -> None:
    assert moment(value) is None


def test_a_heartbeat_is_read_from_the_fields_that_every_beat_writes() -> None:
    heartbeat = parse_heartbeat(
        "PlayerGameSummaryProcessor",
        {
            "processor_name": "PlayerGameSummaryProcessor",
            "run_id": "r1",
            "status": "Running",
            "data_date": "2026-01-31",
            "last_heartbeat": NOON,
            "updated_at": NOON + timedelta(hours=1),
            "started_at": NOON - timedelta(hours=1),
            "completed_at": NOON - timedelta(days=1),
            "duration_seconds": 12.5,
            "progress": 3,
            "total": 10,
            "error_message": None,
        },
    )

    assert heartbeat == Heartbeat(
        "PlayerGameSummaryProcessor", "running", NOON, date(2026, 1, 31), NOON - timedelta(hours=1)
    )


def test_a_heartbeat_without_a_last_beat_beats_when_it_was_updated() -> None:
    heartbeat = parse_heartbeat("P", {"last_heartbeat": "?", "updated_at": NOON, "status": "completed"})

    assert heartbeat.beat_at == NOON
    assert names(heartbeat.malformed) == ("last_heartbeat",)


@pytest.mark.parametrize(
    "value",
    [
        *("2026-01-31", " 2026-01-31 ", "20260131", 20260131, 20260131.0),
        *("2026-01-31T00:00:00", "2026-01-31 00:00:00Z", "2026-01-31T00:00:00-05:00"),
        *(datetime(2026, 1, 31, tzinfo=UTC), DatetimeWithNanoseconds(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_a_data_date_is_read_however_it_is_written(value: object) -> None:
    heartbeat = parse_heartbeat("P", {"data_date": value})

    assert heartbeat == Heartbeat("P", None, None, date(2026, 1, 31))
    assert type(heartbeat.data_date) is date


@pytest.mark.parametrize(
    "value",
    [
        *(NOON, "2026-02-30", "01/31/2026", "2026-01-31T05:00:00Z", "2026-0131", "January 31", 20261331),
        *(True, 1769947200, "1769947200", UNUSABLE),
    ],
)
def test_a_data_date_that_leaves_a_doubt_is_named_and_unknown(value: object) -> None:
    heartbeat = parse_heartbeat("P", {"data_date": value})

    assert heartbeat.data_date is None
    assert names(heartbeat.malformed) == ("data_date",)


def test_a_heartbeat_without_a_data_date_is_not_malformed() -> None:
    assert parse_heartbeat("P", {"data_date": None}) == Heartbeat("P", None, None, None)


def test_a_free_text_is_kept_short() -> None:
    heartbeat = parse_heartbeat("P", {"error_message": "x" * 100_000})

    assert heartbeat.error_message == "x" * 300


@given(st.dictionaries(ENTRY_KEYS | st.text(), VALUES) | VALUES)
def test_any_value_is_an_entry(value: object) -> None:
    entry = parse_entry(value)

    assert entry.record_count is None or entry.record_count >= 0
    assert entry.completed_at is None or entry.completed_at.tzinfo is UTC


@given(st.dictionaries(DOCUMENT_KEYS | st.text(), VALUES))
def test_any_map_is_a_document(fields: dict[str, object]) -> None:
    document = parse_document(fields)

    assert set(document.entries) == {name for name in fields if not name.startswith("_")}
    assert document.completed_count is None or document.completed_count >= 0


@given(st.dictionaries(HEARTBEAT_KEYS | st.text(), VALUES))
def test_any_map_is_a_heartbeat_that_can_be_shown(fields: dict[str, object]) -> None:
    heartbeat = parse_heartbeat("P", fields)

    assert set(names(heartbeat.malformed)) <= set(fields)
    assert json.dumps([heartbeat.status, heartbeat.error_message, str(heartbeat.beat_at), str(heartbeat.data_date)])
