"""The runbooks that `dump` writes for a configuration: commands, queries and scripts run as they are printed."""

from __future__ import annotations

import contextlib
import re
import runpy
import shlex
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud import firestore

from exporter.cli import main
from exporter.config.load import load
from exporter.incidents.folder import read_data
from exporter.incidents.incident import load_incident
from exporter.present.runbook_blocks import PLACEHOLDER
from exporter.shipped.alerts import alert_of
from tests.runbooks.pages import blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.incidents.incident import Incident
    from exporter.incidents.local import LocalSources

ROOT = Path(__file__).parents[2]
SHOP = ROOT / "docs" / "examples" / "shop"
TOOL = "orchestration-exporter"
DONE = {0, 1, 2}
"""The exit codes of a command that did what it was asked for: all well, discrepancies, unknown."""


@dataclass(frozen=True)
class Written:
    """The pages of one configuration, and what its sources hold."""

    file: Path
    project: str
    pages: dict[str, str]
    incident: Incident

    def of(self, language: str) -> list[tuple[str, str]]:
        """Every block in one language, with its page."""
        return [(name, text) for name, page in self.pages.items() for text in blocks(page, language)]

    @property
    def commands(self) -> list[str]:
        """Every command of the exporter's own, once."""
        lines = (line for _, script in self.of("sh") for line in script.replace("\\\n", " ").splitlines())
        return sorted({line.strip() for line in lines if line.strip().startswith(f"{TOOL} ")})


def _seed(folder: Path) -> tuple[Path, Incident, str]:
    file = folder / "nba.yaml"
    file.write_text(yaml.safe_dump({"preset": "nba"}), encoding="utf-8")
    return file, load_incident(ROOT / "tests" / "incidents" / "2026-02-01-seed.yaml"), "2026-02-01"


def _shop(_: Path) -> tuple[Path, Incident, str]:
    file, now = SHOP / "pipeline.yaml", datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
    return file, read_data(SHOP / "data", load(file=file, environ={}), now), "2026-11-23"


@pytest.fixture(name="written", params=[_seed, _shop], ids=["preset", "shop"], scope="module")
def _written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("runbooks")
    file, incident, run_date = request.param(folder)
    done = CliRunner().invoke(
        main, ["dump", "runbooks", str(folder / "pages"), "--config.file", str(file), "--run-date", run_date]
    )
    assert done.exit_code == 0, done.output
    pages = {path.stem: path.read_text(encoding="utf-8") for path in (folder / "pages").iterdir()}
    return Written(file, load(file=file, environ={}).config.project, pages, incident)


@pytest.fixture
def day(written: Written, local: LocalSources) -> Iterator[LocalSources]:
    """Local sources that hold the day that the pages are filled in for."""
    local.load(written.incident, load(file=written.file, environ={}).config)
    yield local
    local.firestore.reset()


def test_nothing_is_left_to_fill_in(written: Written) -> None:
    for name, page in written.pages.items():
        assert name == "README" or not PLACEHOLDER.search(page), name
        for _, text in [*written.of("sh"), *written.of("sql"), *written.of("python")]:
            assert not re.search(r"<no |\{\{", text), text


def test_bigquery_answers_every_query(written: Written, day: LocalSources) -> None:
    client, refused = day.bigquery.client(written.project), {}
    for name, text in written.of("sql"):
        # Tables that were made a moment ago remember no more than that.
        try:
            list(client.query(text.replace("INTERVAL 2 HOUR", "INTERVAL 0 SECOND")).result())
        except GoogleAPICallError as error:
            refused[name, text] = str(error)

    assert refused == {}
    assert len(written.of("sql")) > 40


@pytest.mark.usefixtures("day")
def test_every_command_runs_and_names_its_configuration(
    written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = {}
    for command in written.commands:
        words = [word.replace("$D", "2026-02-01") for word in shlex.split(command, comments=True)[1:]]
        if words[0] in {"dump", "replay", "probe-writes"}:
            continue
        # Trying every read asks for its cost beforehand, which the local BigQuery does not tell.
        done = CliRunner().invoke(main, [word for word in words if word != "--connect"])
        named = str(written.file) in words
        if not named or done.exit_code not in DONE:
            wrong[command] = done.output
    assert wrong == {}
    assert len(written.commands) > 10


def test_the_shell_reads_every_script(written: Written) -> None:
    for name, script in written.of("sh"):
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=30, check=False)

        assert (done.returncode, done.stderr) == (0, ""), name


def test_every_script_runs(written: Written, day: LocalSources, tmp_path: Path) -> None:
    ran = []
    for name, text in written.of("python"):
        day.load(written.incident, load(file=written.file, environ={}).config)
        script = tmp_path / "block.py"
        script.write_text(text, encoding="utf-8")
        # Of some phases of the preset there is no document on that day.
        with contextlib.suppress(NotFound):
            runpy.run_path(str(script))
        ran.append(name)

    assert set(ran) == {
        alert_of("count_inconsistent").name,
        alert_of("collection_bloated").name,
        alert_of("stuck").name,
    }


def test_a_fact_of_the_pipeline_goes_under_the_pipelines_own_names(local: LocalSources, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    content = yaml.safe_load((SHOP / "pipeline.yaml").read_text(encoding="utf-8"))
    completion = content["pipelines"]["shop"]["completion"]
    completion["document_fields"] = {"triggered": "gone_on", "trigger_reason": [], "completed_count": "how_many"}
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    local.firestore.put("ops/prod/ingest_done/2026-11-23", {"steps": {"a": {}, "b": {}}, "x": 1}, project="my-shop")
    folder = tmp_path / "pages"
    CliRunner().invoke(main, ["dump", "runbooks", str(folder), "--config.file", str(file), "--run-date", "2026-11-23"])

    for key in ("stuck", "count_inconsistent"):
        (text, *_) = [
            text
            for text in blocks((folder / alert_of(key).runbook).read_text(encoding="utf-8"), "python")
            if "ingest_done" in text
        ]
        (tmp_path / "block.py").write_text(text, encoding="utf-8")
        runpy.run_path(str(tmp_path / "block.py"))

    found = firestore.Client(project="my-shop").document("ops/prod/ingest_done/2026-11-23").get().to_dict()
    assert found == {"steps": {"a": {}, "b": {}}, "x": 1, "gone_on": True, "how_many": 2}


@pytest.mark.parametrize("kind", ["rules", "runbooks", "alertmanager", "dashboards"])
def test_nothing_that_is_written_for_another_pipeline_speaks_of_basketball(kind: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["dump", kind, str(tmp_path), "--config.file", str(SHOP / "pipeline.yaml")])
    said = re.compile(r"\b(?:games?|players?|teams?|leagues?|seasons?|box scores?|predictions?)\b", re.IGNORECASE)

    assert done.exit_code == 0, done.output
    found = {
        path.name: said.findall(path.read_text(encoding="utf-8"))
        for path in tmp_path.rglob("*")
        if path.is_file() and (kind, path.suffix) != ("alertmanager", ".md")
    }
    assert {name: words for name, words in found.items() if words} == {}
    assert found
