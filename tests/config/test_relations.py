"""Each case changes a good configuration so that exactly one thing contradicts another."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.config.errors import ConfigError
from exporter.config.load import load

ROWS = {"name": "d.t", "date_column": "day"}
OVERNIGHT = {"when": ["past"], "expected": "all"}
PLAYER = "player_game_summary"
SAME_DAY = {"when": ["today", "ahead"], "expected": ["player_game_summary"]}


def nba(**pipeline: object) -> dict[str, Any]:
    return {"pipelines": {"nba": pipeline}}


def phase(name: str = "phase3", **keys: object) -> dict[str, Any]:
    return nba(phases={name: keys})


def second_pipeline(collection: str, heartbeats: str) -> dict[str, Any]:
    return {
        "pipelines": {
            "mlb": {
                "heartbeats": {"collection": heartbeats},
                "phases": {
                    "phase3": {
                        "collection": collection,
                        "processors": {"x": {"table": ROWS, "due": "+0d 11:30"}},
                    }
                },
            }
        }
    }


CONTRADICTIONS: dict[str, tuple[dict[str, Any], str, str]] = {
    "halts that grow old by no column": (
        phase("phase5", halts={"written_column": None}),
        "pipelines.nba.phases.phase5.halts.written_column",
        "is removed, but pipelines.nba.phases.phase5.halts.stale_after needs the time of the newest row:",
    ),
    "halts of one's own that grow old by no column": (
        nba(halts={"table": "a.b", "date_column": "day", "halted": "TRUE", "stale_after": "36h"}),
        "pipelines.nba.halts.stale_after",
        "needs the time of the newest row: write `written_column` too, or remove `stale_after`",
    ),
    "a link to logs of a job that a processor lacks": (
        phase("phase5", logs="https://logs.example.com/{region}/{job}"),
        "pipelines.nba.phases.phase5.logs",
        "has {job}, but player_prop_predictions has no `job`: write `job` for it, or for its phase",
    ),
    "a link of one's own likewise": (
        phase("grading", processors={"prediction_accuracy": {"logs": "https://logs.example.com/{region}"}}),
        "pipelines.nba.phases.grading.processors.prediction_accuracy.logs",
        "has {region}, but prediction_accuracy has no `job`",
    ),
    "a run longer than its interval": (
        {"collect": {"completion": {"timeout": "60s"}}},
        "collect.completion.timeout",
        "gives a run 1m and starts the next after 1m: `timeout` must be shorter than `every`",
    ),
    "an interval shorter than the run": (
        {"collect": {"warehouse": {"every": "1m"}}},
        "collect.warehouse.every",
        "gives a run 2m and starts the next after 1m",
    ),
    "an interval shorter than a run of default length": (
        {"collect": {"heartbeat_count": {"timeout": None, "every": "10s"}}},
        "collect.heartbeat_count.every",
        "gives a run 20s and starts the next after 10s",
    ),
    "values that go stale between runs": (
        {"collect": {"heartbeats": {"max_staleness": "59s"}}},
        "collect.heartbeats.max_staleness",
        "forgets after 59s what is read again after 1m: `max_staleness` must be at least `every`",
    ),
    "dead before stale": (
        nba(heartbeats={"stale_after": "15m"}),
        "pipelines.nba.heartbeats.stale_after",
        "calls a heartbeat stalled after 15m and stale after 15m",
    ),
    "dead before stale by default": (
        nba(heartbeats={"stale_after": None, "dead_after": "4m"}),
        "pipelines.nba.heartbeats.dead_after",
        "calls a heartbeat stalled after 4m and stale after 5m",
    ),
    "critical before warning": (
        nba(heartbeats={"documents": {"warn": 500}}),
        "pipelines.nba.heartbeats.documents.warn",
        "`warn` (500) must be below `critical` (500)",
    ),
    "coverage that warns above its target": (
        nba(coverage={"minutes_played": {"warn": 0.96}}),
        "pipelines.nba.coverage.minutes_played.warn",
        "`warn` (0.96) must not be above `target` (0.95)",
    ),
    "coverage that is critical above its warning": (
        nba(coverage={"minutes_played": {"critical": 0.91}}),
        "pipelines.nba.coverage.minutes_played.critical",
        "`critical` (0.91) must not be above `warn` (0.9)",
    ),
    "two phases with one collection": (
        phase("phase4", collection="phase3_completion", processors={PLAYER: {"table": ROWS, "due": "+0d 11:30"}}),
        f"pipelines.nba.phases.phase4.processors.{PLAYER}",
        f"registers in the same documents as {PLAYER} of phase3: give one another name",
    ),
    "two triggers in one collection": (
        phase("phase4", collection="phase3_completion", trigger={}),
        "pipelines.nba.phases.phase4.trigger",
        "is judged by the same document as that of phase3, which says once whether it started anything",
    ),
    "two shapes of one collection": (
        phase("phase4", collection="phase3_completion", completion={"entries": "steps"}),
        "pipelines.nba.phases.phase4.completion",
        "is not that of phase3, whose documents are the same: write `completion` in the pipeline, for both",
    ),
    "two pipelines with one collection": (
        second_pipeline("phase4_completion", "processor_heartbeats"),
        "pipelines.mlb.phases.phase3.collection",
        '"phase4_completion" is pipelines.nba.phases.phase4.collection already',
    ),
    "a phase in the heartbeats": (
        phase("phase3", collection="processor_heartbeats"),
        "pipelines.nba.phases.phase3.collection",
        '"processor_heartbeats" is pipelines.nba.heartbeats.collection already',
    ),
    "heartbeats in a phase": (
        nba(heartbeats={"collection": "phase3_completion"}),
        "pipelines.nba.heartbeats.collection",
        '"phase3_completion" is pipelines.nba.phases.phase3.collection already',
    ),
    "heartbeats in a phase of another pipeline": (
        second_pipeline("mlb_phase3_completion", "phase4_completion"),
        "pipelines.mlb.heartbeats.collection",
        '"phase4_completion" is pipelines.nba.phases.phase4.collection already',
    ),
    "a next phase that is none": (
        phase(next="phase44"),
        "pipelines.nba.phases.phase3.next",
        "names no phase (did you mean phase4?): write one of phase3, phase4, phase5, grading, or null",
    ),
    "a next phase that is removed": (
        nba(phases={"phase5": None}),
        "pipelines.nba.phases.phase5",
        "is removed, but pipelines.nba.phases.phase4.next still names it: change that as well",
    ),
    "a phase that follows itself": (
        phase("phase5", next="phase5"),
        "pipelines.nba.phases.phase5.next",
        "leads back to phase5",
    ),
    "a trigger without documents": (
        phase("phase5", trigger={}),
        "pipelines.nba.phases.phase5.trigger",
        "write `collection` in this phase, or remove `trigger`",
    ),
    "a day without a mode": (
        phase(modes={"daily": {"when": ["past", "today"]}}),
        "pipelines.nba.phases.phase3.modes",
        "`ahead` belongs to no mode: name it in the `when` of one",
    ),
    "a day with two modes": (
        phase(modes={"overnight": OVERNIGHT}),
        "pipelines.nba.phases.phase3.modes",
        "`past` is claimed by daily, overnight: name it in the `when` of only one",
    ),
    "a word of an entry's failures that means success unless said otherwise": (
        nba(completion={"statuses": {"failed": ["red", "Done"]}}),
        "pipelines.nba.completion.statuses.failed",
        '"Done" means success and failed: write both lists, with the word in one of them',
    ),
    "the same in a phase of its own": (
        phase(completion={"statuses": {"partial": "failed"}}),
        "pipelines.nba.phases.phase3.completion.statuses.partial",
        '"failed" means partial and failed',
    ),
    "a heartbeat's word with two meanings": (
        nba(heartbeats={"statuses": {"running": ["ok"]}}),
        "pipelines.nba.heartbeats.statuses.running",
        '"ok" means running and completed',
    ),
    "a run's word with two meanings": (
        nba(
            run_history={
                "table": "a.b",
                "date_column": "day",
                "written_column": "at",
                "statuses": {"skipped": ["ok"]},
            }
        ),
        "pipelines.nba.run_history.statuses.skipped",
        '"ok" means success and skipped',
    ),
    "a mode that expects a stranger": (
        phase(modes={"daily": {"expected": ["player_game_summery"]}}),
        "pipelines.nba.phases.phase3.modes.daily.expected[0]",
        '"player_game_summery" is no processor of this phase (did you mean player_game_summary?): it has',
    ),
    "a mode that expects a processor of another phase": (
        phase(modes={"daily": {"expected": ["player_daily_cache"]}}),
        "pipelines.nba.phases.phase3.modes.daily.expected[0]",
        '"player_daily_cache" is no processor of this phase',
    ),
    "no calendar": ({"calendar": None}, "pipelines.nba", "has no calendar: write `calendar: daily` if"),
}


@pytest.mark.parametrize(("overlay", "path", "words"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_is_reported_at_the_key_that_was_changed(
    overlay: dict[str, Any], path: str, words: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load(preset="nba", overlay=overlay, environ={})

    (fault,) = caught.value.faults
    assert fault.path == path
    assert words in fault.message
    assert fault.source == ("preset nba" if path == "pipelines.nba" else "overlay")


def test_a_removed_processor_is_a_fault_of_every_mode_that_expects_it() -> None:
    overlay = phase(processors={"upcoming_player_game_context": None})

    with pytest.raises(ConfigError) as caught:
        load(preset="nba-game-date", overlay=overlay, environ={})

    assert [fault.message for fault in caught.value.faults] == [
        f"is removed, but pipelines.nba.phases.phase3.modes.{mode}.expected still names it: change that as well"
        for mode in ("same_day", "tomorrow")
    ]


def test_phases_that_lead_round_in_a_circle_are_reported_each() -> None:
    with pytest.raises(ConfigError) as caught:
        load(preset="nba", overlay=phase("phase5", next="phase3"), environ={})

    assert [fault.path.split(".")[3] for fault in caught.value.faults] == ["phase3", "phase4", "phase5"]
    assert all("leads back to" in fault.message for fault in caught.value.faults)


def test_a_phase_that_leads_into_a_circle_is_not_part_of_it() -> None:
    overlay = nba(phases={"phase4": {"next": "phase5"}, "phase5": {"next": "phase4"}})

    with pytest.raises(ConfigError) as caught:
        load(preset="nba", overlay=overlay, environ={})

    assert {fault.path.split(".")[3] for fault in caught.value.faults} == {"phase4", "phase5"}


def test_pipelines_may_share_their_heartbeats() -> None:
    overlay = second_pipeline("mlb_phase3_completion", "processor_heartbeats")

    config = load(preset="nba", overlay=overlay, environ={}).config

    assert {pipeline.heartbeats.collection for pipeline in config.pipelines.values() if pipeline.heartbeats} == {
        "processor_heartbeats"
    }


def test_modes_of_the_operators_own_replace_those_of_the_preset() -> None:
    overlay = phase(modes={"daily": None, "overnight": OVERNIGHT, "same_day": SAME_DAY})

    modes = load(preset="nba", overlay=overlay, environ={}).config.pipelines["nba"].phases["phase3"].modes

    assert [(mode.name, sorted(mode.when), len(mode.expected)) for mode in modes] == [
        ("overnight", ["past"], 5),
        ("same_day", ["ahead", "today"], 1),
    ]


@pytest.mark.parametrize(
    "overlay",
    [
        {"pipelines": 5},
        nba(phases=5, coverage=5, heartbeats=5),
        phase(modes=5, processors=5, next=5, trigger=5, collection=5),
        phase(modes={"daily": 5}, processors={"player_game_summary": 5}),
        phase(modes={"daily": {"when": 5, "expected": 5}}),
        phase(modes={"daily": {"when": [["past"], {}], "expected": [["x"], {}]}}),
        phase(modes={"daily": {"when": None}}),
        {"collect": {"completion": {"every": 5, "timeout": "1h", "max_staleness": "x"}}},
        nba(heartbeats={"documents": {"warn": "x", "critical": True}, "stale_after": 5, "dead_after": []}),
        nba(coverage={"minutes_played": {"warn": "x", "critical": True, "target": []}}),
    ],
)
def test_malformed_values_are_not_checked_for_contradictions(overlay: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        load(preset="nba", overlay=overlay, environ={})

    told = [fault.message for fault in caught.value.faults]
    assert not [message for message in told if "claimed" in message or "belongs to no" in message]
    assert not [message for message in told if "`timeout`" in message or "`stale_after`" in message]
    assert not [message for message in told if "must be below" in message or "must not be above" in message]
