"""A wall clock that tests move, together with the scheduler."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_MISSED, EVENT_JOB_SUBMITTED
from apscheduler.schedulers.background import BackgroundScheduler

if TYPE_CHECKING:
    from apscheduler.events import JobEvent
    from time_machine import Traveller

SECONDS = 60.0
"""The real time that the scheduler may take to run what is due."""


class DrivenScheduler(BackgroundScheduler):  # type: ignore[misc] # APScheduler has no types
    """APScheduler's own scheduler, which reports when it has checked its jobs, and how many are running."""

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - APScheduler's own
        super().__init__(*arguments, **options)
        self.changed = threading.Condition()
        self.begun = self.looked = self.running_jobs = 0

    def start(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - APScheduler's own
        # Behind the exporter's own listener: what that one does has been done when the count here changes.
        ended = EVENT_JOB_EXECUTED | EVENT_JOB_ERROR | EVENT_JOB_MISSED
        self.add_listener(self._note, EVENT_JOB_SUBMITTED | ended)
        super().start(*arguments, **options)

    def _process_jobs(self) -> float | None:
        with self.changed:
            self.begun += 1
            this_look = self.begun
        seconds: float | None = super()._process_jobs()
        with self.changed:
            self.looked = this_look
            self.changed.notify_all()
        return seconds

    def _note(self, event: JobEvent) -> None:
        with self.changed:
            self.running_jobs += 1 if event.code == EVENT_JOB_SUBMITTED else -1
            self.changed.notify_all()


class Clockwork:
    """Moves the clock from one planned run to the next, and waits for each run to end.

    `holding` is the number of runs that a test keeps from ending; they are not awaited.
    """

    def __init__(self, traveller: Traveller) -> None:
        self._traveller = traveller
        self._scheduler: DrivenScheduler | None = None
        self.holding = 0

    def make_scheduler(self, *arguments: Any, **options: Any) -> DrivenScheduler:  # noqa: ANN401 - APScheduler's own
        """Create the scheduler to move, instead of the earlier one."""
        self._scheduler = DrivenScheduler(*arguments, **options)
        return self._scheduler

    @property
    def scheduler(self) -> DrivenScheduler:
        """The scheduler that is moved."""
        if self._scheduler is None:
            raise RuntimeError("there is no scheduler yet")
        return self._scheduler

    @property
    def now(self) -> datetime:
        """The clock's time."""
        return datetime.now(UTC)

    def set_back(self, to: datetime) -> None:
        """Set the clock before the scheduler starts."""
        self._traveller.move_to(to)

    def jump(self, by: timedelta) -> None:
        """Set the clock forward or back in one step. Runs that are due then have ended when this returns."""
        self._traveller.shift(by)
        self.settle()

    def advance(self, by: timedelta) -> None:
        """Move the clock by this duration; every run within it happens at its own time."""
        end = self.now + by
        while (following := self._next_run()) <= end:
            self.jump(following - self.now)
        self.jump(end - self.now)

    def settle(self) -> None:
        """Let the scheduler run what is due, and wait for it."""
        scheduler = self.scheduler
        with scheduler.changed:
            begun = scheduler.begun
            scheduler.wakeup()
            settled = scheduler.changed.wait_for(
                lambda: scheduler.looked > begun and scheduler.running_jobs <= self.holding, SECONDS
            )
        assert settled, f"the scheduler did not do what was due within {SECONDS:g} s"

    def look(self) -> None:
        """Let the scheduler look at its jobs once, unless it does: a job that ends at once ends on its thread."""
        if threading.current_thread() is self.scheduler._thread:  # noqa: SLF001 no other way to know
            return
        with self.scheduler.changed:
            begun = self.scheduler.begun
            self.scheduler.wakeup()
            looked = self.scheduler.changed.wait_for(lambda: self.scheduler.looked > begun, SECONDS)
        assert looked, f"the scheduler did not look at its jobs within {SECONDS:g} s"

    def _next_run(self) -> datetime:
        times: list[datetime] = [job.next_run_time for job in self.scheduler.get_jobs()]
        return min(times)
