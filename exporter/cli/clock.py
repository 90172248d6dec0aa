"""The machine's clock. Commands pass it on; the code below them never reads a clock itself."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
