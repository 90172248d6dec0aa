"""The trigger states, a line a case: all six games' work of a day, some of it registered, some only done."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from exporter.model import (
    Document,
    DocumentId,
    HintKind,
    Reading,
    RemovalKind,
    RowCount,
    Sighting,
    TriggerState,
    Verdict,
)
from exporter.reconcile import reconcile
from testing.builders import (
    DAY,
    DEFENSE,
    OFFENSE,
    ONE_DAY,
    PLAYER,
    RULE,
    UPCOMING_PLAYER,
    UPCOMING_TEAM,
    by_game_date,
    by_processing_date,
    config,
    entry,
    loss,
    on,
    pipeline,
    without,
)
from tests.reconcile.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.resolved import Config
    from exporter.model import PhaseReport, Removal

P, O, D, UP, UT = PLAYER, OFFENSE, DEFENSE, UPCOMING_PLAYER, UPCOMING_TEAM  # noqa: E741 - so that a case is a line
ROWS = {P: 212, O: 12, D: 12, UP: 200, UT: 12}
OWN = DocumentId("phase3_completion", DAY)
State = TriggerState
Times: TypeAlias = "Mapping[str, str]"

ALL = {O: "15:00:12", D: "15:00:13", P: "15:00:50", UT: "15:02:29", UP: "15:04:29"}
THREE = {D: "15:00:13", O: "15:00:12", UP: "15:04:29"}
CRITICAL_AND_ONE = {O: "15:00:12", P: "15:00:50", UP: "15:04:29"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`registered`: in the document, with rows. `done`: rows, no entry, or one made `by_hand` then.

    `following`: rows of phase 4, written then.
    """

    now: str = "18:00"
    registered: Times = field(default_factory=dict)
    done: Times = field(default_factory=dict)
    games: Mapping[int, int] = field(default_factory=lambda: {-1: 6, 0: 6})
    document: Mapping[str, Any] = field(default_factory=dict)
    by_hand: str | None = None
    following: str | None = None
    exists: bool = True

    def world(self, config: Config) -> World:
        world = World(config, units={DAY + ONE_DAY * shift: games for shift, games in self.games.items()})
        for name, when in {**self.registered, **self.done}.items():
            offset = config.pipelines["nba"].phases["phase3"].processors[name].data_date_offset
            world.write(name, DAY + ONE_DAY * offset, on(when), ROWS[name])
        for name, when in self.registered.items():
            world.register(name, DAY, on(when), ROWS[name])
        if self.by_hand:
            for name in self.done:
                world.register(name, DAY, on(self.by_hand), ROWS[name])
        if self.exists:
            old = world.documents.get(OWN, Document())
            world.documents[OWN] = replace(old, **self.document)
        if self.following:
            world.write("daily_cache", DAY - ONE_DAY, on(self.following), 300)
        return world

    def report(self, config: Config | None = None) -> PhaseReport:
        return self.world(config or by_processing_date()).phase("phase3", DAY, on(self.now))


def having(name: str, state: TriggerState, **changes: Any) -> Any:  # noqa: ANN401 - fields of Situation, a pytest parameter
    return pytest.param(state, Situation(**changes), id=f"{state}: {name}")


TRIGGERED = {"triggered": True, "triggered_at": on("15:04:31"), "trigger_reason": "all_complete"}
REFUSED = {"triggered": True, "trigger_succeeded": False}


@pytest.mark.parametrize(
    ("state", "situation"),
    [
        having("no games on either date", State.NOT_EXPECTED, games={}),
        having("no games, whatever the document says", State.NOT_EXPECTED, games={}, document=TRIGGERED),
        having("no games and no document", State.NOT_EXPECTED, games={}, exists=False),
        having("no document yet", State.WAITING, exists=False),
        having("an empty document", State.WAITING),
        having("too few registered", State.WAITING, registered={O: "15:00:12", D: "15:00:13"}),
        having("optional ones alone", State.WAITING, registered={O: "15:00", D: "15:01", UT: "15:02"}),
        having("a critical one is missing", State.WAITING, registered={O: "15:00", D: "15:01", UP: "15:04"}),
        having("only games of the day before", State.WAITING, games={-1: 6}, registered={O: "15:00:12"}),
        having("rule just met by all", State.READY, now="15:10", registered=ALL),
        having("rule just met by the critical ones and one", State.READY, now="15:10", registered=CRITICAL_AND_ONE),
        having("rule met, at the end of grace", State.READY, now="15:34:29", registered=ALL | {P: "15:04:29"}),
        having("rule met, grace over", State.STUCK, now="15:34:30", registered=ALL | {P: "15:04:29"}),
        having("rule met for hours", State.STUCK, registered=ALL),
        having("rule met by a majority for hours", State.STUCK, registered=CRITICAL_AND_ONE),
        having("rule met by all with games", State.STUCK, games={0: 6}, registered={UP: "15:04", UT: "15:02"}),
        having("triggered, and it did not succeed", State.STUCK, registered=ALL, document=REFUSED),
        having("done, within grace", State.WAITING, now="15:20", registered=THREE, done={P: "15:00:48"}),
        having("done, not registered, grace over", State.BLOCKED, registered=THREE, done={P: "15:00:48"}),
        having("done, nothing registered, grace over", State.BLOCKED, done=ALL, exists=False),
        having("done, still too few", State.WAITING, registered={O: "15:00:12"}, done={D: "15:00:13"}),
        having("triggered", State.TRIGGERED, registered=ALL, document=TRIGGERED),
        having("triggered by hand on nothing", State.TRIGGERED, document={"triggered": True}),
        having("triggered, with success", State.TRIGGERED, document={"triggered": True, "trigger_succeeded": True}),
        having("next phase ran after the rule was met", State.BYPASSED, registered=ALL, following="15:29"),
        having("next phase ran although the rule is not met", State.BYPASSED, registered=THREE, following="15:29"),
        having("next phase ran on what was never registered", State.BYPASSED, done=ALL, following="15:29"),
        having("next phase ran before the rule was met", State.STUCK, registered=ALL, following="14:00"),
        having("next phase ran, then hands registered", State.BYPASSED, done=ALL, by_hand="16:30", following="15:29"),
        having("next phase ran too early, then hands did", State.STUCK, done=ALL, by_hand="16:30", following="14:00"),
        having("next phase ran, as triggered", State.TRIGGERED, document=TRIGGERED, following="15:29"),
    ],
)  # fmt: skip
def test_trigger_state(state: TriggerState, situation: Situation) -> None:
    report = situation.report()

    assert report.trigger_state is state
    assert {hint.kind for hint in report.trigger_hints} <= {HintKind.TRIGGER}


def test_a_hint_gives_the_reason_for_the_trigger_state() -> None:
    stuck = Situation(registered=CRITICAL_AND_ONE).report()
    blocked = Situation(registered=THREE, done={P: "15:00:48", UT: "11:00:09"}).report()
    waiting = Situation(registered=THREE).report()
    bypassed = Situation(registered=ALL, following="15:29").report()
    refused = Situation(registered=ALL, document=REFUSED).report()
    triggered = Situation(document=TRIGGERED).report()
    by_nobody = Situation(document={"triggered": True}).report()

    assert [hint.text for hint in stuck.trigger_hints] == [
        "critical_plus_majority_60pct since 15:04:29Z, not triggered"
    ]
    assert [hint.text for hint in blocked.trigger_hints] == [
        "all_complete since 15:04:29Z by what really finished, not by what is registered"
    ]
    assert [hint.text for hint in waiting.trigger_hints] == [f"waiting for {P}, {UT}"]
    assert [hint.text for hint in bypassed.trigger_hints] == ["not triggered, but phase4 wrote rows at 15:29:00Z"]
    assert refused.trigger_hints[0].text == "_triggered is set, but _trigger_succeeded is false"
    assert [hint.text for hint in triggered.trigger_hints] == ["triggered: all_complete"]
    assert [hint.text for hint in by_nobody.trigger_hints] == ["triggered: no reason written"]


def concluded(world: World, now: str, **unread: object) -> PhaseReport:
    """The phase's report with some of the snapshot's readings replaced."""
    snapshot = replace(world.snapshot(on(now)), **unread)  # type: ignore[arg-type] # fields of Snapshot by name
    return reconcile(world.config, snapshot, on(now)).phases[0]


@pytest.mark.parametrize(
    ("situation", "unread", "state"),
    [
        (Situation(registered=ALL), {"documents": Reading()}, State.UNKNOWN),
        (Situation(registered=ALL), {"units": {}}, State.UNKNOWN),
        (Situation(registered=ALL, document=TRIGGERED), {"units": {}}, State.TRIGGERED),
        (Situation(games={}), {"documents": Reading()}, State.NOT_EXPECTED),
        (Situation(registered={O: "15:00:12"}), {"rows": {}}, State.UNKNOWN),
        (Situation(registered=ALL), {"rows": {}}, State.STUCK),
        (Situation(registered=CRITICAL_AND_ONE), {"rows": {}}, State.STUCK),
        (Situation(registered=THREE, done={P: "15:00:48"}), {"runs": {}, "heartbeats": {}}, State.BLOCKED),
    ],
    ids=str,
)
def test_what_is_unread_makes_the_state_unknown_only_where_it_is_needed(
    situation: Situation, unread: dict[str, object], state: State
) -> None:
    assert concluded(situation.world(by_processing_date()), "18:00", **unread).trigger_state is state


def test_unknown_names_the_processors_that_could_decide() -> None:
    world = Situation(registered={O: "15:00:12"}).world(by_processing_date())

    report = concluded(world, "18:00", rows={})

    assert [hint.text for hint in report.trigger_hints] == [f"unknown whether these finished: {P}, {D}, {UP}, {UT}"]


def test_a_processor_without_games_is_not_waited_for() -> None:
    report = Situation(games={0: 6}, registered={UP: "15:04"}, now="15:10").report()

    assert report.expected == 2
    assert report.trigger_state is State.WAITING
    assert [hint.text for hint in report.trigger_hints] == [f"waiting for {UT}"]


def test_a_completion_time_after_the_documents_last_update_does_not_count() -> None:
    situation = Situation(now="18:00", registered=ALL | {UP: "23:00"}, document={"update_time": on("15:04:29")})

    report = situation.report()

    assert report.rule_met_at == on("15:04:29")
    assert report.trigger_state is State.STUCK


def test_entries_without_a_time_count_from_the_documents_last_update() -> None:
    world = Situation(registered=ALL).world(by_processing_date())
    entries = {name: entry(None, None, "complete", manual=True) for name in ALL}
    world.documents[OWN] = replace(world.documents[OWN], entries=entries, update_time=on("17:40"))

    assert world.phase("phase3", DAY, on("18:00")).trigger_state is State.READY
    assert world.phase("phase3", DAY, on("18:11")).trigger_state is State.STUCK


def test_without_any_time_grace_is_taken_to_be_over() -> None:
    world = Situation(registered=ALL).world(by_processing_date())
    entries = {name: entry(None, None, "complete") for name in ALL}
    world.documents[OWN] = replace(world.documents[OWN], entries=entries, update_time=None)

    report = world.phase("phase3", DAY, on("15:05"))

    assert report.trigger_state is State.STUCK
    assert report.rule_met_at is None
    assert [hint.text for hint in report.trigger_hints] == ["all_complete, not triggered"]


def test_an_entry_that_says_failed_does_not_help_to_meet_the_rule() -> None:
    world = Situation(registered=ALL).world(by_processing_date())
    entries = {**world.documents[OWN].entries, P: entry("15:00:50", 0, "failed")}
    world.documents[OWN] = replace(world.documents[OWN], entries=entries)
    world.rows[f"nba.{P}", DAY - ONE_DAY] = RowCount(0)

    assert world.phase("phase3", DAY, on("18:00")).trigger_state is State.WAITING


@pytest.mark.parametrize(
    ("lost", "since"),
    [
        (loss("15:00:50", 212), "15:00:50"),
        (loss(None, 212), "15:01"),
    ],
)
def test_a_lost_entry_is_work_that_really_finished(lost: Removal, since: str) -> None:
    world = Situation(registered={O: "14:50", UP: "14:55"}).world(by_processing_date())

    report = concluded(world, "18:00", watched={OWN: without({P: lost})})

    assert report.trigger_state is State.BLOCKED
    assert report.rule_met_at == on(since)


@pytest.mark.parametrize(("now", "state"), [("17:35", State.WAITING), ("17:35:01", State.BLOCKED)])
def test_a_reset_begins_the_grace_again(now: str, state: TriggerState) -> None:
    """Who empties the document to run the phase again has work that finished long ago, and no entry yet."""
    removed = {name: replace(loss(), kind=RemovalKind.RESET, missed_at=on("17:05")) for name in ALL}

    report = concluded(Situation(done=ALL).world(by_processing_date()), now, watched={OWN: without(removed)})

    assert report.trigger_state is state
    assert report.rule_met_at == on("17:05")


@pytest.mark.parametrize(("now", "state"), [("18:20", State.READY), ("18:20:01", State.STUCK)])
@pytest.mark.parametrize("said", ["15:04:29", "10:04:29"])
def test_an_entry_that_came_later_than_it_says_begins_the_grace_when_it_came(
    said: str, now: str, state: TriggerState
) -> None:
    """Its message came late, or its writer took the local time for UTC."""
    seen = Sighting(entry(said), b"", on("17:50:30"), on("17:50"), written_at=on("17:50"))
    world = Situation(registered={**ALL, UP: said}).world(by_processing_date())

    report = concluded(world, now, watched={OWN: replace(without({}), entries={UP: seen})})

    assert report.trigger_state is state
    assert report.rule_met_at == on("17:50")


def test_a_wrong_date_is_work_that_really_finished() -> None:
    world = Situation(registered=THREE, done={P: "15:00:44"}).world(by_processing_date())
    world.register(P, DAY - ONE_DAY, on("15:00:50"), 212)

    report = world.phase("phase3", DAY, on("18:00"))

    assert report.processors[0].verdict is Verdict.WRONG_DATE
    assert report.trigger_state is State.BLOCKED


def test_a_backfill_blocks_nothing() -> None:
    world = Situation(registered=THREE, done={P: "15:00:44"}).world(by_processing_date())
    world.ran(P, DAY - ONE_DAY, on("14:52"), on("15:00:46"), backfill=True)

    report = world.phase("phase3", DAY, on("18:00"))

    assert report.processors[0].verdict is Verdict.BACKFILL
    assert report.trigger_state is State.WAITING


def test_work_that_still_runs_blocks_nothing() -> None:
    world = Situation(registered=THREE, done={P: "15:00:44"}).world(by_processing_date())
    world.beat(P, "running", DAY - ONE_DAY, on("17:59"))

    assert world.phase("phase3", DAY, on("18:00")).trigger_state is State.WAITING


def without_write_times(name: str) -> Config:
    """The configuration with a table that does not say when it was written."""
    five = by_processing_date().pipelines["nba"].phases["phase3"]
    table = replace(five.processors[name].table, write_time_column=None)
    mute = replace(five.processors[name], table=table)
    return config(pipeline([replace(five, processors={**five.processors, name: mute}, next=None)]))


@pytest.mark.parametrize(
    ("beats", "since", "state"),
    [
        ([("completed", "17:50", -1)], "17:50", State.WAITING),
        ([("completed", "17:20", -1)], "17:20", State.BLOCKED),
        ([("completed", "11:00", -2)], None, State.BLOCKED),
        ([("completed", "16:00", 0)], None, State.BLOCKED),
        ([("completed", "-6 17:50", -7)], None, State.BLOCKED),
        ([], None, State.BLOCKED),
    ],
    ids=str,
)
def test_rows_of_no_known_time_count_from_the_heartbeat_of_this_work(
    beats: list[tuple[str, str, int]], since: str | None, state: State
) -> None:
    world = Situation(registered=THREE, done={P: "15:00:44"}).world(without_write_times(P))
    world.rows[f"nba.{P}", DAY - ONE_DAY] = RowCount(212)
    for status, when, shift in beats:
        world.beat(P, status, DAY + shift * ONE_DAY, on(when))

    report = world.phase("phase3", DAY, on("18:00"))

    assert report.trigger_state is state
    assert report.rule_met_at == (on(since) if since else None)


def test_a_rule_that_is_met_ahead_of_the_clock_is_not_within_its_grace() -> None:
    world = Situation(registered=THREE, done={P: "23:00"}).world(by_processing_date())

    report = world.phase("phase3", DAY, on("18:00"))

    assert report.trigger_state is State.UNKNOWN
    (hint,) = report.trigger_hints
    assert hint.text.endswith("since 23:00:00Z, which is ahead of the clock: nobody knows whether its grace is over")


def test_a_document_that_asks_for_one_processor_is_complete_with_it() -> None:
    world = World(by_game_date(), units={DAY: 6})
    world.write(UP, DAY, on("15:04:20"), 200)
    world.register(UP, DAY, on("15:04:29"), 200)

    report = world.phase("phase3", DAY, on("15:10"))

    assert (report.mode, report.expected, report.registered) == ("same_day", 1, 1)
    assert report.trigger_state is State.READY


def test_a_mode_that_expects_no_processor_expects_no_trigger() -> None:
    nobody = replace(by_game_date().pipelines["nba"].phases["phase4"], trigger=RULE)
    world = World(config(pipeline([nobody])), units={DAY: 6})

    assert world.phase("phase4", DAY, on("18:00")).trigger_state is State.NOT_EXPECTED


def test_a_phase_without_a_trigger_is_not_judged() -> None:
    world = World(by_processing_date(), units={DAY: 6})

    report = world.phase("phase4", DAY, on("18:00"))

    assert report.trigger_state is None
    assert report.trigger_hints == ()


@pytest.mark.parametrize("following", [None, "phase9"])
def test_the_last_phase_cannot_be_bypassed(following: str | None) -> None:
    alone = replace(by_processing_date().pipelines["nba"].phases["phase3"], next=following)
    world = Situation(registered=ALL).world(config(pipeline([alone])))

    assert world.phase("phase3", DAY, on("18:00")).trigger_state is State.STUCK


@pytest.mark.parametrize("written", [None, on("23:00"), datetime.max.replace(tzinfo=UTC)])
def test_rows_of_the_next_phase_with_an_impossible_time_do_not_show_that_it_ran_later(
    written: datetime | None,
) -> None:
    world = Situation(registered=ALL).world(by_processing_date())
    world.rows["nba.daily_cache", DAY - ONE_DAY] = RowCount(300, written)

    assert world.phase("phase3", DAY, on("18:00")).trigger_state is State.STUCK


def test_an_unread_table_leaves_the_state_known_where_it_could_not_decide() -> None:
    world = Situation(registered={UT: "15:02"}).world(by_processing_date())
    rows = dict(world.snapshot(on("16:00")).rows)
    del rows[world.config.pipelines["nba"].phases["phase3"].processors[UP].table]

    report = concluded(world, "16:00", rows=rows)

    assert {item.processor: item.verdict for item in report.processors}[UP] is Verdict.UNKNOWN
    assert report.trigger_state is State.WAITING
