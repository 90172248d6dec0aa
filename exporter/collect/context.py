"""Builds the request for calendar, run history, phase log and coverage, and summarises the errors of its answer."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from exporter.collect.collector import ReadResult
from exporter.collect.pieces import in_pieces
from exporter.model import Matter
from exporter.sources.ports import ContextAnswer, ContextRequest, RunHistoryRequest, SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import date

    from exporter.config.resolved import Config, PipelineConfig, RunHistoryConfig


def context_request(config: Config, dates: Collection[date] | None = None) -> ContextRequest:
    """The request for everything that the configuration reads from BigQuery besides the row counts.

    With run dates, without the coverage checks whose limits (`since`, `until`) have none of them.
    """
    pipelines = config.pipelines.values()
    return ContextRequest(
        calendars={pipeline.name: pipeline.calendar for pipeline in pipelines if pipeline.calendar},
        run_history={
            pipeline.name: _run_history_request(pipeline, table)
            for pipeline in pipelines
            if (table := pipeline.run_history)
        },
        phase_log={pipeline.name: pipeline.phase_log for pipeline in pipelines if pipeline.phase_log},
        coverage={
            (pipeline.name, check.name): check
            for pipeline in pipelines
            for check in pipeline.coverage.values()
            if dates is None or any(map(check.schedule.covers, dates))
        },
        halts=tuple(dict.fromkeys(halts for pipeline in pipelines for halts in pipeline.all_halts)),
    )


def requests(request: ContextRequest, pieces: int) -> Iterator[ContextRequest]:
    """The request in this number of pieces at most, each about some of its tables."""
    names = [(part.name, key) for part in fields(request) for key in getattr(request, part.name)]
    for piece in in_pieces(names, pieces):
        asked = {part.name: [key for name, key in piece if name == part.name] for part in fields(request)}
        yield ContextRequest(
            calendars={key: request.calendars[key] for key in asked["calendars"]},
            run_history={key: request.run_history[key] for key in asked["run_history"]},
            phase_log={key: request.phase_log[key] for key in asked["phase_log"]},
            coverage={key: request.coverage[key] for key in asked["coverage"]},
            halts=tuple(asked["halts"]),
        )


def together(answers: Iterable[ContextAnswer]) -> ContextAnswer:
    """The answers to several requests as one."""
    found = ContextAnswer({}, {}, {}, {})
    for answer in answers:
        found = ContextAnswer(
            **{part.name: {**getattr(found, part.name), **getattr(answer, part.name)} for part in fields(answer)}
        )
    return found


def _run_history_request(pipeline: PipelineConfig, table: RunHistoryConfig) -> RunHistoryRequest:
    names = (
        name
        for phase in pipeline.phases.values()
        for processor in phase.processors.values()
        for name in processor.runs_as
    )
    return RunHistoryRequest(table, tuple(dict.fromkeys(names)))


def reads_alike(before: Config, after: Config) -> Callable[[Matter, Any], bool]:
    """A test for keys of remembered values: whether both configurations read the value in the same way.

    Documents, heartbeats and rows are identified by their place. What else is counted depends on the configuration:
    with another `where`, a calendar can have fewer games although none was deleted.
    """
    places = [(config.firestore_root, config.timezone) for config in (before, after)]
    old, new = context_request(before), context_request(after)
    asked: Mapping[Matter, tuple[Mapping[Any, object], Mapping[Any, object]]] = {
        Matter.UNITS: (old.calendars, new.calendars),
        Matter.RUNS: (old.run_history, new.run_history),
        Matter.PHASE_LOG: (old.phase_log, new.phase_log),
        Matter.COVERAGE: (old.coverage, new.coverage),
    }

    def alike(matter: Matter, key: Any) -> bool:  # noqa: ANN401 - each matter has keys of its own
        if matter not in asked:
            return places[0] == places[1]
        was, now = asked[matter]
        return places[0] == places[1] and was.get(key[0]) == now.get(key[0])

    return alike


def outcome_of(rows: Mapping[Any, Any], answer: ContextAnswer) -> ReadResult:
    """How a reading of BigQuery ended: the errors of its parts, and whether any part succeeded, if there was any."""
    outcomes = (
        *rows.values(),
        *answer.units.values(),
        *answer.runs.values(),
        *answer.phase_log.values(),
        *answer.coverage.values(),
        *answer.halts.values(),
    )
    errors = [outcome for outcome in outcomes if isinstance(outcome, SourceError)]
    # An error that stands for several answers is reported once.
    return ReadResult(tuple(dict.fromkeys(errors)), anything=len(errors) < len(outcomes) or not outcomes)
