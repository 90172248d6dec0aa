"""A report of which only the changed parts are made again equals one that is made whole."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.metrics.catalogue import DELTA, RECORD_COUNT, report_samples
from exporter.metrics.exposition import render
from exporter.metrics.rendering import Renderer
from exporter.model import DocumentId, ErrorKind, Failure, Verdict
from exporter.present.history import History, news
from exporter.reconcile import reconcile
from exporter.reconcile.moments import Age, Now
from exporter.reconcile.report import Reconciler
from testing.builders import (
    DAY,
    DEFENSE,
    OFFENSE,
    ONE_DAY,
    PHASE3,
    PHASE4,
    PLAYER,
    by_game_date,
    by_processing_date,
    on,
)
from tests.reconcile.world import Eye, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.config.resolved import Config
    from exporter.model import Explanation

CONFIGS = {
    "by processing date": by_processing_date(past=1, future=1),
    "by game date": by_game_date(past=1, future=1),
}


@dataclass(slots=True)
class Scene:
    """A world, what was read of it, and the time."""

    world: World
    eye: Eye
    now: datetime

    def follow(self, key: DocumentId) -> None:
        """A listener reports one document."""
        seen = self.eye.snapshot.documents
        documents = {**(seen.value or {}), **({key: one} if (one := self.world.documents.get(key)) else {})}
        self.eye.snapshot = replace(
            self.eye.snapshot, documents=replace(seen, value=documents, read_at=self.now), followed_since=on("10:00")
        )

    def lose(self, name: str, day: timedelta) -> None:
        """Another write replaced the document without this entry."""
        key = DocumentId("phase3_completion", DAY + day)
        if key in self.world.documents:
            old = self.world.documents[key]
            kept = {other: entry for other, entry in old.entries.items() if other != name}
            self.world.documents[key] = replace(old, entries=kept, update_time=self.now)

    def fail(self) -> None:
        """The documents cannot be read, and the last values stay."""
        failure = Failure(ErrorKind.UNREACHABLE, "no answer", self.now)
        read = self.eye.snapshot
        self.eye.snapshot = replace(read, documents=replace(read.documents, failure=failure))


Act = "Callable[[Scene], None]"

NAMES = st.sampled_from([*PHASE3, *PHASE4])
DAYS = st.sampled_from([-ONE_DAY, timedelta(), ONE_DAY])
COUNTS = st.sampled_from([None, 0, 2, 12, 35])
STATUSES = st.sampled_from(["running", "completed", "failed", "odd"])
AGES = st.sampled_from([timedelta(), timedelta(minutes=4), timedelta(hours=2), timedelta(minutes=-5)])
STEPS = st.sampled_from(
    [timedelta(seconds=1), timedelta(seconds=59), timedelta(minutes=9), timedelta(hours=3), timedelta(minutes=-3)]
)

ACTS: st.SearchStrategy[Callable[[Scene], None]] = st.one_of(
    st.builds(
        lambda name, day, count, age: lambda at: at.world.register(name, DAY + day, at.now - age, count),
        NAMES, DAYS, COUNTS, AGES,
    ),
    st.builds(lambda name, day: lambda at: at.lose(name, day), NAMES, DAYS),
    st.builds(lambda day: lambda at: at.world.trigger(DAY + day, at.now), DAYS),
    st.builds(
        lambda name, day, rows, age: lambda at: at.world.write(name, DAY + day, at.now - age, rows or 0),
        NAMES, DAYS, COUNTS, AGES,
    ),
    st.builds(
        lambda name, status, day, age: lambda at: at.world.beat(name, status, DAY + day, at.now - age),
        NAMES, STATUSES, DAYS, AGES,
    ),
    st.builds(
        lambda name, day, age: lambda at: at.world.ran(name, DAY + day, at.now - age - ONE_DAY / 48, at.now - age),
        NAMES, DAYS, AGES,
    ),
    st.builds(lambda day, games: lambda at: at.world.units.update({DAY + day: games or 0}), DAYS, COUNTS),
)  # fmt: skip
READS: st.SearchStrategy[Callable[[Scene], None]] = st.one_of(
    st.just(lambda at: at.eye.completion(at.now)),
    st.just(lambda at: at.eye.heartbeats(at.now)),
    st.just(lambda at: at.eye.warehouse(at.now)),
    st.just(lambda at: at.fail()),
    st.builds(lambda day: lambda at: at.follow(DocumentId("phase3_completion", DAY + day)), DAYS),
)
MOVES = st.lists(st.tuples(STEPS, st.lists(ACTS, max_size=3), st.lists(READS, max_size=2)), min_size=1, max_size=12)


def tracked(value: object) -> Iterator[object]:
    """The moments and ages in a report that still note what is asked of them."""
    if isinstance(value, (Now, Age)):
        yield value
    elif is_dataclass(value):
        for one in fields(value):
            yield from tracked(getattr(value, one.name))
    elif isinstance(value, dict):
        for item in value.items():
            yield from tracked(item)
    elif isinstance(value, (tuple, list, frozenset, set)):
        for item in value:
            yield from tracked(item)


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@settings(max_examples=60)
@given(start=st.sampled_from(["-1 23:58", "04:59", "11:25", "16:20"]), moves=MOVES)
def test_what_is_kept_is_what_would_be_made_again(
    config: Config,
    start: str,
    moves: list[tuple[timedelta, list[Callable[[Scene], None]], list[Callable[[Scene], None]]]],
) -> None:
    world = World(config, units={DAY + ONE_DAY * shift: 6 for shift in range(-3, 4)})
    scene, kept, renderer = Scene(world, Eye(world), on(start)), Reconciler(), Renderer()
    history = whole_history = History()
    scene.eye.look(scene.now)

    for step, acts, reads in moves:
        scene.now += step
        for act in (*acts, *reads):
            act(scene)
        report = kept.reconcile(config, scene.eye.snapshot, scene.now)
        whole = reconcile(config, scene.eye.snapshot, scene.now)
        assert report == whole
        assert not [*tracked(report)]
        rendered, whole_bytes = renderer.render(report), render(report_samples(whole))
        assert rendered.plain == whole_bytes.plain == gzip.decompress(rendered.gzip_open + rendered.gzip_end())
        assert (rendered.series, rendered.size, rendered.crc32) == (
            whole_bytes.series,
            whole_bytes.size,
            whole_bytes.crc32,
        )
        starting = len(history.days) % 2 == 1
        before = history
        history, whole_history = history.after(report, starting=starting), whole_history.after(whole, starting=starting)
        assert history.states == whole_history.states
        assert dict(news(before, history)).keys() <= history.states.keys()


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_only_the_document_that_changed_is_judged_again(config: Config) -> None:
    world = World(config, units={DAY + ONE_DAY * shift: 6 for shift in range(-3, 4)})
    scene, kept = Scene(world, Eye(world), on("12:00")), Reconciler()
    for name in (PLAYER, OFFENSE):
        world.register(name, DAY, on("11:50"), 12)
    scene.eye.look(scene.now)
    scene.follow(DocumentId("phase3_completion", DAY))
    before = kept.reconcile(config, scene.eye.snapshot, scene.now)

    world.register(DEFENSE, DAY, on("12:01"), 12)
    scene.now = on("12:01:01")
    scene.follow(DocumentId("phase3_completion", DAY))
    after = kept.reconcile(config, scene.eye.snapshot, scene.now)

    made = {(one.phase, one.run_date) for one in after.phases if not any(one is other for other in before.phases)}
    # The days before and after look into this document for entries that belong to them.
    assert made == {("phase3", DAY + day) for day in (-ONE_DAY, timedelta(), ONE_DAY)}


def test_a_loss_that_is_known_later_than_the_document_without_the_entry_is_judged() -> None:
    config = by_processing_date()
    world = World(config, units={DAY + ONE_DAY * shift: 6 for shift in range(-3, 4)})
    scene, kept, key = Scene(world, Eye(world), on("12:00")), Reconciler(), DocumentId("phase3_completion", DAY)
    for name in (PLAYER, OFFENSE):
        world.register(name, DAY, on("11:50"), 12)
    scene.eye.look(scene.now)
    scene.lose(PLAYER, timedelta())
    scene.follow(key)
    kept.reconcile(config, scene.eye.snapshot, scene.now)

    scene.eye.completion(scene.now)
    report = kept.reconcile(config, scene.eye.snapshot, scene.now)

    assert PLAYER in {one.processor for one in report.processors if one.verdict is Verdict.LOST_UPDATE}
    assert report == reconcile(config, scene.eye.snapshot, scene.now)


def test_why_an_entry_is_missing_follows_what_others_write_into_the_document() -> None:
    config = by_processing_date()
    world = World(config, units={DAY + ONE_DAY * shift: 6 for shift in range(-3, 4)})
    world.write(PLAYER, DAY - ONE_DAY, on("11:40"), 35)
    world.register(OFFENSE, DAY, on("11:30"), 12)
    scene, kept = Scene(world, Eye(world), on("12:00")), Reconciler()
    scene.eye.look(scene.now)

    def said() -> tuple[Explanation, ...]:
        report = kept.reconcile(config, scene.eye.snapshot, scene.now)
        assert report == reconcile(config, scene.eye.snapshot, scene.now)
        return next(one for one in report.processors if (one.processor, one.run_date) == (PLAYER, DAY)).explanations

    before = said()
    world.register(DEFENSE, DAY, on("11:50"), 12)
    scene.eye.completion(scene.now)

    assert before
    assert said() != before


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_in_the_document_that_changed_only_the_entry_that_changed_is_judged_and_rendered_again(config: Config) -> None:
    world = World(config, units={DAY + ONE_DAY * shift: 6 for shift in range(-3, 4)})
    scene, kept, renderer = Scene(world, Eye(world), on("12:00")), Reconciler(), Renderer()
    for name in (PLAYER, OFFENSE, DEFENSE):
        world.register(name, DAY, on("11:50"), 12)
    scene.eye.look(scene.now)
    scene.follow(DocumentId("phase3_completion", DAY))
    before = kept.reconcile(config, scene.eye.snapshot, scene.now)
    bytes_before = renderer.render(before)

    world.register(DEFENSE, DAY, on("11:50"), 13)
    scene.now = on("12:00:01")
    scene.follow(DocumentId("phase3_completion", DAY))
    after = kept.reconcile(config, scene.eye.snapshot, scene.now)

    old = {id(one) for one in before.processors}
    assert {one.processor for one in after.processors if id(one) not in old} == {DEFENSE}
    pieces = {id(piece) for piece in bytes_before.pieces}
    changed = [piece.decode() for piece in renderer.render(after).pieces if id(piece) not in pieces]
    assert {text.partition("{")[0] for text in changed} == {RECORD_COUNT.name, DELTA.name}


def test_a_report_says_when_time_alone_makes_it_another_one() -> None:
    config = by_processing_date()
    world = World(config, units={DAY + ONE_DAY * shift: 6 for shift in range(-3, 4)})
    world.beat(OFFENSE, "running", DAY - ONE_DAY, on("15:00"))
    eye, kept = Eye(world), Reconciler()
    now = on("15:01")
    eye.look(now)
    snapshot = replace(eye.snapshot, documents=replace(eye.snapshot.documents, max_age=None))
    changes = []
    while now < on("18:00"):
        report = kept.reconcile(config, snapshot, now)
        turn = kept.turns_at
        assert turn is not None
        assert turn > now
        almost = turn - timedelta(microseconds=1)
        assert replace(reconcile(config, snapshot, almost), at=now) == report
        changes.append(turn)
        now = turn

    assert on("16:30") in changes
