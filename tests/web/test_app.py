"""The routes, asked over HTTP of the real server."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.web.state import ReloadError, View
from testing.exposition import parse_openmetrics, parse_text
from tests.web.example import MOMENT, ExampleState, live, report, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict

OPENMETRICS = {"Accept": "application/openmetrics-text;version=1.0.0"}


@pytest.fixture
def state() -> ExampleState:
    return ExampleState()


@pytest.fixture
def client(state: ExampleState) -> Iterator[httpx.Client]:
    with serving(state, lifecycle=True) as server, httpx.Client(base_url=server.url) as client:
        yield client


def test_metrics_are_the_report_and_then_the_live_part(client: httpx.Client) -> None:
    response = client.get("/metrics", headers={"Accept-Encoding": "identity"})

    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert response.headers["vary"] == "Accept, Accept-Encoding"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "content-encoding" not in response.headers
    assert int(response.headers["content-length"]) == len(response.content)
    assert [metric.name for metric in parse_text(response.text)] == [
        "orchestration_processor_table_rows",
        "orchestration_exporter_collector_runs",
    ]


def test_openmetrics_is_served_on_request(client: httpx.Client) -> None:
    response = client.get("/metrics", headers=OPENMETRICS)

    assert response.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert response.text.endswith("# EOF\n")
    assert sum(len(metric.samples) for metric in parse_openmetrics(response.text)) == 4


def test_several_accept_headers_are_one_list(client: httpx.Client) -> None:
    headers = [("Accept", "text/plain;q=0.2"), ("Accept", OPENMETRICS["Accept"]), ("Accept-Encoding", "identity")]

    response = client.get("/metrics", headers=headers)

    assert response.headers["content-type"].startswith("application/openmetrics-text")


@pytest.mark.parametrize("series", [0, 3, 70_000])
@pytest.mark.parametrize("accept", ["*/*", "application/openmetrics-text"])
def test_compressed_and_plain_hold_the_same(
    state: ExampleState, client: httpx.Client, series: int, accept: str
) -> None:
    state.report = report(series)

    plain = client.get("/metrics", headers={"Accept": accept, "Accept-Encoding": "identity"})
    with client.stream("GET", "/metrics", headers={"Accept": accept, "Accept-Encoding": "gzip"}) as compressed:
        raw = b"".join(compressed.iter_raw())

    assert compressed.headers["content-encoding"] == "gzip"
    assert len(raw) == int(compressed.headers["content-length"])
    assert gzip.decompress(raw) == plain.content
    assert int(plain.headers["content-length"]) == len(plain.content)


def test_a_head_request_gets_the_headers_alone(client: httpx.Client) -> None:
    whole = client.get("/metrics", headers=OPENMETRICS)

    response = client.head("/metrics", headers=OPENMETRICS)

    assert response.content == b""
    assert {**response.headers, "date": ""} == {**whole.headers, "date": ""}


def test_metrics_can_only_be_read(client: httpx.Client) -> None:
    response = client.post("/metrics")

    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD")


def test_a_new_report_and_new_self_metrics_show_at_the_next_scrape(state: ExampleState, client: httpx.Client) -> None:
    client.get("/metrics")

    state.self_metrics = live(8)
    runs = client.get("/metrics").text
    state.report = report(1)
    rows = client.get("/metrics").text

    assert 'runs_total{collector="completion"} 8\n' in runs
    assert rows.count("processor_table_rows{") == 1


def test_equal_self_metrics_in_a_new_mapping_change_nothing(state: ExampleState, client: httpx.Client) -> None:
    before = client.get("/metrics").content
    state.self_metrics = live(7)

    assert client.get("/metrics").content == before


@pytest.mark.parametrize("path", ["/-/healthy", "/healthz"])
def test_a_process_that_answers_is_healthy(client: httpx.Client, path: str) -> None:
    response = client.get(path)

    assert (response.status_code, response.text) == (200, "healthy\n")


@pytest.mark.parametrize("path", ["/-/ready", "/readyz"])
def test_readiness_follows_the_state_and_says_what_is_missing(
    state: ExampleState, client: httpx.Client, path: str
) -> None:
    state.not_ready = ("completion: not collected yet", "warehouse: not collected yet")
    before = client.get(path)
    state.not_ready = ()
    after = client.get(path)

    assert before.status_code == 503
    assert before.text == "not ready\n- completion: not collected yet\n- warehouse: not collected yet\n"
    assert (after.status_code, after.text) == (200, "ready\n")


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_reload_is_done_when_it_is_enabled(state: ExampleState, client: httpx.Client, method: str) -> None:
    response = client.request(method, "/-/reload")

    assert (response.status_code, response.text, state.reloads) == (200, "reloaded\n", 1)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "http://127.0.0.1"])
def test_a_page_of_another_site_cannot_reload(state: ExampleState, client: httpx.Client, origin: str) -> None:
    response = client.post("/-/reload", headers={"Origin": origin})

    assert (response.status_code, state.reloads) == (403, 0)
    assert response.text == "Not reloaded: a page of another site asked for it.\n"


def test_the_exporters_own_page_can_reload(state: ExampleState, client: httpx.Client) -> None:
    response = client.post("/-/reload", headers={"Origin": str(client.base_url).rstrip("/")})

    assert (response.status_code, state.reloads) == (200, 1)


def test_a_failed_reload_says_what_is_wrong(state: ExampleState, client: httpx.Client) -> None:
    state.fault = ReloadError("exporter.yaml:3: unknown key projekt")

    response = client.post("/-/reload")

    assert response.status_code == 500
    assert response.text == (
        "Not reloaded, the old configuration stays in force.\nexporter.yaml:3: unknown key projekt\n"
    )


def test_a_reload_that_is_not_enabled_names_the_flag(state: ExampleState) -> None:
    with serving(state) as server:
        response = httpx.post(f"{server.url}/-/reload")

    assert (response.status_code, state.reloads) == (403, 0)
    assert "--web.enable-lifecycle" in response.text


def test_a_get_request_does_not_reload(state: ExampleState, client: httpx.Client) -> None:
    response = client.get("/-/reload")

    assert (response.status_code, state.reloads) == (405, 0)
    assert set(response.headers["allow"].split(", ")) == {"POST", "PUT"}


def test_the_report_is_served_as_json(client: httpx.Client) -> None:
    response = client.get("/api/v1/status")

    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {"pipelines": []}


def test_the_configuration_is_yaml_or_json_as_the_client_prefers(client: httpx.Client) -> None:
    yaml = client.get("/api/v1/config")
    as_json = client.get("/api/v1/config", headers={"Accept": "application/json"})

    assert (yaml.headers["content-type"], yaml.text) == ("application/yaml", "project: example\npassword: '***'\n")
    assert as_json.headers["content-type"] == "application/json"
    assert as_json.json() == {"project": "example", "password": "***"}


def test_a_date_in_the_configuration_is_text_in_json(state: ExampleState, client: httpx.Client) -> None:
    state.config = "since: 2026-02-01\n"

    assert client.get("/api/v1/config", headers={"Accept": "application/json"}).json() == {"since": "2026-02-01"}


def test_the_description_names_every_route_and_method(client: httpx.Client) -> None:
    document = client.get("/api/v1/openapi.json").json()

    assert document["info"]["version"] == "1.2.3"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            answer = client.request(method, path)
            assert str(answer.status_code) in operation["responses"], (method, path)


def test_the_page_links_to_everything_that_can_be_read(client: httpx.Client) -> None:
    page = client.get("/")
    links = re.findall(r'href="(?!#|data:)([^"]+)"', page.text)
    paths = client.get("/api/v1/openapi.json").json()["paths"]

    assert "1.2.3" in page.text
    assert {f"/{link}" for link in links} == {path for path in paths if "get" in paths[path]} - {
        "/",
        "/runbooks/{name}",
        "/logs",
    }


def test_the_page_says_how_to_enable_reloads(state: ExampleState) -> None:
    with serving(state) as server:
        page = httpx.get(server.url).text

    assert "--web.enable-lifecycle" in page


def test_the_page_may_use_its_own_style_and_script_and_nothing_else(client: httpx.Client) -> None:
    page = client.get("/")
    policy = page.headers["content-security-policy"].split("; ")
    for tag in ("style", "script"):
        [content] = re.findall(rf"<{tag}>(.*?)</{tag}>", page.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy

    assert policy[0] == "default-src 'none'"
    assert {"connect-src 'self'", "img-src data:", "frame-ancestors 'none'"} <= set(policy)
    assert page.headers["x-content-type-options"] == "nosniff"
    assert client.get("/healthz").headers["content-security-policy"].count("-src") == 1


def test_the_page_is_stored_and_revalidated(client: httpx.Client) -> None:
    page = client.get("/")
    again = client.get("/", headers={"If-None-Match": page.headers["etag"]})
    others = client.get("/", headers={"If-None-Match": '"other"'})

    assert page.headers["cache-control"] == "no-cache"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", page.headers["etag"])
    assert others.status_code == 200


@pytest.mark.parametrize("tags", ['"other", {}', "W/{}", "*"])
def test_any_form_of_the_tag_is_known(client: httpx.Client, tags: str) -> None:
    etag = client.get("/").headers["etag"]

    assert client.get("/", headers={"If-None-Match": tags.format(etag)}).status_code == 304


def test_the_page_is_compressed_for_clients_that_accept_it(client: httpx.Client) -> None:
    plain = client.get("/", headers={"Accept-Encoding": "identity"})
    with client.stream("GET", "/", headers={"Accept-Encoding": "gzip"}) as compressed:
        raw = b"".join(compressed.iter_raw())

    assert gzip.decompress(raw) == plain.content
    assert (compressed.headers["content-encoding"], compressed.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert compressed.headers["etag"] != plain.headers["etag"]
    assert "content-encoding" not in plain.headers


def test_the_page_is_rendered_when_there_is_something_new(state: ExampleState, client: httpx.Client) -> None:
    first = client.get("/")
    same = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    state.shown = View(replace(state.shown.report, at=MOMENT + dt.timedelta(minutes=1)))
    later = client.get("/", headers={"If-None-Match": first.headers["etag"]})

    assert (same.status_code, later.status_code) == (304, 200)
    assert "18:01 UTC (13:01 EST)" in later.text


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/api/v1/status/", "/%2e%2e/metrics"])
def test_an_unknown_path_is_not_found(client: httpx.Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_wrong_method_gets_the_allowed_ones(client: httpx.Client) -> None:
    response = client.delete("/api/v1/status")

    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.usefixtures("at_debug_level")
def test_requests_are_logged_at_debug_level_without_their_query(client: httpx.Client, events: list[EventDict]) -> None:
    client.get("/healthz?password=hunter2")

    [event] = [event for event in events if event["event"] == "request"]
    assert (event["method"], event["path"], event["status"]) == ("GET", "/healthz", 200)
    assert event["client"] == "127.0.0.1"
    assert "hunter2" not in json.dumps(event)


def test_requests_are_not_logged_otherwise(client: httpx.Client, events: list[EventDict]) -> None:
    client.get("/healthz")

    assert events == []
