"""Response headers that do not depend on the route."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import Message, Send

Headers = tuple[tuple[bytes, bytes], ...]

NOSNIFF: Final = (b"x-content-type-options", b"nosniff")


def security_headers(allowed: Sequence[str] = (), cache: str = "no-store") -> Headers:
    """Headers for pages and API: only allowed content is loaded, framing is forbidden. `cache`: who may store it."""
    policy = ["default-src 'none'", *allowed, "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
    return (
        NOSNIFF,
        (b"content-security-policy", "; ".join(policy).encode()),
        (b"referrer-policy", b"no-referrer"),
        (b"cache-control", cache.encode()),
    )


def adding(send: Send, headers: Sequence[tuple[bytes, bytes]]) -> Send:
    """A `send` that adds these headers to the response and replaces those with the same names."""
    names = {name for name, _ in headers}

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [header for header in message.get("headers", ()) if header[0].lower() not in names]
            message = {**message, "headers": [*kept, *headers]}
        await send(message)

    return send_with_headers
