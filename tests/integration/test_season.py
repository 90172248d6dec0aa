"""A season over the real clients: what it costs, that each cell is what `check` says, and the command."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from exporter.cli import main
from exporter.collect.once import collect_once
from exporter.collect.season import expense, of_dates, read_season
from exporter.config.load import load
from exporter.model import Verdict
from exporter.reconcile.expectations import today
from testing.season_days import ONE_DAY, OUTAGE, season_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.testing import Result

    from exporter.collect.season import SeasonRead
    from exporter.config.load import Loaded
    from exporter.incidents.local import LocalSources, SimulatedClock
    from exporter.metrics.telemetry import Telemetry
    from exporter.sources.ports import Sources

LOADED = load(preset="nba", environ={})
DAYS = 60
NOW = datetime.now(UTC)
"""The machine's, for the commands have no other clock."""
TODAY = today(NOW, LOADED.config.timezone)
SEASON = of_dates(LOADED, TODAY - ONE_DAY * (DAYS - 1), TODAY)
ALONE = (0, 1, 2, 7, 11, 12, 15, 18, 20, 25, 28, 29)
"""Days ago, from all that went wrong in these days and still has its document."""


@pytest.fixture(name="filled", scope="module")
def _filled(_running: LocalSources, clock: SimulatedClock) -> Iterator[LocalSources]:
    clock.now = NOW
    _running.load(season_days(LOADED.config, NOW, DAYS), LOADED.config.project)
    yield _running
    _running.fault({})


@pytest.fixture(name="read", scope="module")
def _read(filled: LocalSources, clock: SimulatedClock) -> SeasonRead:
    return read_season(SEASON, opened(filled), clock)


def opened(local: LocalSources) -> Callable[[Loaded, Telemetry], Sources]:
    def open_sources(loaded: Loaded, telemetry: Telemetry) -> Sources:
        return local.open(loaded.config, telemetry)

    return open_sources


def verdicts(read: SeasonRead, day: date) -> dict[str, Verdict]:
    return {one.processor: one.verdict for one in read.season.report.processors if one.run_date == day}


def test_sixty_days_are_two_jobs_and_the_document_reads_that_were_announced(read: SeasonRead) -> None:
    said = expense(SEASON.config, NOW)

    assert read.cost.jobs == said.jobs == 2
    assert read.cost.document_reads == said.documents + said.heartbeats
    assert read.unread == {}


@pytest.mark.parametrize("ago", ALONE)
def test_a_cell_is_what_check_says_of_its_date_at_that_moment(
    filled: LocalSources, clock: SimulatedClock, read: SeasonRead, ago: int
) -> None:
    day = TODAY - ONE_DAY * ago

    outcome = collect_once(of_dates(LOADED, day, day), opened(filled), clock)

    assert verdicts(read, day) == {one.processor: one.verdict for one in outcome.report.processors}


def test_an_outage_that_nobody_saw_stands_out_although_its_documents_are_gone(read: SeasonRead) -> None:
    last = read.season.report.processors[-1].processor

    missing = [ago for ago in range(DAYS) if verdicts(read, TODAY - ONE_DAY * ago)[last] is Verdict.MISSING]

    assert missing == sorted(OUTAGE)


def test_no_date_whose_document_is_gone_is_called_unregistered(read: SeasonRead) -> None:
    old = [one for one in read.season.report.processors if TODAY - one.run_date >= timedelta(days=30)]

    assert len({one.run_date for one in old}) == 30
    assert {one.verdict for one in old}.isdisjoint({Verdict.UNREGISTERED, Verdict.UNKNOWN})


def test_a_season_that_the_day_s_budget_has_no_room_for_is_not_asked_for(
    filled: LocalSources, clock: SimulatedClock
) -> None:
    short = load(preset="nba", overlay={"collect": {"warehouse": {"daily_budget": "100MiB"}}}, environ={})

    read = read_season(of_dates(short, TODAY - ONE_DAY, TODAY), opened(filled), clock)

    assert (read.cost.jobs, read.unread) == (0, {"warehouse": "budget"})
    assert {one.verdict for one in read.season.report.processors} == {Verdict.UNKNOWN}


# --- the command ------------------------------------------------------------------------------------------------


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["season", "--preset", "nba", *arguments])


@pytest.mark.usefixtures("filled", "local")
def test_the_command_says_the_cost_first_prints_the_grid_and_ends_as_check_would() -> None:
    result = invoke("--from", str(TODAY - ONE_DAY * (DAYS - 1)), "--to", str(TODAY))

    said, was = result.stderr.splitlines()
    assert said.startswith(f"{TODAY - ONE_DAY * (DAYS - 1)} to {TODAY}: 2 BigQuery jobs over ")
    assert was.startswith("it was 2 BigQuery jobs, billed ")
    assert "  player_game_summary " in result.stdout
    assert "Totals of 60 run dates" in result.stdout
    assert result.exit_code == 1


@pytest.mark.usefixtures("filled", "local")
def test_the_json_says_what_it_cost_and_is_nothing_but_json() -> None:
    result = invoke("--from", str(TODAY - ONE_DAY), "--to", str(TODAY - ONE_DAY), "--format", "json")

    said = json.loads(result.stdout)
    assert said["cost"]["jobs"] == 2
    assert {len(one["verdicts"]) for one in said["processors"].values()} == {1}


@pytest.mark.usefixtures("filled", "local")
def test_a_day_without_discrepancy_exits_with_zero() -> None:
    well = str(TODAY - ONE_DAY * 5)

    assert invoke("--from", well, "--to", well).exit_code == 0


@pytest.mark.usefixtures("local")
def test_a_dry_run_says_what_a_month_to_today_costs_and_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "127.0.0.1:1")
    result = invoke("--dry-run")

    assert (result.exit_code, result.stdout) == (0, "")
    first, last = map(date.fromisoformat, re.findall(r"\d{4}-\d\d-\d\d", result.stderr))
    # It may be past midnight by now.
    assert (last - first).days == 29
    assert last in {TODAY, TODAY + ONE_DAY}
    assert ": 2 BigQuery jobs over " in result.stderr


@pytest.mark.usefixtures("filled")
def test_a_source_that_cannot_be_read_ends_with_two_and_is_named(local: LocalSources) -> None:
    local.firestore.faults.fail("PERMISSION_DENIED")
    well = str(TODAY - ONE_DAY * 5)

    result = invoke("--from", well, "--to", well)

    assert result.exit_code == 2
    assert "not all of Firestore could be read (permission_denied)" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--from", "2026-02-02", "--to", "2026-02-01"), "--from 2026-02-02 is after --to 2026-02-01"),
        (
            ("--from", "2024-02-02", "--to", "2026-02-01"),
            "--from 2024-02-02 --to 2026-02-01 are 731 run dates; at most 400",
        ),
        (("--to", "9998-12-31"), "--to 9998-12-31 is too far ahead: nothing is recorded of run dates after"),
        (("--from", "2026-02-30"), "'2026-02-30' does not match the format"),
    ],
)
def test_dates_that_make_no_season_are_refused_before_anything_is_read(arguments: tuple[str, ...], fault: str) -> None:
    result = invoke(*arguments)

    assert result.exit_code == 64
    assert fault in result.stderr
