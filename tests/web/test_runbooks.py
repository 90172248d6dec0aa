"""The runbooks over HTTP: what is filled in, what is refused, and that nothing of a link gets into a command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.config.load import load
from exporter.model import CoverageCounts, Report
from exporter.present.runbooks import link, names
from exporter.shipped.alerts import alert_of
from exporter.web.page import HEADERS
from exporter.web.state import View
from testing.builders import DAY, ONE_DAY
from testing.reports import reported, seed_like
from tests.web.example import MOMENT, ExampleState, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

STALLED = alert_of("stalled").name
LABELS = {"pipeline": "nba", "phase": "phase3", "run_date": "2026-01-23", "processor": "player_game_summary"}
WHOLE = {
    name: {"owner": "data <team>", "job": {"name": "work", "region": "us-east1", "scheduler": "nightly"}}
    for name in ("phase3", "phase4", "phase5", "grading")
}


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """A client of an exporter with a configuration that says everything, and a report of no phase."""
    config = load(preset="nba", overlay={"pipelines": {"nba": {"phases": WHOLE}}}, environ={}).config
    state = ExampleState(settings=config, shown=View(Report(MOMENT, "America/New_York", ())))
    with serving(state) as server, httpx.Client(base_url=server.url, timeout=30) as found:
        yield found


def text(answer: httpx.Response) -> str:
    """What a page says."""
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_runbook_has_the_values_of_the_alert(client: httpx.Client) -> None:
    page = text(client.get(f"/runbooks/{STALLED}", params=LABELS))

    assert "orchestration-exporter check --run-date 2026-01-23" in page
    assert "processor_heartbeats/PlayerGameSummaryProcessor" in page
    assert "gcloud run services update work --project nba-props-platform --region us-east1" in page
    assert "WHERE game_date = &#39;2026-01-22&#39;" in page or "WHERE game_date = '2026-01-22'" in page
    assert "Filled in for nba phase3 of 2026-01-23, player_game_summary. Owner: data &lt;team&gt;. Runs in" in page
    assert "resource.labels.service_name%3D%22work%22" in page


def test_a_page_warns_who_else_runs_in_the_service(client: httpx.Client) -> None:
    assert "also runs <code>team_offense_game_summary</code>" in text(client.get(f"/runbooks/{STALLED}", params=LABELS))


@pytest.mark.parametrize("name", names())
def test_no_placeholder_is_left_whatever_the_link_says(client: httpx.Client, name: str) -> None:
    for labels in ({}, LABELS, {"pipeline": "nba", "phase": "phase5"}):
        page = text(client.get(f"/runbooks/{name}", params=labels))

        assert name == "README" or "{{" not in page
        assert "<!--" not in page
        assert "&lt;!--" not in page


@pytest.mark.parametrize("name", names())
def test_every_link_of_a_page_leads_to_a_page_with_the_same_values(client: httpx.Client, name: str) -> None:
    page = client.get(f"/runbooks/{name}.md", params=LABELS)
    links = [found.replace("&amp;", "&") for found in re.findall(r'<a href="([^"]+)"', text(page))]

    for found in links:
        if found.startswith("https://"):
            continue
        target = page.url.join(found)
        assert target.path in {"/", "/runbooks/", *(f"/runbooks/{one}" for one in names())}
        assert found in {"../", "./"} or dict(target.params) == LABELS
    anchors = [found.partition("#") for found in links if "#" in found]
    for path, _, anchor in anchors:
        assert f'id="{anchor}"' in text(client.get(page.url.join(path))), anchor


def test_the_overview_lists_every_runbook(client: httpx.Client) -> None:
    page = text(client.get("/runbooks/"))

    assert all(f'href="{name}"' in page for name in names() if name != "README")


@pytest.mark.parametrize(
    ("path", "labels", "says"),
    [
        ("OrchestrationNothing", {}, "There is no runbook of this name. There are: README, "),
        ("..%2Fcatalogue.yaml", {}, ""),
        (STALLED, {"pipeline": "$(reboot)"}, "There is no pipeline of this name. There are: nba."),
        (STALLED, {"phase": "`reboot`"}, "There is no phase of this name. There are: phase3, phase4"),
        (STALLED, {"processor": "x'; reboot"}, "There is no processor of this name. There are: player_game_summary"),
        (alert_of("coverage_low").name, {"check": "<script>"}, "There is no check of this name. There are: minutes_"),
        (STALLED, {"run_date": "2026-01-23; reboot"}, "The run date has to be a date such as 2026-01-23."),
        (STALLED, {"run_date": "2026-02-30"}, "The run date is no date of the calendar."),
        (STALLED, {"run_date": "0001-01-01"}, "The run date is out of range."),
    ],
)
def test_what_there_is_not_is_refused_in_words_and_never_quoted(
    client: httpx.Client, path: str, labels: dict[str, str], says: str
) -> None:
    answer = client.get(f"/runbooks/{path}", params=labels)

    assert answer.status_code == 404
    assert says in answer.text
    assert not re.search(r"reboot|<script>", answer.text)


def test_a_label_that_no_runbook_knows_is_left_out(client: httpx.Client) -> None:
    assert "reboot" not in text(client.get(f"/runbooks/{STALLED}", params={"alertname": "$(reboot)"}))


def test_a_link_for_a_label_that_is_no_text_can_be_written() -> None:
    assert link({"pipeline": "nba\ud800", "severity": "critical"}) == "pipeline=nba%3F"


def test_a_page_may_load_nothing_and_is_safe_as_the_status_page_is(client: httpx.Client) -> None:
    answer = client.get(f"/runbooks/{STALLED}")

    assert {name.decode().lower(): value.decode() for name, value in HEADERS}.items() <= dict(answer.headers).items()


def test_what_the_configuration_does_not_say_the_page_says() -> None:
    config = load(preset="nba", environ={}).config
    with serving(ExampleState(settings=config)) as server:
        page = text(httpx.get(f"{server.url}/runbooks/{alert_of('stuck').name}", timeout=30))

    assert "# Nothing to run here: no job.scheduler of the next phase in the configuration." in page


def test_the_run_of_a_cloud_run_job_ends_by_cancelling_its_execution() -> None:
    job = {"kind": "job", "name": "work", "region": "us-east1"}
    overlay = {"pipelines": {"nba": {"phases": {"phase3": {"job": job}}}}}
    with serving(ExampleState(settings=load(preset="nba", overlay=overlay, environ={}).config)) as server:
        page = text(httpx.get(f"{server.url}/runbooks/{STALLED}", params=LABELS, timeout=30))

    assert "gcloud run jobs executions cancel &quot;$(gcloud run jobs executions list --job work" in page
    assert "resource.type=&quot;cloud_run_job&quot;" in page


def test_the_fault_chooses_processor_and_time_where_the_link_does_not() -> None:
    with serving(ExampleState(shown=View(reported(seed_like())))) as server:
        page = text(httpx.get(f"{server.url}/runbooks/background", params={"pipeline": "nba"}, timeout=30))

    assert "nba phase3 of 2026-02-01, player_game_summary, now unregistered since " in page


def test_a_page_says_since_when_what_its_alert_is_about_has_been_so() -> None:
    scene = seed_like()
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(212, 118, 80, {"dnp": 94})}
    shown = View(reported(scene))
    about = {"blocked": "its trigger", "coverage_low": "minutes_played", "unregistered": "player_game_summary"}
    with serving(ExampleState(shown=shown)) as server:
        address = f"{server.url}/runbooks"
        found = {
            key: text(httpx.get(f"{address}/{alert_of(key).name}", params={"pipeline": "nba"}, timeout=30))
            for key in about
        }

    now = {"blocked": "15:00:50 UTC (10:00:50 EST)", "coverage_low": "16:30 UTC (11:30 EST)"}
    for key, what in about.items():
        assert f"nba phase3 of 2026-02-01, {what}, now {key} since {now.get(key, '15:00')}" in found[key]
        assert ("Its commands are for player_game_summary." in found[key]) == (what != "player_game_summary")


def test_the_way_to_the_logs_leads_on_with_the_time_of_the_fault(client: httpx.Client) -> None:
    answer = client.get("/logs", params=LABELS)

    assert answer.status_code == 307
    address = answer.headers["Location"]
    assert address.startswith("https://console.cloud.google.com/logs/query;query=")
    assert "resource.labels.service_name%3D%22work%22" in address
    assert re.search(r"timestamp%3E%3D%222026-01-\d\dT\d\d%3A\d\d%3A\d\dZ%22", address)
    assert f'href="{address}"' in text(client.get(f"/runbooks/{STALLED}", params=LABELS)).replace("&amp;", "&")


def test_the_way_to_logs_that_nobody_knows_says_so(client: httpx.Client) -> None:
    unknown = client.get("/logs", params={**LABELS, "processor": "reboot"})
    with serving(ExampleState(settings=load(preset="mlb", environ={}).config)) as server:
        nowhere = httpx.get(f"{server.url}/logs", timeout=30)

    assert (unknown.status_code, nowhere.status_code) == (404, 404)
    assert "There is no processor of this name." in unknown.text
    assert "reboot" not in unknown.text
    assert "neither `logs` nor a `job`" in nowhere.text
