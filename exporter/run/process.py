"""The exporter as a process: service and web server, signals, and a clean end."""

from __future__ import annotations

import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from exporter import __version__
from exporter.run.service import Service
from exporter.run.signals import HEARD, abort, answering
from exporter.run.tuning import settle
from exporter.web.app import create_app
from exporter.web.auth import WebConfigFile
from exporter.web.refusals import Refusals
from exporter.web.server import OPTION, WebServer, listen
from exporter.web.state import ReloadError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from exporter.config.load import Loaded
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.ports import Sources

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Web:
    """Where and how to serve. `option` is how the user gives the address, for messages.

    `reload_on_hangup`: whether SIGHUP reloads; otherwise it stops, as the end of a terminal does.
    """

    address: str
    config_file: Path | None = None
    lifecycle: bool = False
    runbooks: str | None = None
    option: str = OPTION
    reload_on_hangup: bool = True

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
    """Run until SIGTERM or SIGINT, under `signals.supervise`; a second one ends the process at once.

    `started` is called with the URL once it is served.

    Raises ConfigError, WebConfigError, and ListenError for an address it cannot have.
    """
    stop, reload = threading.Event(), threading.Event()
    signals: list[int] = []

    def on_stop(number: int) -> None:
        if signals:
            abort(number)
        signals.append(number)
        stop.set()

    def reloading() -> None:
        while reload.wait():
            reload.clear()
            try:
                service.reload()
            except ReloadError:
                pass  # The log and the metrics have it.
            except Exception:
                log.exception("reload failed")

    # A reload that is asked for while the configuration is read comes afterwards: it may have been read too early.
    on_hangup: dict[int, Callable[[int], None]] = (
        {signal.SIGHUP: lambda _: reload.set()} if web.reload_on_hangup else {}
    )
    with answering(on_hangup):
        file = WebConfigFile(web.config_file, clock) if web.config_file else None
        service = Service(load, open_sources, clock)
        refusals = Refusals(lambda reason: service.telemetry.add(f"refused_{reason}"))
        app = create_app(
            service,
            lifecycle=web.lifecycle,
            version=__version__,
            web_config=file,
            runbook_base=web.runbooks,
            refusals=refusals,
        )
        tls = file.server_context() if file else None
        server = WebServer(app, web.address, tls=tls, option=web.option, refusals=refusals)
        threading.Thread(target=reloading, name="reload", daemon=True).start()
        try:
            with answering({**dict.fromkeys(HEARD, on_stop), **on_hangup}):
                server.start()
                settle()
                service.start()
                log.info("serving", address=server.url, version=__version__)
                started(server.url)
                stop.wait()
                log.info("stopping", signal=signal.Signals(signals[0]).name)
        finally:
            service.stop()
            server.stop()
