"""What the collectors are planned by, and in how many jobs tables are read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from exporter.collect.collectors import Collectors
from exporter.collect.pieces import in_pieces
from exporter.collect.warehouse import MOST_PIECES
from exporter.model import Document, ErrorKind
from testing.builders import PHASE3
from testing.collecting import COLLECTORS, Scene, healthy

if TYPE_CHECKING:
    from exporter.config.resolved import Config

MINUTE = timedelta(minutes=1)


def adaptive(config: Config) -> Config:
    return replace(config, collect=replace(config.collect, adapts=True))


@pytest.fixture(name="scene")
def _scene() -> Scene:
    """A healthy day at 18:00 that is read at an adaptive pace, long after its deadlines."""
    scene = healthy()
    return again(scene)


def again(scene: Scene, *, follow: bool = True, apart: bool = True) -> Scene:
    """The same scene with new collectors."""
    scene.collectors = Collectors(
        adaptive(scene.settings),
        scene.memory.sources(),
        scene.telemetry,
        scene.clock,
        scene.reports.append,
        follow=follow,
        apart=apart,
    )
    return scene


def listen(scene: Scene) -> None:
    """The listener has reported all documents."""
    following = scene.memory.store.followings[-1]
    following.receiver.changed(
        {key: scene.memory.store.held.get(key, Document(exists=False)) for key in following.documents}, first=True
    )


def wait(scene: Scene, name: str) -> timedelta | None:
    """In how long a collector reads next."""
    at = scene.collectors.planner.next_at(name)
    return None if at is None else at - scene.clock.now


def test_every_collector_is_to_read_at_once_after_a_start(scene: Scene) -> None:
    assert all(scene.collectors.planner.due(name) for name in COLLECTORS)
    assert {wait(scene, name) for name in COLLECTORS} == {None}


def test_followed_documents_are_polled_as_a_safety_net_until_the_listener_breaks(scene: Scene) -> None:
    scene.collectors.run_all()
    unfollowed = wait(scene, "completion")
    listen(scene)
    scene.clock.now += MINUTE
    scene.collectors.run("completion")
    followed = wait(scene, "completion")
    scene.clock.now += 2 * MINUTE
    scene.collectors.begin_gap()

    assert unfollowed == MINUTE
    assert followed == 5 * MINUTE
    assert wait(scene, "completion") == -MINUTE
    scene.collectors.stop()


def test_what_was_read_counts_until_the_next_reading_and_as_long_beyond_it_as_ever(scene: Scene) -> None:
    scene.collectors.run_all()
    listen(scene)
    scene.clock.now += MINUTE
    scene.collectors.run("completion")
    reading = scene.collectors.snapshot.documents

    assert reading.known(scene.clock.now + 7 * MINUTE) is not None
    assert reading.known(scene.clock.now + 7 * MINUTE + timedelta(seconds=1)) is None
    assert scene.telemetry.collectors()["completion"].pace == 300
    scene.collectors.stop()


def test_a_failure_leaves_the_pace_of_the_last_success(scene: Scene) -> None:
    scene.collectors.run_all()
    listen(scene)
    scene.clock.now += MINUTE
    scene.collectors.run("completion")
    scene.orders("completion").fail(ErrorKind.UNREACHABLE)
    scene.clock.now += 5 * MINUTE
    scene.collectors.run("completion")

    assert scene.telemetry.collectors()["completion"].pace == 300
    assert wait(scene, "completion") == MINUTE
    scene.collectors.stop()


def test_a_fault_that_is_new_is_read_again_soon_and_an_old_one_is_not(scene: Scene) -> None:
    scene.collectors.run_all()
    before = wait(scene, "warehouse")
    scene.register(*PHASE3[1:])
    scene.clock.now += MINUTE
    scene.collectors.run("completion")
    soon = wait(scene, "warehouse")
    scene.clock.now += MINUTE
    scene.collectors.run("warehouse")
    scene.clock.now += MINUTE
    scene.collectors.run("completion")

    assert before == 10 * MINUTE
    assert soon == MINUTE
    assert wait(scene, "warehouse") == 9 * MINUTE
    scene.collectors.stop()


def test_time_alone_makes_a_report_a_minute(scene: Scene) -> None:
    scene.collectors.run_all()
    scene.reports.clear()
    for _ in range(4):
        scene.clock.now += MINUTE / 2
        scene.collectors.conclude_if_due()

    assert [report.at - scene.clock.now for report in scene.reports] == [-MINUTE, timedelta()]
    scene.collectors.stop()


def asked(scene: Scene) -> list[int]:
    """How many calls for row counts and for the rest each of three readings makes."""
    orders = scene.memory.warehouse.orders
    found = []
    for _ in range(3):
        before = sum(order.calls for order in orders.values())
        scene.collectors.run("warehouse")
        found.append(sum(order.calls for order in orders.values()) - before)
        scene.clock.now += 10 * MINUTE
    scene.collectors.stop()
    return found


def test_from_the_second_reading_on_each_table_is_read_by_itself(scene: Scene) -> None:
    tables = len({one.table for one in scene.settings.pipelines["nba"].phases["phase3"].processors.values()})
    first, second, third = asked(scene)
    values = scene.collectors.snapshot
    together = again(healthy(), apart=False)

    assert first == 2
    assert second == third > tables
    assert asked(together) == [2, 2, 2]
    other = together.collectors.snapshot
    for name in ("rows", "units", "runs", "phase_log", "coverage", "halts"):
        mine, theirs = getattr(values, name), getattr(other, name)
        assert {key: one.value for key, one in mine.items()} == {key: one.value for key, one in theirs.items()}


def test_a_fixed_pace_reads_all_tables_together() -> None:
    scene = healthy()
    scene.collectors = Collectors(
        scene.settings, scene.memory.sources(), scene.telemetry, scene.clock, scene.reports.append, apart=True
    )

    assert asked(scene) == [2, 2, 2]


@pytest.mark.parametrize(("items", "pieces"), [(0, 1), (1, 1), (16, 16), (17, 9), (33, 11), (400, 16)])
def test_no_more_pieces_than_asked_for_have_all_in_order(items: int, pieces: int) -> None:
    found = list(in_pieces(range(items), MOST_PIECES))

    assert [item for piece in found for item in piece] == list(range(items))
    assert len(found) == pieces
