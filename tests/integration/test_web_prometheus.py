"""What Prometheus itself makes of the exposition, scraping the real server."""

from __future__ import annotations

import contextlib
import gzip
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import bcrypt
import httpx
import pytest

from exporter.metrics.exposition import render
from exporter.metrics.samples import Samples, label_text
from exporter.web.auth import WebConfigFile
from testing.processes import Process
from tests.web.example import ROWS, ExampleState, Identity, identity, report, server_identity, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("_programs")

ODD = ['quote "', "back\\slash \\n", "line\nline", "tab\tand\rreturn", "nul \0", "día \u2028 日本", "half \ud800"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Prometheus:
    """Its HTTP interface."""

    def __init__(self, url: str) -> None:
        self._url = url

    def samples(self, query: str) -> dict[str, list[dict[str, Any]]]:
        """The instant vector of a query, as its result list under `result`."""
        answer = httpx.get(f"{self._url}/api/v1/query", params={"query": query})
        answer.raise_for_status()
        data: dict[str, list[dict[str, Any]]] = answer.json()["data"]
        return data

    def target(self) -> dict[str, str]:
        """The one target's state."""
        answer = httpx.get(f"{self._url}/api/v1/targets")
        answer.raise_for_status()
        targets = answer.json()["data"]["activeTargets"]
        target: dict[str, str] = targets[0] if targets else {"health": "unknown", "lastError": ""}
        return target

    def scraped(self) -> dict[str, str]:
        """The target after its first scrape."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                target = self.target()
                if target["health"] != "unknown":
                    return target
            threading.Event().wait(0.05)
        raise AssertionError("Prometheus did not scrape within 60 s")


@contextlib.contextmanager
def prometheus(folder: Path, target: str, extra: str = "") -> Iterator[Prometheus]:
    """The real program, scraping one target once a second."""
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: test, static_configs: [{{targets: ['{target}']}}]{extra}}}]\n"
    )
    port = free_port()
    arguments = [
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=error",
    ]
    with Process(["prometheus", *arguments], stderr=subprocess.DEVNULL):
        yield Prometheus(f"http://127.0.0.1:{port}")


def checked(body: str | bytes) -> str:
    """What promtool has to say about an exposition."""
    exposition = body.encode() if isinstance(body, str) else body
    outcome = subprocess.run(
        ["promtool", "check", "metrics"], input=exposition, capture_output=True, check=False, timeout=60
    )
    return (outcome.stdout + outcome.stderr).decode()


def rows(values: list[str]) -> Samples:
    return {ROWS: [(label_text(n=str(n), processor=value), n) for n, value in enumerate(values)]}


def test_prometheus_reads_all_of_it(tmp_path: Path) -> None:
    state = ExampleState(report=report(5000))

    with serving(state) as server, prometheus(tmp_path, f"127.0.0.1:{server.port}") as reader:
        target = reader.scraped()
        count = reader.samples("count(orchestration_processor_table_rows)")["result"][0]["value"][1]
        runs = reader.samples("orchestration_exporter_collector_runs_total")["result"][0]["value"][1]

    assert (target["health"], target["lastError"]) == ("up", "")
    assert (count, runs) == ("5000", "7")


def test_prometheus_reads_odd_labels(tmp_path: Path) -> None:
    state = ExampleState(report=render(rows(ODD)))

    with serving(state) as server, prometheus(tmp_path, f"127.0.0.1:{server.port}") as reader:
        target = reader.scraped()
        found = reader.samples("orchestration_processor_table_rows")["result"]

    assert (target["health"], target["lastError"]) == ("up", "")
    labels = {sample["value"][1]: sample["metric"]["processor"] for sample in found}
    assert labels == {str(n): text.encode("utf-8", "replace").decode() for n, text in enumerate(ODD)}


def test_prometheus_comes_with_tls_and_a_user(tmp_path: Path, authority: Identity) -> None:
    server_identity(authority).written(tmp_path, "server")
    (tmp_path / "ca.crt").write_bytes(authority.cert)
    hashed = bcrypt.hashpw(b"hunter2", bcrypt.gensalt(4)).decode()
    path = tmp_path / "web.yml"
    path.write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
        f"basic_auth_users: {{prometheus: {hashed}}}\n"
    )
    file = WebConfigFile(path)
    client = (
        f", scheme: https, tls_config: {{ca_file: {tmp_path / 'ca.crt'}}}, "
        "basic_auth: {username: prometheus, password: hunter2}"
    )

    with (
        serving(ExampleState(), web_config=file, tls=file.server_context()) as server,
        prometheus(tmp_path, f"127.0.0.1:{server.port}", client) as reader,
    ):
        target = reader.scraped()

    assert (target["health"], target["lastError"]) == ("up", "")


@pytest.fixture(scope="module")
def authority() -> Identity:
    return identity("authority")


@pytest.mark.parametrize(
    "headers", [{}, {"Accept-Encoding": "gzip"}, {"Accept": "text/plain", "Accept-Encoding": "identity"}]
)
def test_promtool_has_nothing_to_say(headers: Mapping[str, str]) -> None:
    with serving(ExampleState(report=render(rows(ODD)))) as server:
        body = httpx.get(f"{server.url}/metrics", headers=dict(headers)).content

    assert checked(body) == ""


def test_promtool_reads_what_a_textfile_would_hold() -> None:
    rendered = report(10)

    assert checked(gzip.decompress(rendered.gzip_open + rendered.gzip_end())) == ""
