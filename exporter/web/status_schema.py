"""The JSON Schema of `/api/v1/status`, for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from exporter.model import (
    LOST,
    Bound,
    Cause,
    Condition,
    HeartbeatState,
    LogSource,
    RemovalKind,
    Standing,
    TriggerState,
    Verdict,
)

Schema = dict[str, Any]

_TIME: Schema = {"type": "string", "format": "date-time"}
_DATE: Schema = {"type": "string", "format": "date"}
_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}


def _or_unknown(schema: Schema) -> Schema:
    """A value, or null if it is unknown or there is none."""
    return {"anyOf": [schema, {"type": "null"}]}


_COUNT = _or_unknown({"type": "integer"})
_FLAG = _or_unknown({"type": "boolean"})
_MAYBE_TIME = _or_unknown(_TIME)
_MAYBE_TEXT = _or_unknown({"type": "string"})


def _object(properties: Schema, description: str, *, optional: frozenset[str] = frozenset()) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def _by_key(schema: Schema, key: str) -> Schema:
    return {"type": "object", "description": f"By {key}.", "additionalProperties": schema}


_EXPLANATION = _object(
    {
        "cause": {"enum": [cause.value for cause in Cause]},
        "standing": {"enum": [standing.value for standing in Standing]},
        "supports": _TEXTS,
        "contradicts": _TEXTS,
    },
    "What can have kept the registration out of the document, with the evidence on both sides: a hint.",
)

_OVERWRITTEN = _object(
    {
        "processor": {"type": "string"},
        "kind": {"enum": [kind.value for kind in RemovalKind if kind in LOST]},
        "last_seen_at": _TIME,
        "missed_at": _TIME,
        "back_at": _TIME,
        "text": {"type": "string"},
    },
    "An entry that was lost and is restored: a hint, the last loss first.",
)

_PHASE = _object(
    {
        "expected": _COUNT,
        "registered": _COUNT,
        "unexpected": _COUNT,
        "mode": {"type": "string"},
        "trigger_state": _or_unknown({"enum": [state.value for state in TriggerState]}),
        "trigger_hints": _TEXTS,
        "overwritten": {"type": "array", "items": _OVERWRITTEN},
        "completed_count": _COUNT,
        "entries": _COUNT,
        "triggered_at": _MAYBE_TIME,
        "due": _MAYBE_TIME,
        "then": _or_unknown(_object({"phase": {"type": "string"}, "due": _TIME}, "The phase that it starts.")),
        "since": _MAYBE_TIME,
        "since_after": _MAYBE_TIME,
        "first": _MAYBE_TEXT,
        "after": _MAYBE_TEXT,
        "log_source": {"enum": [source.value for source in LogSource]},
    },
    "One phase of one run date.",
)

_JOB = _object(
    {"kind": {"enum": ["service", "job"]}, "name": {"type": "string"}, "region": {"type": "string"}},
    "The Cloud Run service or job that runs the processor.",
)

_PROCESSOR = _object(
    {
        "verdict": {"enum": [verdict.value for verdict in Verdict]},
        "registered": _FLAG,
        "record_count": _COUNT,
        "table_rows": _COUNT,
        "record_count_delta": _COUNT,
        "heartbeat": _MAYBE_TEXT,
        "heartbeat_state": {"enum": [state.value for state in HeartbeatState]},
        "heartbeat_data_date": _or_unknown(_DATE),
        "heartbeat_at": _MAYBE_TIME,
        "hints": _TEXTS,
        "explanations": {
            "type": "array",
            "description": "Why it is not registered, the likeliest first.",
            "items": _EXPLANATION,
        },
        "critical": {"type": "boolean"},
        "expected": _FLAG,
        "data_date": _DATE,
        "due": _TIME,
        "since": _MAYBE_TIME,
        "since_after": _MAYBE_TIME,
        "first": _MAYBE_TEXT,
        "after": _MAYBE_TEXT,
        "owner": _MAYBE_TEXT,
        "job": _or_unknown(_JOB),
        "logs": _or_unknown({"type": "string", "format": "uri"}),
        "completed_at": _MAYBE_TIME,
        "table": _MAYBE_TEXT,
        "written_at": _MAYBE_TIME,
        "rows_expected": {"type": "array", "items": _COUNT, "minItems": 2, "maxItems": 2},
        "rows_due": _TIME,
        "units": _COUNT,
        "table_units": _COUNT,
        "duplicate_rows": _COUNT,
        "rows_read_at": _MAYBE_TIME,
        "document_read_at": _MAYBE_TIME,
    },
    "One processor of one run date. Null: unknown, or not fixed.",
)

_COVERAGE = _object(
    {
        "rows": {"type": "integer"},
        "eligible": {"type": "integer"},
        "covered": {"type": "integer"},
        "excluded": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "Rows of one coverage check and data date.",
)

_CONDITION = _object(
    {
        "condition": {"enum": [condition.value for condition in Condition]},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        "bound": _or_unknown({"enum": [bound.value for bound in Bound]}),
        "text": {"type": "string"},
        "since": _MAYBE_TIME,
        "since_after": _MAYBE_TIME,
        "first": {"type": "string"},
        "after": {"type": "string"},
        "alert": {"type": "string"},
        "query": _MAYBE_TEXT,
    },
    "What is wrong beside verdicts and triggers. `query`: SQL that lists the rows at fault.",
)

_OUTAGE = _object(
    {
        "source": {"type": "string"},
        "reasons": {"type": "string"},
        "since": _MAYBE_TIME,
        "since_after": _MAYBE_TIME,
        "after": {"type": "string"},
    },
    "A source that could not be read in full.",
)

_NEXT = _object(
    {"phase": {"type": "string"}, "run_date": _DATE, "due": _TIME},
    "What the pipeline is expected to do next; null: nothing is known to be due in the next two days.",
)

_STATES: Schema = {
    "type": "array",
    "description": "The states of one processor (verdicts) or one phase's trigger that are remembered, oldest first.",
    "items": _object(
        {
            "at": {**_TIME, "description": "When a report first said so."},
            "state": {"type": "string"},
            "since": {**_MAYBE_TIME, "description": "Since when its fault has been there."},
            "how": {**_MAYBE_TEXT, "description": "What mended the state before it."},
        },
        "A state.",
    ),
}

STATUS: Schema = _object(
    {
        "summary": {"type": "string", "description": "One sentence: what is wrong, since when, how bad, what first."},
        "unread": {
            "type": "object",
            "description": "Collectors that could not read all they were to read, each with the reasons.",
            "additionalProperties": {"type": "string"},
        },
        "outages": {
            "type": "array",
            "description": "The same by source and reason, each since its last good reading.",
            "items": _OUTAGE,
        },
        "at": _TIME,
        "timezone": {"type": "string", "description": "The pipelines' time zone; all times here are in UTC."},
        "remembers": {
            "type": "boolean",
            "description": "Whether earlier readings are remembered; without them lost entries cannot be seen.",
        },
        "discrepancies": {"type": "integer", "description": "Processors and triggers with which something is wrong."},
        "unknown": {"type": "integer", "description": "Processors of which nothing can be said."},
        "phases": _by_key(_PHASE, "pipeline/phase/run date"),
        "processors": _by_key(_PROCESSOR, "pipeline/phase/run date/processor"),
        "coverage": _by_key(_or_unknown(_COVERAGE), "pipeline/check/run date"),
        "next": _by_key(_or_unknown(_NEXT), "pipeline"),
        "conditions": {"type": "array", "items": _CONDITION},
        "history": _by_key(_STATES, "the same keys as phases and processors, some days longer than these"),
    },
    "The report, and what came before it.",
)
"""The schema of the answer of `/api/v1/status`."""
