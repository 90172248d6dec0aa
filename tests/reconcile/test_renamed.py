"""The hint that names an entry under an unknown name that may be a processor's own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.model import Document, DocumentId
from testing.builders import (
    DAY,
    DEFENSE,
    OFFENSE,
    ONE_DAY,
    PLAYER,
    UPCOMING_PLAYER,
    UPCOMING_TEAM,
    by_processing_date,
    config,
    entry,
    on,
    phase,
    pipeline,
    processor,
)
from tests.reconcile.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

ALL = (PLAYER, OFFENSE, DEFENSE, UPCOMING_PLAYER, UPCOMING_TEAM)
SPELLING, NEW_NAME = "this one in another spelling", "perhaps this one under a new name"


def hints(strangers: Mapping[str, str], without: tuple[str, ...], rows: int = 12) -> Mapping[str, list[str]]:
    """What is said of entries of the processors without one, where the document has entries under these names."""
    world = World(by_processing_date(), units={DAY: 6, DAY - ONE_DAY: 6})
    processors = world.config.pipelines["nba"].phases["phase3"].processors
    for name in ALL:
        world.write(
            name, DAY + ONE_DAY * processors[name].data_date_offset, on("15:00"), rows if name in without else 12
        )
        if name not in without:
            world.register(name, DAY, on("15:00"), 12)
    key = DocumentId("phase3_completion", DAY)
    document = world.documents.get(key, Document())
    others = {name: entry(at, 12) for name, at in strangers.items()}
    world.documents[key] = replace(document, entries={**document.entries, **others})
    report = world.phase("phase3", DAY, on("18:00"))
    return {
        one.processor: [hint.text for hint in one.hints if "of no known processor" in hint.text]
        for one in report.processors
    }


def said(stranger: str, why: str) -> str:
    return f"the document's entry {stranger} is of no known processor: {why}"


@pytest.mark.parametrize(
    ("stranger", "why"),
    [
        ("player-game-summary", SPELLING),
        ("Player_Game_Summary", SPELLING),
        ("PlayerGameSummaryProcessor", SPELLING),
        ("player_game_summary_v2", NEW_NAME),
        ("player_summary", NEW_NAME),
    ],
)
@pytest.mark.parametrize("rows", [0, 12])
def test_an_entry_of_a_similar_name_is_named(stranger: str, why: str, rows: int) -> None:
    found = hints({stranger: "15:00"}, (PLAYER, OFFENSE), rows)

    assert found[PLAYER] == [said(stranger, why)]
    assert found[OFFENSE] == []


def test_the_nearest_of_several_names_is_named() -> None:
    found = hints({"players": "15:00", "player_game_summary_v2": "15:00", "player_daily_summary": "15:00"}, (PLAYER,))

    assert found[PLAYER] == [said("player_game_summary_v2", NEW_NAME)]


def test_two_processors_that_became_one_are_both_told_its_name() -> None:
    found = hints({"team_game_summary": "15:00"}, (OFFENSE, DEFENSE))

    assert found[OFFENSE] == found[DEFENSE] == [said("team_game_summary", NEW_NAME)]


def test_a_name_that_is_like_none_is_not_named() -> None:
    assert not any(hints({"lineups": "15:00"}, (PLAYER,)).values())


def test_a_known_name_and_a_registered_processor_have_no_such_hint() -> None:
    assert not any(hints({}, (OFFENSE,)).values())
    assert not any(hints({"player_game_summary_v2": "15:00"}, ()).values())


def test_a_document_of_ten_thousand_unknown_names_is_no_work() -> None:
    found = hints({f"player_game_summary_{number}": "15:00" for number in range(10_000)}, (PLAYER,))

    assert found[PLAYER] == [said("player_game_summary_9", NEW_NAME)]


def test_a_thousand_processors_in_another_spelling_are_each_told_theirs() -> None:
    names = [f"player_game_summary_{number}" for number in range(1000)]
    work = phase("phase3", [processor(name, due="0 11:30") for name in names])
    world = World(config(pipeline((work,))), units={DAY: 6})
    for name in names:
        world.write(name, DAY, on("15:00"), 12)
    others = {name.replace("_", "-"): entry("15:00", 12) for name in names}
    world.documents[DocumentId("phase3_completion", DAY)] = Document(entries=others)

    report = world.phase("phase3", DAY, on("18:00"))

    told = {
        one.processor: [hint.text for hint in one.hints if "another spelling" in hint.text] for one in report.processors
    }
    assert told == {name: [said(name.replace("_", "-"), SPELLING)] for name in names}
