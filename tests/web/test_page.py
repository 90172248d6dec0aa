"""The status page as a document: what stands in it, in which order, and how much of it there may be."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from benchmarks.world import config_of, world_of
from exporter.model import CoverageCounts, ErrorKind, Verdict
from exporter.present.history import History
from exporter.shipped.alerts import alert_of
from exporter.web.page import About, render_page
from exporter.web.sections import MOST_CHANGES, MOST_WHYS, sections
from exporter.web.state import View
from testing.builders import DAY, OFFENSE, ONE_DAY, PHASE3, PLAYER, config, on, phase, pipeline, processor
from testing.collecting import Scene, healthy
from testing.reports import changed, explained, overwritten, reported, seed_like, triggered

MOST_BYTES = 300_000
ABOUT = About("1.2.3")


def page(view: View, about: About = ABOUT) -> str:
    return render_page(view, about)


@pytest.mark.parametrize("wrong", [False, True], ids=["some wrong", "all wrong and explained"])
def test_five_hundred_processors_of_three_dates_weigh_less_than_they_may(*, wrong: bool) -> None:
    report = world_of(config_of(500)).report()
    if wrong:
        report = explained(changed(report, of_processor=lambda one: replace(one, verdict=Verdict.UNREGISTERED)))
    history = History()
    for minute, verdict in enumerate((Verdict.OK, Verdict.FAILED, Verdict.OK)):
        before = changed(report, of_processor=lambda one, verdict=verdict: replace(one, verdict=verdict))  # type: ignore[misc]  # bound here on purpose
        history = history.after(replace(before, at=report.at - timedelta(minutes=5 - minute)))

    text = page(View(report, history.after(report)))

    assert len(report.processors) == 1500
    assert len(text.encode()) < MOST_BYTES
    assert text.count("<tr class=why>") == MOST_WHYS


def test_processors_without_discrepancy_are_folded_where_there_are_many() -> None:
    below = sections(world_of(config_of(64)).report(), History())

    assert {len(section.rows) for section in below.trouble} == {1, 2}
    assert {len(section.rows) + len(section.folded) for section in below.trouble} == {16}


def test_a_phase_with_a_discrepancy_stands_open_and_the_others_are_folded() -> None:
    below = sections(reported(seed_like()), History())

    assert [section.name for section in below.trouble] == ["nba phase3 of 2026-02-01"]
    assert [row.name for row in below.trouble[0].rows] == [PLAYER, PHASE3[4], *PHASE3[1:4]]
    assert [section.name for section in below.well] == ["nba phase4 of 2026-02-01", "nba phase5 of 2026-02-01"]


def test_sources_that_were_read_together_stand_together_with_their_age() -> None:
    scene = healthy()
    scene.collectors.run_all()
    scene.clock.now = on("18:10")
    for name in ("completion", "heartbeats"):
        scene.collectors.run(name)

    [answers, *_] = [section.answers for section in sections(scene.reports[-1], History()).trouble]

    assert [(answer.sources, answer.read and (answer.read.text, answer.read.away)) for answer in answers] == [
        ("completion document, heartbeats", ("18:10 UTC (13:10 EST)", "0 s ago")),
        ("tables", ("18:00 UTC (13:00 EST)", "10 min ago")),
    ]


def test_a_source_that_was_never_read_is_said_to_be() -> None:
    scene = healthy()
    scene.orders("completion").fail(ErrorKind.UNREACHABLE)

    [first, *_] = sections(reported(scene), History()).trouble

    assert ("completion document", None) in first.answers


def test_a_deadline_that_is_not_the_phase_s_stands_below_its_processor() -> None:
    report = changed(
        reported(seed_like()),
        of_processor=lambda one: replace(one, due=on("17:00")) if one.processor == PLAYER else one,
    )

    whys = {row.name: row.why for row in sections(report, History()).trouble[0].rows if row.why}

    assert {name: why.due and why.due.text for name, why in whys.items()} == {
        PLAYER: "17:00 UTC (12:00 EST)",
        PHASE3[4]: None,
    }


def test_what_belongs_to_no_processor_is_told_with_unknown_told_from_none() -> None:
    scene = healthy()
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(212, 118, 118, {"dnp": 94, "unmarked": 0})}
    scene.memory.warehouse.phase_log = {(DAY - ONE_DAY, "phase3_to_phase4"): 1}
    known = dict(sections(reported(scene), History()).facts[0][1])
    scene = healthy()
    for name in ("warehouse", "heartbeat_count"):
        scene.orders(name).fail(ErrorKind.QUOTA)
    unknown = dict(sections(reported(scene), History()).facts[0][1])

    assert (
        known["Coverage minutes_played of 2026-02-01, rows of 2026-01-31"] == "100.0% (118 of 118, 94 dnp of 212 rows)"
    )
    assert known["Calendar, 2026-01-31"] == "6 units"
    assert known["Phase log phase3_to_phase4, 2026-02-01"] == "1 row of 1 expected"
    assert known["Heartbeat documents"] == "31"
    for fact in (
        "Coverage minutes_played of 2026-02-01, rows of 2026-01-31",
        "Calendar, 2026-01-31",
        "Heartbeat documents",
    ):
        assert unknown[fact] == "unknown"


def test_what_the_sentence_is_about_is_not_said_again_below_it_and_has_its_rows_and_its_runbook_there() -> None:
    scene = triggered()
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(212, 118, 80, {"dnp": 94})}
    scene.memory.store.size = 106_000

    html = page(View(reported(scene)))

    begins, _, below = html.partition("<h2 id=beside>")
    assert begins.count("rows of 2026-01-31, is 67.8%") == 2  # the title and the sentence
    assert "is 67.8%" not in below
    assert "For the above: <span class=runbook>" in below
    assert "IS NOT TRUE</code>" in below
    assert "<strong>106,000 heartbeat documents of nba, more than 500</strong>" in below


def test_the_last_heartbeat_and_run_are_told_where_there_was_one() -> None:
    report = reported(healthy())
    [pipeline] = report.pipelines
    beaten = replace(pipeline, last_heartbeat_at=on("17:00"), last_run_at=on("16:00"))

    facts = dict(sections(replace(report, pipelines=(beaten,)), History()).facts[0][1])

    assert facts["Last heartbeat"] == "17:00 UTC (12:00 EST)"
    assert facts["Last run in the run history"] == "16:00 UTC (11:00 EST)"


def test_a_pipeline_of_documents_and_rows_alone_tells_its_calendar_alone() -> None:
    scene = Scene(config(pipeline([phase("phase3", [processor(OFFENSE)])], bare=True)))
    scene.memory.warehouse.units = {DAY: 6}

    below = sections(reported(scene), History())

    assert below.facts == [("nba", [("Calendar, 2026-02-01", "6 units")])]
    assert {answer.sources for section in below.trouble for answer in section.answers} == {
        "completion document, tables"
    }


def test_a_date_with_nothing_to_cover_says_so() -> None:
    scene = healthy()
    scene.memory.warehouse.coverage = {DAY - ONE_DAY: CoverageCounts(0, 0, 0, {})}

    assert dict(sections(reported(scene), History()).facts[0][1])[
        "Coverage minutes_played of 2026-02-01, rows of 2026-01-31"
    ] == ("nothing to cover")


def test_each_date_shows_its_last_changes_and_how_many_more_there_were() -> None:
    report, history = reported(triggered()), History()
    for minute in range(8):
        verdict = (Verdict.OK, Verdict.FAILED)[minute % 2]
        told = changed(report, of_processor=lambda one, verdict=verdict: replace(one, verdict=verdict))  # type: ignore[misc]  # bound here on purpose
        history = history.after(replace(told, at=report.at + timedelta(minutes=minute)))

    [day] = sections(report, history).days

    assert (day.run_date, len(day.changes), day.more) == ("2026-02-01", MOST_CHANGES, 7 * 9 - MOST_CHANGES)
    at, subject, before, now = day.changes[0]
    assert (at.text, subject, before, now) == ("18:07 UTC (13:07 EST)", f"nba phase3 {PLAYER}", "ok", "failed")
    assert ("nba phase3", [("5 failed", "bad"), ("trigger triggered", "good")]) in day.phases
    assert f"{day.more} earlier ones" in page(View(report, history))


def test_runbooks_are_links_to_the_exporters_own_or_where_they_are_served() -> None:
    view = View(reported(seed_like()))

    named, linked = page(view), page(view, About("1.2.3", runbooks="https://wiki.example.com/runbooks/"))

    assert f'href="runbooks/{alert_of("blocked").name}?pipeline=nba&amp;phase=phase3&amp;run_date=2026-02-01"' in named
    assert f'href="https://wiki.example.com/runbooks/{alert_of("blocked").runbook}"' in linked


def test_nothing_of_the_page_lies_elsewhere() -> None:
    text = page(View(explained(reported(seed_like()))))

    assert not re.search(
        r"(?:https?:)?//\w", re.sub(r"<style>.*?</style>|<script>.*?</script>", "", text, flags=re.DOTALL)
    )
    assert OFFENSE in text


def test_a_report_without_pipelines_is_a_page() -> None:
    empty = replace(reported(healthy()), pipelines=())

    assert "No pipeline belongs to this shard" in page(View(empty, History()))


def test_what_was_overwritten_and_is_back_is_told_although_all_is_well() -> None:
    report = reported(overwritten())

    below = sections(report, History())
    text = page(View(report, History()))

    assert below.trouble == []
    (section,) = (section for section in below.well if section.overwritten)
    assert section.line.endswith(", 1 overwritten and restored")
    assert text.count("<dt>Overwritten<dd>") == 1
    assert f"<li>{PLAYER}: its entry was there at 15:04:00Z and gone at 15:05:00Z: " in text
    assert f"1 entry was overwritten and restored ({PLAYER})." in text
