"""The shipped presets, as docs/configuration.md promises them."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from exporter.config.care import CloudRun
from exporter.config.load import load, preset_names
from exporter.config.resolved import (
    Config,
    Due,
    HaltsConfig,
    HeartbeatsConfig,
    PhaseConfig,
    PipelineConfig,
    Relation,
    RowsPerUnit,
    TableRef,
    Trigger,
)

MIB = 2**20
BILLED_PER_TABLE = 10 * MIB
A_DAY = timedelta(days=1)

HISTORICAL = ("player_game_summary", "team_offense_game_summary", "team_defense_game_summary")
UPCOMING = ("upcoming_player_game_context", "upcoming_team_game_context")
PHASE4 = (
    "team_defense_zone_analysis",
    "player_shot_zone_analysis",
    "player_composite_factors",
    "player_daily_cache",
    "ml_feature_store",
)
TEAM_OF_A_GAME = ("game_id", "team_abbr")
TABLES = {
    "player_game_summary": TableRef(
        "nba_analytics.player_game_summary",
        "game_date",
        "processed_at",
        key=("game_id", "player_lookup"),
        units="IF(COUNTIF(game_id IS NULL) > 0, NULL, COUNT(DISTINCT game_id))",
    ),
    "team_offense_game_summary": TableRef(
        "nba_analytics.team_offense_game_summary", "game_date", "processed_at", TEAM_OF_A_GAME
    ),
    "team_defense_game_summary": TableRef(
        "nba_analytics.team_defense_game_summary", "game_date", "processed_at", TEAM_OF_A_GAME
    ),
    "upcoming_player_game_context": TableRef("nba_analytics.upcoming_player_game_context", "game_date", "created_at"),
    "upcoming_team_game_context": TableRef(
        "nba_analytics.upcoming_team_game_context", "game_date", "created_at", TEAM_OF_A_GAME
    ),
    "team_defense_zone_analysis": TableRef(
        "nba_precompute.team_defense_zone_analysis", "analysis_date", "processed_at"
    ),
    "player_shot_zone_analysis": TableRef("nba_precompute.player_shot_zone_analysis", "analysis_date", "processed_at"),
    "player_composite_factors": TableRef("nba_precompute.player_composite_factors", "game_date", "processed_at"),
    "player_daily_cache": TableRef("nba_precompute.player_daily_cache", "cache_date", "processed_at"),
    "ml_feature_store": TableRef("nba_predictions.ml_feature_store_v2", "game_date", "created_at"),
    "player_prop_predictions": TableRef("nba_predictions.player_prop_predictions", "game_date", "created_at"),
    "prediction_accuracy": TableRef("nba_predictions.prediction_accuracy", "game_date", "graded_at", optional=True),
}
ROWS_PER_GAME = {
    "player_game_summary": RowsPerUnit(28, 56),
    "team_offense_game_summary": RowsPerUnit(2, 2),
    "team_defense_game_summary": RowsPerUnit(2, 2),
    "upcoming_player_game_context": RowsPerUnit(20, 56),
    "upcoming_team_game_context": RowsPerUnit(2, 2),
    "player_prop_predictions": RowsPerUnit(4, None),
    "prediction_accuracy": RowsPerUnit(4, None),
}


@pytest.fixture(params=("nba", "nba-game-date"))
def either(request: pytest.FixtureRequest) -> Config:
    return load(preset=request.param, environ={}).config


def pipeline_of(preset: str) -> PipelineConfig:
    return load(preset=preset, environ={}).config.pipelines["nba"]


def modes_of(phase: PhaseConfig) -> dict[str, tuple[set[Relation], set[str]]]:
    return {mode.name: (set(mode.when), set(mode.expected)) for mode in phase.modes}


def deadlines(phase: PhaseConfig) -> dict[str, tuple[int, Due, Due | None]]:
    """By processor: the offset of its data date, when it registers, and when its rows are due where that differs."""
    return {name: (one.data_date_offset, one.due, one.rows_due) for name, one in phase.processors.items()}


def test_two_presets_are_of_nba_and_one_is_of_mlb() -> None:
    assert preset_names() == ("mlb", "nba", "nba-game-date")


def test_both_have_the_same_phases_and_processors(either: Config) -> None:
    phases = either.pipelines["nba"].phases

    assert {name: tuple(phase.processors) for name, phase in phases.items()} == {
        "phase3": (*HISTORICAL, *UPCOMING),
        "phase4": PHASE4,
        "phase5": ("player_prop_predictions",),
        "grading": ("prediction_accuracy",),
    }
    assert {name: phase.next for name, phase in phases.items()} == {
        "phase3": "phase4",
        "phase4": "phase5",
        "phase5": None,
        "grading": None,
    }
    assert {name: phase.collection for name, phase in phases.items()} == {
        "phase3": "phase3_completion",
        "phase4": "phase4_completion",
        "phase5": None,
        "grading": None,
    }


def test_no_preset_of_nba_relies_on_the_phase_labels_of_the_run_history(either: Config) -> None:
    assert {phase.run_history_phase for phase in either.pipelines["nba"].phases.values()} == {None}


def test_both_are_halted_where_nothing_is_predicted(either: Config) -> None:
    pipeline = either.pipelines["nba"]
    halts = HaltsConfig(
        table=TableRef("nba_orchestration.halt_state", "effective_date", "written_at"),
        where="sport = 'nba'",
        halted="halt_active AND IFNULL(halt_reason, '') != 'predictions_inactive'",
        reason="halt_reason",
        stale_after=timedelta(hours=36),
    )

    assert pipeline.all_halts == (halts,)
    assert [name for name, phase in pipeline.phases.items() if phase.halts] == ["phase5", "grading"]


def test_both_judge_the_trigger_of_phase_3_alone(either: Config) -> None:
    triggers = {name: phase.trigger for name, phase in either.pipelines["nba"].phases.items()}

    orchestrator = CloudRun("service", "nba-orchestrator", "us-west2")
    assert triggers == {
        "phase3": Trigger(0.6, timedelta(minutes=30), orchestrator),
        "phase4": None,
        "phase5": None,
        "grading": None,
    }


def test_both_compare_the_same_tables_with_the_same_bounds(either: Config) -> None:
    processors = {
        name: processor
        for phase in either.pipelines["nba"].phases.values()
        for name, processor in phase.processors.items()
    }

    assert {name: processor.table for name, processor in processors.items()} == TABLES
    assert {name: processor.rows_per_unit for name, processor in processors.items() if processor.rows_per_unit} == (
        ROWS_PER_GAME
    )


def test_only_work_of_games_that_are_over_is_registered_by_runs_of_the_next_morning() -> None:
    found = {
        preset: {one.name: one.not_before for one in pipeline_of(preset).phases["phase3"].processors.values()}
        for preset in ("nba", "nba-game-date")
    }

    upcoming = dict.fromkeys(("upcoming_player_game_context", "upcoming_team_game_context"))
    over = ("player_game_summary", "team_offense_game_summary", "team_defense_game_summary")
    assert found == {
        "nba": {**dict.fromkeys(over, Due(0, time(6))), **upcoming},
        "nba-game-date": {**dict.fromkeys(over, Due(1, time(6))), **upcoming},
    }


def test_both_hold_the_same_processors_critical(either: Config) -> None:
    critical = {
        name
        for phase in either.pipelines["nba"].phases.values()
        for name, processor in phase.processors.items()
        if processor.critical
    }

    assert critical == {
        "player_game_summary",
        "upcoming_player_game_context",
        "ml_feature_store",
        "player_prop_predictions",
    }


def test_both_know_a_processor_by_the_names_that_exist(either: Config) -> None:
    processors = [one for phase in either.pipelines["nba"].phases.values() for one in phase.processors.values()]
    names = {one.name: (set(one.heartbeats), set(one.runs_as)) for one in processors}
    classes = {
        **{one.name: {f"{one.name.title().replace('_', '')}Processor"} for one in processors},
        "upcoming_player_game_context": {
            "UpcomingPlayerGameContextProcessor",
            "AsyncUpcomingPlayerGameContextProcessor",
        },
        # Both spellings of an initialism, for the class may have either.
        "ml_feature_store": {"MLFeatureStoreProcessor", "MlFeatureStoreProcessor"},
    }

    assert names == {
        **{name: (both, both) for name, both in classes.items()},
        "player_prop_predictions": (set(), {"PredictionCoordinator"}),
        "prediction_accuracy": (set(), set()),
    }


def test_both_read_the_same_records_beside_the_tables(either: Config) -> None:
    pipeline = either.pipelines["nba"]

    assert pipeline.calendar is not None
    assert pipeline.calendar.table == TableRef("nba_reference.nba_schedule", "game_date")
    assert pipeline.calendar.units == "COUNT(DISTINCT game_id)"
    assert pipeline.calendar.where == ("(game_id LIKE '002%' OR game_id LIKE '004%') AND IFNULL(game_status, 1) != 9")
    assert pipeline.calendar.unit_column == "game_id"
    assert pipeline.calendar.noun == "game"
    assert pipeline.run_history is not None
    assert pipeline.run_history.table == TableRef("nba_reference.processor_run_history", "data_date", "processed_at")
    assert pipeline.phase_log is not None
    assert pipeline.phase_log.table == TableRef(
        "nba_orchestration.phase_execution_log", "game_date", "execution_timestamp"
    )
    assert pipeline.phase_log.transitions == ("phase3_to_phase4", "phase4_to_phase5", "phase5_to_phase6")
    assert pipeline.heartbeats == HeartbeatsConfig(
        collection="processor_heartbeats",
        stale_after=timedelta(minutes=5),
        dead_after=timedelta(minutes=15),
        silent_after=timedelta(hours=24),
        documents_warn=100,
        documents_critical=500,
    )


def test_both_measure_minutes_over_players_who_played(either: Config) -> None:
    (check,) = (either.pipelines["nba"].coverage or {}).values()

    assert (check.name, check.eligible, check.covered) == ("minutes_played", "is_dnp = FALSE", "minutes_played > 0")
    assert check.excluded == {"dnp": "is_dnp = TRUE", "unmarked": "is_dnp IS NULL"}
    assert (check.target, check.warn, check.critical) == (0.95, 0.9, 0.8)


def test_both_collect_at_the_same_intervals(either: Config) -> None:
    collect = either.collect
    minute = timedelta(minutes=1)

    assert [
        (collector.every, collector.timeout, collector.max_staleness)
        for collector in (collect.completion, collect.heartbeats, collect.heartbeat_count, collect.warehouse)
    ] == [
        (minute, minute / 3, 3 * minute),
        (minute, minute / 3, 3 * minute),
        (15 * minute, minute / 3, 45 * minute),
        (10 * minute, 2 * minute, 30 * minute),
    ]
    assert collect.warehouse_limits.job == 2**30


def test_the_daily_budget_outlasts_the_day(either: Config) -> None:
    pipeline = either.pipelines["nba"]
    counted = {processor.table for phase in pipeline.phases.values() for processor in phase.processors.values()}
    beside = [pipeline.calendar, pipeline.run_history, pipeline.phase_log, *(pipeline.coverage or {}).values()]

    tables = len(counted) + len(beside) + len(pipeline.all_halts)
    billed = tables * BILLED_PER_TABLE * (A_DAY // either.collect.warehouse.every)

    assert tables == 17
    assert billed == 24_480 * MIB
    assert either.collect.warehouse_limits.day == 40 * 2**30 > billed


def test_nba_reads_a_document_as_what_ran_on_its_day() -> None:
    config = load(preset="nba", environ={}).config
    pipeline = config.pipelines["nba"]
    phases = pipeline.phases

    assert (config.project, config.timezone.key) == ("nba-props-platform", "America/New_York")
    assert (config.documents.past, config.documents.future) == (2, 0)
    assert {
        name: (processor.data_date_offset, processor.due) for name, processor in phases["phase3"].processors.items()
    } == {
        **dict.fromkeys(HISTORICAL, (-1, Due(0, time(11, 30)))),
        **dict.fromkeys(UPCOMING, (0, Due(0, time(11, 30)))),
    }
    assert deadlines(phases["phase4"]) == {
        **dict.fromkeys(PHASE4, (-1, Due(0, time(12, 30)), None)),
        "ml_feature_store": (0, Due(0, time(12, 30)), None),
    }
    assert deadlines(phases["phase5"]) == {"player_prop_predictions": (0, Due(0, time(12)), None)}
    assert deadlines(phases["grading"]) == {"prediction_accuracy": (-1, Due(0, time(14)), None)}
    assert all(modes_of(phase) == {"daily": (set(Relation), set(phase.processors))} for phase in phases.values())
    assert pipeline.phase_log is not None
    assert pipeline.phase_log.data_date_offset == -1
    assert {check.data_date_offset for check in (pipeline.coverage or {}).values()} == {-1}


def test_nba_game_date_reads_a_document_as_about_the_games_of_its_date() -> None:
    config = load(preset="nba-game-date", environ={}).config
    pipeline = config.pipelines["nba"]
    phases = pipeline.phases
    preview = {"upcoming_player_game_context"}

    assert (config.documents.past, config.documents.future) == (2, 1)
    assert {
        name: (processor.data_date_offset, processor.due) for name, processor in phases["phase3"].processors.items()
    } == {
        **dict.fromkeys(HISTORICAL, (0, Due(1, time(11, 30)))),
        **dict.fromkeys(UPCOMING, (0, Due(0, time(11, 30)))),
    }
    assert deadlines(phases["phase4"]) == {
        **dict.fromkeys(PHASE4, (0, Due(1, time(12, 30)), None)),
        "ml_feature_store": (0, Due(1, time(12, 30)), Due(0, time(12, 30))),
    }
    assert deadlines(phases["phase5"]) == {"player_prop_predictions": (0, Due(0, time(12)), None)}
    assert deadlines(phases["grading"]) == {"prediction_accuracy": (0, Due(1, time(14)), None)}
    assert pipeline.phase_log is not None
    assert pipeline.phase_log.data_date_offset == 0
    assert {check.data_date_offset for check in (pipeline.coverage or {}).values()} == {0}
    for name, phase in phases.items():
        if phase.collection is None:
            assert modes_of(phase) == {"daily": (set(Relation), set(phase.processors))}
            continue
        before_the_games = preview if name == "phase3" else set()
        assert modes_of(phase) == {
            "overnight": ({Relation.PAST}, set(phase.processors)),
            "same_day": ({Relation.TODAY}, before_the_games),
            "tomorrow": ({Relation.AHEAD}, before_the_games),
        }


def test_the_presets_of_nba_differ_only_in_the_reading_of_dates() -> None:
    one, other = pipeline_of("nba"), pipeline_of("nba-game-date")

    assert (one.calendar, one.heartbeats, one.run_history) == (other.calendar, other.heartbeats, other.run_history)


def test_mlb_is_watched_by_the_records_that_it_keeps() -> None:
    config = load(preset="mlb", environ={}).config

    (pipeline,) = config.pipelines.values()
    (phase,) = pipeline.phases.values()
    (processor,) = phase.processors.values()
    assert pipeline.calendar is not None
    assert pipeline.calendar.table == TableRef("mlb_raw.mlb_schedule", "game_date")
    assert pipeline.calendar.units == "COUNT(DISTINCT game_pk)"
    assert processor.table == TableRef("mlb_predictions.prediction_accuracy", "game_date", "graded_at", optional=True)
    assert processor.data_date_offset == -1
    assert phase.collection is None
    assert phase.run_history_phase is None
    assert pipeline.heartbeats is None


@pytest.mark.parametrize("nba", ["nba", "nba-game-date"])
def test_mlb_beside_nba_leaves_nba_as_it_is(nba: str) -> None:
    alone, both = load(preset=nba, environ={}).config, load(preset=[nba, "mlb"], environ={}).config

    assert both.pipelines.keys() == {"nba", "mlb"}
    assert both.pipelines["nba"] == alone.pipelines["nba"]
    assert both.pipelines["mlb"] == load(preset="mlb", environ={}).config.pipelines["mlb"]
    assert both.documents == alone.documents
    assert both.collect == alone.collect
