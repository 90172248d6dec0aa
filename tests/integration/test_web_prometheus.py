"""What Prometheus itself makes of the exposition, scraping the real server."""

from __future__ import annotations

import gzip
import subprocess
from typing import TYPE_CHECKING, Any

import bcrypt
import httpx
import pytest

from exporter.metrics.exposition import render
from exporter.metrics.samples import Samples, label_text
from exporter.web.auth import WebConfigFile
from testing.prometheus import JOB, Prometheus
from testing.waiting import until
from tests.web.example import ROWS, ExampleState, Identity, identity, report, server_identity, serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("_programs")

ODD = ['quote "', "back\\slash \\n", "line\nline", "tab\tand\rreturn", "nul \0", "día \u2028 日本", "half \ud800"]


def scraped(prometheus: Prometheus) -> dict[str, Any]:
    """The target after its first scrape."""
    until(lambda: prometheus.query("up"), "Prometheus to scrape")
    return prometheus.target_state()


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

    with serving(state) as server, Prometheus(tmp_path, f"127.0.0.1:{server.port}") as prometheus:
        target = scraped(prometheus)
        count = prometheus.value("count(orchestration_processor_table_rows)")
        runs = prometheus.value("orchestration_exporter_collector_runs_total")

    assert (target["health"], target["lastError"]) == ("up", "")
    assert (count, runs) == (5000, 7)


def test_prometheus_reads_odd_labels(tmp_path: Path) -> None:
    state = ExampleState(report=render(rows(ODD)))

    with serving(state) as server, Prometheus(tmp_path, f"127.0.0.1:{server.port}") as prometheus:
        target = scraped(prometheus)
        found = prometheus.query("orchestration_processor_table_rows")

    assert (target["health"], target["lastError"]) == ("up", "")
    labels = {value: series["processor"] for series, value in found}
    assert labels == {n: text.encode("utf-8", "replace").decode() for n, text in enumerate(ODD)}


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

    with serving(ExampleState(), web_config=file, tls=file.server_context()) as server:
        client = {
            "job_name": JOB,
            "static_configs": [{"targets": [f"127.0.0.1:{server.port}"]}],
            "scheme": "https",
            "tls_config": {"ca_file": str(tmp_path / "ca.crt")},
            "basic_auth": {"username": "prometheus", "password": "hunter2"},
        }
        with Prometheus(tmp_path, f"127.0.0.1:{server.port}", {"scrape_configs": [client]}) as prometheus:
            target = scraped(prometheus)

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
