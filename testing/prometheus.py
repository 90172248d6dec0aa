"""A real Prometheus that scrapes the exporter, on loopback."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import httpx

from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

JOB = "orchestration-exporter"
_ENDS_WITHIN = 30.0
_NEWS = re.compile(r"\blevel=(?:info|INFO)\b")


def complaints(log: str) -> list[str]:
    """The warnings and errors of a server's log. Servers write `level=info`, newer ones `level=INFO`."""
    return [line for line in log.splitlines() if not _NEWS.search(line)]


def free_port() -> int:
    """A free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Prometheus:
    """Scrapes `target` (host:port) every second; a context manager.

    `config` goes into its configuration in the place of what stands there, `flags` onto its command line. `program` is
    the path of another version.
    """

    folder: Path
    target: str
    config: Mapping[str, object] = field(default_factory=dict)
    flags: Sequence[str] = ()
    program: str = "prometheus"
    _stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [self.target]}]}],
            **self.config,
        }
        file, self._log = self.folder / "prometheus.yml", self.folder / "prometheus.log"
        file.write_text(json.dumps(config), encoding="utf-8")
        address = f"127.0.0.1:{free_port()}"
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(self._log.open("w"))
            process = subprocess.Popen(
                [
                    self.program,
                    f"--config.file={file}",
                    f"--storage.tsdb.path={self.folder / 'tsdb'}",
                    f"--web.listen-address={address}",
                    *self.flags,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            stack.callback(_end, process)
            self._client = stack.enter_context(httpx.Client(base_url=f"http://{address}", timeout=30))
            until(lambda: self._is_up() or process.poll() is not None, "Prometheus to answer")
            assert process.poll() is None, self.log
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def log(self) -> str:
        """The server's output so far."""
        return self._log.read_text(encoding="utf-8")

    @property
    def complaints(self) -> list[str]:
        """The warnings and errors in its log."""
        return complaints(self.log)

    def version(self) -> str:
        """Its version."""
        return str(self._get("status/buildinfo")["version"])

    def rule_groups(self) -> list[dict[str, Any]]:
        """The groups of rules, with their alerts and how long their last evaluation took."""
        found: list[dict[str, Any]] = self._get("rules")["groups"]
        return found

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The current result of an expression: series and values."""
        result = self._get("query", query=expression)["result"]
        return [(item["metric"], float(item["value"][1])) for item in result]

    def value(self, expression: str) -> float | None:
        """The value of an expression with one series, or None while there is none."""
        found = self.query(expression)
        assert len(found) <= 1, found
        return found[0][1] if found else None

    def own(self, name: str) -> float:
        """A metric without labels that it exports about itself. Raises AssertionError if there is none."""
        found = re.search(rf"^{name} (\S+)$", self._client.get("/metrics").text, re.MULTILINE)
        assert found, name
        return float(found[1])

    def target_state(self) -> dict[str, Any]:
        """Prometheus's state of the exporter as a target."""
        targets: list[dict[str, Any]] = self._get("targets")["activeTargets"]
        return targets[0]

    def metadata(self) -> dict[str, tuple[str, str]]:
        """Type and help of every family that it has scraped from the exporter."""
        found = self._get("targets/metadata", match_target=f'{{job="{JOB}"}}')
        return {item["metric"]: (item["type"], item["help"]) for item in found}

    def _is_up(self) -> bool:
        with contextlib.suppress(httpx.TransportError):
            return self._client.get("/-/ready").status_code == httpx.codes.OK
        return False

    def _get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        answer = self._client.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def promtool(*arguments: str, text: bytes = b"") -> tuple[int, list[str]]:
    """The messages of promtool about the text, line by line, and its exit code."""
    done = subprocess.run(
        ["promtool", *arguments],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout.decode().splitlines()
