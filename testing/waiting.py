"""Waits for events elsewhere by polling, within a generous deadline."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

SECONDS = 60.0
_PAUSE = 0.01


def until(condition: Callable[[], T], what: str, seconds: float = SECONDS) -> T:
    """The condition's value as soon as it is true. If it never is, raises AssertionError, which names `what`."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s for {what}")
        time.sleep(_PAUSE)
    return value
