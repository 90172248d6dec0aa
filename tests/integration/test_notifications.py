"""The incident report's day from the sources to the receivers: who is told what, and what is left unsaid.

The outage in it lasts longer than any rule keeps firing by itself.

One chain of real programs lives through the whole story in compressed time; the tests look at what was recorded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from exporter.shipped.alerts import alert_of
from testing.alertmanager import PAGERDUTY
from testing.chain import DEAD_MANS_SWITCH, WATCHDOG, Chain, Notification, Told
from testing.compressed import compressed_collect
from testing.days import SEED, a_past_day, moved, settings
from testing.waiting import until
from tools.alerting.rulefiles import load_rules, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.incidents.local import LocalSources, SimulatedClock

FASTER = 100
SHORTEST = 3
"""Seconds between two reads at least: a slow one on a busy machine is not yet a stale collector."""
KEPT = 2 * max(seconds(rule.fields.get("keep_firing_for")) for rule in load_rules()) // FASTER
"""Twice what a rule keeps firing by itself, in seconds of compressed time."""
DAY = a_past_day()
PROJECT = "nba-props-platform"

OF_PHASE = (("phase", "phase3"), ("pipeline", "nba"), ("run_date", str(DAY)))
OF_DAY = (("pipeline", "nba"), ("run_date", str(DAY)))
OF_PIPELINE = (("pipeline", "nba"),)

BLOCKED = Told(alert_of("blocked").name, "critical")
LOG_EMPTY = Told(alert_of("phase_log_empty").name, "info")
UNREACHABLE = Told(alert_of("source_unreachable").name, "critical")

PAGE = Notification("pager", "firing", OF_PHASE, frozenset({BLOCKED}))
CONTEXT = Notification("info", "firing", OF_DAY, frozenset({LOG_EMPTY}))
CUT_OFF = Notification("pager", "firing", OF_PIPELINE, frozenset({UNREACHABLE}))
BACK = Notification("pager", "resolved", OF_PIPELINE, frozenset({UNREACHABLE.over}))

TICKETS = {
    (alert_of("unregistered").name, "player_game_summary"),
    (alert_of("unregistered").name, "upcoming_team_game_context"),
    (alert_of("duplicated").name, "team_offense_game_summary"),
    (alert_of("count_mismatch").name, "team_offense_game_summary"),
    (alert_of("count_mismatch").name, "team_defense_game_summary"),
}
"""What the page about the phase stands for: each fires, and none is sent."""
OF_THE_OUTAGE = {(alert_of(key).name, "") for key in ("source_unreachable", "listener_down", "collector_stale")}
"""What says that Firestore is away; but for the first, none is sent."""
LISTENER = alert_of("listener_down").name
"""The listener's pauses between two attempts are not divided by FASTER: a second of them is a minute of the story."""
OF_THE_DAY = {(BLOCKED.alertname, ""), (LOG_EMPTY.alertname, "")} | TICKETS


@dataclass(frozen=True, slots=True)
class State:
    """How things stood at one time of the story."""

    told: list[Notification]
    firing: set[tuple[str, str]]
    muted: Mapping[tuple[str, str], bool]
    verdicts: Mapping[str, str]


def state(chain: Chain) -> State:
    return State(chain.told(), chain.firing(), chain.muted(), verdicts(chain))


def verdicts(chain: Chain) -> dict[str, str]:
    found = chain.prometheus.query("orchestration_processor_verdict == 1")
    return {labels["processor"]: labels["verdict"] for labels, _ in found}


@dataclass(frozen=True, slots=True)
class Story:
    """The day as it was first told, then without Firestore, then with it again."""

    chain: Chain
    day: State
    cut: State
    back: State


@pytest.fixture(name="story", scope="module")
def _story(
    _programs: None, _running: LocalSources, clock: SimulatedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    incident = moved(SEED, DAY)
    clock.now = incident.clock
    _running.load(incident, PROJECT)
    config = settings(incident, DAY, collect={"pace": "fixed", **compressed_collect(FASTER, SHORTEST)})
    with Chain(tmp_path_factory.mktemp("chain"), _running, config, FASTER) as chain:
        until(lambda: {PAGE, CONTEXT} <= {*chain.told()} and chain.firing() >= OF_THE_DAY, "the day to be told")
        chain.go_on()
        day = state(chain)

        _running.fault({"firestore": "permission_denied"})
        until(lambda: set(verdicts(chain).values()) == {"unknown"} and CUT_OFF in chain.told(), "the outage")
        long_unknown = f'min_over_time(orchestration_processor_verdict{{verdict="unknown"}}[{KEPT}s]) == 1'
        until(lambda: len(chain.prometheus.query(long_unknown)) == len(day.verdicts), "the outage to last")
        cut = state(chain)

        _running.fault({})
        until(lambda: BACK in chain.told(), "the end of the outage")
        until(lambda: verdicts(chain) == day.verdicts, "the verdicts to be back")
        chain.go_on()
        yield Story(chain, day, cut, state(chain))
    _running.fault({})


def test_the_day_is_one_page_and_one_line_of_context(story: Story) -> None:
    assert story.day.told == [PAGE, CONTEXT]


def test_what_the_page_stands_for_fires_and_is_not_sent(story: Story) -> None:
    assert story.day.firing == OF_THE_DAY
    assert {name for name, muted in story.day.muted.items() if muted} == TICKETS


def test_the_page_names_the_processors_the_time_and_the_first_command(story: Story) -> None:
    first = story.chain.recorder.messages(PAGERDUTY, "pager", BLOCKED.alertname.removeprefix("Orchestration"))[0]
    payload = first.content["payload"]

    assert payload["summary"] == f"phase3 blocked, 3 of 5 registered (nba, {DAY.day} {DAY:%b})"
    text = payload["custom_details"]["firing"]
    for processor, verdict in story.day.verdicts.items():
        assert (f"{processor} ({verdict})" in text) == (verdict != "ok")
    assert "3 of 5 expected processors are registered" in " ".join(text.split())
    assert re.search(r"trigger blocked(, alert)? since \d{4}-", text)
    assert "First:\u00a0register what finished, do not run it again" in text.splitlines()
    assert f"Look:\u00a0orchestration-exporter check --run-date {DAY}" in text.splitlines()
    assert "It cannot wait until morning." in text


def test_the_sign_of_life_goes_to_its_own_receiver_and_says_nothing_else(story: Story) -> None:
    signs = story.chain.recorder.messages(receiver=DEAD_MANS_SWITCH)

    assert {alert["labels"]["alertname"] for sign in signs for alert in sign.alerts} == {WATCHDOG}
    assert {sign.content["status"] for sign in signs} == {"firing"}
    others = [item for told in story.back.told for item in told.alerts]
    assert WATCHDOG not in {item.alertname for item in others}


def test_without_firestore_that_alone_is_told(story: Story) -> None:
    assert set(story.cut.verdicts.values()) == {"unknown"}
    assert story.cut.told == [*story.day.told, CUT_OFF]


def test_without_firestore_no_alert_about_data_appears_or_ends(story: Story) -> None:
    assert story.cut.firing - OF_THE_OUTAGE == OF_THE_DAY


def test_when_firestore_is_back_that_alone_is_told(story: Story) -> None:
    told = [item for item in story.back.told if {alert.alertname for alert in item.alerts} != {LISTENER}]

    assert told == [*story.cut.told, BACK]


def test_when_firestore_is_back_the_same_alerts_fire_and_the_same_are_muted(story: Story) -> None:
    assert story.back.verdicts == story.day.verdicts
    assert story.back.firing == story.day.firing
    assert story.back.muted == story.day.muted
