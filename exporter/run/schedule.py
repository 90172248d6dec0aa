"""Runs each collector when it is planned, with APScheduler: one job for each collector, which does the work itself.

APScheduler uses the machine's clock. The collectors have their own clock, which can show another day (`demo`).
"""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from exporter.collect.priority import step_back

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from apscheduler.events import JobEvent

    from exporter.collect.collectors import Collectors
    from exporter.metrics.telemetry import Telemetry

log = structlog.get_logger(__name__)

JITTER = 0.05
"""The share of the interval by which a run may be delayed, so that several exporters do not run in step."""

WATCH_SECONDS = 2.0
CLOCK_JUMP_SECONDS = 30.0
"""If the wall clock moves this far against the monotonic one, it has been set, and the jobs are planned again."""

STILL_SECONDS = 5.0
"""The log says when the process had no CPU for this long: its reads may then fail, whatever their sources do."""

_REASONS = {EVENT_JOB_MISSED: "missed", EVENT_JOB_MAX_INSTANCES: "max_instances", EVENT_JOB_ERROR: "error"}


class Every(IntervalTrigger):  # type: ignore[misc] # APScheduler has no types
    """An interval, which can be another one each time, that leaves out the times that have passed.

    APScheduler's own counts through all of them: for a clock that jumps from 1970, as on a machine without a battery,
    that takes minutes and gigabytes.
    """

    def __init__(self, interval: Callable[[], timedelta], jitter: float = JITTER) -> None:
        """`interval`: the interval at that moment; `jitter`: the share of it by which a time may be delayed."""
        super().__init__(seconds=interval().total_seconds(), timezone=UTC)
        self._now = interval
        self._share = jitter

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The next time after `previous_fire_time`; if more than an interval has passed, an interval after `now`."""
        self.interval = self._now()
        self.interval_length = self.interval.total_seconds()
        self.jitter = self.interval_length * self._share
        if previous_fire_time and now - previous_fire_time > self.interval:
            previous_fire_time = now
        following: datetime | None = super().get_next_fire_time(previous_fire_time, now)
        return following


class Schedule:
    """Runs the collectors at their intervals until it is stopped."""

    def __init__(self, collectors: Collectors, telemetry: Telemetry, clock: Callable[[], datetime]) -> None:
        """`clock` is the clock of the collectors."""
        self._clock = clock
        self._collectors = collectors
        self._telemetry = telemetry
        self._stopped = threading.Event()
        self._watch = threading.Thread(target=self._watch_over, name="schedule-watch", daemon=True)
        self._moved: dict[str, datetime] = {}
        self._running: set[str] = set()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(collectors.collectors), {"initializer": step_back})},
            job_defaults={"coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(self._ended, EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self._scheduler.add_listener(self._not_run, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES | EVENT_JOB_ERROR)
        for name, config in collectors.collectors.items():
            self._scheduler.add_job(
                self._run,
                Every(partial(collectors.planner.interval_at, name)),
                args=[name],
                id=name,
                misfire_grace_time=max(1, int(config.every.total_seconds())),
                next_run_time=datetime.now(UTC),
            )

    def start(self) -> None:
        """Start; every collector runs at once."""
        self._scheduler.start()
        self._watch.start()

    def stop(self) -> None:
        """Stop, whether started or not. Current runs are asked to end, but not awaited."""
        self._stopped.set()
        self._collectors.stop()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def run_now(self) -> None:
        """Plan every collector's next run for now."""
        for job in self._scheduler.get_jobs():
            job.modify(next_run_time=datetime.now(UTC))

    def _run(self, name: str) -> None:
        """Run a collector. If its source answers again, run the source's other collectors at once."""
        self._running.add(name)
        source = self._collectors.source_of(name)
        away = self._telemetry.sources().get(source) is not None
        self._collectors.run(name)
        if away and self._telemetry.sources().get(source) is None:
            log.info("the source is back", source=source)
            for other in self._collectors.collectors.keys() - self._running:
                if self._collectors.source_of(other) == source and not self._stopped.is_set():
                    self._scheduler.modify_job(other, next_run_time=datetime.now(UTC))

    def _ended(self, event: JobEvent) -> None:
        """Plan the next run. Before this, APScheduler takes the job for running, and refuses a run that is due now."""
        self._running.discard(event.job_id)
        self._plan(event.job_id)

    def _not_run(self, event: JobEvent) -> None:
        reason = _REASONS[event.code]
        self._telemetry.collector_skipped(event.job_id, reason)
        error = getattr(event, "exception", None)
        log.error("collector did not run", collector=event.job_id, reason=reason, error=error)

    def _watch_over(self) -> None:
        offset = time.time() - time.monotonic()
        looked = time.monotonic()
        while not self._stopped.wait(WATCH_SECONDS):
            still = time.monotonic() - looked - WATCH_SECONDS
            if still >= STILL_SECONDS:
                log.warning(
                    "the process had no CPU",
                    seconds=round(still, 1),
                    detail="reads may have failed because of that; on Cloud Run let the service keep its CPU"
                    " (run.googleapis.com/cpu-throttling: false), elsewhere give the container or the machine more",
                )
            moved = time.time() - time.monotonic() - offset
            if abs(moved) >= CLOCK_JUMP_SECONDS:
                # If the clock was set back, the next run would stay at the time of the old clock, hours ahead.
                offset += moved
                log.warning("the clock was set", seconds=round(moved, 1))
                self.run_now()
            # A listener can report outside any run, and a deadline can come near.
            for name in self._collectors.collectors:
                self._plan(name)
            looked = time.monotonic()

    def _plan(self, name: str) -> None:
        """Move a collector's next run forward, once for each time for which it is planned; while it runs, not yet."""
        if name in self._running:
            return
        at, job = self._collectors.planner.next_at(name), self._scheduler.get_job(name)
        if at is None or job is None or at == self._moved.get(name):
            return
        now = datetime.now(UTC)
        moved = max(now, now + (at - self._clock()))
        late = self._collectors.planner.intervals[name] * JITTER
        if moved + late < job.next_run_time:
            self._moved[name] = at
            log.debug("read sooner", collector=name, at=at.isoformat())
            job.modify(next_run_time=moved)
