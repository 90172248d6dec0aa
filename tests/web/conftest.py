"""Fixtures of the web side's tests."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from tests.web.example import ExampleState, Identity, identity, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict

    from exporter.web.server import WebServer


@pytest.fixture
def events() -> Iterator[list[EventDict]]:
    """What was logged."""
    with structlog.testing.capture_logs() as captured:
        yield captured


@pytest.fixture(scope="session")
def authority() -> Identity:
    """Who signs the tests' certificates."""
    return identity("authority")


@pytest.fixture(scope="session")
def stranger() -> Identity:
    """An authority that nobody trusts."""
    return identity("stranger")


@pytest.fixture
def at_debug_level() -> Iterator[None]:
    """Debug logs on, for as long as the test takes."""
    logger = logging.getLogger("exporter.web.app")
    before = logger.level
    logger.setLevel(logging.DEBUG)
    yield
    logger.setLevel(before)


@pytest.fixture
def server() -> Iterator[WebServer]:
    """A server of the example state."""
    with serving(ExampleState()) as server:
        yield server
