"""The option `--decisions`: a test that starts a server, or asks one, fails.

`make unit` sets it, so that a file whose tests begin to need a server leaves the list of `make unit`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

OPTION: Final = "--decisions"
_REFUSED: Final = frozenset({"socket.bind", "socket.connect"})
_RUNNING = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the option."""
    parser.addoption(OPTION, action="store_true", help="fail every test that starts a server, or asks one")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse servers while a test runs."""
    running = config.stash.setdefault(_RUNNING, [])
    if not config.getoption(OPTION):
        return

    def refuse(event: str, _: tuple[object, ...]) -> None:
        if running and event in _REFUSED:
            raise RuntimeError(f"{running[-1]} needs a server ({event}): take its file out of make unit")

    sys.addaudithook(refuse)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Know which test runs."""
    running = item.config.stash[_RUNNING]
    running.append(item.nodeid)
    try:
        return (yield)
    finally:
        running.pop()
