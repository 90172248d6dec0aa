"""Owner, job and logs, as page, JSON and metrics show them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from exporter.config.care import Care, CloudRun
from exporter.metrics.catalogue import report_samples
from exporter.model import Since, Verdict
from exporter.present.care import care_text, logs, window_of
from exporter.present.explanations import explain_text
from exporter.present.history import History
from exporter.present.status import processor_key, processors
from exporter.web.sections import sections
from testing.builders import PLAYER, on
from testing.reports import changed, reported, seed_like
from testing.samples import family, labels

if TYPE_CHECKING:
    from exporter.model import ProcessorReport, Report

CARE = Care(
    "data team",
    CloudRun("service", "phase3-processors", "us-west2"),
    "https://logs.example.com/?q=phase3&from={from}&to={to}",
)
AT = on("16:20")


def cared_for() -> Report:
    """A report whose processors all have this care."""
    return changed(reported(seed_like()), of_processor=lambda one: replace(one, care=CARE))


def player(**changes: Any) -> ProcessorReport:  # noqa: ANN401 - of any field
    one = next(one for one in cared_for().processors if one.processor == PLAYER)
    return replace(one, **changes)


def test_the_window_lies_around_the_beginning_of_the_fault() -> None:
    between = window_of(player(since=Since(on("15:04:29"), on("15:04:27"))), AT)

    assert between == (on("14:34:27"), on("15:14:29"))
    assert logs(CARE, between) == (
        "https://logs.example.com/?q=phase3&from=2026-02-01T14%3A34%3A27Z&to=2026-02-01T15%3A14%3A29Z"
    )


def test_the_window_of_a_run_that_left_nothing_is_the_time_before_its_deadline() -> None:
    assert window_of(player(verdict=Verdict.MISSING, due=on("16:30")), AT) == (on("10:30"), on("16:30"))


def test_the_window_without_a_fault_is_the_last_hour() -> None:
    assert window_of(player(since=None, verdict=Verdict.OK), AT) == (on("15:20"), on("16:20"))


def test_the_words_leave_out_what_nobody_said() -> None:
    assert care_text(CARE) == "Owner: data team. Runs in Cloud Run service phase3-processors in us-west2."
    assert care_text(replace(CARE, runs_in=None)) == "Owner: data team."
    assert care_text(Care()) == ""
    assert logs(Care(), (AT, AT)) is None


def test_the_json_has_owner_job_and_logs() -> None:
    report = cared_for()

    said = processors(report)[processor_key(report.processors[0])]

    assert said["owner"] == "data team"
    assert said["job"] == {"kind": "service", "name": "phase3-processors", "region": "us-west2"}
    assert said["logs"].startswith("https://logs.example.com/?q=phase3&from=2026-")


def test_the_page_and_explain_say_whose_a_fault_is_and_where_its_logs_are() -> None:
    report = cared_for()
    whys = [row.why for section in sections(report, History()).trouble for row in section.rows if row.why]

    assert {why.care for why in whys} == {care_text(CARE)}
    assert all("{from}" not in why.logs and "T" in unquote(why.logs) for why in whys)
    assert "Owner: data team." in explain_text(report)


def test_a_processor_has_one_series_of_its_owner_whatever_its_run_dates() -> None:
    report = cared_for()
    (pipeline,) = report.pipelines
    twice = replace(report, pipelines=(replace(pipeline, phases=pipeline.phases * 2),))

    found = report_samples(twice)[family("processor_owner_info")]

    assert len(found) == len({one.processor for one in report.processors})
    assert labels(found[0][0])["runs_in"] == "Cloud Run service phase3-processors in us-west2"
    assert labels(found[0][0])["logs"] == CARE.log_link


def test_a_processor_of_which_nothing_is_said_has_no_series_of_its_owner() -> None:
    assert report_samples(reported(seed_like()))[family("processor_owner_info")] == []
