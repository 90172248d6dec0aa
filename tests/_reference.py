"""Google's own Firestore emulator: finding it, its version, and starting it.

It is a Java program that comes with the gcloud command line tool, or a jar that FIRESTORE_EMULATOR_JAR names.
"""

import functools
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest
from xdist.scheduler import LoadFileScheduling

JAR_VARIABLE: Final = "FIRESTORE_EMULATOR_JAR"
REQUIRED_VARIABLE: Final = "REQUIRE_FIRESTORE_EMULATOR"

_MAIN: Final = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
# What starts quickest: a small heap, one collector thread, no optimising compiler. English: its
# log is read in an error.
_JAVA_OPTIONS: Final = ("-Duser.language=en", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_COMPONENT: Final = "cloud-firestore-emulator"
_JAR: Final = Path("platform", _COMPONENT, f"{_COMPONENT}.jar")
_INSTALLED: Final = Path(".install", f"{_COMPONENT}.snapshot.json")
TESTS: Final = ("tests/conformance/", "tests/integration/test_probe_writes.py")
"""Where the tests stand that ask it. One process gets them all, so that it is started once."""
_START: Final = 60.0  # seconds it may take
_LIFETIME: Final = 1800  # seconds after which it ends even if nobody is left to end it


def required() -> bool:
    """Whether a machine without the emulator fails the tests."""
    return os.environ.get(REQUIRED_VARIABLE) == "1"


@functools.cache
def missing() -> str | None:
    """Why the emulator cannot run here, or None if it can."""
    named = os.environ.get(JAR_VARIABLE)
    if shutil.which("java") is None:
        return "there is no `java` on the path"
    if named and not Path(named).is_file():
        return f"{JAR_VARIABLE} names {named}, which is no file"
    if not named and _jar() is None:
        return f"{JAR_VARIABLE} is not set and no gcloud with the cloud-firestore-emulator component is on the path"
    return None


@functools.cache
def _jar() -> Path | None:
    named = os.environ.get(JAR_VARIABLE)
    if named:
        return Path(named)
    gcloud = shutil.which("gcloud")
    if gcloud is None:
        return None
    beside = Path(gcloud).resolve().parent.parent / _JAR
    if beside.is_file():
        return beside
    # Some installations put a script of their own in front. Asking it takes seconds, so this comes last.
    command = [gcloud, "info", "--format=value(installation.sdk_root)"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    told = Path(answer.stdout.strip()) / _JAR
    return told if answer.stdout.strip() and told.is_file() else None


@functools.cache
def version() -> str:
    """The emulator's version: gcloud's of the component, or what the name of the jar says of it."""
    jar = _jar()
    if jar is None:
        raise RuntimeError(f"there is no emulator here: {missing()}")
    installed = jar.parent.parent.parent / _INSTALLED
    if installed.is_file():
        components = json.loads(installed.read_text(encoding="utf-8"))["components"]
        return str(next(part["version"]["version_string"] for part in components if part["id"] == _COMPONENT))
    named = re.search(r"\d+(?:\.\d+)+", jar.stem)
    return named[0] if named else f"of the jar {hashlib.sha256(jar.read_bytes()).hexdigest()[:16]}"


class ReferenceServer:
    """One running emulator; a context manager that ends it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port: int = probe.getsockname()[1]
        self.address = f"127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        timeout = shutil.which("timeout")
        command = [
            *([timeout, str(_LIFETIME)] if timeout else []),
            *("java", *_JAVA_OPTIONS, "-cp", str(_jar()), _MAIN, "--host", "127.0.0.1", "--port", str(self._port)),
        ]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._wait()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://{self.address}/", timeout=1):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        said = self._log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"the Firestore emulator did not start at {self.address}:\n{said}")

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)


class ByFile(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    """xdist's `--dist loadfile`, to which the files that ask the emulator are one file."""

    def _split_scope(self, nodeid: str) -> str:
        return TESTS[0] if nodeid.startswith(TESTS) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByFile | None:
    """Give out the tests file by file."""
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with them, as they are many; conftest.py then puts the longest files before them."""
    items.sort(key=lambda item: not item.nodeid.startswith(TESTS))


@pytest.fixture(scope="session")
def reference_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One emulator for all tests of a process; it starts with the first of them."""
    with ReferenceServer(tmp_path_factory.mktemp("reference") / "log") as server:
        yield server.address
