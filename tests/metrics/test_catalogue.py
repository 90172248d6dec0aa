"""The catalogue, and what the exporter says of itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter import __version__
from exporter.metrics.catalogue import (
    CATALOGUE,
    LIVE_FAMILIES,
    PREFIX,
    REPORT_FAMILIES,
)
from exporter.metrics.live import SKIP_REASONS, UNREACHED, live_samples
from exporter.metrics.reference import markdown
from exporter.metrics.telemetry import Telemetry
from exporter.model import ErrorKind, Since
from testing.builders import on
from testing.samples import labels, one, values

if TYPE_CHECKING:
    from exporter.metrics.samples import Samples

DAYS = ("pipeline", "run_date")
PHASE = ("pipeline", "phase", "run_date")
PROCESSOR = (*PHASE, "processor")
CHECK = (*DAYS, "check")
COLLECTOR = ("collector",)

FAMILIES: dict[str, tuple[str, ...]] = {
    "phase_processors_expected": PHASE,
    "phase_processors_registered": PHASE,
    "phase_processors_unexpected": PHASE,
    "phase_entries": PHASE,
    "phase_entries_removed": (*PHASE, "kind"),
    "phase_entries_overwritten": PHASE,
    "phase_completed_count": PHASE,
    "phase_count_inconsistent": PHASE,
    "phase_malformed_fields": PHASE,
    "phase_triggered": PHASE,
    "phase_triggered_timestamp_seconds": PHASE,
    "phase_due_timestamp_seconds": PHASE,
    "pipeline_since_timestamp_seconds": (*DAYS, "reason", "about", "local", "after"),
    "phase_since_timestamp_seconds": (*PHASE, "about", "then", "local", "after"),
    "phase_trigger_state": (*PHASE, "state"),
    "phase_mode": (*PHASE, "mode"),
    "processor_registered": PROCESSOR,
    "processor_critical": PROCESSOR,
    "processor_verdict": (*PROCESSOR, "verdict"),
    "processor_since_timestamp_seconds": (*PROCESSOR, "about", "then", "local", "after"),
    "processor_owner_info": ("pipeline", "phase", "processor", "owner", "runs_in", "logs"),
    "processor_record_count": PROCESSOR,
    "processor_table_rows": PROCESSOR,
    "processor_without_table": PROCESSOR,
    "processor_record_count_delta": PROCESSOR,
    "processor_record_count_possible": PROCESSOR,
    "processor_table_rows_expected_min": PROCESSOR,
    "processor_table_rows_expected_max": PROCESSOR,
    "processor_due_timestamp_seconds": PROCESSOR,
    "processor_completed_timestamp_seconds": PROCESSOR,
    "processor_table_written_timestamp_seconds": PROCESSOR,
    "processor_heartbeat_timestamp_seconds": PROCESSOR,
    "processor_heartbeat_age_seconds": PROCESSOR,
    "processor_heartbeat_state": (*PROCESSOR, "state"),
    "phase_log_source": (*PHASE, "source"),
    "phase_run_history_processors": PHASE,
    "phase_log_rows": (*DAYS, "transition"),
    "phase_log_rows_expected": (*DAYS, "transition"),
    "coverage_expected": CHECK,
    "coverage_rows": CHECK,
    "coverage_eligible_rows": CHECK,
    "coverage_covered_rows": CHECK,
    "coverage_excluded_rows": (*CHECK, "reason"),
    "coverage_unclassified_rows": CHECK,
    "coverage_target_ratio": CHECK,
    "coverage_warn_ratio": CHECK,
    "coverage_critical_ratio": CHECK,
    "coverage_low": (*CHECK, "bound"),
    "coverage_since_timestamp_seconds": (*CHECK, "about", "data_date", "local", "after"),
    "coverage_unclassified": CHECK,
    "unusable_fields": ("pipeline", "kind"),
    "calendar_doubtful": ("pipeline", "reason"),
    "calendar_units": ("pipeline", "date"),
    "heartbeat_documents": ("pipeline",),
    "heartbeat_documents_warn": ("pipeline",),
    "heartbeat_documents_critical": ("pipeline",),
    "heartbeat_collection_bloated": ("pipeline", "bound"),
    "heartbeats_silent": ("pipeline",),
    "heartbeat_stale_after_seconds": ("pipeline",),
    "heartbeat_silent_after_seconds": ("pipeline",),
    "heartbeat_last_timestamp_seconds": ("pipeline",),
    "heartbeats_known": ("pipeline",),
    "run_history_known": ("pipeline",),
    "run_history_last_run_timestamp_seconds": ("pipeline",),
    "processor_rows_too_few": PROCESSOR,
    "processor_rows_too_many": PROCESSOR,
    "processor_duplicate_rows": PROCESSOR,
    "processor_table_units": PROCESSOR,
    "processor_units_expected": PROCESSOR,
    "processor_rows_due_timestamp_seconds": PROCESSOR,
    "exporter_report_timestamp_seconds": (),
    "exporter_since_timestamp_seconds": ("about", "source", "collector", "local", "after"),
    "exporter_utc_offset_seconds": ("zone",),
    "exporter_series": (),
    "exporter_source_up": ("source",),
    "exporter_source_error": ("source", "reason"),
    "exporter_collector_runs_total": COLLECTOR,
    "exporter_collector_failures_total": (*COLLECTOR, "reason"),
    "exporter_collector_skipped_total": (*COLLECTOR, "reason"),
    "exporter_collector_duration_seconds": COLLECTOR,
    "exporter_collector_failing": (*COLLECTOR, "reason"),
    "exporter_collector_last_success_timestamp_seconds": COLLECTOR,
    "exporter_collector_interval_seconds": COLLECTOR,
    "exporter_collector_pace_seconds": COLLECTOR,
    "exporter_bigquery_jobs_total": (),
    "exporter_bigquery_bytes_processed_total": (),
    "exporter_bigquery_bytes_billed_total": (),
    "exporter_bigquery_budget_remaining_bytes": (),
    "exporter_firestore_document_reads_total": (),
    "exporter_listener_connected": (),
    "exporter_listener_events_total": (),
    "exporter_listener_gaps_total": (),
    "exporter_listener_last_event_timestamp_seconds": (),
    "exporter_ledger_durable": (),
    "exporter_ledger_failures_total": (),
    "exporter_build_info": ("version", "python"),
    "exporter_http_refused_total": ("reason",),
    "exporter_config_info": ("source", "hash"),
    "exporter_config_last_reload_successful": (),
    "exporter_config_last_reload_success_timestamp_seconds": (),
}
"""Every family without its prefix: rules and dashboards are written against these names."""


# --- the catalogue ----------------------------------------------------------------------------------------------


def test_the_catalogue_has_exactly_these_families() -> None:
    assert {item.name.removeprefix(PREFIX): item.labels for item in CATALOGUE} == FAMILIES


def test_names_are_unique_and_carry_the_prefix() -> None:
    names = [item.name for item in CATALOGUE]

    assert len(names) == len(set(names)) == len(REPORT_FAMILIES) + len(LIVE_FAMILIES)
    assert all(re.fullmatch(r"orchestration_[a-z0-9]+(_[a-z0-9]+)*", name) for name in names)
    assert all(item.name.startswith("orchestration_exporter_") for item in LIVE_FAMILIES)


def test_counters_and_only_counters_end_in_total() -> None:
    assert all((item.kind == "counter") == item.name.endswith("_total") for item in CATALOGUE)


def test_what_is_rendered_with_the_report_is_gauges_alone() -> None:
    assert {item.kind for item in REPORT_FAMILIES} == {"gauge", "unknown"}


def test_units_are_base_units_and_stand_last() -> None:
    for item in CATALOGUE:
        words = item.name.removesuffix("_total").split("_")
        assert not {"ms", "milliseconds", "minutes", "hours", "kilobytes", "mib", "percent"} & set(words)
        for unit in {"seconds", "bytes", "ratio"} & set(words):
            assert words[-1] == unit or words[-2:] in (["bytes", "processed"], ["bytes", "billed"])
        if "timestamp" in words:
            assert words[-2:] == ["timestamp", "seconds"]


def test_names_that_look_like_a_histograms_are_the_pipelines_own_words() -> None:
    reserved = {item.name for item in CATALOGUE if item.name.endswith(("_count", "_sum", "_bucket"))}

    assert reserved == {"orchestration_phase_completed_count", "orchestration_processor_record_count"}
    assert {item.name for item in CATALOGUE if item.kind == "unknown"} == reserved


def test_help_is_one_sentence_and_names_no_quote() -> None:
    for item in CATALOGUE:
        assert item.help.endswith(".")
        assert not set('"\n|') & set(item.help)


def test_the_documentation_is_the_catalogue() -> None:
    written = Path(__file__).parents[2].joinpath("docs", "metrics.md").read_text(encoding="utf-8")

    assert written == markdown(), (
        "write it again: python -c 'import exporter.metrics.reference as m; print(m.markdown(), end=\"\")'"
    )


def test_the_documentation_has_a_row_for_every_family() -> None:
    rows = [line for line in markdown().splitlines() if line.startswith("| `")]

    assert [row.split("`")[1] for row in rows] == [item.name for item in CATALOGUE]
    assert all(row.count(" | ") == 3 for row in rows)


# --- the exporter itself ----------------------------------------------------------------------------------------


def live(telemetry: Telemetry, *, reported: bool = True, reload_ok: bool = True) -> Samples:
    return live_samples(
        telemetry,
        intervals={"completion": 60.0},
        report_at=on("18:00") if reported else None,
        series=449,
        config_source='preset "nba"',
        config_hash="abc",
        reload_ok=reload_ok,
        reloaded_at=on("12:00"),
        began=[({"about": "collector_failing", "source": "firestore", "collector": "completion"}, Since(on("17:30")))],
        zone="America/New_York",
    )


def test_before_its_first_run_a_collector_has_all_its_counters() -> None:
    telemetry = Telemetry()
    telemetry.collector_known("completion")

    samples = live(telemetry, reported=False)

    assert list(samples) == LIVE_FAMILIES
    assert values(samples, "exporter_collector_runs_total") == {("completion",): 0}
    assert values(samples, "exporter_collector_failures_total") == {("completion", str(kind)): 0 for kind in ErrorKind}
    assert values(samples, "exporter_collector_failing") == {("completion", str(kind)): 0 for kind in ErrorKind}
    assert values(samples, "exporter_collector_skipped_total") == {("completion", why): 0 for why in SKIP_REASONS}
    assert values(samples, "exporter_collector_interval_seconds") == {("completion",): 60}
    for name in ("collector_duration_seconds", "collector_last_success_timestamp_seconds", "report_timestamp_seconds"):
        assert one(samples, f"exporter_{name}") is None
    assert one(samples, "exporter_bigquery_budget_remaining_bytes") is None
    for name in ("bigquery_jobs", "bigquery_bytes_processed", "bigquery_bytes_billed", "firestore_document_reads"):
        assert one(samples, f"exporter_{name}_total") == 0


def test_the_exporter_says_since_when_it_has_a_fault_and_how_far_its_zone_is_from_utc() -> None:
    samples = live(Telemetry())

    labels = "collector_failing", "firestore", "completion", "12:30 EST", ""
    assert values(samples, "exporter_since_timestamp_seconds") == {labels: on("17:30").timestamp()}
    assert values(samples, "exporter_utc_offset_seconds") == {("EST",): -5 * 3600}


def test_what_the_exporter_counts_is_exposed() -> None:
    telemetry = Telemetry()
    telemetry.collector_known("completion")
    telemetry.collector_ran("completion", seconds=0.5, at=1000.0, failures=[ErrorKind.TIMEOUT], success=True)
    telemetry.collector_skipped("completion", "missed")
    telemetry.add("jobs", 2)
    telemetry.add("bytes_processed", 10)
    telemetry.add("bytes_billed", 20)
    telemetry.add("document_reads", 30)
    telemetry.set("budget_remaining", 40)

    samples = live(telemetry, reload_ok=False)

    assert one(samples, "exporter_collector_runs_total") == 1
    assert values(samples, "exporter_collector_failures_total")["completion", "timeout"] == 1
    assert values(samples, "exporter_collector_failing")["completion", "timeout"] == 1
    assert values(samples, "exporter_collector_skipped_total")["completion", "missed"] == 1
    assert one(samples, "exporter_collector_duration_seconds") == 0.5
    assert one(samples, "exporter_collector_last_success_timestamp_seconds") == 1000
    counted = (
        "bigquery_jobs_total",
        "bigquery_bytes_processed_total",
        "bigquery_bytes_billed_total",
        "firestore_document_reads_total",
    )
    assert [one(samples, f"exporter_{name}") for name in counted] == [2, 10, 20, 30]
    assert one(samples, "exporter_bigquery_budget_remaining_bytes") == 40
    assert one(samples, "exporter_series") == 449
    assert one(samples, "exporter_report_timestamp_seconds") == on("18:00").timestamp()
    assert one(samples, "exporter_config_last_reload_successful") == 0
    assert one(samples, "exporter_config_last_reload_success_timestamp_seconds") == on("12:00").timestamp()
    assert [key[0] for key in values(samples, "exporter_build_info")] == [__version__]
    assert values(samples, "exporter_config_info") == {(r"preset \"nba\"", "abc"): 1}


def test_a_collector_without_an_interval_has_no_interval() -> None:
    telemetry = Telemetry()
    telemetry.collector_known("once")

    assert one(live(telemetry), "exporter_collector_interval_seconds") is None


@pytest.mark.parametrize("error", [None, *ErrorKind])
def test_a_source_is_up_unless_the_last_attempt_did_not_reach_it(error: ErrorKind | None) -> None:
    telemetry = Telemetry()
    telemetry.source_attempted("bigquery", error)

    samples = live(telemetry)

    assert one(samples, "exporter_source_up") == (error not in UNREACHED)
    assert values(samples, "exporter_source_error") == {("bigquery", str(kind)): kind is error for kind in ErrorKind}


def test_reachable_is_what_the_source_itself_answered() -> None:
    assert set(ErrorKind) - UNREACHED == {ErrorKind.NOT_FOUND, ErrorKind.INVALID, ErrorKind.BUDGET}


def test_live_samples_are_well_formed() -> None:
    telemetry = Telemetry()
    for name in ("completion", "warehouse"):
        telemetry.collector_known(name)
        telemetry.collector_ran(name, seconds=1, at=1, failures=[], success=True)
    for source in ("firestore", "bigquery"):
        telemetry.source_attempted(source, None)

    for item, series in live(telemetry).items():
        assert len({text for text, _ in series}) == len(series)
        assert all(tuple(labels(text)) == item.labels for text, _ in series)
