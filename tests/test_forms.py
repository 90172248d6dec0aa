"""Every form that a report takes, made of anything that the sources may hold."""

from __future__ import annotations

import json

from hypothesis import given

from exporter.metrics.catalogue import report_samples
from exporter.metrics.exposition import render
from exporter.present.explanations import explain_json, explain_text
from exporter.present.history import History
from exporter.present.repairs import repair_text, repairs
from exporter.present.status import status_json
from exporter.present.summary import summarize
from exporter.present.table import report_text
from exporter.reconcile import reconcile
from exporter.reconcile.dating import misread_dates
from exporter.web.sections import sections
from tests.reconcile.strategies import Case, cases


@given(cases)
def test_every_form_of_a_report_can_be_made_whatever_the_records_say(case: Case) -> None:
    report = reconcile(case.config, case.snapshot, case.now)

    assert json.loads(status_json(report))
    assert json.dumps(explain_json(report))
    assert summarize(report).clauses()
    assert report_text(report, width=80)
    assert explain_text(report)
    assert [fact for _, facts in sections(report, History()).facts for fact in facts]
    assert render(report_samples(report)).plain
    for day in {phase.run_date for phase in report.phases}:
        assert repair_text(list(repairs(report, day)))


@given(cases)
def test_whether_dates_are_misread_can_be_asked_whatever_the_records_say(case: Case) -> None:
    documents, readings = case.snapshot.documents.value or {}, case.snapshot.heartbeats.values()
    beats = {name: beat for reading in readings for name, beat in (reading.value or {}).items()}

    assert all(misread_dates(case.config, documents, beats, case.now))
