"""What the command refuses, and what it says if Firestore cannot be used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.cli.probe_writes import STRATEGIES
from exporter.probe.connection import connect
from exporter.probe.strategies import WRITES, Strategy

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

NOWHERE = "127.0.0.1:1"


@pytest.fixture(name="nowhere")
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local Firestore is named that is not there: whatever is not refused before it writes fails otherwise."""
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", NOWHERE)


def probe(*arguments: str) -> Result:
    """Run the command in this process."""
    result = CliRunner().invoke(main, ["probe-writes", "--preset", "nba", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_the_names_in_the_help_are_the_strategies() -> None:
    assert [Strategy(name) for name in STRATEGIES] == list(Strategy) == list(WRITES)


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    "collection",
    [
        *("phase3_completion", "processor_heartbeats", "orchestration_exporter", "", "Orchestration_exporter_probe"),
        *("orchestration_exporter_probe/2026-02-01/phase3_completion", "orchestration_exporter_probe\n"),
        *("x_orchestration_exporter_probe", "orchestration_exporter_probe" + 61 * "x", "orchestration_exporter_probeé"),
    ],
)
def test_a_collection_that_is_not_named_as_a_scratch_collection_is_refused(collection: str) -> None:
    result = probe("--collection", collection, "--yes")

    assert result.exit_code == 64
    assert "the probe writes only to collections whose name is orchestration_exporter_probe" in result.stderr


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("read_as", ["completion", "heartbeats"])
def test_a_collection_that_the_configuration_reads_is_refused(read_as: str, tmp_path: Path) -> None:
    name = "orchestration_exporter_probe_2"
    there = {"collection": name}
    pipeline: dict[str, object] = {"heartbeats": there} if read_as == "heartbeats" else {"phases": {"phase3": there}}
    file = tmp_path / "exporter.yaml"
    file.write_text(json.dumps({"preset": "nba", "pipelines": {"nba": pipeline}}), encoding="utf-8")

    result = CliRunner().invoke(main, ["probe-writes", "--config.file", str(file), "--collection", name, "--yes"])

    assert result.exit_code == 64
    assert f"--collection {name}: the configuration reads it; name another" in result.stderr


def test_google_s_firestore_is_refused_without_yes() -> None:
    result = probe()

    assert result.exit_code == 64
    assert (
        "this would write to project nba-props-platform, database (default), collection orchestration_exporter_probe of"
        " Google's Firestore, and delete there what it wrote; add --yes if that is meant" in result.stderr
    )


def test_an_empty_address_of_an_emulator_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "")

    assert "add --yes" in probe().stderr


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("option", ["--writers=1", "--writers=51", "--rounds=0", "--strategy=merge-set", "--timeout=0"])
def test_numbers_and_names_out_of_range_are_refused(option: str) -> None:
    result = probe(option)

    assert result.exit_code == 64
    assert option.partition("=")[0] in result.stderr


@pytest.mark.usefixtures("nowhere")
def test_a_firestore_that_is_not_there_cannot_be_probed() -> None:
    result = probe("--timeout", "0.2")

    assert result.exit_code == 69
    assert result.stdout == ""
    assert "Error: project nba-props-platform, database (default), collection orchestration_exporter_probe: " in (
        result.stderr
    )
    assert "1 documents could not be deleted" in result.stderr


def test_credentials_that_cannot_be_used_have_their_own_remedy_and_no_role(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path))

    result = probe("--yes")

    assert result.exit_code == 69
    assert f"{tmp_path}: Is a directory; this process may not read the file" in result.stderr
    assert "roles/" not in result.stderr


def test_without_credentials_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))

    result = probe("--yes")

    assert result.exit_code == 69
    assert "missing.json was not found" in result.stderr


def test_with_credentials_the_client_is_google_s(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    user = {"type": "authorized_user", "client_id": "id", "client_secret": "secret", "refresh_token": "token"}
    file.write_text(json.dumps(user), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))

    connection = connect("a-project", "a-database", None, 5.0)

    assert connection.client.document("a/b")._document_path == (  # noqa: SLF001 - where it would write
        "projects/a-project/databases/a-database/documents/a/b"
    )
    assert connection.api.transport.host == "firestore.googleapis.com:443"
    connection.close()
