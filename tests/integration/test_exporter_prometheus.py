"""The real exporter, scraped by a real Prometheus: what arrives is what is there."""

from __future__ import annotations

import gzip
from datetime import date
from typing import TYPE_CHECKING

import pytest

from exporter.metrics.catalogue import CATALOGUE, LIVE_FAMILIES
from testing.days import a_past_day
from testing.exposition import parse_openmetrics, parse_text
from testing.prometheus import Prometheus, promtool
from testing.running import RunningExporter, reading_the_seed
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prometheus_client import Metric

    from exporter.incidents.local import LocalSources, SimulatedClock

DAY = a_past_day()
LABELS = f'pipeline="nba",phase="phase3",run_date="{DAY}"'
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture(name="exporter", scope="module")
def _exporter(
    _running: LocalSources, clock: SimulatedClock, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningExporter]:
    """One exporter for all that only look, which reads the incident report's day, moved to yesterday."""
    with reading_the_seed(_running, clock, tmp_path_factory.mktemp("exporter"), DAY) as exporter:
        exporter.wait_until_ready()
        yield exporter


def scraped(exporter: RunningExporter, accept: str = "text/plain", encoding: str = "identity") -> str:
    answer = exporter.client.get("/metrics", headers={"Accept": accept, "Accept-Encoding": encoding})
    assert answer.headers.get("content-encoding", "identity") == encoding
    return answer.text


@pytest.mark.usefixtures("_programs")
def test_prometheus_scrapes_everything_without_a_complaint(exporter: RunningExporter, tmp_path: Path) -> None:
    with Prometheus(tmp_path, exporter.client.base_url.netloc.decode()) as prometheus:
        until(lambda: prometheus.value("up") == 1, "the first scrape")
        series = prometheus.value("count({job='orchestration-exporter'}) - count({__name__=~'up|scrape_.*'})")
        samples = prometheus.value("scrape_samples_post_metric_relabeling")
        registered = prometheus.value(f"orchestration_phase_processors_registered{{{LABELS}}}")
        deltas = {
            metric["processor"]: value
            for metric, value in prometheus.query(f"orchestration_processor_record_count_delta{{{LABELS}}} != 0")
        }
        verdicts = {
            metric["processor"]: metric["verdict"]
            for metric, _ in prometheus.query(f"orchestration_processor_verdict{{{LABELS}}} == 1")
        }
        types = {name: kind for name, (kind, _) in prometheus.metadata().items()}
        target, complaints = prometheus.target_state(), prometheus.complaints

    assert (registered, deltas) == (3, {"team_offense_game_summary": 24, "team_defense_game_summary": 12})
    assert verdicts == {
        "player_game_summary": "unregistered",
        "team_offense_game_summary": "duplicated",
        "team_defense_game_summary": "count_mismatch",
        "upcoming_player_game_context": "ok",
        "upcoming_team_game_context": "unregistered",
    }
    assert samples == series
    assert samples is not None
    assert samples > 0
    assert (target["health"], target["lastError"]) == ("up", "")
    # Prometheus reads OpenMetrics, in which a counter's family has no suffix.
    expected = {
        family.name.removesuffix("_total") if family.kind == "counter" else family.name: family.kind
        for family in CATALOGUE
    }
    assert expected.items() <= types.items()
    assert complaints == []


def _families(found: list[Metric]) -> dict[str, Metric]:
    assert len({family.name for family in found}) == len(found)
    return {family.name: family for family in found}


def test_both_formats_have_every_family_of_the_catalogue_with_its_type_and_help(exporter: RunningExporter) -> None:
    for families in (
        _families(parse_text(scraped(exporter))),
        _families(parse_openmetrics(scraped(exporter, OPENMETRICS))),
    ):
        for family in CATALOGUE:
            found = families[family.name.removesuffix("_total") if family.kind == "counter" else family.name]
            assert (found.type, found.documentation) == (family.kind, family.help)
            assert {name for sample in found.samples for name in sample.labels} <= set(family.labels)


def test_both_formats_say_the_same(exporter: RunningExporter) -> None:
    live = {family.name.removesuffix("_total") for family in LIVE_FAMILIES}

    def samples(found: list[Metric]) -> set[tuple[str, tuple[tuple[str, str], ...], float]]:
        return {
            (sample.name, tuple(sorted(sample.labels.items())), sample.value)
            for family in found
            if family.name not in live and not family.name.startswith("process_")
            for sample in family.samples
        }

    text, openmetrics = scraped(exporter), scraped(exporter, OPENMETRICS)

    assert samples(parse_text(text)) == samples(parse_openmetrics(openmetrics))
    assert openmetrics.endswith("\n# EOF\n")


def test_a_compressed_answer_says_the_same_in_one_member_that_every_client_reads(exporter: RunningExporter) -> None:
    raw = exporter.client.stream("GET", "/metrics", headers={"Accept-Encoding": "gzip", "Accept": "text/plain"})
    with raw as answer:
        packed = b"".join(answer.iter_raw())

    families = {family.name for family in parse_text(gzip.decompress(packed).decode())}
    assert families == {family.name for family in parse_text(scraped(exporter))}


@pytest.mark.usefixtures("_programs")
def test_promtool_has_nothing_to_say(exporter: RunningExporter) -> None:
    for encoding in ("identity", "gzip"):
        code, lines = promtool("check", "metrics", text=scraped(exporter, encoding=encoding).encode())
        assert lines == []
        assert code == 0


def test_an_exporter_shows_only_the_dates_that_it_exposes(exporter: RunningExporter) -> None:
    dates = {
        date.fromisoformat(sample.labels["run_date"])
        for family in parse_text(scraped(exporter))
        for sample in family.samples
        if "run_date" in sample.labels
    }

    assert dates == {DAY}
