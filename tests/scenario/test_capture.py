"""Capture: what it writes replays to the same verdicts, and names nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.config.load import load
from exporter.expectations import run_dates
from exporter.scenario.capture import CaptureError, capture, difference
from exporter.scenario.incident import load_incident, parse_incident
from exporter.scenario.replay import Replayed, replay

if TYPE_CHECKING:
    from exporter.scenario.local import LocalSources, SimulatedClock

FILES = sorted((Path(__file__).parents[1] / "incidents").glob("*.yaml"))


def _captured(replayed: Replayed, local: LocalSources) -> str:
    """The newest run date of what was replayed, captured from the sources as they still are."""
    config = replayed.loaded.config
    day = run_dates(config, replayed.incident.clock)[-1]
    loaded = replace(replayed.loaded, config=replace(config, documents=replace(config.documents, only=(day,))))
    return capture(loaded, lambda found, telemetry: local.open(found.config, telemetry), day, replayed.incident.clock)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_captured_day_replays_to_the_same_verdicts(file: Path, local: LocalSources, clock: SimulatedClock) -> None:
    incident = load_incident(file).model_copy(update={"faults": {}})
    first = replay(incident, local, clock)

    again = replay(parse_incident(_captured(first, local), "captured"), local, clock)

    assert again.incident.expect.verdicts
    assert again.failures == ()


def test_a_captured_file_names_no_player(local: LocalSources, clock: SimulatedClock) -> None:
    text = _captured(replay(load_incident(FILES[-1]), local, clock), local)

    assert "player_lookup" not in text
    assert "repeat: 200" in text or "repeat: 80" in text


def test_a_table_that_is_not_there_is_captured_as_absent(local: LocalSources, clock: SimulatedClock) -> None:
    incident = load_incident(FILES[0]).model_copy(update={"absent": ["nba_analytics.team_offense_game_summary"]})

    text = _captured(replay(incident, local, clock), local)

    assert parse_incident(text, "captured").absent == ["nba_analytics.team_offense_game_summary"]


def test_a_source_that_refuses_is_an_error_that_says_what_to_do(local: LocalSources, clock: SimulatedClock) -> None:
    first = replay(load_incident(FILES[0]), local, clock)
    local.fault({"bigquery": "permission_denied"})

    with pytest.raises(CaptureError, match=r"a source cannot be read: .*docs/permissions\.md"):
        _captured(first, local)


def test_the_difference_of_two_presets_merged_over_the_one_gives_the_other() -> None:
    base, wanted = (load(preset=preset, environ={}) for preset in ("nba", "nba-game-date"))

    merged = load(preset="nba", overlay=difference(base.raw, wanted.raw), environ={})

    assert merged.config == wanted.config
