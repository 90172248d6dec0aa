"""A real Prometheus that scrapes the exporter, on loopback."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from testing.served import Served

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JOB = "orchestration-exporter"


@dataclass
class Prometheus(Served):
    """Scrapes `target` (host:port) every second; a context manager.

    `config` goes into its configuration in the place of what stands there, `flags` onto its command line. `program` is
    the path of another version.
    """

    target: str
    config: Mapping[str, object] = field(default_factory=dict)
    flags: Sequence[str] = ()
    program: str = "prometheus"

    def _command(self, address: str) -> list[str]:
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [self.target]}]}],
            **self.config,
        }
        file = self.folder / "prometheus.yml"
        file.write_text(json.dumps(config), encoding="utf-8")
        return [
            self.program,
            f"--config.file={file}",
            f"--storage.tsdb.path={self.folder / 'tsdb'}",
            f"--web.listen-address={address}",
            *self.flags,
        ]

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

    def _get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        answer = self._client.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]


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
