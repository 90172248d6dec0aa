"""What is gone for a moment or for good: through the real clients, for every kind of value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.incidents.loading import add_rows, empty_tables
from exporter.model import Matter, Verdict
from testing.real_day import DOCUMENT, FIRESTORE, PROJECT, Day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.incidents.local import LocalSources, SimulatedClock

MINUTE = timedelta(minutes=1)
PLAYER = "player_game_summary"
ALL = (*FIRESTORE, "warehouse")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a kind of value is kept: a table or a document; and the collector that reads it."""

    at: str
    collector: str

    def empty(self, day: Day) -> None:
        """All of it is gone."""
        if self.collector == "warehouse":
            empty_tables(day.local.bigquery.client(PROJECT), day.local.definitions, [self.at])
        else:
            day.local.firestore.delete(self.at, project=PROJECT)

    def fill(self, day: Day, share: int = 1) -> None:
        """Restored as it was; of a table's rows one in `share`."""
        if self.collector == "warehouse":
            groups = [
                group | {"repeat": max(1, group.get("repeat", 1) // share)} for group in day.incident.bigquery[self.at]
            ]
            add_rows(day.local.bigquery.client(PROJECT), day.local.definitions, {self.at: groups})
        else:
            day.local.firestore.put(self.at, day.incident.firestore[self.at], project=PROJECT)


PLACES = {
    Matter.DOCUMENT: Place(DOCUMENT, "completion"),
    Matter.HEARTBEAT: Place("processor_heartbeats/PlayerGameSummaryProcessor", "heartbeats"),
    Matter.ROWS: Place("nba_analytics.player_game_summary", "warehouse"),
    Matter.UNITS: Place("nba_reference.nba_schedule", "warehouse"),
    Matter.RUNS: Place("nba_reference.processor_run_history", "warehouse"),
    Matter.PHASE_LOG: Place("nba_orchestration.phase_execution_log", "warehouse"),
    Matter.COVERAGE: Place("nba_analytics.player_game_summary", "warehouse"),
}


@pytest.fixture(name="day")
def _day(local: LocalSources, clock: SimulatedClock) -> Iterator[Day]:
    day = Day(local, clock)
    yield day
    day.close()


def repeat(day: Day, collector: str) -> None:
    """The collector's next run, at the time at which it asks for it, or else a minute later."""
    again = day.collectors.planner.repeat_at(collector)
    day.collect(collector, after=again - day.clock.now if again else MINUTE)


def said(day: Day) -> set[Verdict]:
    """Every verdict that was published."""
    return {item.verdict for report in day.reports for item in report.processors}


def test_every_kind_of_value_that_is_held_against_what_was_there_has_its_place() -> None:
    assert PLACES.keys() == set(Matter)


@pytest.mark.parametrize("matter", Matter)
def test_what_is_gone_for_one_reading_changes_nothing(day: Day, matter: Matter) -> None:
    place = PLACES[matter]
    day.collect(*ALL)
    day.reports.clear()
    place.empty(day)
    day.collect(place.collector, after=10 * MINUTE)
    doubted = {of for of, _ in day.collectors.snapshot.doubts}
    place.fill(day)
    repeat(day, place.collector)
    day.collect(*ALL)

    assert matter in doubted
    assert said(day) <= {Verdict.OK, Verdict.UNKNOWN}
    assert set(day.verdicts().values()) == {Verdict.OK}
    assert day.collectors.snapshot.doubts == {}


@pytest.mark.parametrize("matter", Matter)
def test_what_is_gone_for_good_counts_when_it_was_read_again(day: Day, matter: Matter) -> None:
    place = PLACES[matter]
    day.collect(*ALL)
    place.empty(day)
    day.collect(place.collector, after=10 * MINUTE)
    repeat(day, place.collector)
    after_one_repeat = {of for of, _ in day.collectors.snapshot.doubts}
    day.collect(place.collector, after=7 * MINUTE)

    assert after_one_repeat == ({matter} if matter is Matter.UNITS else set())
    assert day.collectors.snapshot.doubts == {}


@pytest.mark.parametrize("table", ["nba_analytics.player_game_summary", "nba_reference.nba_schedule"])
def test_a_table_that_is_read_while_it_is_loaded_again_changes_nothing(day: Day, table: str) -> None:
    place = Place(table, "warehouse")
    day.collect(*ALL)
    day.reports.clear()
    place.empty(day)
    place.fill(day, share=4)
    day.collect(*ALL, after=10 * MINUTE)
    half = set(day.verdicts().values())
    place.empty(day)
    place.fill(day)
    repeat(day, "warehouse")
    day.collect(*ALL)

    assert Verdict.UNKNOWN in half
    assert said(day) <= {Verdict.OK, Verdict.UNKNOWN}
    assert set(day.verdicts().values()) == {Verdict.OK}


def test_the_hint_says_what_was_there_and_that_it_is_read_again(day: Day) -> None:
    day.collect(*ALL)
    for matter in (Matter.ROWS, Matter.UNITS, Matter.DOCUMENT, Matter.HEARTBEAT):
        PLACES[matter].empty(day)
    day.collect(*ALL, after=10 * MINUTE)

    (player,) = [item for item in day.reports[-1].processors if item.processor == PLAYER]
    texts = [hint.text for hint in player.hints]

    assert player.verdict is Verdict.UNKNOWN
    assert [text.partition(" (")[2] for text in texts[:4]] == [
        "8 games of 2026-01-19 at 18:00:00Z, 0 since 18:10:00Z; this counts once a third reading says so too)",
        "it was there at 18:00:00Z, gone since 18:10:00Z; this counts once a second reading says so too)",
        "280 rows of 2026-01-19 at 18:00:00Z, 0 since 18:10:00Z; this counts once a second reading says so too)",
        "it was there at 18:00:00Z, gone since 18:10:00Z; this counts once a second reading says so too)",
    ]
