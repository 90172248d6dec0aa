"""What one change costs: judged, rendered and served, against making the whole report.

python -m benchmarks.changes PROCESSORS SECONDS    holds a pipeline of this size, and does what it is told
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.child import live_briefly, obey
from benchmarks.figures import Row, at_most, seconds, spread
from benchmarks.processes import Child, processors
from benchmarks.world import NOW, config_of, world_of
from exporter.collect.collectors import Collectors
from exporter.metrics.rendering import Renderer
from exporter.metrics.telemetry import Telemetry
from exporter.reconcile import Reconciler
from exporter.run.tuning import settle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from exporter.metrics.exposition import Rendered
    from exporter.model import Report

IN_A_PHASE = 200
"""Processors of one completion document."""
CHANGES = 9
REST_SECONDS = 1.0
BETWEEN_READINGS = 30.0
"""The seconds between two readings of the documents, if nothing else is configured."""
BOUNDS = {2_000: 0.030, 20_000: 0.150}
"""Seconds from a followed write to its bytes, by the number of processors."""
SHARE = 0.01
REGISTERING = 2_000
PASSES = 3
MINUTE = 60.0


def measure(*, smallest: bool = False) -> list[Row]:
    """A changed entry of one document, by the number of processors; and a minute in which all of them register."""
    cpu, _ = processors()
    rows = []
    for size in (400,) if smallest else BOUNDS:
        with Child("benchmarks.changes", size, REST_SECONDS, cpu=cpu) as child:
            whole = [child.ask("whole") for _ in range(1 if smallest else 3)]
            changed = [child.ask("changed") for _ in range(2 if smallest else 3)]
            followed = [child.ask("followed") for _ in range(2 if smallest else CHANGES)]
            pages = child.ready["phases"]
        bound, all_of_it = BOUNDS.get(size, 1.0), spread(whole).middle
        what = f"{size:,} processors in {pages} phases"
        share = SHARE if size == max(BOUNDS) else SHARE * max(BOUNDS) / size
        rows += [
            at_most(
                f"report and bytes after one entry changed, {what}",
                seconds(spread(changed).middle),
                f"the whole report {seconds(all_of_it)}",
                [one / all_of_it for one in changed],
                share,
            ),
            at_most(
                f"from a followed write to its bytes, {what}",
                f"p50 {seconds(spread(followed).middle)}",
                seconds(bound),
                [one / bound for one in followed],
                1,
            ),
        ]
    size = 400 if smallest else REGISTERING
    with Child("benchmarks.changes", size, BETWEEN_READINGS, cpu=cpu) as child:
        whole = [child.ask("whole") for _ in range(1 if smallest else 3)]
        spent = child.ask("second" if smallest else "minute")
    rows.append(
        at_most(
            f"{size:,} processors register within one minute, CPU of that minute",
            f"{seconds(spent['cpu'])}, {spent['reports']:,} reports",
            f"one whole report {seconds(spread(whole).middle)}",
            [spent["cpu"] / one for one in whole],
            PASSES,
        )
    )
    return rows


class Pipeline:
    """A pipeline of this size whose documents are followed, and whose entries can be changed one by one."""

    def __init__(self, size: int, every: float) -> None:
        """`every`: the seconds between two readings, for which a report rests at most."""
        self.phases = max(1, size // IN_A_PHASE)
        self.world = world_of(config_of(size, phases=self.phases, every=timedelta(seconds=every)))
        self._every = every
        self._kept, self._kept_renderer = Reconciler(), Renderer()
        last = sorted({key.run_date for key in self.world.documents})[-2]
        self._keys = [key for key in self.world.documents if key.run_date == last]
        self._numbers = count(1)
        self._began = time.monotonic()
        self.reports = 0
        self._published = threading.Event()
        self._renderer = Renderer()
        self._latest: Rendered | None = None
        sources = self.world.memory()
        self.collectors = Collectors(
            self.world.config, sources.sources(), Telemetry(), self.clock, self._publish, follow=True
        )
        self.collectors.run_all()
        (self._following,) = sources.store.followings
        self._following.receiver.changed(self.world.documents, first=True)

    def clock(self) -> datetime:
        """The world's time goes on."""
        return NOW + timedelta(seconds=time.monotonic() - self._began)

    def _publish(self, report: Report) -> None:
        self._latest = self._renderer.render(report)
        self.reports += 1
        self._published.set()

    def change(self) -> None:
        """The next entry of the next document says another number."""
        number = next(self._numbers)
        key = self._keys[number % len(self._keys)]
        document = self.world.documents[key]
        names = list(document.entries)
        name = names[number // len(self._keys) % len(names)]
        entries = {**document.entries, name: replace(document.entries[name], record_count=1_000_000 + number)}
        now = self.clock()
        self.world.documents[key] = replace(document, entries=entries, update_time=now, read_time=now)
        self._following.receiver.changed({key: self.world.documents[key]}, first=False)

    def whole(self) -> float:
        """Seconds of computing for a report and its bytes."""
        return self._made(Reconciler(), Renderer())

    def changed(self) -> float:
        """The same after one change, by who made the report before it."""
        self._made(self._kept, self._kept_renderer)
        self.followed()
        return self._made(self._kept, self._kept_renderer)

    def _made(self, reconciler: Reconciler, renderer: Renderer) -> float:
        began = time.process_time()
        renderer.render(reconciler.reconcile(self.world.config, self.collectors.snapshot, self.clock()))
        return time.process_time() - began

    def followed(self) -> float:
        """Seconds from a change to its bytes, after a rest."""
        time.sleep(self._every)
        self._published.clear()
        began = time.perf_counter()
        self.change()
        self._published.wait(60)
        return time.perf_counter() - began

    def registering(self, processors: int, lasting: float) -> dict[str, float]:
        """What it costs that so many entries change, one after the other, in so many seconds."""
        before, began = self.reports, time.process_time()
        start = time.monotonic()
        for number in range(processors):
            time.sleep(max(0.0, start + lasting * number / processors - time.monotonic()))
            self.change()
        return {"cpu": time.process_time() - began, "reports": self.reports - before}


def main(size: int, every: float) -> None:
    """Hold a pipeline of this size, and do what is asked for."""
    live_briefly()
    settle()
    held = Pipeline(size, every)
    commands: dict[str, Callable[[], object]] = {
        "whole": held.whole,
        "changed": held.changed,
        "followed": held.followed,
        "minute": lambda: held.registering(size, MINUTE),
        "second": lambda: held.registering(size, 1.0),
    }
    obey(commands, phases=held.phases)
    held.collectors.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
