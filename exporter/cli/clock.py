"""The machine's clock. Commands hand it on; nothing below them reads a clock by itself."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)
