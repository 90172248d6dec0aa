"""The report as JSON: what `/api/v1/status`, `check --format json` and `replay --format json` say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.messages.secrets import masked_json
from exporter.model import Verdict
from exporter.present.beside import beside, notes
from exporter.present.care import logs, window_of
from exporter.present.outages import outages
from exporter.present.over import after_trigger, after_verdict
from exporter.present.summary import summarize
from exporter.present.words import TRIGGERS, WORDS
from exporter.reconcile import DISCREPANCIES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exporter.model import Overwritten, PhaseReport, ProcessorReport, Report, Since
    from exporter.present.beside import Beside
    from exporter.present.history import History

Json = dict[str, Any]


def stamp(moment: datetime | None) -> str | None:
    """A time as in the JSON: RFC 3339 in UTC, with `Z`; None stays None."""
    return None if moment is None else moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def since(found: Since | None) -> Json:
    """Since when a fault has been there; `after`: it was not there yet, and nobody looked again before that."""
    return {"since": stamp(found.at) if found else None, "since_after": stamp(found.after) if found else None}


def care(processor: ProcessorReport, now: datetime) -> Json:
    """Who looks after a processor, what runs it, and its logs at the time of its fault."""
    runs_in = processor.care.runs_in
    return {
        "owner": processor.care.owner,
        "job": runs_in and {"kind": runs_in.kind, "name": runs_in.name, "region": runs_in.region},
        "logs": logs(processor.care, window_of(processor, now)),
    }


def phase_key(phase: PhaseReport) -> str:
    """`pipeline/phase/run date`."""
    return f"{phase.pipeline}/{phase.phase}/{phase.run_date}"


def processor_key(processor: ProcessorReport) -> str:
    """`pipeline/phase/run date/processor`."""
    return f"{processor.pipeline}/{processor.phase}/{processor.run_date}/{processor.processor}"


def phases(report: Report) -> dict[str, Json]:
    """Every phase by its key."""
    return {
        phase_key(phase): {
            "expected": phase.expected,
            "registered": phase.registered,
            "unexpected": phase.unexpected,
            "mode": phase.mode,
            "trigger_state": phase.trigger_state,
            "trigger_hints": [hint.text for hint in phase.trigger_hints],
            "overwritten": [overwrite(found) for found in phase.overwritten],
            "completed_count": phase.completed_count,
            "entries": phase.entries,
            "triggered_at": stamp(phase.triggered_at),
            "due": stamp(phase.due),
            "then": phase.then and {"phase": phase.then.phase, "due": stamp(phase.then.due)},
            **since(phase.since),
            "first": words.first if phase.trigger_state and (words := TRIGGERS.get(phase.trigger_state)) else None,
            "after": after_trigger(phase) or None,
            "log_source": phase.log_source,
        }
        for phase in report.phases
    }


def overwrite(found: Overwritten) -> Json:
    """An entry that was lost and restored."""
    return {
        "processor": found.processor,
        "kind": found.kind,
        "last_seen_at": stamp(found.last_seen_at),
        "missed_at": stamp(found.missed_at),
        "back_at": stamp(found.back_at),
        "text": found.text,
    }


def processors(report: Report) -> dict[str, Json]:
    """Every processor by its key."""
    return {
        processor_key(processor): {
            "verdict": processor.verdict,
            "registered": processor.registered,
            "record_count": processor.record_count,
            "table_rows": processor.table_rows,
            "record_count_delta": processor.record_count_delta,
            "heartbeat": processor.heartbeat.status,
            "heartbeat_state": processor.heartbeat.state,
            "heartbeat_data_date": None
            if processor.heartbeat.data_date is None
            else processor.heartbeat.data_date.isoformat(),
            "heartbeat_at": stamp(processor.heartbeat.beat_at),
            "hints": [hint.text for hint in processor.hints],
            "explanations": [
                {
                    "cause": explanation.cause,
                    "standing": explanation.standing,
                    "supports": list(explanation.supports),
                    "contradicts": list(explanation.contradicts),
                }
                for explanation in processor.explanations
            ],
            "critical": processor.critical,
            "expected": processor.expected,
            "data_date": processor.data_date.isoformat(),
            "due": stamp(processor.due),
            **since(processor.since),
            "first": words.first if (words := WORDS.get(processor.verdict)) else None,
            "after": after_verdict(processor) or None,
            **care(processor, report.at),
            "completed_at": stamp(processor.entry.completed_at if processor.entry else None),
            "table": processor.table or None,
            "written_at": stamp(processor.written_at),
            "rows_expected": [processor.rows_minimum, processor.rows_maximum],
            "rows_due": stamp(processor.rows_due),
            "units": processor.units,
            "table_units": processor.table_units,
            "duplicate_rows": processor.duplicate_rows,
            "rows_read_at": stamp(processor.rows_read_at),
            "document_read_at": stamp(pipeline.documents_read_at if phase.has_document else None),
        }
        for pipeline in report.pipelines
        for phase in pipeline.phases
        for processor in phase.processors
    }


def status(report: Report, unread: Mapping[str, str] | None = None) -> Json:
    """The whole report. `unread`: collectors that could not read all they were to read, each with the reasons."""
    return {
        "summary": str(summarize(report, unread)),
        "unread": dict(unread or {}),
        "outages": [
            {"source": one.source, "reasons": one.reasons, **since(one.since), "after": one.after}
            for one in outages(report, unread)
        ],
        "at": stamp(report.at),
        "timezone": report.timezone,
        "remembers": report.remembers,
        "discrepancies": discrepancies(report),
        "unknown": sum(processor.verdict is Verdict.UNKNOWN for processor in report.processors),
        "phases": phases(report),
        "processors": processors(report),
        "coverage": {
            f"{coverage.pipeline}/{coverage.check.name}/{coverage.run_date}": None
            if coverage.counts is None
            else {
                "rows": coverage.counts.rows,
                "eligible": coverage.counts.eligible,
                "covered": coverage.counts.covered,
                "excluded": dict(coverage.counts.excluded),
            }
            for pipeline in report.pipelines
            for coverage in pipeline.coverage
        },
        "next": next_due(report),
        "conditions": [condition(one) for one in (*beside(report), *notes(report))],
    }


def next_due(report: Report) -> dict[str, Json | None]:
    """What each pipeline is expected to do next; None: nothing in the next two days."""
    return {
        one.pipeline: None
        if one.next_due is None
        else {
            "phase": one.next_due.phase,
            "run_date": one.next_due.run_date.isoformat(),
            "due": stamp(one.next_due.due),
        }
        for one in report.pipelines
    }


def condition(one: Beside) -> Json:
    """A condition that holds: what, since when, what to do first."""
    return {
        "condition": one.condition.condition,
        "labels": dict(one.condition.labels),
        "bound": one.condition.bound,
        "text": one.text,
        **since(one.since),
        "first": one.first,
        "after": one.after,
        "alert": one.alert,
        "query": one.query or None,
    }


def past(history: History) -> dict[str, list[Json]]:
    """The remembered states of each phase's trigger and each processor, by its key, oldest first."""
    return {
        subject.key: [
            {"at": stamp(state.at), "state": state.state, "since": stamp(state.since), "how": state.how or None}
            for state in states
        ]
        for subject, states in history.states.items()
    }


def discrepancies(report: Report) -> int:
    """How many processors have a verdict that says something is wrong, and how many triggers are stuck or blocked."""
    wrong = sum(processor.verdict in DISCREPANCIES for processor in report.processors)
    return wrong + sum(phase.trigger_state in {"stuck", "blocked"} for phase in report.phases)


def status_json(report: Report, unread: Mapping[str, str] | None = None, history: History | None = None) -> bytes:
    """`status` as UTF-8 JSON, without secrets; `history`, if it is given, under its own key."""
    said = status(report, unread) if history is None else status(report, unread) | {"history": past(history)}
    return masked_json(said).encode("utf-8", "replace")
