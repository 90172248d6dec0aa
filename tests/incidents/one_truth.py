"""Whether message data, page, `check` and API say the same of every fault: verdict, since when, date and first step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from exporter.metrics.catalogue import (
    COVERAGE_LOW,
    COVERAGE_SINCE,
    PHASE_SINCE,
    PIPELINE_SINCE,
    SINCE,
    TRIGGER_STATE,
    VERDICT,
    report_samples,
)
from exporter.metrics.samples import label_text
from exporter.model import Condition, Verdict
from exporter.present.beside import beside, notes
from exporter.present.explanations import explain_text
from exporter.present.history import History
from exporter.present.over import after_trigger, after_verdict
from exporter.present.status import stamp, status
from exporter.present.summary import leading
from exporter.present.table import report_text
from exporter.present.words import BAD_TRIGGERS, TRIGGERS, WORDS, Moments
from exporter.web.sections import MOST_WHYS, sections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.metrics.samples import Family, Samples
    from exporter.model import Report, Since

WIDE = 10_000
EXPORTED = {
    Condition.COVERAGE_LOW: COVERAGE_SINCE,
    Condition.COVERAGE_UNCLASSIFIED: COVERAGE_SINCE,
    Condition.HEARTBEAT_STALE: SINCE,
    Condition.RUNNING_PAST_DUE: SINCE,
    Condition.OVERWRITTEN: PHASE_SINCE,
    Condition.COUNT_INCONSISTENT: PHASE_SINCE,
    Condition.HEARTBEATS_SILENT: PIPELINE_SINCE,
    Condition.CALENDAR_DOUBTFUL: PIPELINE_SINCE,
    Condition.PHASE_LOG_EMPTY: PIPELINE_SINCE,
}
"""The conditions whose messages take from these series since when they hold."""


def disagreements(report: Report) -> Iterator[str]:
    """Every fault of which one of them says something else than the others."""
    said, page, samples = status(report), sections(report, History()), report_samples(report)
    lines = report_text(report, width=WIDE).splitlines()
    headline, first_said = lines[0], str(said["summary"])
    # What the sentence names besides the worst has lines of its own in `check`.
    yield from (f"check begins with {line!r}" for line in [headline] if line != first_said.partition(" Besides: ")[0])
    moments, worst = Moments.of(report), leading(report)
    lead = [one for one in worst.processors if worst.verdict or one.verdict is Verdict.UNREGISTERED] if worst else []
    rows = {(section.name, row.name): row for section in page.trouble for row in (*section.rows, *section.folded)}
    asking = sum(row.why is not None for row in rows.values())
    for one in report.processors:
        words = WORDS.get(one.verdict)
        if words is None:
            continue
        place = {"pipeline": one.pipeline, "phase": one.phase, "run_date": one.run_date.isoformat()}
        labels = label_text(**place, processor=one.processor)
        api = said["processors"][f"{one.pipeline}/{one.phase}/{one.run_date}/{one.processor}"]
        row = rows[f"{one.pipeline} {one.phase} of {one.run_date}", one.processor]
        at = stamp(one.since.at) if one.since else None
        found = {
            "verdict": {
                "message": _state(samples, VERDICT, labels),
                "api": api["verdict"],
                "page": row.verdict,
            },
            "since": {"message": _since(samples, SINCE, f'{labels},about="{one.verdict}"'), "api": api["since"]},
            "first": {"api": api["first"]},
            "after": {"api": api["after"]},
        }
        if row.why is not None:
            found["since"]["page"] = row.why.since.machine if row.why.since else None
            found["first"]["page"] = row.why.first
            found["after"]["page"] = row.why.after
        elif asking < MOST_WHYS:
            yield f"{labels}: the page says nothing of it"
        after = after_verdict(one)
        expected = {"verdict": one.verdict.value, "since": at, "first": words.first, "after": after}
        yield from _different(labels, found, expected)
        if f"- after the repair: {after}\n" not in str(explain_text(report, one.processor, width=WIDE)):
            yield f"{labels}: explain does not say what becomes of it after the repair"
        # The sentence at the head says the first step of what it is about.
        step = "" if any(one is each for each in lead) else f"; first: {words.first}"
        line = f"{one.processor}: {one.verdict}{_words(one.since, moments)}{step}"
        if line not in lines:
            yield f"check has no line {line!r}"
    yield from _triggers(report, said["phases"], samples, "\n".join(lines))
    yield from _conditions(report, said["conditions"], samples, lines)
    shown = (*page.beside, *page.notes)
    if [(one.text[1:], one.since.machine if one.since else None, one.first, one.after) for one in shown] != [
        (one["text"][1:], one["since"], one["first"], one["after"]) for one in said["conditions"]
    ]:
        yield "page and API name other conditions"


def _triggers(report: Report, api: Mapping[str, Mapping[str, object]], samples: Samples, text: str) -> Iterator[str]:
    for phase in report.phases:
        state = phase.trigger_state
        if state not in BAD_TRIGGERS:
            continue
        labels = label_text(pipeline=phase.pipeline, phase=phase.phase, run_date=phase.run_date.isoformat())
        said = api[f"{phase.pipeline}/{phase.phase}/{phase.run_date}"]
        found = {
            "state": {"message": _state(samples, TRIGGER_STATE, labels), "api": said["trigger_state"]},
            "since": {"message": _since(samples, PHASE_SINCE, f'{labels},about="{state}"'), "api": said["since"]},
            "first": {"api": said["first"]},
            "after": {"api": said["after"]},
        }
        at, after = stamp(phase.since.at) if phase.since else None, after_trigger(phase)
        expected = {"state": state, "since": at, "first": TRIGGERS[state].first, "after": after}
        yield from _different(labels, found, expected)
        if f"irst: {TRIGGERS[state].first}" not in text:
            yield f"{labels}: check does not say what to do first"


def _conditions(report: Report, api: list[Mapping[str, object]], samples: Samples, lines: list[str]) -> Iterator[str]:
    moments = Moments.of(report)
    for one, said in zip((*beside(report), *notes(report)), api, strict=True):
        at = stamp(one.since.at) if one.since else None
        found = {"since": {"api": said["since"]}, "first": {"api": said["first"]}, "after": {"api": said["after"]}}
        labels, about = label_text(**one.condition.labels), one.condition.condition.value
        if family := EXPORTED.get(one.condition.condition):
            told = dict(one.condition.labels)
            if family is PIPELINE_SINCE:
                told = {name: told.get(name, "") for name in ("pipeline", "run_date", "reason")}
            found["since"]["message"] = _since(samples, family, label_text(**told, about=about))
        if one.condition.condition is Condition.COVERAGE_LOW:
            found["bound"] = {"message": _state(samples, COVERAGE_LOW, labels), "api": said["bound"]}
        expected = {"since": at, "first": one.first, "after": one.after, "bound": one.condition.bound}
        yield from _different(one.text, found, expected)
        line = f"{one.text}{',' if one.since else ''}{_words(one.since, moments)}"
        if not {f"{line}; first: {one.first}", f"note: {line}"} & {*lines} and one.text[1:] not in lines[0]:
            yield f"check has no line {line!r}"


def _different(
    subject: str, found: Mapping[str, Mapping[str, object]], expected: Mapping[str, object]
) -> Iterator[str]:
    for what, places in found.items():
        for place, value in places.items():
            if value != expected[what]:
                yield f"{subject}: {what} is {value} in {place}, and {expected[what]} in the report"


def _state(samples: Samples, family: Family, labels: str) -> str | None:
    """The value of the last label in the family's one series that is 1."""
    states = [text.removeprefix(f"{labels},") for text, value in samples[family] if value and text.startswith(labels)]
    found = [state.partition('="')[2].rstrip('"') for state in states if "," not in state]
    return found[0] if len(found) == 1 else None


def _since(samples: Samples, family: Family, labels: str) -> str | None:
    found = [value for text, value in samples[family] if text.startswith(f"{labels},")]
    return stamp(datetime.fromtimestamp(found[0], UTC)) if found else None


def _words(since: Since | None, moments: Moments) -> str:
    return f" since {moments.began(since)}" if since else ""


def signature(report: Report) -> object:
    """What a report says of its faults: two reports with the same one need not both be looked at."""
    return (
        tuple((one.verdict, one.since) for one in report.processors),
        tuple((phase.trigger_state, phase.since) for phase in report.phases),
        tuple((one.condition, one.holds, one.bound, one.since) for one in report.conditions),
    )
