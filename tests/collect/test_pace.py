"""When a collector reads next: every row of the table, and what holds for all of them."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exporter.collect.pace import (
    COMPLETION,
    COUNT,
    HEARTBEATS,
    MARGIN,
    RULES,
    STRETCHED,
    WAREHOUSE,
    Seen,
    Situation,
    next_midnight,
    of_report,
    plan,
    quiet_interval,
    running,
    seen,
)
from exporter.config.load import load
from exporter.model import Heartbeat, Reading, Snapshot, TriggerState, Verdict
from testing.builders import DAY, ONE_DAY, PLAYER, by_processing_date
from testing.collecting import Scene, healthy

MINUTE = timedelta(minutes=1)
NOW = datetime(2026, 2, 1, 18, tzinfo=UTC)
EVERY = {COMPLETION: MINUTE, HEARTBEATS: MINUTE, COUNT: 15 * MINUTE, WAREHOUSE: 10 * MINUTE}
QUIET = 5 * MINUTE
COST = 170 * 2**20


def known(collector: str, **changes: Any) -> Situation:  # noqa: ANN401 - fields of a situation
    """A quiet hour, in which the documents are followed and the last reading has just begun."""
    every = EVERY[collector]
    usual = Situation(
        now=NOW, every=every, quiet=max(every, QUIET), began=NOW, followed=True, running=False, left=2**40, cost=COST
    )
    return replace(usual, **changes)


CASES = [
    *(("fixed", name, {"adapts": False}, EVERY[name]) for name in EVERY),
    *(("failing", name, {"failing": True}, EVERY[name]) for name in EVERY),
    ("budget", WAREHOUSE, {"left": 6 * COST}, STRETCHED),
    ("budget", WAREHOUSE, {"left": 0.0}, STRETCHED),
    ("budget", WAREHOUSE, {"left": 18 * COST}, 20 * MINUTE),
    ("disagreement", WAREHOUSE, {"disagreed_at": NOW}, 2 * MINUTE),
    ("disagreement", HEARTBEATS, {"disagreed_at": NOW + MINUTE}, MINUTE / 5),
    ("not followed", COMPLETION, {"followed": False}, MINUTE),
    ("safety net", COMPLETION, {}, QUIET),
    ("safety net", COMPLETION, {"running": True, "disagreed_at": NOW}, QUIET),
    ("deadline", HEARTBEATS, {"deadlines": (NOW + 10 * MINUTE,)}, MINUTE),
    ("deadline", HEARTBEATS, {"deadlines": (NOW - 20 * MINUTE,)}, MINUTE),
    ("running", HEARTBEATS, {"running": True}, MINUTE),
    ("running", HEARTBEATS, {"running": None}, MINUTE),
    ("quiet", HEARTBEATS, {}, QUIET),
    ("quiet", HEARTBEATS, {"deadlines": (NOW + 11 * MINUTE, NOW - 21 * MINUTE)}, QUIET),
    ("quiet", HEARTBEATS, {"disagreed_at": NOW - MINUTE}, QUIET),
    ("steady", WAREHOUSE, {}, 10 * MINUTE),
    ("steady", WAREHOUSE, {"left": None}, 10 * MINUTE),
    ("steady", WAREHOUSE, {"left": 36 * COST}, 10 * MINUTE),
    ("steady", COUNT, {}, 15 * MINUTE),
    ("steady", COUNT, {"running": True, "disagreed_at": NOW}, 15 * MINUTE),
]


@pytest.mark.parametrize(("rule", "collector", "changes", "interval"), CASES)
def test_the_first_rule_that_applies_gives_the_interval(
    rule: str, collector: str, changes: dict[str, Any], interval: timedelta
) -> None:
    found = plan(collector, known(collector, **changes))

    assert (found.rule.name, found.interval) == (rule, interval)


def test_every_rule_has_a_case_for_each_of_its_collectors() -> None:
    assert {(rule, collector) for rule, collector, *_ in CASES} == {
        (rule.name, collector) for rule in RULES for collector in rule.collectors
    }


@pytest.mark.parametrize("collector", EVERY)
def test_whatever_is_known_there_is_a_longest_interval_and_a_shortest(collector: str) -> None:
    chance = random.Random(18)  # noqa: S311 - a repeatable choice
    every = EVERY[collector]
    longest = STRETCHED if collector == WAREHOUSE else max(every, QUIET)
    for _ in range(2_000):
        situation = known(
            collector,
            adapts=chance.random() < 0.9,
            failing=chance.random() < 0.2,
            followed=chance.random() < 0.5,
            running=chance.choice([True, False, None]),
            deadlines=frozenset(NOW + chance.randint(-100, 100) * MINUTE for _ in range(chance.randint(0, 3))),
            disagreed_at=chance.choice([None, NOW - MINUTE, NOW]),
            left=chance.choice([None, 0.0, chance.uniform(0, 50) * COST]),
            cost=chance.choice([0.0, COST]),
        )
        found = plan(collector, situation)

        assert every / 5 <= found.interval <= longest
        assert NOW < found.at <= NOW + found.interval


@pytest.mark.parametrize("collector", [COMPLETION, HEARTBEATS, WAREHOUSE])
@pytest.mark.parametrize("moment", ["deadlines", "midnight"])
def test_a_deadline_and_the_next_day_are_followed_by_a_reading(collector: str, moment: str) -> None:
    at = NOW + MINUTE / 2
    found = plan(collector, known(collector, **{moment: (at,) if moment == "deadlines" else at}))
    after = plan(
        collector, known(collector, began=found.at, now=found.at, **{moment: (at,) if moment == "deadlines" else at})
    )

    assert found.at == at + MARGIN
    assert after.at > found.at + MINUTE / 2


def test_what_was_read_last_limits_how_long_its_next_reading_may_wait() -> None:
    found = plan(HEARTBEATS, known(HEARTBEATS), MINUTE)

    assert (found.rule.name, found.at) == ("quiet", NOW + MINUTE)


@pytest.mark.parametrize(
    ("collector", "every", "interval"),
    [
        (HEARTBEATS, MINUTE, 5 * MINUTE),
        (HEARTBEATS, MINUTE / 4, 5 * MINUTE / 4),
        (HEARTBEATS, 10 * MINUTE, 10 * MINUTE),
        (COMPLETION, MINUTE, 5 * MINUTE),
    ],
)
def test_the_quiet_interval_is_five_times_the_configured_one_within_bounds(
    collector: str, every: timedelta, interval: timedelta
) -> None:
    assert quiet_interval(by_processing_date(), collector, every) == interval


def test_heartbeats_are_read_before_one_that_began_and_hung_at_once_is_stale() -> None:
    overlay = {"pipelines": {"nba": {"heartbeats": {"stale_after": "2m"}}}}
    config = load(preset="nba", overlay=overlay, environ={}).config

    assert quiet_interval(config, HEARTBEATS, MINUTE) == 2 * MINUTE
    assert quiet_interval(config, COMPLETION, MINUTE) == 5 * MINUTE


def _beating(status: str | None, ago: timedelta | None) -> Snapshot:
    beat = Heartbeat("one", status, None if ago is None else NOW - ago, DAY)
    return Snapshot(heartbeats={"nba": Reading({"one": beat, "two": None}, NOW)})


@pytest.mark.parametrize(
    ("snapshot", "answer"),
    [
        (_beating("running", MINUTE), True),
        (_beating("running", 15 * MINUTE), True),
        (_beating("running", 16 * MINUTE), False),
        (_beating("running", -3 * MINUTE), None),
        (_beating("running", None), None),
        (_beating("completed", MINUTE), False),
        (_beating(None, MINUTE), False),
        (Snapshot(), None),
        (Snapshot(heartbeats={"nba": Reading({}, NOW - MINUTE, max_age=MINUTE / 2)}), None),
    ],
)
def test_something_runs_while_its_heartbeat_says_so_and_beats(snapshot: Snapshot, answer: bool | None) -> None:  # noqa: FBT001 - the answer
    assert running(by_processing_date(), snapshot.heartbeats, NOW) is answer


def test_the_next_day_begins_at_midnight_of_the_pipelines_zone() -> None:
    assert next_midnight(by_processing_date(), NOW) == datetime(2026, 2, 2, 5, tzinfo=UTC)


def followed(scene: Scene) -> Seen:
    report = scene.reports[-1]
    return of_report(report, [seen(phase, scene.settings) for phase in report.phases])


def test_deadlines_are_those_of_work_that_is_expected() -> None:
    works, rests = healthy(), healthy()
    rests.memory.warehouse.units = {DAY + shift * ONE_DAY: 0 for shift in range(-4, 5)}
    for scene in (works, rests):
        scene.collectors.run_all()
    of_the_day = {one.due for one in works.reports[-1].processors if one.run_date == DAY}

    assert of_the_day <= followed(works).due
    assert followed(rests).due == frozenset()


def test_faults_are_verdicts_and_triggers_that_say_that_something_is_wrong() -> None:
    well, faulty = healthy(), healthy()
    faulty.memory.warehouse.tables.clear()
    faulty.memory.warehouse.rows = {}
    for scene in (well, faulty):
        scene.collectors.run_all()

    assert ("nba", "phase3", DAY, PLAYER, Verdict.PHANTOM) in followed(faulty).faults - followed(well).faults
    assert ("nba", "phase3", DAY, TriggerState.STUCK) in followed(well).faults


def test_the_page_has_every_rule_in_order() -> None:
    page = (Path(__file__).parents[2] / "docs" / "budget.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| ([a-z ]+) \| (all|[`a-z_, ]+) \| (.+) \| (.+) \|$", page, re.MULTILINE)

    _, *shown = shown
    assert [(name, when, gives) for name, _, when, gives in shown] == [
        (rule.name, rule.when, rule.gives) for rule in RULES
    ]
    assert [set(EVERY) if who == "all" else set(re.findall(r"\w+", who)) for _, who, *_ in shown] == [
        set(rule.collectors) for rule in RULES
    ]
