"""Prometheus, promtool, Alertmanager and amtool: which tests run them, so that these can be run with other versions.

A test that runs one of them asks for the fixture `_programs`, itself or through a fixture. That gives it the marker
`programs`. For every other test each of the programs is one that refuses to run, so no test can forget to ask. A
fixture that lives longer than one test and runs a program asks for `_programs` itself.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

PROGRAMS: Final = ("prometheus", "promtool", "prometheus-alertmanager", "amtool")
MARKER: Final = "programs"
FIXTURE: Final = "_programs"
REFUSAL: Final = "a test or fixture that runs {} asks for the fixture `_programs` (tests/_programs.py)"

_PREFIX: Final = "orchestration-exporter-refused-programs-"
"""The name of a folder with programs that refuse. A process that pytest starts inherits its parent's as well."""
_refusing = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def _programs() -> None:
    """Prometheus, promtool, Alertmanager and amtool can be run."""


def pytest_configure(config: pytest.Config) -> None:
    """Put programs that refuse to run before the real ones."""
    config.addinivalue_line("markers", f"{MARKER}: runs Prometheus, promtool, Alertmanager or amtool (set by itself)")
    folder = tempfile.mkdtemp(prefix=_PREFIX)
    config.add_cleanup(lambda: shutil.rmtree(folder))
    for name in PROGRAMS:
        file = Path(folder, name)
        file.write_text(f"#!/bin/sh\necho '{REFUSAL.format(name)}' >&2\nexit 97\n", encoding="utf-8")
        file.chmod(0o755)
    config.stash[_refusing] = folder
    os.environ["PATH"] = folder + os.pathsep + os.environ["PATH"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that ask for the fixture, by whatever way."""
    for item in items:
        if FIXTURE in getattr(item, "fixturenames", ()):
            item.add_marker(MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a marked test have the real programs."""
    with _path(item.config, real=FIXTURE in getattr(item, "fixturenames", ())):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Let a fixture that other tests may share have them only if it asks itself."""
    if fixturedef.scope == "function":
        return (yield)
    with _path(request.config, real=FIXTURE in fixturedef.argnames):
        return (yield)


@contextlib.contextmanager
def _path(config: pytest.Config, *, real: bool) -> Iterator[None]:
    before = os.environ["PATH"]
    folders = [folder for folder in before.split(os.pathsep) if not Path(folder).name.startswith(_PREFIX)]
    os.environ["PATH"] = os.pathsep.join(folders if real else [config.stash[_refusing], *folders])
    try:
        yield
    finally:
        os.environ["PATH"] = before
