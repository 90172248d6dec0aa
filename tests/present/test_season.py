"""The grid of a season: what stands in it, how wide it is, and the JSON."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from exporter.config.load import load
from exporter.model import Snapshot, Verdict
from exporter.present.season import MARKS, months, season_data, season_text
from exporter.reconcile import DISCREPANCIES, reconcile
from exporter.reconcile.season import Season
from testing.builders import DAY, ONE_DAY, on
from testing.reports import a_season

if TYPE_CHECKING:
    import pytest

    from exporter.model import ProcessorReport

FIRST = DAY - timedelta(days=59)


def all_well(_: ProcessorReport) -> Verdict:
    return Verdict.OK


def test_every_verdict_has_a_different_mark_and_only_discrepancies_have_capitals() -> None:
    assert set(MARKS) == set(Verdict)
    assert len(set(MARKS.values())) == len(Verdict)
    for verdict, mark in MARKS.items():
        assert len(mark) == 1
        assert mark.isupper() == (verdict in DISCREPANCIES)


def test_a_cell_is_below_its_day() -> None:
    season = a_season("alpha", verdict=lambda one: Verdict.MISSING if one.run_date.day == 17 else Verdict.OK)

    lines = season_text(season, {}).splitlines()
    start = lines.index(next(line for line in lines if line.startswith("2026-01")))
    tens, units, cells = lines[start], lines[start + 1], lines[start + 3]
    (column,) = (found.start() for found in re.finditer("M", cells))
    assert (tens[column - 7], units[column]) == ("1", "7")


def test_a_month_shows_no_day_outside_the_season() -> None:
    december, january, february = months(a_season("alpha", verdict=all_well))

    assert (december.name, january.name, february.name) == ("2025-12", "2026-01", "2026-02")
    assert december.groups[0].lines[0].verdicts[: FIRST.day - 1] == [None] * (FIRST.day - 1)
    assert (december.days, january.days, february.days) == (31, 31, 1)


def test_sixty_days_of_the_preset_are_at_most_eighty_columns_wide() -> None:
    loaded = load(preset="nba", environ={}).config
    dates = tuple(FIRST + ONE_DAY * number for number in range(60))
    report = reconcile(replace(loaded, documents=replace(loaded.documents, only=dates)), Snapshot(), on("18:00"))

    text = season_text(Season(report), {})

    assert max(map(len, text.splitlines())) <= 80
    for one in report.processors:
        assert f"  {one.processor} " in text


def test_a_name_in_brackets_is_no_style_of_the_console() -> None:
    season = a_season("players[bold]", verdict=all_well)

    text = season_text(season, {})

    assert [line for line in text.splitlines() if "players" in line and "players[bold]" not in line] == []


def test_a_name_that_is_too_long_loses_its_end_in_the_grid_and_not_in_the_json() -> None:
    name = "x" * 100
    season = a_season(name, verdict=all_well)

    assert name in str(season_data(season, {})["processors"])
    assert max(map(len, season_text(season, {}).splitlines())) <= 80
    assert "x…" in season_text(season, {})


def test_only_the_marks_that_occur_are_explained_the_worst_first() -> None:
    season = a_season("alpha", verdict=lambda one: Verdict.UNREGISTERED if one.run_date == DAY else Verdict.OK)

    assert season_text(season, {}).splitlines()[-1] == "U unregistered   . ok"


def test_the_totals_of_each_processor_are_counted_over_all_days() -> None:
    def two_of_beta(one: ProcessorReport) -> Verdict:
        return Verdict.MISSING if one.processor == "beta" and one.run_date.day == 1 else Verdict.OK

    season = a_season("alpha", "beta", verdict=two_of_beta)

    text = season_text(season, {})
    assert "Totals of 60 run dates" in text
    assert re.search(r"^  alpha +60 ok *$", text, re.MULTILINE)
    assert re.search(r"^  beta +2 missing, 58 ok *$", text, re.MULTILINE)


def test_dates_whose_document_was_deleted_are_marked_and_explained() -> None:
    text = season_text(a_season("alpha", verdict=all_well, gone=True), {})

    line = next(line for line in text.splitlines() if "~" in line)
    assert line.startswith("nba phase3")
    assert line.count("~") == 31 - FIRST.day + 1
    said = " ".join(text.splitlines()[-3:])
    assert said.startswith("~ the completion document is gone (2025-12-04 to 2026-01-02;")


def test_there_is_colour_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    season = a_season("alpha", verdict=all_well)

    assert "\x1b[" in season_text(season, {}, terminal=True, width=80)
    assert "\x1b[" not in season_text(season, {})


def test_the_json_has_every_cell_by_name_and_date() -> None:
    season = a_season("alpha", verdict=lambda one: Verdict.PARTIAL if one.run_date == DAY else Verdict.OK, gone=True)

    said = season_data(season, {"warehouse": "quota"})

    assert (said["from"], said["to"], said["discrepancies"], said["unknown"]) == ("2025-12-04", "2026-02-01", 1, 0)
    assert said["unread"] == {"warehouse": "quota"}
    alpha = said["processors"]["nba/phase3/alpha"]
    assert (len(alpha["verdicts"]), alpha["verdicts"]["2026-02-01"]) == (60, "partial")
    assert alpha["totals"] == {"partial": 1, "ok": 59}
    gone = said["phases"]["nba/phase3"]["document_gone"]
    assert (gone[0], gone[-1], len(gone)) == ("2025-12-04", "2026-01-02", 30)
