"""The benchmarks run, each at its smallest size, and yield their figures; how fast anything is decides nothing here."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.child import status_bytes
from benchmarks.client import AS_PROMETHEUS, PLAIN, Scraper, at_once
from benchmarks.figures import Row, at_least, at_most, quantile, seconds, short, spread
from benchmarks.load import load
from benchmarks.page import page
from benchmarks.processes import ROOT, Child
from benchmarks.scrapes import body_of, servers
from benchmarks.world import NOW, config_of, processors_for, world_of
from exporter.collect.collectors import Collectors
from exporter.metrics.catalogue import report_samples
from exporter.metrics.telemetry import Telemetry
from exporter.model import ProcessorReport, Report
from testing.exposition import parse_text

if TYPE_CHECKING:
    from pathlib import Path

SUBJECTS = {
    "scrapes": ["scrape, ", "scrape p50, ", "scrape p99, "],
    "rate": ["scrapes a second, "],
    "collecting": ["64 scrapers at once "],
    "scaling": ["reconcile and render, "],
    "rendering": ["rendering "],
    "reads": ["Firestore document reads a day, ", "BigQuery bytes billed a day, ", "the latest of "],
    "changes": ["report and bytes after one entry changed", "from a followed write ", "400 processors register "],
    "followed": ["from a write in Firestore to /metrics, "],
    "calls": ["calls a cycle, "],
    "memory": ["memory with "],
    "sizes": ["whole process, "],
    "page": ["status page of "],
    "states": ["series, ", "heap of Prometheus "],
    "rules": ["rules of processors, ", "as many alerts with annotations of one letter, "],
    "startup": ["import of exporter.cli", "orchestration-exporter --help", "run, on the demo's sources"],
}


@pytest.mark.usefixtures("_programs")
@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_yields_its_figures(name: str) -> None:
    rows = BENCHMARKS[name](smallest=True)

    assert len({row.what for row in rows}) == len(rows)
    assert all(row.measured for row in rows)
    assert all((row.holds is None) == (not row.bound) for row in rows)
    assert [subject for subject in SUBJECTS[name] if not any(row.what.startswith(subject) for row in rows)] == []


def test_no_benchmark_is_left_out() -> None:
    assert set(SUBJECTS) == set(BENCHMARKS)


def test_a_run_prints_and_writes_its_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "page.md"

    assert main(["rendering", "--smallest", "--write", str(file)]) == 0

    assert "generate_latest" in capsys.readouterr().out
    assert re.search(r"^\| rendering [\d,]+ series", file.read_text(encoding="utf-8"), re.MULTILINE)


def test_an_unknown_name_is_refused_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["speed"])

    assert refused.value.code == 2
    assert "no benchmark is called speed; there are scrapes, " in capsys.readouterr().err


def test_both_servers_have_the_same_series() -> None:
    with servers(1_200) as running:
        ours = parse_text(body_of(Scraper(running.port, PLAIN)).decode())
        theirs = parse_text(body_of(Scraper(running.rival.ready["port"], PLAIN)).decode())

    own = ("process_", "orchestration_exporter_")
    found, expected = (
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if not sample.name.startswith(own)
        }
        for families in (theirs, ours)
    )
    assert found == expected
    assert len(found) > 1_000


def test_the_exporter_serves_what_a_collection_of_the_same_world_gives() -> None:
    world, reports = world_of(config_of(processors_for(1_200))), list[Report]()
    collectors = Collectors(
        world.config, world.memory().sources(), Telemetry(), lambda: NOW, reports.append, wait_for_all=True
    )

    collectors.run_all()

    assert report_samples(reports[-1]).keys() == report_samples(world.report()).keys()
    assert unexplained(reports[-1]) == unexplained(world.report())


def unexplained(report: Report) -> list[ProcessorReport]:
    """What is remembered of documents is not the world's, and only explanations speak of it."""
    return [replace(processor, explanations=()) for processor in report.processors]


def test_the_world_is_as_large_as_was_asked_for() -> None:
    series = sum(map(len, report_samples(world_of(config_of(processors_for(12_000))).report()).values()))

    assert series == pytest.approx(12_000, rel=0.02)


def test_many_scrapers_at_once_get_an_answer_each() -> None:
    with Child("benchmarks.servers", "constant") as server:
        crowd = [Scraper(server.ready["port"], AS_PROMETHEUS, "/5000") for _ in range(6)]
        times, took, busy = at_once(crowd, seconds=60, most=30)
        for scraper in crowd:
            scraper.close()

    assert len(times) == 30
    assert 0 < min(times) <= took
    assert busy > 0


def test_an_answer_that_is_none_ends_the_measurement() -> None:
    with Child("benchmarks.servers", "constant") as server:
        scraper = Scraper(server.ready["port"], PLAIN, "/no-number")
        with pytest.raises(RuntimeError, match=r"the server answered http/1\.1 500"):
            scraper.scrape()
        scraper.close()


def test_a_child_that_ends_early_is_noticed() -> None:
    with pytest.raises(RuntimeError, match="ended before it answered"):
        Child("benchmarks.servers", "nothing")


def test_a_quantile_is_one_of_the_values() -> None:
    values = [float(number) for number in range(100, 0, -1)]

    assert [quantile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]


def test_a_bound_is_held_by_the_median_of_the_rounds() -> None:
    above, below = at_least("a", "b", "c", [1, 12, 30], 10), at_most("a", "b", "c", [1, 2, 9], 1.5)

    assert above == Row("a", "b", "c", "12.0 x faster", "1.00 .. 30.0", ">= 10 x", holds=True)
    assert below == Row("a", "b", "c", "2.00 x", "1.00 .. 9.00", "<= 1.5 x", holds=False)


def test_numbers_are_written_with_three_digits() -> None:
    assert [short(number) for number in (0.123, 1.234, 12.34, 12_345.6)] == ["0.12", "1.23", "12.3", "12,346"]
    assert [seconds(duration) for duration in (0.000_012_3, 0.0123, 12.3)] == ["12.3 us", "12.3 ms", "12.3 s"]
    assert spread([3, 1, 2]).middle == 2


def test_a_process_status_is_read_in_bytes(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t  2048 kB\nVmRSS:\t  1024 kB\n")

    assert status_bytes(status, "VmRSS") == 2**20


def test_the_page_is_one_that_a_run_wrote() -> None:
    written = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")

    assert written.startswith(page([], "").partition("## Numbers")[0])


def test_no_scrape_fails_beside_idle_slow_rude_and_guessing_clients() -> None:
    outcome = load(2, 1_200, 50)

    assert (outcome.quiet.wrong, outcome.loaded.wrong, outcome.skipped) == (0, 0, 0)
    assert outcome.loaded.took
    assert "unauthorized" in outcome.refused
    assert [fault for fault in outcome.faults() if fault.startswith(("memory", "scrapes"))] == []
