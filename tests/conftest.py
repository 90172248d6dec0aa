"""What all tests share: how property tests run, and an environment that says nothing of the developer's own set-up."""

from __future__ import annotations

import logging
import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = (
    "tests._lines",  # before anything that imports exporter/
    "tests._programs",
    "tests._reference",
    "tests._records",
    "tests._decisions",
    "testing.local_sources",
)

# No deadline: how long one example takes says more about the machine than about the code.
settings.register_profile("default", deadline=None, print_blob=True)
# The same examples each time, so that a build's outcome follows from its commit.
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")

_FOREIGN = frozenset(
    {
        "BIGQUERY_EMULATOR_HOST",
        "CLOUDSDK_CONFIG",
        "CLOUDSDK_CORE_PROJECT",
        "FIRESTORE_EMULATOR_HOST",
        "GCLOUD_PROJECT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "GOOGLE_CLOUD_PROJECT",
        "GOOGLE_CLOUD_QUOTA_PROJECT",
    }
)


_LONGEST = (
    *("test_notifications.py", "test_healthy_week.py", "test_replay.py", "test_capture.py", "test_mutation.py"),
    "test_page_in_chromium.py",
)
"""Files that begin first, so that none of them is left when the other processes have nothing to do any more."""


def pytest_configure() -> None:
    """Hear Ctrl-C, also where a shell started the tests in the background: its jobs, and theirs, ignore SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; the others stay in their order."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the developer's credentials, project, emulators or settings for the exporter."""
    for name in list(os.environ):
        if name in _FOREIGN or name.startswith("ORCHESTRATION_EXPORTER_"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """A test that runs a command in this process sets up the process's logs; the next test does not see that."""
    root = logging.getLogger()
    handlers, level, hook = list(root.handlers), root.level, sys.excepthook
    yield
    sys.excepthook = hook
    if structlog.is_configured():
        logging.captureWarnings(capture=False)
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
