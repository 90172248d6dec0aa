"""The variables that name local servers: what is meant is understood, what can be meant in two ways is a fault."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.config.errors import ConfigError
from exporter.config.load import load
from exporter.emulators.firestore import FirestoreServer
from exporter.metrics.telemetry import Telemetry
from exporter.model import DocumentId
from exporter.sources.endpoints import BIGQUERY, FIRESTORE, bigquery_endpoint, firestore_endpoint
from exporter.sources.factory import opener
from exporter.sources.ports import Deadline
from testing.bigquery_rest import Rows
from tests.sources.asking import PLAYERS, WINDOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from testing.bigquery_rest import BigQueryRest

SUNDAY = DocumentId("phase3_completion", date(2026, 2, 1))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("127.0.0.1:8080", "127.0.0.1:8080"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("HTTP://localhost:8080/", "localhost:8080"),
        ("localhost:8080/", "localhost:8080"),
        (" firestore:8080\n", "firestore:8080"),
        ("[::1]:8080", "[::1]:8080"),
        ("", None),
        ("  ", None),
    ],
)
def test_a_local_firestore_is_host_and_port_in_whatever_form(
    written: str, meant: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FIRESTORE, written)

    assert firestore_endpoint() == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://127.0.0.1:9050", "http://127.0.0.1:9050"),
        ("127.0.0.1:9050", "http://127.0.0.1:9050"),
        ("bigquery:9050/", "http://bigquery:9050"),
        ("https://bigquery.example/", "https://bigquery.example"),
        ("http://[::1]:9050/", "http://[::1]:9050"),
        ("http://proxy:80/bigquery/", "http://proxy:80/bigquery"),
        ("", None),
    ],
)
def test_a_local_bigquery_is_a_url_in_whatever_form(
    written: str, meant: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BIGQUERY, written)

    assert bigquery_endpoint() == meant


@pytest.mark.parametrize(
    ("name", "read", "written", "wrong"),
    [
        (FIRESTORE, firestore_endpoint, "localhost", "has no port"),
        (FIRESTORE, firestore_endpoint, "http://localhost/", "has no port"),
        (FIRESTORE, firestore_endpoint, "https://localhost:8080", "without encryption"),
        (FIRESTORE, firestore_endpoint, "localhost:8080/v1", "has a path"),
        (FIRESTORE, firestore_endpoint, "grpc://localhost:8080", "the scheme"),
        (FIRESTORE, firestore_endpoint, "::1:8080", "has no port"),
        *(
            (name, read, written, wrong)
            for name, read in ((FIRESTORE, firestore_endpoint), (BIGQUERY, bigquery_endpoint))
            for written, wrong in (
                (":8080", "names no host"),
                ("http://", "names no host"),
                ("local host:8080", "names no host"),
                ("localhost:8080?x=1", "names no host"),
                ("localhost:port", "has no port"),
                ("localhost:99999", "has no port"),
                ("[::1:8080", "has no port"),
                ("ftp://localhost:21", "the scheme"),
                ("user:s3cr3t@localhost:8080", "takes none"),
            )
        ),
        (BIGQUERY, bigquery_endpoint, "localhost", "has no port"),
    ],
)
def test_an_unusable_address_is_an_error_that_names_the_variable(
    name: str, read: Callable[[], str | None], written: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, written)

    with pytest.raises(ConfigError) as caught:
        read()

    assert name in str(caught.value)
    assert wrong in str(caught.value)
    assert "write" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)


def test_both_sources_are_read_from_servers_that_are_named_in_each_others_form(
    server: BigQueryRest, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer(Rows({"part": "INT64", "day": "DATE", "counted": "INT64", "written": "STRING"}))
    loaded = load(preset="nba", environ={})
    with FirestoreServer(project=loaded.config.project) as firestore:
        firestore.put("phase3_completion/2026-02-01", {"_triggered": True})
        monkeypatch.setenv(FIRESTORE, f"http://{firestore.address}/")
        monkeypatch.setenv(BIGQUERY, server.address.removeprefix("http://"))
        sources = opener(lambda: datetime.now(UTC))(loaded, Telemetry())
        try:
            document = sources.completions.documents([SUNDAY], Deadline(10))[SUNDAY]
            counts = sources.warehouse.row_counts([PLAYERS], WINDOW, Deadline(10))
        finally:
            sources.close()

    assert document.exists
    assert list(counts) == [PLAYERS]


@pytest.mark.parametrize(
    "command",
    [
        ["check", "--run-date", "2026-02-01"],
        ["config", "check", "--connect"],
        ["capture", "--run-date", "2026-02-01"],
        ["explain", "--run-date", "2026-02-01"],
        ["repair", "--dry-run", "--run-date", "2026-02-01"],
        ["run", "--web.listen-address", "127.0.0.1:0"],
        ["probe-writes"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_that_reads_names_the_variable(command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FIRESTORE, "localhost")

    ended = CliRunner().invoke(main, [*command, "--preset", "nba"])

    assert ended.exit_code == 64
    assert f"{FIRESTORE}: has no port" in ended.output
    assert "Traceback" not in ended.output
