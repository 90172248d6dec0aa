"""Collecting through Google's real clients from local servers: values, failures and losses, up to the report."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from google.cloud import bigquery

from exporter.incidents.loading import drop_table
from exporter.model import DocumentId, ErrorKind, Verdict
from testing.real_day import DAY, DOCUMENT, FIRESTORE, PROJECT, Day

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.incidents.local import LocalSources, SimulatedClock

DOCUMENT_ID = DocumentId("phase3_completion", DAY)
PLAYER, OFFENSE, DEFENSE = "player_game_summary", "team_offense_game_summary", "team_defense_game_summary"
UPCOMING_TEAM = "upcoming_team_game_context"
MINUTE = timedelta(minutes=1)


@pytest.fixture(name="day")
def _day(local: LocalSources, clock: SimulatedClock) -> Iterator[Day]:
    day = Day(local, clock)
    yield day
    day.close()


# --- outages ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["unreachable", "permission_denied", "quota"])
def test_a_firestore_that_refuses_is_said_kept_over_and_recovered_from(day: Day, kind: str) -> None:
    day.collect(*FIRESTORE, "warehouse")
    if kind == "unreachable":
        # This one is tried again a few times; the deadline is far enough away to be no part of it on a busy machine.
        day.shorten(15)
    day.local.fault({"firestore": kind})
    day.collect("completion", after=MINUTE)
    fresh, failing, down = day.verdicts(), day.failing("completion"), day.telemetry.sources()["firestore"]
    day.collect("completion", after=3 * MINUTE)
    stale = day.verdicts()
    day.local.fault({})
    day.collect(*FIRESTORE, after=MINUTE)

    assert (failing, down) == ({kind}, ErrorKind(kind))
    assert set(fresh.values()) == {Verdict.OK}
    assert set(stale.values()) == {Verdict.UNKNOWN}
    assert set(day.verdicts().values()) == {Verdict.OK}
    assert day.telemetry.sources()["firestore"] is None


@pytest.mark.parametrize("back", [timedelta(minutes=3), timedelta(hours=3)], ids=str)
def test_with_the_clock_set_back_and_both_sources_away_nothing_stays_well(day: Day, back: timedelta) -> None:
    day.collect(*FIRESTORE, "warehouse")
    well = day.verdicts()
    day.local.fault({"firestore": "permission_denied", "bigquery": "permission_denied"})
    day.collect(*FIRESTORE, "warehouse", after=-back)
    away = day.verdicts()
    # What the alerts about a collector's age go by: it stays where it was, ahead of the clock.
    last_success = {state.last_success for state in day.telemetry.collectors().values()}
    day.local.fault({})
    day.collect(*FIRESTORE, "warehouse")

    assert last_success == {(day.clock.now + back).timestamp()}
    assert set(well.values()) == {Verdict.OK}
    assert set(away.values()) == {Verdict.UNKNOWN}
    assert set(day.verdicts().values()) == {Verdict.OK}


def test_a_firestore_that_never_answers_times_out_inside_the_deadline_and_holds_up_nothing(day: Day) -> None:
    day.shorten(0.3)
    day.local.firestore.faults.hang()

    day.collect("completion")
    day.collect("completion")

    state = day.telemetry.collectors()["completion"]
    assert (state.runs, dict(state.failures), dict(state.skipped)) == (2, {"timeout": 2}, {})


def test_a_firestore_that_is_not_there_at_the_start_is_found_when_it_comes(day: Day) -> None:
    day.shorten(0.3)
    day.local.firestore.stop()
    try:
        day.collect("completion")
    finally:
        day.local.firestore.start()
    failing = day.failing("completion")
    day.shorten(20)

    day.collect(*FIRESTORE)

    assert failing <= {"unreachable", "timeout"}
    assert failing
    assert day.collectors.snapshot.documents.failure is None
    assert (day.collectors.snapshot.documents.value or {})[DOCUMENT_ID].exists


def test_a_bigquery_that_refuses_is_said_kept_over_and_recovered_from(day: Day) -> None:
    day.local.fault({"bigquery": "permission_denied"})
    day.collect(*FIRESTORE, "warehouse")
    down, failing = day.verdicts(), day.failing("warehouse")
    day.local.fault({})
    day.collect("warehouse", after=MINUTE)
    up = day.verdicts()
    day.local.fault({"bigquery": "quota"})
    day.collect("completion", "warehouse", after=10 * MINUTE)

    assert set(down.values()) == {Verdict.UNKNOWN}
    assert failing == {"permission_denied"}
    assert set(up.values()) == {Verdict.OK}
    assert day.failing("warehouse") == {"quota"}
    assert set(day.verdicts().values()) == {Verdict.OK}


def test_a_bigquery_that_never_answers_times_out(day: Day) -> None:
    day.shorten(0.5)
    day.local.fault({"bigquery": "timeout"})

    day.collect("warehouse")

    assert day.failing("warehouse") == {"timeout"}
    assert day.telemetry.sources()["bigquery"] is ErrorKind.TIMEOUT


def test_a_table_that_vanishes_while_the_exporter_runs_spoils_only_its_own_answers(day: Day) -> None:
    table = "nba_analytics.team_offense_game_summary"
    client = day.local.bigquery.client(PROJECT)
    day.collect(*FIRESTORE, "warehouse")
    drop_table(client, table)
    day.collect("completion", "warehouse", after=10 * MINUTE)
    kept = day.verdicts()[OFFENSE]
    day.collect("completion", "warehouse", after=25 * MINUTE)
    gone, others = day.verdicts()[OFFENSE], day.verdicts()[DEFENSE]
    failing = day.failing("warehouse")
    columns = day.local.definitions[table].columns
    schema = [bigquery.SchemaField(column, kind) for column, kind in columns.items()]
    client.create_table(bigquery.Table(f"{PROJECT}.{table}", schema), timeout=30)
    day.collect("completion", "warehouse", after=10 * MINUTE)
    empty = day.verdicts()[OFFENSE]
    day.collect("completion", "warehouse", after=3 * MINUTE)

    assert (kept, gone, others, failing) == (Verdict.OK, Verdict.UNKNOWN, Verdict.OK, {"not_found"})
    # It is back, and empty.
    assert (empty, day.verdicts()[OFFENSE]) == (Verdict.UNKNOWN, Verdict.PHANTOM)
    assert day.failing("warehouse") == set()


# --- losses -----------------------------------------------------------------------------------------------------


def _entries(day: Day) -> dict[str, object]:
    found = day.local.firestore.get(DOCUMENT, project=PROJECT)
    assert found is not None
    return found


def test_a_blind_overwrite_loses_what_it_wipes_until_that_is_registered_again(day: Day) -> None:
    day.collect("completion")
    before = _entries(day)
    day.local.firestore.put(DOCUMENT, {UPCOMING_TEAM: before[UPCOMING_TEAM]}, project=PROJECT)
    day.collect("completion", after=MINUTE)
    lost = {name for name, verdict in day.verdicts().items() if verdict is Verdict.LOST_UPDATE}
    day.local.firestore.merge(DOCUMENT, {PLAYER: before[PLAYER]}, project=PROJECT)
    day.collect("completion", after=MINUTE)

    assert lost == set(before) - {UPCOMING_TEAM} - {name for name in before if name.startswith("_")}
    assert day.verdicts()[PLAYER] is not Verdict.LOST_UPDATE
    assert day.verdicts()[OFFENSE] is Verdict.LOST_UPDATE


def test_a_document_that_is_deleted_and_created_again_lost_nothing(day: Day) -> None:
    day.collect("completion")
    before = _entries(day)
    day.clock.now += MINUTE
    day.local.firestore.delete(DOCUMENT, project=PROJECT)
    day.local.firestore.put(DOCUMENT, {UPCOMING_TEAM: before[UPCOMING_TEAM]}, project=PROJECT)

    day.collect("completion")

    assert Verdict.LOST_UPDATE not in day.verdicts().values()


@pytest.mark.parametrize("how", ["deleted", "emptied"])
def test_a_document_that_is_reset_lost_nothing(day: Day, how: str) -> None:
    day.collect("completion")
    if how == "deleted":
        day.local.firestore.delete(DOCUMENT, project=PROJECT)
    else:
        day.local.firestore.put(DOCUMENT, {"_triggered": False}, project=PROJECT)
    day.collect("completion", after=MINUTE)

    assert Verdict.LOST_UPDATE not in day.verdicts().values()
