"""The status page: one self-contained document, rendered once for each report."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jinja2
from markupsafe import Markup

from exporter.messages.secrets import Masked
from exporter.present.summary import Health, summarize
from exporter.present.words import Moments, next_line, shown
from exporter.web.answers import not_modified, rendered
from exporter.web.headers import Headers, security_headers
from exporter.web.negotiate import accepts_gzip
from exporter.web.season import grid
from exporter.web.sections import sections, time
from exporter.web.threads import in_thread

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from exporter.web.state import ServerState, View

REFRESH_SECONDS: Final = 30
"""How often the page asks for a newer one. If nothing changed, the answer is a few bytes."""

MARKS: Final = {Health.WRONG: "Wrong", Health.UNKNOWN: "Unknown", Health.WELL: "All well"}

_LOADER: Final = jinja2.PackageLoader("exporter.web")


def _finalized(value: object) -> object:
    return shown(value) if type(value) is str or isinstance(value, Masked) else value


ENVIRONMENT: Final = jinja2.Environment(
    loader=_LOADER,
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    finalize=_finalized,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _part(name: str) -> Markup:
    """A part of the page that comes with the exporter and is inserted without escaping."""
    return Markup(_LOADER.get_source(ENVIRONMENT, name)[0])  # noqa: S704 - comes with the package


STYLE: Final = _part("status.css")
SCRIPT: Final = _part("status.js")


def _source(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"


HEADERS: Final[Headers] = security_headers(
    (
        f"style-src {_source(STYLE)}",
        f"script-src {_source(SCRIPT)}",
        "connect-src 'self'",
        "img-src data:",
    ),
    # Browsers store the page and revalidate it each time, which is cheap for both sides.
    cache="no-cache",
)
"""The page's headers: it may use its own style and script and query its own server, nothing else."""


@dataclass(frozen=True, slots=True)
class About:
    """What the page says about the exporter itself. `runbooks`: the address of the runbooks, if they are served."""

    version: str
    lifecycle: bool = False
    runbooks: str | None = None


def render_page(view: View, about: About) -> str:
    """The page as HTML."""
    moments = Moments.of(view.report)
    below = sections(view.report, view.history)
    summary = summarize(view.report, view.unread)
    return ENVIRONMENT.get_template("status.html").render(
        summary=summary,
        clauses=summary.clauses(),
        mark=MARKS[summary.health],
        at=time(view.report.at, moments),
        next_line=next_line(view.report),
        reasons=below.reasons,
        beside=below.beside,
        notes=below.notes,
        trouble=below.trouble,
        well=below.well,
        days=below.days,
        history_since=below.history_since,
        season=grid(view.season, view.season_unread, moments) if view.season else None,
        changed=any(day.changes for day in below.days),
        facts_of=below.facts,
        version=about.version,
        lifecycle=about.lifecycle,
        runbooks=about.runbooks.rstrip("/") if about.runbooks else None,
        seconds=REFRESH_SECONDS,
        style=STYLE,
        script=SCRIPT,
    )


@dataclass(frozen=True, slots=True)
class _Rendered:
    view: View
    plain: bytes
    gzip: bytes
    etag: str


class StatusPage:
    """The endpoint of `/`: renders each view once, off the event loop, and answers 304 if the client has it already."""

    def __init__(self, state: ServerState, about: About) -> None:
        self._state = state
        self._about = about
        self._turn = asyncio.Lock()
        self._last: _Rendered | None = None

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        page = await self._current()
        zipped = accepts_gzip(",".join(request.headers.getlist("accept-encoding")))
        # The two encodings are different representations, so their tags differ.
        etag = f'"{page.etag}-gzip"' if zipped else f'"{page.etag}"'
        headers = {"ETag": etag, "Vary": "Accept-Encoding"}
        if _known(request.headers.getlist("if-none-match"), etag):
            return not_modified(headers)
        if zipped:
            headers["Content-Encoding"] = "gzip"
        return rendered(page.gzip if zipped else page.plain, "text/html", headers)

    async def _current(self) -> _Rendered:
        async with self._turn:
            view = self._state.view()
            if self._last is None or self._last.view is not view:
                self._last = await in_thread(lambda: _rendered(view, self._about))
            return self._last


def _rendered(view: View, about: About) -> _Rendered:
    plain = render_page(view, about).encode()
    return _Rendered(view, plain, gzip.compress(plain, 6, mtime=0), hashlib.sha256(plain).hexdigest()[:32])


def _known(conditions: list[str], etag: str) -> bool:
    tags = {tag.strip().removeprefix("W/") for condition in conditions for tag in condition.split(",")}
    return etag in tags or "*" in tags
