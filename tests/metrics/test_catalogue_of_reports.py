"""A report's samples: their values, that every state is there, and that their number is bounded."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from exporter.metrics.catalogue import PREFIX, REPORT_FAMILIES, report_samples
from exporter.model import (
    CoverageCounts,
    DocumentId,
    HeartbeatState,
    LogSource,
    Reading,
    Snapshot,
    TriggerState,
    Verdict,
)
from exporter.reconcile import reconcile
from testing.builders import (
    DAY,
    OFFENSE,
    ONE_DAY,
    PLAYER,
    beat,
    by_game_date,
    by_processing_date,
    config,
    entry,
    on,
    phase,
    pipeline,
    processor,
)
from testing.reports import empty, overwritten, reported
from testing.samples import family, labels, one, values
from tests.reconcile.scene import Scene
from tests.reconcile.strategies import Case, cases
from tests.reconcile.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from exporter.config.resolved import Config
    from exporter.metrics.samples import Samples
    from exporter.model import PhaseReport

STATES: dict[str, Iterable[str]] = {
    "processor_verdict": Verdict,
    "processor_heartbeat_state": HeartbeatState,
    "phase_trigger_state": TriggerState,
    "phase_log_source": LogSource,
}


def exposed(scene: Scene) -> Samples:
    return report_samples(reconcile(scene.config(), scene.snapshot(), on(scene.now)))


# --- samples of a report ----------------------------------------------------------------------------------------


@given(cases)
@settings(max_examples=40)
def test_whatever_is_reported_the_samples_are_well_formed(case: Case) -> None:
    samples = report_samples(reconcile(case.config, case.snapshot, case.now))

    assert list(samples) == REPORT_FAMILIES
    for item, series in samples.items():
        assert len({text for text, _ in series}) == len(series)
        for text, value in series:
            assert tuple(labels(text)) == item.labels
            assert isinstance(value, float | int)
            assert not isinstance(value, bool)


def states_of(samples: Samples) -> dict[str, dict[tuple[str, ...], dict[str, float]]]:
    """By family and subject, the value of each state that has a series."""
    found: dict[str, dict[tuple[str, ...], dict[str, float]]] = {}
    for name in (*STATES, "phase_mode"):
        sets: defaultdict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
        for (*subject, state), value in values(samples, name).items():
            sets[tuple(subject)][state] = value
        found[name] = sets
    return found


@given(cases)
@settings(max_examples=40)
def test_a_state_has_one_series_for_the_value_that_holds(case: Case) -> None:
    report = reconcile(case.config, case.snapshot, case.now)
    found = states_of(report_samples(report))

    assert all(list(states.values()) == [1] for sets in found.values() for states in sets.values())
    assert len(found["processor_verdict"]) == len(found["processor_heartbeat_state"]) == len(report.processors)
    assert {subject: {item.mode: 1} for item in report.phases for subject in [_subject(item)]} == found["phase_mode"]


@given(cases)
@settings(max_examples=40)
def test_where_it_is_asked_for_every_value_of_a_state_has_a_series_and_one_holds(case: Case) -> None:
    report = reconcile(replace(case.config, every_state=True), case.snapshot, case.now)
    found = states_of(report_samples(report))

    for name, sets in found.items():
        assert all(sorted(states.values())[-1:] == [1] and sum(states.values()) == 1 for states in sets.values())
        assert all(list(states) == list(STATES.get(name, states)) for states in sets.values())
    assert sum(map(len, found["phase_mode"].values())) == sum(len(item.modes) for item in report.phases)
    for name, sets in states_of(report_samples(replace(report, every_state=False))).items():
        assert sets == {
            subject: {state: value for state, value in states.items() if value}
            for subject, states in found[name].items()
        }


def _subject(item: PhaseReport) -> tuple[str, ...]:
    return item.pipeline, item.phase, item.run_date.isoformat()


@pytest.mark.parametrize("of", [by_processing_date(past=2), by_game_date(past=2, future=1)], ids=["seed", "game_date"])
def test_before_anything_is_read_every_expected_series_is_there(of: Config) -> None:
    report = empty(of)
    samples = report_samples(report)

    subjects = {("nba", item.phase, item.run_date.isoformat(), item.processor) for item in report.processors}
    for name in ("processor_verdict", "processor_heartbeat_state"):
        assert {key[:4] for key in values(samples, name)} == subjects
    for name in ("processor_critical", "processor_due_timestamp_seconds"):
        assert set(values(samples, name)) == subjects
    dates = {item.run_date.isoformat() for item in report.phases}
    assert {key[2] for key in values(samples, "phase_trigger_state")} == dates
    assert {key[2] for key in values(samples, "phase_mode")} == dates
    unknown = {key[:4] for key, value in values(samples, "processor_verdict").items() if key[4] == "unknown" and value}
    asked = {
        ("nba", item.phase, item.run_date.isoformat(), item.processor)
        for item in report.processors
        if item.expected is None
    }
    assert unknown == asked
    assert one(samples, "heartbeats_known") == 0
    assert one(samples, "run_history_known") == 0


def test_before_anything_is_read_no_value_is_made_up() -> None:
    silent = {
        item.name.removeprefix(PREFIX)
        for item, series in report_samples(empty(by_processing_date())).items()
        if not series
    }

    assert silent == {
        "processor_owner_info",
        "phase_since_timestamp_seconds",
        "processor_since_timestamp_seconds",
        "coverage_since_timestamp_seconds",
        "pipeline_since_timestamp_seconds",
        "processor_rows_too_few",
        "processor_rows_too_many",
        "processor_duplicate_rows",
        "processor_table_units",
        "processor_units_expected",
        "phase_processors_expected",
        "phase_processors_registered",
        "phase_processors_unexpected",
        "phase_entries",
        "phase_entries_removed",
        "phase_entries_overwritten",
        "phase_completed_count",
        "phase_count_inconsistent",
        "phase_malformed_fields",
        "phase_triggered",
        "phase_triggered_timestamp_seconds",
        "phase_run_history_processors",
        "phase_log_rows",
        "phase_log_rows_expected",
        "processor_registered",
        "processor_record_count",
        "processor_table_rows",
        "processor_without_table",
        "processor_record_count_delta",
        "processor_record_count_possible",
        "processor_table_rows_expected_min",
        "processor_table_rows_expected_max",
        "processor_completed_timestamp_seconds",
        "processor_table_written_timestamp_seconds",
        "processor_heartbeat_timestamp_seconds",
        "processor_heartbeat_age_seconds",
        "coverage_expected",
        "coverage_rows",
        "coverage_eligible_rows",
        "coverage_covered_rows",
        "coverage_excluded_rows",
        "coverage_unclassified_rows",
        "coverage_low",
        "coverage_unclassified",
        "calendar_units",
        "calendar_doubtful",
        "heartbeat_documents",
        "heartbeat_collection_bloated",
        "heartbeats_silent",
        "heartbeat_last_timestamp_seconds",
        "run_history_last_run_timestamp_seconds",
        "unusable_fields",
    }


def test_an_empty_table_is_zero_and_an_unread_one_is_nothing() -> None:
    assert one(exposed(Scene(rows=0)), "processor_table_rows") == 0
    assert one(exposed(Scene(unread={"rows"})), "processor_table_rows") is None


def test_the_values_of_a_processor() -> None:
    samples = exposed(Scene(rows=24, entry=entry(count=0), beats=[beat("completed", "15:00:48")]))

    subject = ("nba", "phase3", "2026-02-01", OFFENSE)
    assert values(samples, "processor_record_count_delta") == {subject: 24}
    found = {
        name: one(samples, f"processor_{name}")
        for name in ("registered", "critical", "record_count", "table_rows", "record_count_possible")
    }
    assert found == {"registered": 1, "critical": 0, "record_count": 0, "table_rows": 24, "record_count_possible": 0}
    assert one(samples, "processor_table_rows_expected_min") == 12
    assert one(samples, "processor_table_rows_expected_max") == 12
    assert one(samples, "processor_due_timestamp_seconds") == on("16:30").timestamp()
    assert one(samples, "processor_completed_timestamp_seconds") == on("15:00:50").timestamp()
    assert one(samples, "processor_table_written_timestamp_seconds") == on("15:00:44").timestamp()
    assert one(samples, "processor_heartbeat_timestamp_seconds") == on("15:00:48").timestamp()
    assert one(samples, "processor_heartbeat_age_seconds") == (on("18:00") - on("15:00:48")).total_seconds()
    assert values(samples, "processor_verdict")[(*subject, "duplicated")] == 1
    assert values(samples, "processor_heartbeat_state")[(*subject, "completed")] == 1


def test_a_heartbeat_of_another_date_has_a_state_but_no_time() -> None:
    samples = exposed(Scene(beats=[beat("completed", "15:00:48", DAY)]))

    assert one(samples, "processor_heartbeat_timestamp_seconds") is None
    assert one(samples, "processor_heartbeat_age_seconds") is None
    assert values(samples, "processor_heartbeat_state")["nba", "phase3", "2026-02-01", OFFENSE, "other_date"] == 1


def test_a_completion_time_that_is_not_there_has_no_sample() -> None:
    samples = exposed(Scene(entry=entry(None, None)))

    assert one(samples, "processor_registered") == 1
    assert one(samples, "processor_completed_timestamp_seconds") is None
    assert one(samples, "processor_record_count") is None


def test_the_values_of_a_phase() -> None:
    of = World(by_processing_date(), units={DAY - ONE_DAY: 6, DAY: 7})
    of.register(PLAYER, DAY, on("15:00:50"), 212)
    of.trigger(DAY, on("15:04:31"))
    key = DocumentId("phase3_completion", DAY)
    odd = entry(malformed=("status",))
    of.documents[key] = replace(of.documents[key], entries={**of.documents[key].entries, "odd": odd}, completed_count=3)

    samples = report_samples(reconcile(of.config, of.snapshot(on("18:00")), on("18:00")))

    subject = ("nba", "phase3", "2026-02-01")
    found = {
        name: values(samples, f"phase_{name}")[subject]
        for name in (
            "processors_expected",
            "processors_registered",
            "processors_unexpected",
            "entries",
            "completed_count",
            "malformed_fields",
            "triggered",
            "triggered_timestamp_seconds",
            "due_timestamp_seconds",
            "run_history_processors",
        )
    }
    assert list(found.values()) == [5, 1, 1, 2, 3, 1, 1, on("15:04:31").timestamp(), on("16:30").timestamp(), 0]
    assert values(samples, "phase_trigger_state")[(*subject, "triggered")] == 1
    assert values(samples, "phase_mode") == {
        ("nba", name, "2026-02-01", "daily"): 1 for name in ("phase3", "phase4", "phase5")
    }
    assert {key[1] for key in values(samples, "phase_trigger_state")} == {"phase3"}
    assert values(samples, "calendar_units") == {("nba", "2026-01-31"): 6, ("nba", "2026-02-01"): 7}
    assert set(values(samples, "phase_log_rows")) == {
        ("nba", "2026-02-01", name) for name in ("phase2_to_phase3", "phase3_to_phase4")
    }
    assert set(values(samples, "phase_log_rows_expected").values()) == {1}


def coverage_of(counts: CoverageCounts) -> Samples:
    reading: Reading[Mapping[date, CoverageCounts]] = Reading({DAY - ONE_DAY: counts}, on("17:55"))
    of = by_processing_date()
    return report_samples(reconcile(of, Snapshot(coverage={("nba", "minutes_played"): reading}), on("18:00")))


def test_the_values_of_coverage() -> None:
    samples = coverage_of(CoverageCounts(212, 112, 100, {"dnp": 94, "unmarked": 4}))

    subject = ("nba", "2026-02-01", "minutes_played")
    found = {name: values(samples, f"coverage_{name}")[subject] for name in ("rows", "eligible_rows", "covered_rows")}
    assert found == {"rows": 212, "eligible_rows": 112, "covered_rows": 100}
    assert values(samples, "coverage_unclassified_rows") == {subject: 2}
    assert values(samples, "coverage_excluded_rows") == {(*subject, "dnp"): 94, (*subject, "unmarked"): 4}
    ratios = [values(samples, f"coverage_{name}_ratio") for name in ("target", "warn", "critical")]
    assert ratios == [{subject: 0.95}, {subject: 0.9}, {subject: 0.8}]


@pytest.mark.parametrize(("covered", "warn", "critical"), [(85, 1, 0), (10, 0, 1), (95, 0, 0)])
def test_a_condition_with_two_bounds_is_1_for_the_worse_of_those_that_are_passed(
    covered: int, warn: int, critical: int
) -> None:
    world = World(by_processing_date(), units={DAY - ONE_DAY: 6, DAY: 7})
    reading: Reading[Mapping[date, CoverageCounts]] = Reading(
        {DAY - ONE_DAY: CoverageCounts(100, 100, covered, {})}, on("17:55")
    )
    snapshot = replace(world.snapshot(on("18:00")), coverage={("nba", "minutes_played"): reading})

    samples = report_samples(reconcile(world.config, snapshot, on("18:00")))

    subject = ("nba", "2026-02-01", "minutes_played")
    assert values(samples, "coverage_low") == {(*subject, "warn"): warn, (*subject, "critical"): critical}
    assert values(samples, "coverage_unclassified") == {subject: 0}


@pytest.mark.parametrize("name", ["minutes_played", "phase3"])
def test_since_when_coverage_is_low_has_the_date_of_its_rows_also_for_a_check_named_after_a_phase(name: str) -> None:
    whole = by_processing_date()
    nba = whole.pipelines["nba"]
    check = replace(nba.coverage["minutes_played"], name=name)
    of = replace(whole, pipelines={"nba": replace(nba, coverage={name: check})})
    reading: Reading[Mapping[date, CoverageCounts]] = Reading(
        {DAY - ONE_DAY: CoverageCounts(100, 100, 10, {})}, on("17:55")
    )
    snapshot = World(of, units={DAY - ONE_DAY: 6, DAY: 7}).snapshot(on("18:00"))

    report = reconcile(of, replace(snapshot, coverage={("nba", name): reading}), on("18:00"))

    (labels,) = values(report_samples(report), "coverage_since_timestamp_seconds")
    assert labels[:5] == ("nba", "2026-02-01", name, "coverage_low", "2026-01-31")


@pytest.mark.parametrize(("units", "expected"), [({}, None), ({DAY: 6}, 0), ({DAY - ONE_DAY: 6}, 1)])
def test_coverage_is_expected_where_the_calendar_has_games(units: dict[date, int], expected: int | None) -> None:
    world = World(by_processing_date(), units=units)
    snapshot = world.snapshot(on("18:00")) if units else Snapshot()

    samples = report_samples(reconcile(world.config, snapshot, on("18:00")))

    assert one(samples, "coverage_expected") == expected


def test_buckets_that_overlap_leave_no_row_unclassified() -> None:
    samples = coverage_of(CoverageCounts(10, 8, 8, {"dnp": 4}))

    assert one(samples, "coverage_unclassified_rows") == 0


def test_the_values_of_a_pipeline() -> None:
    of = World(by_processing_date(), units={DAY: 6})
    of.beat(PLAYER, "completed", DAY, on("15:00:48"))
    of.ran(PLAYER, DAY, on("14:52"), on("15:00:46"))
    snapshot = replace(of.snapshot(on("18:00")), heartbeat_documents={"nba": Reading(106_000, on("17:50"))})

    samples = report_samples(reconcile(of.config, snapshot, on("18:00")))

    found = {
        item.name.removeprefix(PREFIX): one(samples, item.name.removeprefix(PREFIX))
        for item in REPORT_FAMILIES
        if item.labels == ("pipeline",)
    }
    assert found == {
        "heartbeat_documents": 106_000,
        "heartbeat_documents_warn": 100,
        "heartbeat_documents_critical": 500,
        "heartbeat_stale_after_seconds": 300,
        "heartbeat_silent_after_seconds": 86_400,
        "heartbeat_last_timestamp_seconds": on("15:00:48").timestamp(),
        "heartbeats_known": 1,
        "heartbeats_silent": 0,
        "run_history_known": 1,
        "run_history_last_run_timestamp_seconds": on("15:00:46").timestamp(),
    }
    assert values(samples, "heartbeat_collection_bloated") == {("nba", "warn"): 0, ("nba", "critical"): 1}


def test_a_pipeline_without_heartbeats_says_nothing_of_them() -> None:
    bare = config(pipeline([phase("phase3", [processor(OFFENSE)])], bare=True))

    samples = report_samples(empty(bare))

    assert not [item.name for item, series in samples.items() if item.labels == ("pipeline",) and series]


def test_names_are_escaped() -> None:
    odd = processor('a"b\\c\nd')

    samples = report_samples(empty(config(pipeline([phase("phase3", [odd])]))))

    (text, _), *_ = samples[family("processor_critical")]
    assert labels(text)["processor"] == r"a\"b\\c\nd"


def test_an_overwritten_entry_that_was_restored_is_reported_for_an_hour() -> None:
    scene = overwritten()

    for at, told in (("15:06", 1), ("16:04", 1), ("16:05", 0)):
        scene.clock.now = on(at)
        found = values(report_samples(reported(scene)), "phase_entries_overwritten")
        assert found["nba", "phase3", DAY.isoformat()] == told
