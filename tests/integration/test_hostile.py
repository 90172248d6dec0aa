"""Documents as no writer should leave them, read through the real clients: nothing breaks, nothing grows."""

from __future__ import annotations

import json
import re

import pytest

from exporter.metrics.catalogue import UNEXPECTED, report_samples
from exporter.metrics.exposition import render
from exporter.model import Verdict
from exporter.present.status import status_json
from exporter.present.table import report_text
from testing.exposition import parse_openmetrics, parse_text
from testing.real_day import DOCUMENT, FIRESTORE, PROJECT, Day

NASTY = 'quote " backslash \\ newline \n return \r escape \x1b[2J bell \x07 nul-free ünïcode \u202e {} # EOF'
UNPRINTABLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")
COMPLETED = "2026-01-20T15:00:50Z"


@pytest.fixture(name="day")
def _day(day_of_documents: Day) -> Day:
    return day_of_documents


def series(day: Day) -> int:
    """Series of the newest report, which every form of it can say."""
    report = day.reports[-1]
    samples = report_samples(report)
    rendered = render(samples)
    text = rendered.plain.decode()
    assert len(parse_text(text)) == len(parse_openmetrics(text + "# EOF\n")) == len(samples)
    assert json.loads(status_json(report))
    assert not UNPRINTABLE.search(report_text(report, width=80))
    return rendered.series


def entries(day: Day) -> dict[str, object]:
    found = day.local.firestore.get(DOCUMENT, project=PROJECT)
    assert found is not None
    return found


def test_ten_thousand_entries_that_nobody_expects_are_counted_and_make_no_series(day: Day) -> None:
    day.collect(*FIRESTORE)
    before = series(day)
    # As many as a document has room for: 1 MiB.
    crowd = {f"{NASTY[:60]} {number}": 1 for number in range(9_999)}
    day.local.firestore.put(DOCUMENT, {**entries(day), **crowd, "CamelCase": 1}, project=PROJECT)

    day.collect("completion")

    assert series(day) == before
    assert [value for _, value in report_samples(day.reports[-1])[UNEXPECTED]] == [10_000]
    assert set(day.verdicts().values()) == {Verdict.OK}


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"status": "x" * 900_000, "completed_at": COMPLETED, "record_count": 280}, id="a text of 900 kB"),
        pytest.param({"entities_changed": ["x" * 40] * 20_000, "record_count": 280}, id="a list of 20,000"),
        pytest.param({f"field{n}": n for n in range(20_000)} | {"record_count": 280}, id="20,000 fields"),
        pytest.param({"status": NASTY, "correlation_id": NASTY, "record_count": 280}, id="control characters"),
    ],
)
def test_an_entry_that_is_too_much_is_read_for_what_it_says(day: Day, entry: dict[str, object]) -> None:
    day.local.firestore.merge(DOCUMENT, {"player_game_summary": None}, project=PROJECT)
    day.local.firestore.merge(DOCUMENT, {"player_game_summary": entry}, project=PROJECT)

    day.collect("completion")

    series(day)
    assert day.verdicts()["player_game_summary"] is Verdict.OK


@pytest.mark.parametrize("value", [None, 0, 1.5, True, "done", [], [1, {"a": 1}], {}, b"\x00\xff", float("nan")])
def test_an_entry_of_any_type_is_there_and_breaks_nothing(day: Day, value: object) -> None:
    day.local.firestore.put(DOCUMENT, {**entries(day), "player_game_summary": value}, project=PROJECT)

    day.collect("completion")

    registered = {item.processor: item.registered for item in day.reports[-1].processors}
    series(day)
    assert registered["player_game_summary"] is True


def test_metadata_and_heartbeats_of_the_wrong_types_break_nothing(day: Day) -> None:
    odd: list[object] = [NASTY, -1, 10**18, [], {"x": NASTY}, False, 1e308, b"\xff"]
    names = ("_completed_count", "_triggered", "_triggered_at", "_mode", "_trigger_reason", "_trigger_succeeded")
    fields = ("status", "data_date", "last_heartbeat", "started_at", "updated_at", "error_message", "progress")
    for number in range(len(odd)):
        rotated = odd[number:] + odd[:number]
        metadata = dict(zip(names, rotated, strict=False))
        day.local.firestore.put(DOCUMENT, {**entries(day), **metadata}, project=PROJECT)
        day.local.firestore.put(
            "processor_heartbeats/PlayerGameSummaryProcessor", dict(zip(fields, rotated, strict=False)), project=PROJECT
        )

        day.collect(*FIRESTORE)

        series(day)
        # Only `false` says whether it triggered; the collector says of the others that nobody can read them.
        unreadable = metadata["_triggered"] is not False
        assert [day.failing(name) for name in FIRESTORE] == [
            {"invalid"} if unreadable else set(),
            *[set()] * (len(FIRESTORE) - 1),
        ]


def test_a_crowd_of_heartbeats_is_counted_without_being_read(day: Day) -> None:
    beat = {"processor_name": "X", "status": "completed", "data_date": "2026-01-19"}
    crowd = {f"processor_heartbeats/X_2026-01-19_{number}": beat for number in range(106_000)}
    day.local.firestore.put_all(crowd, project=PROJECT)
    before = day.telemetry.total("document_reads")

    day.collect("heartbeats", "heartbeat_count")

    pipeline = day.reports[-1].pipelines[0]
    assert pipeline.heartbeat_documents == 106_005
    # Five processors, one of them with two names, and one read for a thousand counted documents.
    assert day.telemetry.total("document_reads") - before == 6 + 107
