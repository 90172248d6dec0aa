"""The routes."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from starlette.applications import Starlette
from starlette.routing import Route

from exporter.metrics.telemetry import Refusal
from exporter.web import openapi, page, runbooks
from exporter.web.answers import plain, rendered
from exporter.web.auth import Guard, WebConfigFile
from exporter.web.headers import adding, security_headers
from exporter.web.metrics import MetricsEndpoint
from exporter.web.negotiate import JSON, YAML, best_media_type
from exporter.web.refusals import Refusals
from exporter.web.state import ReloadError
from exporter.web.threads import in_thread

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exporter.web.state import ServerState

_log = structlog.get_logger(__name__)
_requests = logging.getLogger(__name__)


def create_app(
    state: ServerState,
    *,
    lifecycle: bool,
    version: str,
    web_config: WebConfigFile | None = None,
    runbook_base: str | None = None,
    refusals: Refusals | None = None,
) -> ASGIApp:
    """The exporter's HTTP interface as an ASGI application.

    `lifecycle` allows `/-/reload`. `version` is shown on the status page. `web_config` gives users, rate limit and
    headers (the server uses its TLS). `runbook_base` is the address of other runbooks for the status page's links.
    `refusals` counts the requests that are refused.
    """
    refusals = refusals or Refusals()
    dispatch: ASGIApp = _Dispatch(state, _Routes(state, page.About(version, lifecycle, runbook_base), refusals).app())
    return _AccessLog(Guard(dispatch, web_config, refusals) if web_config else dispatch)


class _Dispatch:
    """Answer `/metrics` directly, and everything else through Starlette."""

    def __init__(self, state: ServerState, rest: ASGIApp) -> None:
        self._metrics = MetricsEndpoint(state)
        self._rest = rest
        self._headers = security_headers()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/metrics":
            await self._metrics(scope, receive, send)
        else:
            is_page = scope["path"] == "/" or scope["path"].startswith(runbooks.PREFIX)
            headers = page.HEADERS if is_page else self._headers
            await self._rest(scope, receive, adding(send, headers))


class _Routes:
    """Answer everything except `/metrics`."""

    def __init__(self, state: ServerState, about: page.About, refusals: Refusals) -> None:
        self._state = state
        self._refusals = refusals
        self._lifecycle = about.lifecycle
        self._openapi = json.dumps(openapi.document(about.version), indent=2).encode()
        self._page = page.StatusPage(state, about)
        self._runbooks = runbooks.RunbookPages(state)

    def app(self) -> ASGIApp:
        app = Starlette(
            routes=[
                Route("/", self.page),
                Route("/runbooks/", self.runbook),
                Route("/runbooks/{name}", self.runbook),
                Route("/logs", self.logs),
                Route("/-/healthy", self.healthy),
                Route("/healthz", self.healthy),
                Route("/-/ready", self.ready),
                Route("/readyz", self.ready),
                Route("/-/reload", self.reload, methods=["POST", "PUT"]),
                Route("/api/v1/status", self.status),
                Route("/api/v1/report", self.report),
                Route("/api/v1/config", self.config),
                Route("/api/v1/openapi.json", self.openapi),
            ],
        )
        # A path with an extra slash is not found, instead of being redirected.
        app.router.redirect_slashes = False
        return app

    async def page(self, request: Request) -> Response:
        return await self._page(request)

    async def runbook(self, request: Request) -> Response:
        return await self._runbooks(request)

    async def logs(self, request: Request) -> Response:
        return await self._runbooks.logs(request)

    async def healthy(self, _request: Request) -> Response:
        return plain("healthy\n")

    async def ready(self, _request: Request) -> Response:
        reasons = self._state.ready()
        if not reasons:
            return plain("ready\n")
        return plain("".join(["not ready\n", *(f"- {reason}\n" for reason in reasons)]), 503)

    async def reload(self, request: Request) -> Response:
        if not self._lifecycle:
            return plain("Reloading over HTTP is not enabled: start with --web.enable-lifecycle.\n", 403)
        if _from_another_site(request):
            self._refusals.add(Refusal.CROSS_SITE, request.client.host if request.client else "")
            return plain("Not reloaded: a page of another site asked for it.\n", 403)
        try:
            await in_thread(self._state.reload)
        except ReloadError as error:
            return plain(f"Not reloaded, the old configuration stays in force.\n{error}\n", 500)
        return plain("reloaded\n")

    async def status(self, _request: Request) -> Response:
        return rendered(await in_thread(self._state.status_json), "application/json")

    async def report(self, _request: Request) -> Response:
        return rendered(await in_thread(self._state.report_json), "application/json")

    async def config(self, request: Request) -> Response:
        vary = {"Vary": "Accept"}
        if best_media_type(",".join(request.headers.getlist("accept")), (YAML, JSON)) is YAML:
            return rendered(await in_thread(self._state.config_yaml), "application/yaml", vary)
        return rendered(await in_thread(self._state.config_json), "application/json", vary)

    async def openapi(self, _request: Request) -> Response:
        return rendered(self._openapi, "application/json")


def _from_another_site(request: Request) -> bool:
    """Whether a browser sent the request for a page that is not this server's.

    Browsers name that page's origin with every POST and PUT; other clients send no such header.
    """
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()


class _AccessLog:
    """Log one line for each request at debug level, without the query string, which can contain secrets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _requests.isEnabledFor(logging.DEBUG):
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def noting_send(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        finally:
            # On a socket for both IPv4 and IPv6, IPv4 addresses arrive in IPv6 form.
            client = (scope["client"] or [""])[0].removeprefix("::ffff:")
            _log.debug(
                "request",
                client=client,
                method=scope["method"],
                path=scope["path"],
                status=status,
                seconds=round(time.perf_counter() - began, 6),
            )
