"""From a write in Firestore to the exporter's `/metrics`: a local Firestore, Google's client, the listener, one scrape.

python -m benchmarks.followed firestore PROCESSORS           a pipeline's documents; `write` changes one entry
python -m benchmarks.followed exporter PROCESSORS ADDRESS    the exporter that follows them; `shown` awaits a report
"""

from __future__ import annotations

import gzip
import sys
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.changes import BOUNDS, IN_A_PHASE, REST_SECONDS
from benchmarks.child import live_briefly, obey
from benchmarks.client import AS_PROMETHEUS, Scraper
from benchmarks.figures import Row, at_most, seconds, spread
from benchmarks.processes import Child, only_on, processors
from benchmarks.world import NOW, config_of, world_of
from exporter.messages import logs
from exporter.sources.ports import Sources

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from benchmarks.world import World
    from exporter.config.load import Loaded
    from exporter.metrics.telemetry import Telemetry
    from exporter.model import Document, DocumentId, Heartbeat, Report
    from exporter.sources.firestore import FirestoreStore
    from exporter.sources.listening import DocumentListener
    from exporter.sources.ports import ChangeReceiver, Deadline, HeartbeatId
    from testing.memory import MemoryStore

WRITES = 9
FIRST_COUNT = 1_000_000
"""The number that the first write records; the next one records the next."""
SHOWN_SECONDS = 30.0


def measure(*, smallest: bool = False) -> list[Row]:
    """One changed entry of one document, by the number of processors."""
    rows = []
    served_on, asked_on = processors()
    for size in (400,) if smallest else BOUNDS:
        with (
            Child("benchmarks.followed", "firestore", size, cpu=asked_on) as firestore,
            Child("benchmarks.followed", "exporter", size, firestore.ready["address"], cpu=served_on) as exporter,
            only_on(asked_on),
        ):
            scraper = Scraper(int(exporter.ready["port"]), AS_PROMETHEUS)
            took = [_followed(firestore, exporter, scraper) for _ in range(2 if smallest else WRITES)]
            scraper.close()
            phases = exporter.ready["phases"]
        bound = BOUNDS.get(size, 1.0)
        rows.append(
            at_most(
                f"from a write in Firestore to /metrics, {size:,} processors in {phases} phases",
                f"p50 {seconds(spread(took).middle)}",
                seconds(bound),
                [one / bound for one in took],
                1,
            )
        )
    return rows


def _followed(firestore: Child, exporter: Child, scraper: Scraper) -> float:
    """Seconds from a write to the end of the first scrape that shows it, after a rest."""
    exporter.ask("rest")
    began = time.perf_counter()
    number = firestore.ask("write")
    while True:
        exporter.ask("shown")
        scraper.ask()
        body = bytes(scraper.read())
        took = time.perf_counter() - began
        if f" {number}\n".encode() in gzip.decompress(body):
            return took
        if took > SHOWN_SECONDS:
            raise RuntimeError(f"no report shows a write of {took:.0f} s ago")


def _world(size: int) -> World:
    """The pipeline; a report rests for a second at most before it shows the next change."""
    return world_of(config_of(size, phases=max(1, size // IN_A_PHASE), every=timedelta(seconds=REST_SECONDS)))


def firestore(size: int) -> None:
    """A local Firestore with the world's documents; its time goes on with the machine's."""
    from exporter.emulators.firestore import FirestoreServer

    world, numbers = _world(size), count()
    last = sorted({key.run_date for key in world.documents})[-2]
    keys = [key for key in world.documents if key.run_date == last]

    def fields(one: str, key: DocumentId, number: int) -> dict[str, object]:
        entry = world.documents[key].entries[one]
        return {"status": entry.status, "completed_at": entry.completed_at, "record_count": number}

    def write() -> int:
        """Let the next entry of the next document say another number, and tell which."""
        turn = next(numbers)
        key = keys[turn % len(keys)]
        name = list(world.documents[key].entries)[turn // len(keys)]
        server.merge(f"{key.collection}/{key.run_date}", {name: fields(name, key, FIRST_COUNT + turn)})
        return FIRST_COUNT + turn

    with FirestoreServer(project=world.config.project, clock=_clock) as server:
        server.put_all(
            {
                f"{key.collection}/{key.run_date}": {name: fields(name, key, 12) for name in document.entries}
                for key, document in world.documents.items()
            }
        )
        obey({"write": write}, address=server.address)


def _clock() -> datetime:
    """The world's time, the same in every process of the machine."""
    return NOW + timedelta(seconds=time.monotonic() % 3600)


@dataclass(frozen=True, slots=True)
class Store:
    """Documents of a real Firestore, heartbeats of memory."""

    real: FirestoreStore
    memory: MemoryStore

    def documents(self, ids: Collection[DocumentId], deadline: Deadline) -> Mapping[DocumentId, Document]:
        return self.real.documents(ids, deadline)

    def follow(self, ids: Collection[DocumentId], receiver: ChangeReceiver) -> DocumentListener:
        return self.real.follow(ids, receiver)

    def heartbeats(self, ids: Collection[HeartbeatId], deadline: Deadline) -> Mapping[HeartbeatId, Heartbeat | None]:
        return self.memory.heartbeats(ids, deadline)

    def count(self, collection: str, deadline: Deadline) -> int:
        return self.memory.count(collection, deadline)

    def close(self) -> None:
        self.real.close()


def exporter(size: int, address: str) -> None:
    """The exporter as `run` makes it, but without its schedule: it reads once, and then follows."""
    from benchmarks.client import until
    from exporter import __version__
    from exporter.config.load import Loaded
    from exporter.run.service import Service
    from exporter.run.tuning import settle
    from exporter.sources.factory import firestore_of
    from exporter.web.app import create_app
    from exporter.web.server import WebServer

    world = _world(size)
    held = world.memory()
    published = threading.Event()

    def open_sources(loaded: Loaded, telemetry: Telemetry) -> Sources:
        real = firestore_of(loaded.config, telemetry, address)
        return Sources(Store(real, held.store), held.sources().warehouse)

    class Exporter(Service):
        """The service, which is told when to read and says when it has a report."""

        def collect(self) -> None:
            self._running.collectors.run_all()

        @property
        def follows(self) -> bool:
            return self._running.collectors.snapshot.followed_since is not None

        def _publish(self, report: Report) -> None:
            super()._publish(report)
            published.set()

    service = Exporter(lambda: Loaded(world.config, {}, "benchmark", "0" * 64), open_sources, _clock)
    server = WebServer(create_app(service, lifecycle=False, version=__version__), "127.0.0.1:0")
    server.start()
    settle()
    service.collect()
    until(lambda: service.follows, 60.0, "the listener")

    def rest() -> None:
        """Let the last report's rest pass. The next one that time alone makes is still to come then."""
        time.sleep(1.5 * REST_SECONDS)
        published.clear()

    def shown() -> bool:
        """Wait for the next report."""
        was_published = published.wait(SHOWN_SECONDS)
        published.clear()
        return was_published

    phases = len({key.collection for key in world.documents})
    obey({"rest": rest, "shown": shown}, port=server.port, phases=phases)
    service.stop()
    server.stop()


def main(kind: str, size: str, *address: str) -> None:
    live_briefly()
    logs.configure("warn", "logfmt")
    if kind == "firestore":
        firestore(int(size))
    else:
        exporter(int(size), *address)


if __name__ == "__main__":
    main(*sys.argv[1:])
