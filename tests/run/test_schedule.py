"""When collectors run, by a clock that the test moves: nothing here waits for time to go by."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
import structlog
import time_machine
from apscheduler.executors.pool import ThreadPoolExecutor

from exporter.model import Document, ErrorKind
from exporter.run import schedule
from exporter.run.schedule import JITTER, Every, Schedule
from testing.builders import on
from testing.clockwork import Clockwork
from testing.collecting import COLLECTORS, PHASE3_DOCUMENT, Scene, healthy
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture(name="clockwork")
def _clockwork(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clockwork]:
    with time_machine.travel(on("18:00"), tick=False) as traveller:
        clockwork = Clockwork(traveller)
        monkeypatch.setattr(schedule, "BackgroundScheduler", clockwork.make_scheduler)
        # A clock that stands still falls behind the monotonic one: for most tests nobody watches.
        monkeypatch.setattr(schedule, "WATCH_SECONDS", 3600.0)
        yield clockwork


class Running:
    """A schedule over sources in memory, by the wall clock."""

    def __init__(self, clockwork: Clockwork, behind: timedelta = timedelta(), *, adapts: bool = False) -> None:
        self._clockwork = clockwork
        self.scene: Scene = healthy(lambda: clockwork.now - behind)
        if adapts:
            settings = self.scene.settings
            self.scene.settings = replace(settings, collect=replace(settings.collect, adapts=True))
            self.scene.__post_init__()
        self.schedule = Schedule(self.scene.collectors, self.scene.telemetry, lambda: clockwork.now - behind)

    def start(self) -> None:
        self.schedule.start()
        self._clockwork.settle()

    @property
    def times(self) -> dict[str, list[datetime]]:
        """When each collector ran."""
        return {name: self.scene.orders(name).times for name in COLLECTORS}

    def skipped(self, name: str) -> dict[str, int]:
        return dict(self.scene.telemetry.collectors()[name].skipped)

    def gaps(self, name: str) -> list[float]:
        """Seconds from run to run."""
        times = self.times[name]
        return [(after - before).total_seconds() for before, after in pairwise(times)]


@pytest.fixture(name="running")
def _running(clockwork: Clockwork) -> Iterator[Running]:
    running = Running(clockwork)
    yield running
    running.schedule.stop()
    running.scene.memory.release()


@pytest.fixture(name="adaptive")
def _adaptive(clockwork: Clockwork) -> Iterator[Running]:
    running = Running(clockwork, adapts=True)
    yield running
    running.schedule.stop()
    running.scene.memory.release()


@pytest.fixture(name="latest")
def _latest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run comes as late as jitter may make it."""
    monkeypatch.setattr(random, "uniform", lambda _low, high: high)


def test_every_collector_runs_at_once_when_the_schedule_starts(running: Running) -> None:
    running.start()

    assert running.times == {name: [on("18:00")] for name in COLLECTORS}


def test_each_collector_runs_at_its_own_interval(running: Running, clockwork: Clockwork) -> None:
    running.start()

    clockwork.advance(HOUR)

    for name, settings in running.scene.collectors.collectors.items():
        every = settings.every.total_seconds()
        gaps = running.gaps(name)
        assert len(gaps) >= int(3600 / (every * (1 + JITTER)))
        assert all(every <= gap <= every * (1 + JITTER) for gap in gaps)
    assert all(running.skipped(name) == {} for name in COLLECTORS)


def test_exporters_do_not_run_in_step(running: Running, clockwork: Clockwork) -> None:
    running.start()

    clockwork.advance(HOUR)

    assert len(set(running.gaps("completion"))) > 1


@pytest.mark.usefixtures("latest")
def test_a_run_is_late_by_no_more_than_its_jitter(running: Running, clockwork: Clockwork) -> None:
    running.start()

    clockwork.advance(HOUR)

    assert set(running.gaps("completion")) == {63.0}
    assert set(running.gaps("warehouse")) == {630.0}


@pytest.fixture(name="_ends_late")
def _ends_late(clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch) -> None:
    """APScheduler takes a job for running until it has looked at what that job planned before its end."""
    ended = ThreadPoolExecutor._run_job_success  # noqa: SLF001 the moment at which APScheduler counts a job as ended

    def late(executor: ThreadPoolExecutor, name: str, events: object) -> None:
        clockwork.look()
        ended(executor, name, events)

    monkeypatch.setattr(ThreadPoolExecutor, "_run_job_success", late)


@pytest.mark.usefixtures("latest", "_ends_late")
def test_a_collector_never_runs_twice_at_the_same_time(running: Running, clockwork: Clockwork) -> None:
    orders = running.scene.orders("completion")
    orders.hang()
    clockwork.holding = 1
    running.start()

    clockwork.advance(4 * MINUTE)
    during = len(running.times["completion"]), len(running.times["heartbeats"])
    skipped = running.skipped("completion")
    clockwork.holding = 0
    orders.release()
    clockwork.settle()
    clockwork.advance(2 * MINUTE)

    assert during == (1, 4)
    assert skipped == running.skipped("completion") == {"max_instances": 3}
    assert running.times["completion"][1:] == [on("18:04"), on("18:05:03")]


@pytest.mark.usefixtures("_ends_late")
def test_a_source_that_is_back_is_not_asked_again_by_what_is_still_reading_it(
    running: Running, clockwork: Clockwork
) -> None:
    running.scene.orders("completion").fail(ErrorKind.UNREACHABLE)
    running.scene.orders("heartbeats").hang()
    clockwork.holding = 1
    running.start()
    running.scene.orders("completion").error = None

    clockwork.advance(4 * MINUTE)
    skipped = running.skipped("heartbeats")
    clockwork.holding = 0
    running.scene.orders("heartbeats").release()
    clockwork.settle()

    assert running.scene.telemetry.sources()["firestore"] is None
    assert skipped.keys() == {"max_instances"}
    assert running.skipped("heartbeats") == skipped


def test_what_was_missed_while_the_machine_slept_runs_once(running: Running, clockwork: Clockwork) -> None:
    running.start()

    clockwork.jump(8 * HOUR)

    ran = {name: len(times) - 1 + running.skipped(name).get("missed", 0) for name, times in running.times.items()}
    assert ran == dict.fromkeys(COLLECTORS, 1)


@pytest.mark.usefixtures("latest")
def test_a_run_that_comes_too_late_is_counted_as_missed(running: Running, clockwork: Clockwork) -> None:
    running.start()

    # Due after 63 s, and the one after it after 126 s: more than an interval late, and not yet overtaken.
    clockwork.jump(timedelta(seconds=125))

    assert running.skipped("completion") == {"missed": 1}
    assert len(running.times["completion"]) == 1


def test_an_unexpected_error_is_counted_and_the_next_run_takes_place(running: Running, clockwork: Clockwork) -> None:
    orders = running.scene.orders("completion")
    orders.error = ZeroDivisionError("a bug")
    running.start()
    orders.error = None

    clockwork.advance(2 * MINUTE)

    assert running.skipped("completion") == {"error": 1}
    assert running.scene.collectors.snapshot.documents.value


@pytest.mark.parametrize("by", [-HOUR, HOUR])
def test_collectors_run_on_when_the_clock_is_set(
    running: Running, clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    monkeypatch.setattr(schedule, "WATCH_SECONDS", 0.01)
    running.start()
    before = {name: len(times) for name, times in running.times.items()}

    clockwork.jump(by)

    until(lambda: all(len(running.times[name]) > before[name] for name in COLLECTORS), "runs at the new time")
    # What follows is time that goes by, which the watch would take for another jump of the clock.
    monkeypatch.setattr(schedule, "WATCH_SECONDS", 3600.0)
    clockwork.settle()
    again = len(running.times["completion"])
    clockwork.advance(3 * MINUTE)
    assert len(running.times["completion"]) >= again + 2
    assert running.scene.reports[-1].at > on("18:00") + by


class Stopwatch:
    """In place of the module `time`: the wall clock and the monotonic one, which go by together."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def time(self) -> float:
        return self.seconds

    monotonic = time


@pytest.mark.parametrize(("seconds", "told"), [(4.9, []), (14.0, [14.0])])
def test_the_log_says_when_the_process_had_no_cpu(
    running: Running, monkeypatch: pytest.MonkeyPatch, seconds: float, told: list[float]
) -> None:
    stopwatch, looks = Stopwatch(), iter([False, True])

    def wait(_: float) -> bool:
        stopwatch.seconds += schedule.WATCH_SECONDS + seconds
        return next(looks)

    monkeypatch.setattr(schedule, "time", stopwatch)
    monkeypatch.setattr(running.schedule._stopped, "wait", wait)  # noqa: SLF001 the wait is what lasts longer

    with structlog.testing.capture_logs() as logged:
        running.schedule._watch_over()  # noqa: SLF001 in this thread, so that it has ended

    assert [entry["seconds"] for entry in logged if entry["event"] == "the process had no CPU"] == told


def test_the_times_that_a_jump_of_the_clock_left_out_are_not_counted_through() -> None:
    every, before, now = Every(lambda: timedelta(seconds=30), jitter=0.0), datetime(1970, 1, 1, tzinfo=UTC), on("18:00")

    assert every.get_next_fire_time(before, now) == now + timedelta(seconds=30)
    assert every.get_next_fire_time(now - timedelta(seconds=30), now) == now
    assert every.get_next_fire_time(now, now) == now + timedelta(seconds=30)


def test_a_jump_from_1970_costs_each_collector_one_run(clockwork: Clockwork) -> None:
    clockwork.set_back(datetime(1970, 1, 1, tzinfo=UTC))
    running = Running(clockwork)
    try:
        running.start()
        clockwork.jump(on("18:00") - clockwork.now)

        assert all(running.skipped(name) == {"missed": 1} for name in COLLECTORS)
        running.schedule.run_now()
        clockwork.settle()
        assert all(len(times) == 2 for times in running.times.values())
    finally:
        running.schedule.stop()
        running.scene.memory.release()


def test_a_source_that_is_back_is_read_by_all_its_collectors_at_once(running: Running, clockwork: Clockwork) -> None:
    for name in ("completion", "heartbeats", "heartbeat_count"):
        running.scene.orders(name).fail(ErrorKind.UNREACHABLE)
    running.start()
    before = len(running.times["heartbeat_count"])
    for name in ("completion", "heartbeats", "heartbeat_count"):
        running.scene.orders(name).error = None

    clockwork.advance(2 * MINUTE)

    assert len(running.times["heartbeat_count"]) == before + 1
    assert running.scene.telemetry.collectors()["heartbeat_count"].failing == frozenset()


def test_a_stopped_schedule_runs_nothing_more(running: Running, clockwork: Clockwork) -> None:
    running.start()
    running.schedule.stop()

    running.schedule.run_now()

    assert not clockwork.scheduler.running
    assert all(len(times) == 1 for times in running.times.values())


def test_a_schedule_can_be_stopped_twice_and_before_its_start(running: Running) -> None:
    running.schedule.stop()
    running.schedule.stop()

    assert all(times == [] for times in running.times.values())


def planned(clockwork: Clockwork, name: str) -> timedelta:
    """In how long a collector runs next."""
    found: timedelta = clockwork.scheduler.get_job(name).next_run_time - clockwork.now
    return found


def test_a_missing_value_is_read_again_soon_and_once(running: Running, clockwork: Clockwork) -> None:
    rows = running.scene.memory.warehouse.rows
    running.start()
    running.scene.memory.warehouse.rows = {}
    clockwork.advance(11 * MINUTE)
    at_first = planned(clockwork, "warehouse")
    clockwork.advance(3 * MINUTE)
    runs, then = len(running.times["warehouse"]), planned(clockwork, "warehouse")
    running.scene.memory.warehouse.rows = rows

    assert at_first <= 3 * MINUTE
    assert runs == 3
    assert then > 5 * MINUTE


def test_a_missing_value_is_read_again_soon_also_by_another_clock(clockwork: Clockwork) -> None:
    running = Running(clockwork, behind=5 * HOUR)
    try:
        running.start()
        running.scene.memory.warehouse.rows = {}
        clockwork.advance(14 * MINUTE)

        to_the_next, to_the_repeat = running.gaps("warehouse")
        assert to_the_next > 9 * 60
        assert 60 < to_the_repeat <= 3 * 60
    finally:
        running.schedule.stop()
        running.scene.memory.release()


def test_a_document_that_a_listener_misses_is_read_again_soon(
    running: Running, clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "WATCH_SECONDS", 0.01)
    running.start()

    running.scene.collectors.take({PHASE3_DOCUMENT: Document(exists=False)}, clockwork.now)

    until(lambda: planned(clockwork, "completion") <= timedelta(seconds=30), "the document to be read again")


def test_heartbeats_are_read_seldom_in_a_quiet_hour_and_a_report_is_made_every_minute(
    adaptive: Running, clockwork: Clockwork
) -> None:
    adaptive.start()

    clockwork.advance(18 * MINUTE)

    first, *quiet = adaptive.gaps("heartbeats")
    assert 60 <= first <= 63
    assert len(quiet) == 3
    assert all(300 <= gap <= 315 for gap in quiet)
    assert all(60 <= gap <= 63 for gap in adaptive.gaps("completion"))
    reports = [report.at for report in adaptive.scene.reports]
    assert all(after - before <= timedelta(seconds=63) for before, after in pairwise(reports))


def test_near_a_deadline_heartbeats_are_read_at_their_interval_and_everything_just_after_it(
    adaptive: Running, clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, _high: 0.0)
    adaptive.start()

    clockwork.advance(18 * MINUTE)
    before = len(adaptive.times["heartbeats"])
    for _ in range(30):
        clockwork.advance(MINUTE / 2)
        for name in COLLECTORS:
            adaptive.schedule._plan(name)  # noqa: SLF001 what the watch does every two seconds
    clockwork.settle()

    near = adaptive.times["heartbeats"][before:]
    assert len(near) >= 12
    for name in ("completion", "heartbeats", "warehouse"):
        assert any(timedelta() < time - on("18:30") <= MINUTE for time in adaptive.times[name])


def test_what_is_planned_sooner_runs_at_once_however_long_ago_it_would_have_been(
    adaptive: Running, clockwork: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "uniform", lambda _low, _high: 0.0)
    adaptive.start()
    clockwork.advance(4 * MINUTE)
    runs = len(adaptive.times["heartbeats"])

    adaptive.scene.telemetry.collector_ran("heartbeats", seconds=1, at=0, failures=[ErrorKind.TIMEOUT], success=False)
    adaptive.schedule._plan("heartbeats")  # noqa: SLF001 what the watch does every two seconds
    clockwork.settle()

    assert len(adaptive.times["heartbeats"]) == runs + 1
    assert adaptive.skipped("heartbeats") == {}
