"""What could not be read, each outage once."""

from __future__ import annotations

from dataclasses import replace

from exporter.collect.collectors import COLLECTORS
from exporter.model import Since
from exporter.present.outages import SOURCES, outages
from testing.builders import on
from testing.reports import reported, well


def test_every_collector_has_the_source_that_it_reads() -> None:
    assert {name: source.lower() for name, source in SOURCES.items()} == {one.name: one.source for one in COLLECTORS}


def test_collectors_of_a_source_that_fail_for_one_reason_are_one_outage_since_the_last_good_reading() -> None:
    report = reported(well())
    denied = dict.fromkeys(("completion", "heartbeats", "heartbeat_count"), "permission_denied")

    (outage,) = outages(report, denied)

    assert outage.text == "not all of Firestore could be read (permission_denied)"
    assert outage.since == Since(on("18:00"))


def test_different_reasons_are_different_outages() -> None:
    found = outages(reported(well()), {"completion": "timeout", "heartbeats": "quota", "warehouse": "timeout"})

    assert [(one.source, one.reasons) for one in found] == [
        ("Firestore", "timeout"),
        ("Firestore", "quota"),
        ("BigQuery", "timeout"),
    ]


def test_a_source_that_was_never_read_has_no_time() -> None:
    report = replace(reported(well()), pipelines=())

    assert [one.since for one in outages(report, {"completion": "timeout", "heartbeat_count": "timeout"})] == [None]
