"""The answers of the server: the only way for a text to leave over HTTP, `/metrics` apart (`samples.label_text`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import Response

from exporter.messages.secrets import masked

if TYPE_CHECKING:
    from collections.abc import Mapping


def plain(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in plain text, without its secrets."""
    return Response(masked(text), status, headers, "text/plain")


def rendered(content: str | bytes, media_type: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose values were masked one by one before it was rendered: a page, JSON, YAML."""
    return Response(content, headers=headers, media_type=media_type)


def not_modified(headers: Mapping[str, str]) -> Response:
    """The client has it already."""
    return Response(status_code=304, headers=headers)
