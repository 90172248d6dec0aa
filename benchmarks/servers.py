"""The servers that are measured, each in a process of its own.

python -m benchmarks.servers exporter PROCESSORS     the exporter, whole, on sources in its memory
python -m benchmarks.servers prometheus FILE         prometheus_client's own server with the series of this file
python -m benchmarks.servers constant                the exporter's server; /N answers N constant bytes at once
"""

from __future__ import annotations

import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.child import live_briefly, obey, resident
from exporter.messages import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import CollectorRegistry
    from starlette.types import ASGIApp, Receive, Scope, Send

ADDRESS = "127.0.0.1:0"
READY_SECONDS = 60.0


def exporter(count: int) -> None:
    """The exporter as `run` makes it; `collect` and `rest` begin and end collecting without a pause."""
    from benchmarks.client import until
    from benchmarks.world import NOW, config_of, world_of
    from exporter import __version__
    from exporter.config.load import Loaded
    from exporter.run.service import Service
    from exporter.run.tuning import settle
    from exporter.web.app import create_app
    from exporter.web.server import WebServer

    class Exporter(Service):
        """The service, which can also be told to collect now."""

        def collect(self) -> None:
            self._running.collectors.run_all()

    before = resident()
    world = world_of(config_of(count))
    memory = world.memory()
    loaded = Loaded(world.config, {}, "benchmark", "0" * 64)
    service = Exporter(lambda: loaded, memory.open, lambda: NOW)
    server = WebServer(create_app(service, lifecycle=False, version=__version__), ADDRESS)
    server.start()
    settle()
    service.start()
    until(lambda: not service.ready(), READY_SECONDS, "the first collections")
    service.collect()
    collecting = _Repeatedly(service.collect)
    commands = {"collect": collecting.begin, "rest": collecting.end, "collect once": service.collect}
    obey(commands, port=server.port, before=before, series=service.rendered().series)
    service.stop()
    server.stop()


class _Repeatedly:
    """An action, done over and over on a thread of its own."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action = action
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._times = 0

    def begin(self) -> None:
        self._done.clear()
        self._times = 0
        self._thread = threading.Thread(target=self._repeat, daemon=True)
        self._thread.start()

    def end(self) -> int:
        """How often it was done; returns when it has been done for the last time."""
        self._done.set()
        if self._thread is not None:
            self._thread.join()
        return self._times

    def _repeat(self) -> None:
        while not self._done.is_set():
            self._action()
            self._times += 1


def prometheus(file: Path) -> None:
    """prometheus_client's server, as its documentation starts it."""
    from prometheus_client import start_http_server

    before = resident()
    registry = registry_of(file)
    filled = resident()
    server, _ = start_http_server(0, "127.0.0.1", registry)
    obey(port=server.server_port, before=before, filled=filled)
    server.shutdown()
    server.server_close()


def registry_of(file: Path) -> CollectorRegistry:
    """A registry with the series of a text exposition, read a line at a time: nothing else stays in memory."""
    from prometheus_client import CollectorRegistry, Gauge

    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    helps: dict[str, str] = {}
    for name, labels, text in _lines(file):
        if labels is None:
            helps[name] = text
            continue
        gauge = gauges.get(name)
        if gauge is None:
            gauge = gauges[name] = Gauge(name, helps[name], tuple(labels), registry=registry)
        (gauge.labels(**labels) if labels else gauge).set(float(text))
    return registry


_LABEL = re.compile(r'(\w+)="([^"]*)"')


def _lines(file: Path) -> Iterator[tuple[str, dict[str, str] | None, str]]:
    """Name, labels and value of each sample; None and the help text for a family."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("# HELP "):
                _, _, name, text = line.rstrip("\n").split(" ", 3)
                yield name, None, text
            elif not line.startswith("#"):
                series, _, value = line.rstrip("\n").rpartition(" ")
                name, _, labels = series.partition("{")
                yield name, dict(_LABEL.findall(labels)), value


def constant() -> None:
    """What the web server can do at most: the exporter's own, with an application that has nothing to decide."""
    from exporter.web.server import WebServer

    server = WebServer(_constant_bytes(), ADDRESS)
    server.start()
    obey(port=server.port)
    server.stop()


def _constant_bytes() -> ASGIApp:
    answers: dict[str, tuple[dict[str, object], dict[str, object]]] = {}

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if path not in answers:
            size = int(path[1:])
            # As many headers as the exporter sends.
            headers = [
                (b"content-type", b"text/plain; version=0.0.4; charset=utf-8"),
                (b"vary", b"Accept, Accept-Encoding"),
                (b"x-content-type-options", b"nosniff"),
                (b"content-length", b"%d" % size),
            ]
            start = {"type": "http.response.start", "status": 200, "headers": headers}
            answers[path] = start, {"type": "http.response.body", "body": b"x" * size}
        start, body = answers[path]
        await send(start)
        await send(body)

    return app


def main(kind: str, *arguments: str) -> None:
    live_briefly()
    logs.configure("warn", "logfmt")
    match kind:
        case "exporter":
            exporter(int(arguments[0]))
        case "prometheus":
            prometheus(Path(arguments[0]))
        case "constant":
            constant()
        case _:
            sys.exit(f"no server is called {kind}")


if __name__ == "__main__":
    main(*sys.argv[1:])
