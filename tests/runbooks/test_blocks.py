"""The runbooks' SQL, Python and commands: filled in for the incident report's day, and run on sources that hold it."""

from __future__ import annotations

import runpy
import shlex
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import firestore

from exporter.cli import main
from exporter.config.load import load
from exporter.incidents.incident import load_incident
from exporter.incidents.replay import replay
from exporter.present.runbooks import Asked, names, rendered
from exporter.shipped.alerts import alert_of, alerts
from tests.runbooks.pages import PAGES, blocks
from tests.web.example import ExampleState, serving

if TYPE_CHECKING:
    from exporter.incidents.incident import Incident
    from exporter.incidents.local import LocalSources, SimulatedClock

INCIDENTS = Path(__file__).parents[1] / "incidents"
PROJECT = "nba-props-platform"
DOCUMENT = "phase3_completion/2026-02-01"
PYTHON = [(name, text) for name, page in PAGES.items() for text in page.blocks("python")]
PROCESSORS = {
    alert_of("count_mismatch").name: "team_defense_game_summary",
    alert_of("duplicated").name: "team_offense_game_summary",
}
"""The processors that the pages are filled in for; the others for a critical one that is not registered."""
TOOL = "orchestration-exporter"
DONE = {0, 1, 2}
"""The exit codes of a command that did what it was asked for: all well, discrepancies, unknown."""


@pytest.fixture(scope="module")
def incident() -> Incident:
    """The day of the incident report."""
    return load_incident(INCIDENTS / "2026-02-01-seed.yaml")


@pytest.fixture(name="pages", scope="module")
def _pages(_running: LocalSources, clock: SimulatedClock, incident: Incident) -> dict[str, str]:
    """The pages with the values of that day."""
    config = load(preset="nba", overlay={"documents": {"only": ["2026-02-01"]}}, environ={}).config
    report = replay(incident, _running, clock).report
    return {
        name: rendered(
            name, Asked("nba", "phase3", "2026-02-01", PROCESSORS.get(name, "player_game_summary")), config, report
        ).text
        for name in names()
    }


@pytest.fixture
def day(local: LocalSources, incident: Incident) -> LocalSources:
    """Local sources that hold it."""
    local.load(incident, PROJECT)
    return local


@pytest.fixture
def documents(local: LocalSources, incident: Incident) -> LocalSources:
    """Local sources that hold its documents; the tables are whatever they were."""
    local.firestore.reset()
    local.firestore.put_all(incident.firestore, project=PROJECT)
    return local


def asked(local: LocalSources, text: str) -> list[dict[str, Any]]:
    """The rows that a query gives."""
    client = local.bigquery.client(PROJECT)
    return [dict(row.items()) for row in client.query(text).result()]


def query(page: str, containing: str) -> str:
    """The one query of a page that has this text in it."""
    (found,) = (text for text in blocks(page, "sql") if containing in text)
    return found


def run(page: str, containing: str, folder: Path) -> None:
    """Run the one Python block of a page that has this text in it, as a script."""
    (text,) = (text for text in blocks(page, "python") if containing in text)
    script = folder / "block.py"
    script.write_text(text, encoding="utf-8")
    runpy.run_path(str(script))


def fields(path: str = DOCUMENT) -> dict[str, Any]:
    """A document's fields."""
    found = firestore.Client(project=PROJECT).document(path).get().to_dict()
    assert found is not None
    return dict(found)


def test_bigquery_answers_every_query(pages: dict[str, str], day: LocalSources) -> None:
    refused = {}
    queries = [(name, text) for name, page in pages.items() for text in blocks(page, "sql")]
    for name, text in queries:
        # Tables that were made a moment ago remember no more than that.
        recent = text.replace("INTERVAL 2 HOUR", "INTERVAL 0 SECOND")
        try:
            asked(day, recent)
        except GoogleAPICallError as error:
            refused[name, text] = str(error)

    assert refused == {}
    assert len(queries) > 15


def test_coverage_by_hand_counts_those_who_played(pages: dict[str, str], day: LocalSources) -> None:
    answer = asked(day, query(pages[alert_of("coverage_low").name], "AS coverage"))

    assert answer == [{"eligible": 118, "covered": 118, "coverage": 100.0}]


def test_the_query_about_a_blocked_phase_shows_the_rows_of_the_day(pages: dict[str, str], day: LocalSources) -> None:
    answer = asked(day, query(pages[alert_of("blocked").name], "at_least"))

    assert {row["processor"]: (row["row_count"], row["at_least"]) for row in answer} == {
        "player_game_summary": (212, 168),
        "team_offense_game_summary": (24, 12),
        "team_defense_game_summary": (12, 12),
        "upcoming_player_game_context": (326, 200),
        "upcoming_team_game_context": (20, 20),
    }


def test_run_history_stands_in_for_an_empty_phase_log(pages: dict[str, str], day: LocalSources) -> None:
    answer = asked(day, query(pages[alert_of("phase_log_empty").name], "COUNT(DISTINCT processor_name)"))

    assert answer == [{"phase": "phase_3_analytics", "processors": 4}]


@pytest.mark.usefixtures("documents")
def test_setting_triggered_keeps_the_entries(pages: dict[str, str], tmp_path: Path) -> None:
    before = fields()

    run(pages[alert_of("stuck").name], "_triggered", tmp_path)

    assert fields() == before | {"_triggered": True, "_trigger_reason": "manual_fix: started by hand"}


@pytest.mark.usefixtures("documents")
def test_correcting_a_count_keeps_the_rest_of_the_entry(pages: dict[str, str], tmp_path: Path) -> None:
    before = fields()

    run(pages[alert_of("count_mismatch").name], "record_count", tmp_path)

    entry = before["team_defense_game_summary"] | {"record_count": 12}
    assert fields() == before | {"team_defense_game_summary": entry}


@pytest.mark.usefixtures("documents")
def test_recounting_counts_the_entries(pages: dict[str, str], tmp_path: Path) -> None:
    before = fields()

    run(pages[alert_of("count_inconsistent").name], "recount", tmp_path)

    assert fields() == before | {"_completed_count": 3}


@pytest.mark.usefixtures("documents")
def test_the_newest_heartbeats_are_listed_first(
    pages: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(pages[alert_of("collection_bloated").name], "print(", tmp_path)

    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert listed[0] == "UpcomingPlayerGameContextProcessor"
    assert len(listed) == 5


def test_deleting_old_heartbeats_leaves_those_in_use(
    pages: dict[str, str], documents: LocalSources, tmp_path: Path
) -> None:
    heartbeats = firestore.Client(project=PROJECT).collection("processor_heartbeats")
    in_use = {found.id for found in heartbeats.stream()}
    for number in range(520):
        documents.firestore.put(f"processor_heartbeats/Old_2026-01-0{number % 9 + 1}_{number}", {}, project=PROJECT)

    run(pages[alert_of("collection_bloated").name], "OLD_KIND", tmp_path)

    assert {found.id for found in heartbeats.stream()} == in_use
    assert in_use


COMMANDS = {
    command
    for alert in alerts()
    if "critical" in alert.severities
    for script in PAGES[alert.runbook].blocks("sh")
    for command in script.replace("\\\n", " ").splitlines()
    if command.startswith(f"{TOOL} ")
}
"""What the runbooks of the alerts that page tell the reader to run, of what can be run without Google Cloud."""


def test_every_page_that_wakes_people_has_a_command_that_is_run() -> None:
    without = {
        alert.key
        for alert in alerts()
        if "critical" in alert.severities
        and not any(command in PAGES[alert.runbook].text.replace("\\\n", " ") for command in COMMANDS)
    }

    # Its exporter does not run: its commands ask Prometheus and the machine.
    assert without <= {"exporter_down"}


@pytest.mark.parametrize("command", sorted(COMMANDS))
@pytest.mark.usefixtures("day")
def test_a_command_of_a_page_that_wakes_people_runs_as_written(
    command: str, pages: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ORCHESTRATION_EXPORTER_PRESET", "nba")
    (written,) = {
        line
        for page, text in pages.items()
        for before, line in zip(lines(PAGES[f"{page}.md"].text), lines(text), strict=True)
        if before == command
    }

    done = CliRunner().invoke(
        main, [word.replace("$D", "2026-02-01") for word in shlex.split(written, comments=True)[1:]]
    )

    assert done.exit_code in DONE, done.output


ASKED = sorted(
    {
        command
        for page in PAGES.values()
        for script in page.blocks("sh")
        for command in script.replace("\\\n", " ").splitlines()
        if command.startswith("curl ") and "localhost:9189" in command
    }
)
"""What the runbooks ask of the exporter by HTTP."""


@pytest.mark.parametrize("command", ASKED)
def test_the_exporter_answers_what_the_runbooks_ask_of_it(command: str) -> None:
    with serving(ExampleState(), lifecycle=True) as server:
        words = [word.replace("http://localhost:9189", server.url) for word in shlex.split(command, comments=True)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def lines(page: str) -> list[str]:
    """The lines of a page's shell blocks."""
    return [line for script in blocks(page, "sh") for line in script.replace("\\\n", " ").splitlines()]


def test_every_python_block_is_run_by_a_test_above() -> None:
    assert [name.removesuffix(".md") for name, _ in PYTHON] == [
        alert_of("count_inconsistent").name,
        alert_of("collection_bloated").name,
        alert_of("collection_bloated").name,
        alert_of("stuck").name,
        alert_of("count_mismatch").name,
    ]
