"""The server's answers. Every text leaves over HTTP through here, except `/metrics` (`samples.label_text`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from starlette.responses import Response

from exporter.messages.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_ADDRESSES: Final = ":/%#?=@[]!$&'()*+,;"
"""What an address may hold as it is."""


def plain(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in plain text, without its secrets."""
    return Response(masked(text), status, headers, "text/plain")


def rendered(content: str | bytes, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose values were masked before it was rendered: a page, JSON, YAML."""
    return Response(content, headers=headers, media_type=media_type)


def led_on(address: str) -> Response:
    """The answer that leads to another address, without its secrets."""
    return Response(status_code=307, headers={"location": quote(masked(address), safe=_OF_ADDRESSES)})


def not_modified(headers: Mapping[str, str]) -> Response:
    """The answer if the client has the newest version already."""
    return Response(status_code=304, headers=headers)
