"""The season beside the collectors: read where the configuration asks for it, and ended with it."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import structlog

from exporter.config.load import load
from exporter.config.resolved import SeasonConfig
from exporter.incidents.local import SimulatedClock
from exporter.metrics.telemetry import Telemetry
from exporter.model import ErrorKind
from exporter.run.season import SeasonWatch
from exporter.run.service import Service
from testing.builders import DAY, ONE_DAY, on
from testing.memory import Memory
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.collect.season import SeasonRead

ASKED = "preset: nba\ncollect: {season: {past: 9, every: 12h}}\n"
NOT_ASKED = "preset: nba\n"


LOADED = load(preset="nba", environ={})


class Watched:
    """A watch over sources in memory, and what it published."""

    def __init__(self, every: timedelta = timedelta(hours=12)) -> None:
        self.memory = Memory()
        self.published: list[SeasonRead] = []
        self.came = threading.Event()
        asked = SeasonConfig(9, every)
        self.watch = SeasonWatch(LOADED, asked, self.memory.open, lambda: on("18:00"), Telemetry(), self.take)

    def take(self, read: SeasonRead) -> None:
        self.published.append(read)
        self.came.set()


@pytest.fixture(name="watched")
def _watched() -> Iterator[Watched]:
    watched = Watched()
    yield watched
    watched.memory.release()
    watched.watch.stop()


def test_the_days_that_the_configuration_names_are_read_to_today(watched: Watched) -> None:
    watched.watch.start()
    until(lambda: watched.published, "the season")

    dates = {one.run_date for one in watched.published[0].season.report.phases}
    assert (min(dates), max(dates), len(dates)) == (DAY - ONE_DAY * 9, DAY, 10)
    assert (watched.memory.store.closed, watched.memory.warehouse.closed) == (True, True)


def test_one_that_is_stopped_while_it_reads_lets_go_of_its_sources_and_publishes_nothing(watched: Watched) -> None:
    orders = watched.memory.warehouse.orders["rows"]
    orders.hang()
    watched.watch.start()
    assert orders.entered.wait(10)

    watched.watch.stop()
    closed = watched.memory.warehouse.closed
    watched.memory.release()
    until(lambda: "season" not in {thread.name for thread in threading.enumerate()}, "its end")

    assert closed
    assert watched.published == []


def test_it_is_read_again_after_its_interval() -> None:
    watched = Watched(timedelta(milliseconds=1))
    watched.watch.start()
    until(lambda: len(watched.published) > 1, "the second reading")
    watched.watch.stop()


@pytest.mark.parametrize(
    ("kind", "soon"), [(ErrorKind.UNREACHABLE, True), (ErrorKind.TIMEOUT, True), (ErrorKind.PERMISSION_DENIED, False)]
)
def test_only_where_a_source_did_not_answer_it_is_read_again_soon(kind: ErrorKind, *, soon: bool) -> None:
    watched = Watched()
    watched.memory.store.orders["documents"].fail(kind)

    pause = watched.watch.read_once()

    assert watched.published[0].unread == {"completion": kind.value}
    assert pause.total_seconds() == (600 if soon else 12 * 3600)


def test_one_that_broke_is_logged_and_is_not_the_last() -> None:
    watched = Watched(timedelta(milliseconds=1))
    watched.memory.store.orders["documents"].error = ZeroDivisionError("a bug")
    with structlog.testing.capture_logs() as logged:
        watched.watch.start()
        until(lambda: len(logged) > 1, "the second attempt")
        watched.watch.stop()

    assert {entry["event"] for entry in logged} == {"the season could not be read"}


class Scene:
    """A service that reads its configuration from a file."""

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self.memory = Memory()
        file.write_text(text, encoding="utf-8")
        self.service = Service(lambda: load(file=file, environ={}), self.memory.open, SimulatedClock(on("18:00")))

    def reload(self, text: str) -> None:
        self.file.write_text(text, encoding="utf-8")
        self.service.reload()


def test_the_page_has_a_season_from_when_it_is_read_until_it_is_no_longer_asked_for(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "exporter.yaml", ASKED)
    before = scene.service.view()
    scene.service.start()
    until(lambda: scene.service.view().season, "the season")
    scene.reload(NOT_ASKED)
    until(lambda: scene.service.view().season is None, "the page without it")
    scene.service.stop()

    assert before.season is None


def test_nothing_is_read_beyond_the_exposed_dates_where_nobody_asks_for_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "exporter.yaml", NOT_ASKED)
    scene.service.start()
    until(lambda: not scene.service.ready(), "the first pass")
    scene.service.stop()

    assert scene.memory.opened == 1


def test_a_report_after_the_season_keeps_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "exporter.yaml", ASKED)
    scene.service.start()
    until(lambda: scene.service.view().season and not scene.service.ready(), "the season and the first pass")
    season = scene.service.view().season
    scene.reload(f"{ASKED}documents: {{past: 1}}\n")
    until(lambda: len({one.run_date for one in scene.service.report.phases}) == 2, "the report of two dates")

    assert scene.service.view().season is not None
    assert season is not None
    scene.service.stop()
