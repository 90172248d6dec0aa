"""The running exporter: holds configuration, sources, schedule and the served report, and swaps them on reload."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from exporter import __version__
from exporter.collect.collectors import Collectors
from exporter.config.errors import ConfigError
from exporter.config.load import to_yaml
from exporter.config.parsing import parse_yaml
from exporter.memory.documents import Memory
from exporter.memory.ledger import LedgerInUseError
from exporter.memory.states import StateRow
from exporter.metrics.live import live_samples
from exporter.metrics.process import ProcessMetrics
from exporter.metrics.rendering import Renderer
from exporter.metrics.telemetry import RELOAD_REFUSED_AT, Telemetry
from exporter.present.history import History, State, Subject, news
from exporter.present.outages import began
from exporter.present.status import status_json
from exporter.present.transfer import report_json
from exporter.run.schedule import Schedule
from exporter.run.season import SeasonWatch
from exporter.web.state import ReloadError, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from exporter.collect.season import SeasonRead
    from exporter.config.load import Loaded
    from exporter.config.resolved import Config
    from exporter.metrics.exposition import Rendered
    from exporter.metrics.samples import Samples
    from exporter.model import Report
    from exporter.sources.ports import Sources

log = structlog.get_logger(__name__)

RELOAD_SECONDS: Final = 5.0
"""How long a stop waits for a reload under way, which a file system that hangs can hold up for ever."""


@dataclass(frozen=True, slots=True)
class Published:
    """A report with the history before it, and its rendered bytes."""

    view: View
    rendered: Rendered

    @property
    def report(self) -> Report:
        """The rendered report."""
        return self.view.report


@dataclass(frozen=True, slots=True)
class Running:
    """One configuration with everything that runs for it."""

    loaded: Loaded
    sources: Sources
    collectors: Collectors
    schedule: Schedule
    season: SeasonWatch | None

    def start(self) -> None:
        """Start reading."""
        self.schedule.start()
        if self.season:
            self.season.start()

    def stop(self) -> None:
        """Stop the schedule, end current runs and close the connections."""
        self.schedule.stop()
        if self.season:
            self.season.stop()
        self.sources.close()


class Service:
    """The service of `run`, which is also the web server's state (`exporter.web.state.ServerState`)."""

    def __init__(
        self,
        load: Callable[[], Loaded],
        open_sources: Callable[[Loaded, Telemetry], Sources],
        clock: Callable[[], datetime],
    ) -> None:
        """Load the configuration. Raises ConfigError, and LedgerInUseError if another exporter has the ledger."""
        self.telemetry = Telemetry()
        self._load = load
        self._open = open_sources
        self._clock = clock
        self._process = ProcessMetrics()
        self._reloading = threading.Lock()
        self._requesting = threading.Lock()
        self._requested: Future[None] | None = None
        self._rendering = threading.Lock()
        self._texts: tuple[Running, str, str] | None = None
        self._publishing = threading.Lock()
        self._renderer = Renderer()
        self._history = History()
        self._season: SeasonRead | None = None
        self._stopped = False
        self._begun = False
        self._collected = False
        self._reload_ok = True
        self._live: tuple[object, Samples] | None = None
        self._status: tuple[Published, bytes] | None = None
        self._published: Published
        loaded = load()
        self._memory = Memory(loaded.config.ledger, self.telemetry, shapes=loaded.config.completions)
        self._history = History.restored(
            (Subject(*row[:4]), State(row.at, row.state, row.since, row.how)) for row in self._memory.states
        )
        self._running = self._prepare(loaded, first=True)
        self._running.collectors.conclude()

    def _prepare(self, loaded: Loaded, *, first: bool) -> Running:
        if loaded.config.shard:
            names = ", ".join(loaded.config.pipelines)
            (log.info if names else log.warning)("exports a part", shard=str(loaded.config.shard), pipelines=names)
        sources = self._open(loaded, self.telemetry)
        collectors = Collectors(
            loaded.config,
            sources,
            self.telemetry,
            self._clock,
            self._publish,
            memory=self._memory,
            follow=True,
            apart=True,
            wait_for_all=not first,
        )
        self._loaded_at = self._clock()
        return Running(
            loaded,
            sources,
            collectors,
            Schedule(collectors, self.telemetry, self._clock),
            self._season_watch(loaded),
        )

    def _season_watch(self, loaded: Loaded) -> SeasonWatch | None:
        config = loaded.config.collect.season
        if config is None:
            return None
        return SeasonWatch(loaded, config, self._open, self._clock, self.telemetry, self._publish_season)

    def start(self) -> None:
        """Start collecting, unless a reload that was asked for before has started it."""
        with self._reloading:
            self._begin()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._running.start()

    def stop(self) -> None:
        """Stop collecting for good. Returns within seconds, even if something hangs."""
        # Set it before taking the lock, so that no reload that waits for the lock begins after this.
        self._stopped = True
        idle = self._reloading.acquire(timeout=RELOAD_SECONDS)
        try:
            self._running.stop()
            self._memory.close()
        finally:
            if idle:
                self._reloading.release()

    def reload(self) -> None:
        """Read the configuration again and continue with it; earlier values and history are kept.

        All calls that come while a reload is under way share the next one. Raises ReloadError, and then nothing has
        changed.
        """
        mine: Future[None] = Future()
        with self._requesting:
            shared = self._requested
            if shared is None:
                self._requested = mine
        if shared is not None:
            shared.result()
            return
        with self._reloading:
            with self._requesting:
                self._requested = None
            try:
                self._reload()
            except BaseException as error:
                mine.set_exception(error)
                raise
            mine.set_result(None)

    def _reload(self) -> None:
        if self._stopped:
            raise ReloadError("the exporter is stopping")
        try:
            loaded = self._load()
            self._memory.reconfigure(loaded.config.ledger, loaded.config.completions)
        except (ConfigError, LedgerInUseError) as error:
            self._reload_ok = False
            self.telemetry.set(RELOAD_REFUSED_AT, self._clock().timestamp())
            self._running.collectors.conclude()
            log.error("reload failed, the old configuration stays", faults=str(error))  # noqa: TRY400 - no trace needed
            raise ReloadError(str(error)) from error
        if self._stopped:
            raise ReloadError("the exporter is stopping")
        old, new = self._running, self._prepare(loaded, first=False)
        self._collected = self._collected or not old.collectors.waiting_for
        old.stop()
        new.collectors.go_on_from(old.collectors)
        self._running = new
        self._reload_ok = True
        self.telemetry.drop(RELOAD_REFUSED_AT)
        self._begun = False
        self._begin()
        log.info("configuration reloaded", source=loaded.source, hash=loaded.digest)

    def _publish(self, report: Report) -> None:
        unread = self.telemetry.unread()
        # During a reload the collectors of the old configuration can still publish.
        with self._publishing:
            rendered = self._renderer.render(report)
            before = self._history
            self._history = before.after(report, starting=bool(self.ready()))
            self._memory.note_states(StateRow(*subject, *state) for subject, state in news(before, self._history))
            self._published = Published(self._view(report, unread), rendered)

    def _publish_season(self, read: SeasonRead) -> None:
        with self._publishing:
            self._season = read
            published = self._published
            view = self._view(published.report, published.view.unread)
            self._published = Published(view, published.rendered)

    def _view(self, report: Report, unread: Mapping[str, str]) -> View:
        season = self._season
        if season is None or self._running.season is None:
            return View(report, self._history, unread)
        return View(report, self._history, unread, season.season, season.unread)

    @property
    def report(self) -> Report:
        """The report that is served."""
        return self._published.report

    def rendered(self) -> Rendered:
        """The bytes of the last report."""
        return self._published.rendered

    def live(self) -> Samples:
        """The exporter's own series, computed again only if something changed or a second has passed."""
        published, process = self._published, self._process.samples()
        key = (self.telemetry.version, published, self._reload_ok, self._running, process)
        if self._live is None or self._live[0] != key:
            running = self._running
            own = live_samples(
                self.telemetry,
                intervals={
                    name: config.every.total_seconds() for name, config in running.collectors.collectors.items()
                },
                report_at=published.report.at,
                series=published.rendered.series,
                config_source=running.loaded.source,
                config_hash=running.loaded.digest,
                reload_ok=self._reload_ok,
                reloaded_at=self._loaded_at,
                began=began(published.report, published.view.unread),
                zone=published.report.timezone,
            )
            self._live = (key, {**own, **process})
        return self._live[1]

    def ready(self) -> tuple[str, ...]:
        """The collectors that have not run yet. After a reload the earlier report is served, so it stays ready."""
        if self._collected:
            return ()
        return tuple(f"collector {name} has not ended its first run" for name in self._running.collectors.waiting_for)

    def view(self) -> View:
        """The report and the history for the status page."""
        return self._published.view

    def status_json(self) -> bytes:
        """The report as JSON, rendered once for each report."""
        with self._rendering:
            published = self._published
            if self._status is None or self._status[0] is not published:
                self._status = (published, status_json(published.report, published.view.unread, published.view.history))
            return self._status[1]

    def report_json(self) -> bytes:
        """The whole report for commands with `--from`."""
        view = self.view()
        return report_json(view.report, view.unread, __version__, view.history)

    def configuration(self) -> Config:
        """The configuration in force."""
        return self._running.loaded.config

    def config_yaml(self) -> str:
        """The configuration in force as YAML; it holds no secrets."""
        return self._config_texts()[1]

    def config_json(self) -> str:
        """The same as JSON."""
        return self._config_texts()[2]

    def _config_texts(self) -> tuple[Running, str, str]:
        """The configuration in force in both forms, rendered once: with 1,100 processors it takes a second."""
        with self._rendering:
            running = self._running
            if self._texts is None or self._texts[0] is not running:
                text = to_yaml(running.loaded.raw)
                self._texts = (running, text, json.dumps(parse_yaml(text), default=str))
            return self._texts
