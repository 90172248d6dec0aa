"""The scorecard is current, and judges a day as its page says.

That its days are what a replay gives is held where every incident file is replayed: tests/incidents/test_replay.py.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.incidents.incident import load_incident, parse_incident
from exporter.incidents.replay import replay
from exporter.shipped.alerts import alert_of
from tools.alerting.bar import bar_markdown
from tools.alerting.rulefiles import RULES
from tools.alerting.scorecard import (
    INCIDENTS,
    MISSED,
    NOTHING,
    PAGE,
    RIGHTLY,
    UNLISTED,
    WRONGLY,
    Outcome,
    current_page,
    outcomes,
    page,
    read_days,
    silent_days,
)

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.incidents.local import LocalSources, SimulatedClock

FILES = sorted(INCIDENTS.glob("*.yaml"))
WRITE_IT_AGAIN = "write it again: make scorecard ARGS=--write"
STUCK = INCIDENTS / "rule-met-and-never-triggered.yaml"
MISSING, BLOCKED, TRIGGER_STUCK = (alert_of(key).name for key in ("missing", "blocked", "stuck"))


def test_the_page_is_what_its_days_the_files_and_the_rules_say_now() -> None:
    assert PAGE.read_text(encoding="utf-8") == current_page(), "run `make docs`"


def test_every_incident_file_is_on_the_page_in_order() -> None:
    days = [outcome.day for outcome in read_days(PAGE.read_text(encoding="utf-8"))]

    assert list(dict.fromkeys(days)) == sorted(file.stem for file in FILES), WRITE_IT_AGAIN


def test_nothing_fired_wrongly_and_nothing_was_missed() -> None:
    faults = [item for item in read_days(PAGE.read_text(encoding="utf-8")) if item.what in {WRONGLY, MISSED}]

    assert faults == []


def test_every_number_of_the_bar_is_whole() -> None:
    rows = [line.strip("| ").split(" | ") for line in bar_markdown().splitlines()[2:]]

    for what, numbers in rows:
        part, _, whole = numbers.partition(",")[0].partition(" of ")
        assert part == whole or not whole, what


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("2026-02-01-seed", MISSING, RIGHTLY, timedelta(minutes=5)),
        Outcome("2026-02-01-seed", MISSING, MISSED),
        Outcome("healthy-day", NOTHING, NOTHING),
    ],
    ids=str,
)
def test_a_day_is_read_as_it_was_written(outcome: Outcome) -> None:
    text = page([outcome], FILES)

    assert read_days(text) == (outcome,)


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("expected", "what"),
    [
        (f"firing: [{TRIGGER_STUCK}]", RIGHTLY),
        (f"silent: [{TRIGGER_STUCK}]", WRONGLY),
        (f"firing: [{TRIGGER_STUCK}], no_severity: [critical]", WRONGLY),
        ("no_severity: [warning]", UNLISTED),
    ],
)
def test_what_fired_is_judged_by_what_the_file_lists(
    expected: str, what: str, local: LocalSources, clock: SimulatedClock
) -> None:
    text = STUCK.read_text(encoding="utf-8").partition("\n  alerts:")[0] + f"\n  alerts: {{{expected}}}\n"

    replayed = replay(parse_incident(text, STUCK.name), local, clock, rules=RULES)

    # Met before the watch, and fired a minute after its grace of half an hour, which ends 15 minutes into it.
    assert outcomes("day", replayed) == (Outcome("day", TRIGGER_STUCK, what, timedelta(minutes=16)),)


@pytest.mark.usefixtures("_programs")
def test_what_is_listed_and_does_not_fire_is_missed(local: LocalSources, clock: SimulatedClock) -> None:
    text = STUCK.read_text(encoding="utf-8").partition("\n  alerts:")[0] + f"\n  alerts: {{firing: [{BLOCKED}]}}\n"

    replayed = replay(parse_incident(text, STUCK.name), local, clock, rules=RULES)

    assert Outcome("day", BLOCKED, MISSED) in outcomes("day", replayed)


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize(
    ("stem", "alert", "minutes"),
    [
        # An entry is overwritten 3m29s into the watch, and looked for at the next full minute.
        ("lost-update", alert_of("lost_update").name, 1),
        # The deadline passes half an hour into the watch; the rule waits for five minutes.
        ("clocks-go-forward", MISSING, 5),
    ],
)
def test_detection_is_timed_from_the_change_that_brought_the_fault(
    stem: str, alert: str, minutes: int, local: LocalSources, clock: SimulatedClock
) -> None:
    replayed = replay(load_incident(INCIDENTS / f"{stem}.yaml"), local, clock, rules=RULES)

    (found,) = (outcome for outcome in outcomes(stem, replayed) if outcome.alert == alert)
    assert found.after == timedelta(minutes=minutes)


def test_silence_counts_where_it_was_asked_for_and_kept(tmp_path: Path) -> None:
    day = "title: t\nclock: 2026-02-01T18:00:00Z\nexpect: {{alerts: {{{}}}}}\n"
    for name, asked in {
        "by-name": f"silent: [{MISSING}]",
        "by-severity": "no_severity: [critical, warning]",
        "half": "no_severity: [critical]",
        "broken": f"silent: [{MISSING}]",
    }.items():
        (tmp_path / f"{name}.yaml").write_text(day.format(asked), encoding="utf-8")

    count = silent_days(sorted(tmp_path.glob("*.yaml")), [Outcome("broken", MISSING, WRONGLY)])

    assert count[MISSING] == 2
    assert count[BLOCKED] == 2
