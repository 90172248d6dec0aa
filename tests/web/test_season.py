"""The season's section of the page: there where a season was read, and never more than the page may weigh."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from exporter.model import Verdict
from exporter.present.history import History
from exporter.present.words import Moments
from exporter.web.page import About, render_page
from exporter.web.season import MOST_CELLS, grid
from exporter.web.state import View
from testing.builders import DAY
from testing.reports import a_season, reported, triggered

if TYPE_CHECKING:
    from exporter.model import ProcessorReport
    from exporter.reconcile.season import Season
    from exporter.web.season import Grid

MOST_BYTES = 250_000


def section(season: Season | None, **unread: str) -> str:
    """The section's HTML; empty if there is none."""
    report = reported(triggered())
    page = render_page(View(report, History().after(report), {}, season, unread), About("1.2.3"))
    found = re.search(r"<section aria-labelledby=season>.*?</section>", page, re.DOTALL)
    return found[0] if found else ""


def shown(season: Season, **unread: str) -> Grid:
    return grid(season, unread, Moments.of(season.report))


def ok(_: ProcessorReport) -> Verdict:
    return Verdict.OK


def test_there_is_no_section_where_no_season_is_read() -> None:
    assert section(None) == ""


def test_a_month_is_a_table_of_days_and_every_discrepancy_says_its_verdict() -> None:
    season = a_season("alpha", verdict=lambda one: Verdict.MISSING if one.run_date.day == 17 else Verdict.OK)

    months = shown(season).months

    assert [(month.name, len(month.days)) for month in months] == [("2025-12", 31), ("2026-01", 31), ("2026-02", 1)]
    cells = months[1].groups[0].rows[0].cells
    assert [(day, cell.said) for day, cell in enumerate(cells, start=1) if cell.said] == [(17, "missing")]
    assert section(season).count('<td class=bad title="missing">M') == 2


def test_what_could_not_be_read_and_how_old_the_reading_is_are_said() -> None:
    season = a_season("alpha", verdict=ok)
    season = replace(season, report=replace(season.report, at=season.report.at - timedelta(hours=3)))

    text = section(season, warehouse="quota")

    assert "Could not read all of warehouse: quota." in text
    assert ">15:00 UTC (10:00 EST)</time>, 3 h ago" in text


def test_dates_whose_document_was_deleted_are_marked_and_explained() -> None:
    season = a_season("alpha", verdict=ok, gone=True)

    assert sum(shown(season).months[0].groups[0].gone) == 28
    assert "the completion document is gone (2025-12-04 to 2026-01-02;" in section(season)
    assert "~" not in section(a_season("alpha", verdict=ok))


def test_the_days_with_a_discrepancy_are_counted() -> None:
    season = a_season("alpha", "beta", verdict=lambda one: Verdict.FAILED if one.run_date.day < 3 else Verdict.OK)

    assert shown(season).wrong == "discrepancies on 3 of 60 run dates"


def test_where_there_are_very_many_processors_those_with_discrepancies_are_shown() -> None:
    names = [f"processor_{number:03}" for number in range(500)]
    wrong = {"processor_007", "processor_321", "processor_499"}
    season = a_season(
        *names,
        verdict=lambda one: Verdict.MISSING if one.processor in wrong and one.run_date == DAY else Verdict.OK,
    )

    view = shown(season)

    rows = {row.name for group in view.months[0].groups for row in group.rows}
    assert rows >= wrong
    assert (len(rows), view.left_out) == (MOST_CELLS // 60, 500 - MOST_CELLS // 60)
    assert f"{view.left_out} more processors" in section(season)


def test_a_season_in_which_all_is_wrong_weighs_less_than_it_may() -> None:
    names = [f"processor_{number:03}" for number in range(500)]

    text = section(a_season(*names, verdict=lambda _: Verdict.COUNT_MISMATCH, gone=True))

    assert len(text.encode()) < MOST_BYTES
