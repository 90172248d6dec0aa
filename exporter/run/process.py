"""The exporter as a process: service and web server, signals, and a clean end."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from exporter import __version__
from exporter.run.service import Service
from exporter.run.tuning import settle
from exporter.sources.calls import AWAKE_SECONDS
from exporter.web.app import create_app
from exporter.web.auth import WebConfigFile
from exporter.web.refusals import Refusals
from exporter.web.server import OPTION, WebServer, listen
from exporter.web.state import ReloadError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path
    from types import FrameType

    from exporter.config.load import Loaded
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.ports import Sources

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Web:
    """Where and how to serve. `option` is how the user gives the address, for messages."""

    address: str
    config_file: Path | None = None
    lifecycle: bool = False
    runbooks: str | None = None
    option: str = OPTION

    def require_address(self) -> None:
        """Raise ListenError if the address is not available, for programs that set up a lot before they serve."""
        listen(self.address, self.option).close()


def run(
    load: Callable[[], Loaded],
    open_sources: Callable[[Loaded, Telemetry], Sources],
    clock: Callable[[], datetime],
    web: Web,
    *,
    started: Callable[[str], None] = lambda _url: None,
) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reloads. `started` is called with the URL once it is served.

    Raises ConfigError, WebConfigError, and ListenError for an address it cannot have.
    """
    stop = threading.Event()
    signals: list[int] = []

    def on_stop(number: int, _frame: FrameType | None) -> None:
        # Do not log here: the signal may have arrived in the middle of another line.
        signals.append(number)
        stop.set()

    def on_reload(_number: int, _frame: FrameType | None) -> None:
        threading.Thread(target=_reload, args=(service,), name="reload", daemon=True).start()

    file = WebConfigFile(web.config_file, clock) if web.config_file else None
    service = Service(load, open_sources, clock)
    refusals = Refusals(lambda reason: service.telemetry.add(f"refused_{reason}"))
    app = create_app(
        service,
        lifecycle=web.lifecycle,
        version=__version__,
        web_config=file,
        runbooks=web.runbooks,
        refusals=refusals,
    )
    tls = file.server_context() if file else None
    server = WebServer(app, web.address, tls=tls, option=web.option, refusals=refusals)
    handlers = {signal.SIGTERM: on_stop, signal.SIGINT: on_stop, signal.SIGHUP: on_reload}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        server.start()
        settle()
        service.start()
        log.info("serving", address=server.url, version=__version__)
        started(server.url)
        while not stop.wait(AWAKE_SECONDS):
            pass
        log.info("stopping", signal=signal.Signals(signals[0]).name)
    finally:
        service.stop()
        server.stop()
        for number, handler in before.items():
            signal.signal(number, handler)


def _reload(service: Service) -> None:
    try:
        service.reload()
    except ReloadError:
        return  # The log and the metrics say it.
