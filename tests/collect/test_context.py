"""Which values two configurations read in the same way: what was there before a reload then says something after it."""

from __future__ import annotations

import pytest
import yaml

from exporter.collect.context import reads_alike
from exporter.config.load import load
from exporter.model import DocumentId, Matter
from exporter.reconcile.plan import reading_plan
from testing.builders import DAY, on

CONFIG = load(preset="nba", environ={}).config
(TABLE, *_) = reading_plan(CONFIG, on("18:00")).tables

KEYS: dict[Matter, object] = {
    Matter.DOCUMENT: DocumentId("phase3_completion", DAY),
    Matter.HEARTBEAT: ("processor_heartbeats", "PlayerGameSummaryProcessor"),
    Matter.ROWS: (TABLE, DAY),
    Matter.UNITS: ("nba", DAY),
    Matter.RUNS: ("nba", DAY),
    Matter.PHASE_LOG: ("nba", (DAY, "phase2_to_phase3")),
    Matter.COVERAGE: (("nba", "minutes_played"), DAY),
}
OTHERWISE = {
    Matter.UNITS: "calendar: {where: null}",
    Matter.RUNS: "pipelines: {nba: {run_history: {table: nba_orchestration.processor_run_history}}}",
    Matter.PHASE_LOG: "pipelines: {nba: {phase_log: {table: nba_orchestration.other_log}}}",
    Matter.COVERAGE: "pipelines: {nba: {coverage: {minutes_played: {eligible: 'TRUE'}}}}",
}
"""What makes another value of it. The other matters' keys name the place itself: another table has other keys."""


def alike(overlay: str) -> set[Matter]:
    """What is read under this overlay as without it."""
    same = reads_alike(CONFIG, load(preset="nba", overlay=yaml.safe_load(overlay), environ={}).config)
    return {matter for matter, key in KEYS.items() if same(matter, key)}


def test_every_kind_of_value_has_a_key() -> None:
    assert KEYS.keys() == set(Matter)


@pytest.mark.parametrize("overlay", ["documents: {past: 5}", "collect: {warehouse: {every: 5m}}"])
def test_a_change_of_other_keys_keeps_earlier_values(overlay: str) -> None:
    assert alike(overlay) == set(Matter)


@pytest.mark.parametrize("matter", OTHERWISE)
def test_a_change_of_what_is_counted_drops_only_the_values_it_concerns(matter: Matter) -> None:
    assert alike(OTHERWISE[matter]) == set(Matter) - {matter}


@pytest.mark.parametrize("overlay", ["project: another-project", "firestore_database: other", "timezone: Asia/Tokyo"])
def test_another_project_database_or_time_zone_drops_all_earlier_values(overlay: str) -> None:
    assert alike(overlay) == set()
