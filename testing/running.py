"""The exporter as a user runs it: a process of its own, on a free port, reading local sources."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx

from testing.days import SEED, moved, settings
from testing.served import end
from testing.waiting import until

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping, Sequence
    from datetime import date

    from exporter.incidents.local import LocalSources, SimulatedClock

ROOT = Path(__file__).parents[1]
COMMAND = Path(sys.executable).with_name("orchestration-exporter")
_ADDRESS = re.compile(r"event=serving address=(\S+)\s|  status page   (\S+)/\n")
_ENDS_WITHIN = 60.0


def environment(local: LocalSources | None = None, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a command that reads these sources; without sources, none is reachable."""
    sources = (
        {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1", "BIGQUERY_EMULATOR_HOST": "http://127.0.0.1:1"}
        if local is None
        else {"FIRESTORE_EMULATOR_HOST": local.firestore.address, "BIGQUERY_EMULATOR_HOST": local.gate.address}
    )
    # Without colours, whatever the developer's shell says of them.
    inherited = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "COLUMNS"}}
    return {**inherited, **sources, **(more or {})}


@dataclass(frozen=True, slots=True)
class Ended:
    """The result of a command."""

    code: int
    out: str
    err: str


def command(
    *arguments: str | Path,
    local: LocalSources | None = None,
    more: Mapping[str, str] | None = None,
    seconds: float = 60,
) -> Ended:
    """Run a command of the exporter to its end. Raises TimeoutExpired, having killed it, if that takes longer."""
    done = subprocess.run(
        [COMMAND, *arguments],
        env=environment(local, more),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@dataclass
class RunningExporter:
    """`orchestration-exporter run` (or another command that serves) from its start to its end; a context manager.

    `more` goes into its environment.
    """

    folder: Path
    arguments: Sequence[str | Path]
    local: LocalSources | None = None
    verb: str = "run"
    more: Mapping[str, str] = field(default_factory=dict)
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._out, self._err = self.folder / "exporter.out", self.folder / "exporter.err"
            out, err = (stack.enter_context(path.open("w")) for path in (self._out, self._err))
            self.process = subprocess.Popen(
                [COMMAND, self.verb, "--web.listen-address", "127.0.0.1:0", "--log.level", "info", *self.arguments],
                env=environment(self.local, self.more),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
            stack.callback(end, self.process, _ENDS_WITHIN)
            until(lambda: self.address is not None or self.process.poll() is not None, "the exporter to listen")
            assert self.address, self.log
            self.client = stack.enter_context(httpx.Client(base_url=self.address, timeout=30))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def log(self) -> str:
        """Its standard error so far."""
        return self._err.read_text(encoding="utf-8")

    @property
    def out(self) -> str:
        """Its standard output so far."""
        return self._out.read_text(encoding="utf-8")

    @property
    def address(self) -> str | None:
        """Its URL, once it listens."""
        found = _ADDRESS.search(self.log) or _ADDRESS.search(self.out)
        return found[1] or found[2] if found else None

    def get(self, path: str) -> httpx.Response:
        """Request a page."""
        return self.client.get(path)

    def wait_until_ready(self) -> None:
        """Wait until every collector has run once."""
        until(lambda: self.get("/-/ready").status_code == httpx.codes.OK, "the exporter to be ready")

    def status(self) -> dict[str, Any]:
        """Its report."""
        content: dict[str, Any] = self.get("/api/v1/status").json()
        return content

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self, seconds: float = _ENDS_WITHIN) -> int:
        """Wait for its end and return its exit code."""
        return self.process.wait(seconds)


def reading_the_seed(
    local: LocalSources, clock: SimulatedClock, folder: Path, day: date, *arguments: str, **more: object
) -> RunningExporter:
    """An exporter that reads the incident report's day, moved to `day`. `more` is added to its configuration.

    The configuration is `exporter.yaml` in the folder.
    """
    incident = moved(SEED, day)
    clock.now = datetime.now(UTC)
    local.load(incident, "nba-props-platform")
    file = folder / "exporter.yaml"
    file.write_text(settings(incident, day, **more), encoding="utf-8")
    return RunningExporter(folder, ["--config.file", file, *arguments], local)
