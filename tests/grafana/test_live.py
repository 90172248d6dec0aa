"""Every query of every dashboard, asked of a real Prometheus that scraped real exporters during incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.shipped.alerts import alert_of
from testing.days import SEED
from tests.grafana.boards import BOARDS, Board, interpolated, label_values, panel_of
from tests.grafana.shown import named, numbers, rows
from tests.grafana.watched import AHEAD, COVERAGE, DAYS, HEALTHY, INCIDENTS, LOST, OUTAGE, STUCK, Watched, watched

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.incidents.local import LocalSources, SimulatedClock
    from tests.grafana.boards import Target

OVERVIEW, PHASE = "orchestration-overview", "orchestration-phase"
RECONCILIATION, EXPORTER = "orchestration-reconciliation", "orchestration-exporter"

# The first test waits for all that the others look at, on a machine that may have other things to do.
pytestmark = pytest.mark.timeout(300)

each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)


@pytest.fixture(name="seen", scope="module")
def _seen(
    _programs: None, _running: LocalSources, clock: SimulatedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    with watched(_running, clock, tmp_path_factory.mktemp("grafana")) as seen:
        yield seen


def asked(seen: Watched, target: Target, values: Mapping[str, tuple[str, ...]]) -> list[Mapping[str, str]]:
    """The series that the query brings, asked as Grafana asks: for now, or over time."""
    expr = interpolated(target.expr, values)
    if target.raw["instant"]:
        return [labels for labels, _ in seen.prometheus.query(expr)]
    return seen.prometheus.over_time(expr)


def single_values(seen: Watched) -> Iterator[dict[str, tuple[str, ...]]]:
    """Every incident's own selection with one of its processors; and a run date whose deadline is to come."""
    for incident in INCIDENTS:
        for processor in ("player_game_summary", "team_offense_game_summary"):
            yield {**seen.selection(incident), "processor": (processor,)}
    yield {**seen.selection(SEED), "run_date": (AHEAD.isoformat(),), "processor": ("player_game_summary",)}


@each_board
def test_every_query_brings_data_at_all(board: Board, seen: Watched) -> None:
    assert [target.name for target in board.targets if not asked(seen, target, {})] == []


@each_board
def test_every_query_brings_data_with_each_variable_at_one_value(board: Board, seen: Watched) -> None:
    selections = list(single_values(seen))

    assert [
        target.name for target in board.targets if not any(asked(seen, target, values) for values in selections)
    ] == []


@each_board
def test_every_query_brings_data_with_several_values(board: Board, seen: Watched) -> None:
    several = {
        "instance": tuple({*seen.instances.values()}),
        "run_date": (*(day.isoformat() for day in DAYS.values()), AHEAD.isoformat()),
        "processor": ("player_game_summary", "team_offense_game_summary"),
    }

    assert [target.name for target in board.targets if not asked(seen, target, several)] == []


@each_board
def test_a_variable_leaves_nothing_of_other_values(board: Board, seen: Watched) -> None:
    values = {**seen.selection(SEED), "processor": ("player_game_summary",)}
    everywhere = {"Neighbouring run dates": "run_date"}

    for target in board.targets:
        for labels in asked(seen, target, values):
            for name, (value,) in values.items():
                if everywhere.get(target.panel.title) != name:
                    assert labels.get(name, value) == value, target.name


@each_board
def test_every_variable_offers_what_is_there(board: Board, seen: Watched) -> None:
    there = {
        "job": {"orchestration-exporter"},
        "instance": {*seen.instances.values(), seen.replica},
        "pipeline": {"nba"},
        "phase": {"phase3"},
        "run_date": {day.isoformat() for day in (*DAYS.values(), AHEAD)},
    }
    for values in ({}, seen.selection(SEED)):
        for name, variable in board.variables.items():
            if variable["type"] != "query":
                continue
            selector, label = label_values(variable)
            found = seen.prometheus.label_values(label, interpolated(selector, values))
            assert label == name
            assert found
            assert found <= there.get(name, found)
            assert values or found == there.get(name, found)


@each_board
def test_annotations_mark_the_alerts_and_the_lost_updates(board: Board, seen: Watched) -> None:
    def marked(name: str, incident: str) -> set[str]:
        expr = interpolated(board.annotations[name]["expr"], seen.selection(incident))
        title = board.annotations[name]["titleFormat"]
        return {named(title, labels) for labels, _ in seen.prometheus.query(expr)}

    assert {
        alert_of("blocked").name,
        alert_of("duplicated").name,
        alert_of("unregistered").name,
        alert_of("count_mismatch").name,
    } <= marked("Alerts", SEED)
    assert alert_of("lost_update").name not in marked("Alerts", SEED)
    assert alert_of("watchdog").name not in marked("Alerts", HEALTHY)
    assert marked("Lost updates", SEED) == set()
    assert marked("Lost updates", LOST) == {
        "Lost update: player_game_summary",
        "Lost update: upcoming_team_game_context",
    }


def test_the_list_of_alerts_takes_all_but_the_sign_of_life(seen: Watched) -> None:
    matching = panel_of(OVERVIEW, "Alerts").raw["options"]["alertInstanceLabelFilter"]

    names = {labels["alertname"] for labels, _ in seen.prometheus.query(f"ALERTS{matching}")}

    everything = {labels["alertname"] for labels, _ in seen.prometheus.query("ALERTS")}
    assert alert_of("blocked").name in names
    assert everything - names <= {alert_of("watchdog").name}


def shown(seen: Watched, board: str, title: str, incident: str, **more: tuple[str, ...]) -> dict[str, str]:
    return numbers(seen.prometheus, panel_of(board, title), {**seen.selection(incident), **more})


def table(seen: Watched, board: str, title: str, incident: str) -> list[dict[str, str]]:
    return rows(seen.prometheus, panel_of(board, title), seen.selection(incident))


@pytest.mark.parametrize(
    ("incident", "processors", "phases"),
    [
        (SEED, (4, 0, 0, 1), (0, 1)),
        (HEALTHY, (0, 0, 0, 5), (1, 1)),
        (OUTAGE, (0, 5, 0, 0), (0, 1)),
        (LOST, (5, 0, 0, 0), (0, 1)),
    ],
)
def test_the_overview_counts_what_is_wrong(
    seen: Watched, incident: str, processors: tuple[int, ...], phases: tuple[int, ...]
) -> None:
    standings = dict(zip(("at fault", "unknown", "pending", "well"), map(str, processors), strict=True))

    assert shown(seen, OVERVIEW, "Processors", incident) == standings
    assert shown(seen, PHASE, "Processors", incident) == standings
    assert shown(seen, OVERVIEW, "Phases complete", incident) == {"complete": str(phases[0]), "of": str(phases[1])}


@pytest.mark.parametrize("board", [OVERVIEW, PHASE, RECONCILIATION])
def test_a_replica_changes_nothing_that_is_said_of_a_pipeline(seen: Watched, board: str) -> None:
    alone = seen.selection(SEED)
    both = {**alone, "instance": (*alone["instance"], seen.replica)}

    for item in BOARDS[board].panels:
        if item.kind == "table":
            assert rows(seen.prometheus, item, both) == rows(seen.prometheus, item, alone), item.name
        elif item.defaults["unit"] == "none" and item.title != "Heartbeats":
            assert numbers(seen.prometheus, item, both) == numbers(seen.prometheus, item, alone), item.name


def test_the_seeds_own_table_is_on_the_overview(seen: Watched) -> None:
    found = table(seen, OVERVIEW, "Processors, record by record", SEED)

    columns = ("Standing", "Processor", "Critical", "Firestore", "Heartbeat", "BigQuery rows", "Verdict")
    assert [row["Standing"] for row in found] == ["at fault"] * 4 + ["well"]
    assert found[0]["Processor"] == "player_game_summary"
    assert {row["Do first"] for row in found if row["Verdict"] == "unregistered"} == {"register, do not run again"}
    assert found[-1]["Do first"] == "nothing"
    assert {tuple(row[column] for column in columns) for row in found} == {
        ("at fault", "player_game_summary", "yes", "not registered", "completed", "212", "unregistered"),
        ("at fault", "team_offense_game_summary", "no", "registered", "completed", "24", "duplicated"),
        ("at fault", "team_defense_game_summary", "no", "registered", "completed", "12", "count_mismatch"),
        ("at fault", "upcoming_team_game_context", "no", "not registered", "other_date", "20", "unregistered"),
        ("well", "upcoming_player_game_context", "yes", "registered", "completed", "326", "ok"),
    }


def test_what_cannot_be_read_is_unknown_in_every_cell(seen: Watched) -> None:
    for row in table(seen, OVERVIEW, "Processors, record by record", OUTAGE):
        assert (row["Firestore"], row["Heartbeat"], row["Verdict"]) == ("unknown", "unknown", "unknown")
        assert row["BigQuery rows"] in {"200", "12"}
    (phase,) = table(seen, OVERVIEW, "Phases", OUTAGE)
    assert (phase["Registered"], phase["of"], phase["Trigger"]) == ("none known", "5", "unknown")


def test_the_phase_is_shown_blocked_with_three_of_five(seen: Watched) -> None:
    (phase,) = table(seen, OVERVIEW, "Phases", SEED)
    day = DAYS[SEED].isoformat()

    assert (phase["Run date"], phase["Registered"], phase["of"], phase["Trigger"]) == (day, "3", "5", "blocked")
    assert shown(seen, PHASE, "Trigger", SEED) == {f"{day} nba phase3": "blocked"}
    assert shown(seen, PHASE, "Registered", SEED) == {
        f"{day} nba phase3 registered": "3",
        f"{day} nba phase3 expected": "5",
    }
    assert shown(seen, OVERVIEW, "Processors at fault, the last seven days", SEED) == {f"{day} nba phase3": "4"}


def test_the_last_days_tell_well_from_unknown(seen: Watched) -> None:
    found = {
        incident: [*shown(seen, OVERVIEW, "Processors at fault, the last seven days", incident).values()]
        for incident in (HEALTHY, OUTAGE)
    }

    assert found == {HEALTHY: ["none"], OUTAGE: ["unknown"]}


def test_an_entry_that_is_not_there_is_told_from_one_that_cannot_be_read(seen: Watched) -> None:
    def registered(incident: str) -> set[str]:
        title = "When each was due, wrote, beat and registered (UTC)"
        found = {row["Registered"] for row in table(seen, PHASE, title, incident)}
        return {text for text in found if not text.isdigit()}

    assert registered(SEED) == {"not registered"}
    assert registered(OUTAGE) == {"none known"}


def test_verdicts_are_counted(seen: Watched) -> None:
    found = [tuple(row.values()) for row in table(seen, OVERVIEW, "Verdicts", SEED)]

    assert found[0] == ("unregistered", "2")
    assert set(found[1:]) == {("duplicated", "1"), ("count_mismatch", "1"), ("ok", "1")}


def test_bands_say_the_verdict_and_the_heartbeats_state(seen: Watched) -> None:
    verdicts = shown(seen, OVERVIEW, "Verdict of each processor", STUCK)
    beats = shown(seen, PHASE, "What each heartbeat says of this work", STUCK)

    day = DAYS[STUCK].isoformat()
    assert verdicts[f"{day} nba phase3 player_game_summary"] == "stalled"
    assert beats[f"{day} nba phase3 player_game_summary"] == "dead"
    assert beats[f"{day} nba phase3 upcoming_player_game_context"] == "other_date"


def test_only_heartbeats_that_say_running_have_an_age(seen: Watched) -> None:
    ages = shown(seen, PHASE, "Heartbeat age against its threshold", STUCK)

    threshold, where = "stale after (nba)", f"{DAYS[STUCK]} nba phase3"
    assert ages.keys() == {f"{where} player_game_summary", f"{where} team_offense_game_summary", threshold}
    assert float(ages[f"{where} player_game_summary"]) > float(ages[threshold]) == 300
    assert shown(seen, PHASE, "Heartbeat age against its threshold", SEED).keys() == {threshold}


def test_deadlines_to_come_are_told_with_the_time_that_is_left(seen: Watched) -> None:
    found = shown(seen, OVERVIEW, "Next deadline (UTC)", SEED, run_date=(AHEAD.isoformat(),))

    assert found.keys() == {"at", "in"}
    assert 0 < float(found["in"]) < 5 * 86_400
    assert shown(seen, OVERVIEW, "Next deadline (UTC)", SEED) == {}


def test_coverage_leaves_out_those_who_did_not_play(seen: Watched) -> None:
    seed, low = (DAYS[incident].isoformat() for incident in (SEED, COVERAGE))

    ratios = shown(seen, PHASE, "Coverage against its bounds", SEED)
    assert ratios[f"{seed} nba minutes_played"] == "1"
    assert ratios[f"{seed} nba minutes_played low below"] == "0.9"
    counted = shown(seen, PHASE, "Rows of the coverage checks", COVERAGE)
    assert counted == {
        f"{low} nba minutes_played covered": "80",
        f"{low} nba minutes_played not covered": "38",
        f"{low} nba minutes_played left out: dnp": "89",
        f"{low} nba minutes_played left out: unmarked": "5",
        f"{low} nba minutes_played unclassified": "0",
    }


def test_reconciliation_shows_the_differences_and_which_are_impossible(seen: Watched) -> None:
    columns = ("record_count", "Rows", "at least", "at most", "Rows - count", "Count")

    found = {
        row["Processor"]: tuple(row[column] for column in columns)
        for row in table(seen, RECONCILIATION, "The three records side by side", SEED)
    }

    assert found == {
        "player_game_summary": ("none known", "212", "168", "336", "cannot be said", "cannot be said"),
        "team_offense_game_summary": ("0", "24", "12", "12", "24", "impossible"),
        "team_defense_game_summary": ("0", "12", "12", "12", "12", "impossible"),
        "upcoming_player_game_context": ("326", "326", "200", "560", "0", "possible"),
        "upcoming_team_game_context": ("none known", "20", "20", "20", "cannot be said", "cannot be said"),
    }


def test_reconciliation_says_which_record_shows_that_the_phase_ran(seen: Watched) -> None:
    (ran,) = table(seen, RECONCILIATION, "Did the phase run, and which record says so", SEED)
    log = table(seen, RECONCILIATION, "Phase log", SEED)

    assert (ran["Says so"], ran["In run history"], ran["Expected"]) == ("run history (phase log empty)", "3", "5")
    assert [(row["Rows"], row["Expected"]) for row in log] == [("0", "1")] * 3
    (ran,) = table(seen, RECONCILIATION, "Did the phase run, and which record says so", HEALTHY)
    assert ran["Says so"] == "phase log"


def test_a_lost_registration_is_told_from_one_that_never_was(seen: Watched) -> None:
    day = DAYS[LOST].isoformat()

    found = shown(seen, RECONCILIATION, "Registrations, and those that were lost", LOST)

    assert found == {
        f"{day} nba phase3 player_game_summary": "lost",
        f"{day} nba phase3 upcoming_team_game_context": "lost",
        f"{day} nba phase3 upcoming_player_game_context": "registered",
        f"{day} nba phase3 team_defense_game_summary": "not registered",
        f"{day} nba phase3 team_offense_game_summary": "not registered",
    }


def test_the_exporter_says_which_source_refuses_and_which_collectors_that_stops(seen: Watched) -> None:
    assert shown(seen, EXPORTER, "Sources", OUTAGE) == {"firestore": "not reached", "bigquery": "reached"}
    assert shown(seen, EXPORTER, "Why a source did not answer", OUTAGE) == {
        "firestore": "permission_denied",
        "bigquery": "answers",
    }
    collectors = {row["Collector"]: row for row in table(seen, EXPORTER, "Collectors", OUTAGE)}
    assert {name: row["Failed for"] for name, row in collectors.items()} == {
        "completion": "permission_denied",
        "heartbeats": "permission_denied",
        "heartbeat_count": "permission_denied",
        "warehouse": "did not fail",
    }
    assert collectors["completion"]["Last success (UTC)"] == "never"
    assert [*shown(seen, EXPORTER, "Instances", OUTAGE).values()] == ["up"]
