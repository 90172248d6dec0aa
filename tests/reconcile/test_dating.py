"""Which reading of a date the documents fit: found where all signs agree, and never guessed from few of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.config.load import load
from exporter.model import Document, DocumentId, Entry, Heartbeat
from exporter.reconcile.dating import misread_dates

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.resolved import Config

NOW = datetime(2026, 2, 4, 20, tzinfo=UTC)
TODAY = date(2026, 2, 4)
HISTORICAL = ("player_game_summary", "team_offense_game_summary", "team_defense_game_summary")
PRESETS = ("nba", "nba-game-date")
OTHER = dict(zip(PRESETS, reversed(PRESETS), strict=True))
LAG = {"nba": 0, "nba-game-date": 1}
"""Days from a document's date to the morning on which what works on the games is completed."""


def config(preset: str) -> Config:
    return load(preset=preset, environ={}).config


def morning(day: date, hour: float = 15.0) -> datetime:
    """10:00 New York, if nothing else is said."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


def documents(reading: str, past: int = 3, hour: float = 15.0) -> dict[DocumentId, Document]:
    """The documents of so many past days and of today, named and completed by the reading of this preset."""
    found = {}
    for back in range(past + 1):
        day = TODAY - timedelta(days=back)
        done = morning(day + timedelta(days=LAG[reading]), hour)
        entries = {name: Entry("success", done) for name in HISTORICAL if done < NOW}
        entries["upcoming_player_game_context"] = Entry("success", morning(day, 15.5))
        found[DocumentId("phase3_completion", day)] = Document(entries=entries)
    return found


def findings(
    preset: str, found: Mapping[DocumentId, Document], beats: Mapping[str, Heartbeat | None] | None = None
) -> list[str]:
    return list(misread_dates(config(preset), found, beats or {}, NOW))


@pytest.mark.parametrize("preset", PRESETS)
def test_documents_that_fit_the_configuration_are_no_finding(preset: str) -> None:
    assert findings(preset, documents(preset)) == []


@pytest.mark.parametrize("preset", PRESETS)
def test_documents_that_fit_the_other_reading_are_a_finding_with_the_preset_that_reads_them(preset: str) -> None:
    (found,) = findings(preset, documents(OTHER[preset]))

    assert f"preset {OTHER[preset]} or data_date_offset" in found
    assert "9 of 9 entries in 3 documents" in found
    assert "player_game_summary in phase3_completion/2026-02-03 was completed on 2026-02-0" in found


@pytest.mark.parametrize("preset", PRESETS)
def test_the_heartbeat_of_the_same_run_is_given_as_evidence(preset: str) -> None:
    found = documents(OTHER[preset])
    newest = found[DocumentId("phase3_completion", TODAY - timedelta(days=1))].entries["player_game_summary"]
    assert newest.completed_at is not None
    data_date = newest.completed_at.date() - timedelta(days=1)
    name = "PlayerGameSummaryProcessor"

    (said,) = findings(preset, found, {name: Heartbeat(name, "completed", newest.completed_at, data_date)})

    assert f"and the heartbeat of that run has data_date {data_date}" in said


UNSURE = {
    "one document": documents("nba-game-date", past=1),
    "no document": {},
    "one entry a document": {
        key: replace(document, entries={"player_game_summary": document.entries["player_game_summary"]})
        for key, document in documents("nba-game-date", past=2).items()
        if key.run_date < TODAY
    },
    "one document of the other reading among those of this": {
        **documents("nba"),
        DocumentId("phase3_completion", TODAY - timedelta(days=2)): documents("nba-game-date")[
            DocumentId("phase3_completion", TODAY - timedelta(days=2))
        ],
    },
    "runs that are late, over midnight": documents("nba", hour=30.0),
    "repetitions days later": documents("nba", hour=15.0 + 72),
    "times that are not known": {
        key: replace(document, entries=dict.fromkeys(HISTORICAL, Entry("success")))
        for key, document in documents("nba-game-date").items()
    },
    "only processors that work on the same day in both": {
        key: replace(document, entries={"upcoming_player_game_context": Entry("success", morning(key.run_date))})
        for key, document in documents("nba-game-date").items()
    },
    "names that the configuration does not know": {
        key: replace(document, entries={"nobody": Entry("success", morning(key.run_date + timedelta(days=1)))})
        for key, document in documents("nba-game-date").items()
    },
}


@pytest.mark.parametrize("place", UNSURE)
def test_an_unsure_reading_of_dates_gives_no_finding(place: str) -> None:
    assert findings("nba", UNSURE[place]) == []


def test_a_contradicting_heartbeat_gives_no_finding() -> None:
    found = documents("nba-game-date")
    newest = found[DocumentId("phase3_completion", TODAY - timedelta(days=1))].entries["player_game_summary"]
    name = "PlayerGameSummaryProcessor"

    beat = Heartbeat(name, "completed", newest.completed_at, TODAY - timedelta(days=2))

    assert findings("nba", found, {name: beat}) == []


@pytest.mark.parametrize(
    "beat",
    [
        None,
        Heartbeat("PlayerGameSummaryProcessor", "completed", None, TODAY),
        Heartbeat("PlayerGameSummaryProcessor", "completed", morning(TODAY), None),
        Heartbeat("PlayerGameSummaryProcessor", "completed", morning(TODAY, 20), TODAY - timedelta(days=2)),
    ],
)
def test_a_heartbeat_that_is_not_of_the_run_is_no_evidence(beat: Heartbeat | None) -> None:
    (said,) = findings("nba", documents("nba-game-date"), {"PlayerGameSummaryProcessor": beat})

    assert "heartbeat" not in said


def test_a_night_run_before_an_early_deadline_fits_its_own_reading() -> None:
    # Named after the games, due at two in the night after them, and done at ten to midnight.
    overlay = {
        "pipelines": {
            "nba": {"phases": {"phase3": {"processors": {name: {"due": "+1d 02:00"} for name in HISTORICAL}}}}
        }
    }
    early = load(preset="nba-game-date", overlay=overlay, environ={}).config

    found = documents("nba", hour=28.8)

    assert list(misread_dates(early, found, {}, NOW)) == []


def test_the_finding_names_only_keys_if_no_preset_fits() -> None:
    overlay = {"pipelines": {"nba": None, "mine": load(preset="nba", environ={}).raw["pipelines"]["nba"]}}
    mine = load(preset="nba", overlay=overlay, environ={}).config

    (said,) = list(misread_dates(mine, documents("nba-game-date"), {}, NOW))

    assert said.startswith("pipeline mine: ")
    assert "preset" not in said
    assert "; data_date_offset 0 and due +1d 11:30 for player_game_summary, and so on reads them so" in said
