"""The runbooks at `/runbooks/`, with the values of an alert: Markdown of this package, rendered as HTML.

And `/logs`, the way from a message to the logs: their address has a time window that only the exporter knows.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from markdown_it import MarkdownIt
from markupsafe import Markup

from exporter.present.runbooks import LABELS, OVERVIEW, Asked, AskedError, rendered
from exporter.web.answers import led_on, plain
from exporter.web.answers import rendered as answer
from exporter.web.page import ENVIRONMENT, STYLE
from exporter.web.threads import in_thread

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from exporter.web.state import ServerState

PREFIX: Final = "/runbooks/"
OF_ANY: Final = "background"
"""A page that is about no alert, and can be filled in for each processor."""
MOST_PARAMETERS: Final = 100
"""Parameters of a query that are read; an alert has up to 10, and 15,000 held up scrapes."""
NO_LOGS: Final = (
    "The configuration has neither `logs` nor a `job` for this processor: nobody knows where its logs are.\n"
)
_PAGE: Final = re.compile(r"(\w+)\.md(#.*)?")


class RunbookPages:
    """The endpoint of `/runbooks/` and `/runbooks/NAME`, with or without `.md`; one page at a time is rendered."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._turn = asyncio.Lock()

    async def __call__(self, request: Request) -> Response:
        """Answer one request. The query has the alert's labels; others are left out."""
        name = request.path_params.get("name", "").removesuffix(".md") or OVERVIEW
        async with self._turn:
            try:
                labels = _labels(request)
                page = await in_thread(lambda: self._page(name, labels))
            except AskedError as error:
                return plain(f"{error}\n", 404)
        return answer(page, "text/html")

    async def logs(self, request: Request) -> Response:
        """Lead on to the logs of the processor that the alert's labels name, at the time of its fault."""
        async with self._turn:
            try:
                labels = _labels(request)
                address = await in_thread(lambda: self._logs(labels))
            except AskedError as error:
                return plain(f"{error}\n", 404)
        return plain(NO_LOGS, 404) if address is None else led_on(address)

    def _logs(self, labels: dict[str, str]) -> str | None:
        return rendered(OF_ANY, Asked(**labels), self._state.configuration(), self._state.view().report).logs

    def _page(self, name: str, labels: dict[str, str]) -> str:
        view = self._state.view()
        page = rendered(name, Asked(**labels), self._state.configuration(), view.report)
        return ENVIRONMENT.get_template("runbook.html").render(
            title="Runbooks" if name == OVERVIEW else name,
            about=page.about if labels else "",
            logs=page.logs if labels else None,
            body=html(page.text, labels),
            style=STYLE,
        )


def _labels(request: Request) -> dict[str, str]:
    """The alert's labels in a query; others are left out. Raises AskedError for a query that is none of an alert."""
    try:
        found = dict(parse_qsl(request.url.query, max_num_fields=MOST_PARAMETERS))
    except ValueError:
        raise AskedError(f"The address has more than {MOST_PARAMETERS} parameters.") from None
    return {label: found[label] for label in LABELS if label in found}


_MARKDOWN: Final = MarkdownIt("commonmark", {"html": False}).enable("table")


def html(text: str, labels: dict[str, str]) -> Markup:
    """The Markdown as HTML, everything else in it escaped. Links to other pages keep the alert's labels."""
    tokens = _MARKDOWN.parse(text)
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor(tokens[number + 1].content))
        for part in token.children or ():
            if part.type == "link_open":
                part.attrSet("href", address(str(part.attrGet("href")), labels))
    return Markup(_MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))  # noqa: S704 - the renderer has escaped it


def anchor(title: str) -> str:
    """What a link to a heading ends in after `#`, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def address(target: str, labels: dict[str, str]) -> str:
    """The address of a link: a page of this folder under its name, any other as it is."""
    found = _PAGE.fullmatch(target)
    if not found:
        return target
    query = f"?{urlencode(labels)}" if labels else ""
    return f"{'./' if found[1] == OVERVIEW else found[1]}{query}{found[2] or ''}"
