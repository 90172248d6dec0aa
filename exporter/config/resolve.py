"""Turns the checked wire form into the frozen objects that the program uses.

A field of a resolved object has the value of the key of the same name. The field `name` of a section without such a
key is the section's own key. `FORMS` says which class each section becomes, and how the remaining fields are made, for
which the program has names of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import MAXYEAR, MINYEAR
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from exporter.config import care, links, records, resolved, schedule_schema, schema
from exporter.config.identifiers import EVERYTHING
from exporter.config.periods import A_DAY
from exporter.config.schedule_schema import DAILY, SCHEDULE, Scheduled
from exporter.config.schedules import EVERY_DAY, Schedule
from exporter.config.section import Section
from exporter.config.shards import part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date


@dataclass(frozen=True, slots=True)
class Form:
    """The class that a section becomes, and a function of the section for each field that the rule does not make.

    `below`: the key of an inner section, which has the keys that the section itself lacks.
    """

    target: type
    made: Mapping[str, Callable[[Any], object]] = field(default_factory=dict)
    below: str = ""


def resolve(wire: schema.Wire) -> resolved.Config:
    """The configuration, every default filled in; of a shard, with its part of the pipelines."""
    pipelines = {name: _inherited(pipeline, wire, name) for name, pipeline in wire.pipelines.items()}
    config: resolved.Config = _value(wire.model_copy(update={"pipelines": pipelines}))
    return part_of(config, config.shard) if config.shard else config


def _inherited(pipeline: schema.Pipeline, wire: schema.Wire, name: str) -> schema.Pipeline:
    """The pipeline with what it, its phases and their processors inherit from the section above."""
    known = {"project": wire.project, "pipeline": name}
    pipeline = pipeline.model_copy(update=_scheduled(pipeline, wire, "calendar"))
    phases = {name: _inheriting(phase, pipeline, {"phase": name, **known}) for name, phase in pipeline.phases.items()}
    coverage = pipeline.coverage
    if isinstance(coverage, dict):
        coverage = {name: one.model_copy(update=_scheduled(one, pipeline)) for name, one in coverage.items()}
    return pipeline.model_copy(update={"phases": phases, "coverage": coverage})


_NO_TABLE = schema.Table(name="any.table", date_column="day").model_copy(update={"name": "", "date_column": ""})
"""What stands for the table of a processor that names none."""


def _inheriting(phase: schema.Phase, pipeline: schema.Pipeline, known: Mapping[str, str]) -> schema.Phase:
    phase = phase.model_copy(update=_scheduled(phase, pipeline))
    processors = {
        name: section.model_copy(
            update={
                **_scheduled(section, phase, "calendar", "due"),
                **_care(section, phase, {"processor": name, **known}),
                "table": section.table or _NO_TABLE,
            }
        )
        for name, section in phase.processors.items()
    }
    return phase.model_copy(
        update={
            "halts": phase.halts or pipeline.halts,
            "completion": phase.completion or pipeline.completion,
            "processors": processors,
        }
    )


def _scheduled(section: Scheduled, above: Scheduled, *others: str) -> dict[str, object]:
    """The keys that a section without them has from the section above."""
    keys = (*SCHEDULE, *others)
    return {key: getattr(above, key) if (own := getattr(section, key)) is None else own for key in keys}


def _care(processor: schema.Processor, phase: schema.Phase, known: Mapping[str, str]) -> dict[str, object]:
    """Who looks after a processor, what runs it, and the link to its logs but for the time window."""
    job = processor.job or phase.job
    link = processor.logs or phase.logs or (links.cloud_logging(job.kind) if job else None)
    values = {**known, "job": job.name, "region": job.region} if job else known
    return {
        "owner": processor.owner or phase.owner,
        "job": job,
        "logs": links.filled(link, values) if link else None,
    }


def _value(value: object, key: str = "") -> Any:  # noqa: ANN401 - of the type of the field that it is for
    """The value of a key of the wire form, as the program uses it."""
    match value:
        case records.RecordNames():
            named = {key: getattr(value, key) for key in type(value).model_fields}
            return {key: (names,) if isinstance(names, str) else names for key, names in named.items()}
        case Section():
            return _made(FORMS[type(value)], value, key)
        case dict():
            return {name: _value(entry, name) for name, entry in value.items()}
        case list():
            return tuple(value)
        case _:
            return value


def _made(form: Form, section: Section, key: str = "") -> object:
    return form.target(**{one.name: _field(one.name, form, section, key) for one in fields(form.target)})


def _field(name: str, form: Form, section: Section, key: str) -> object:
    if name in form.made:
        return _value(form.made[name](section))
    if hasattr(section, name):
        return _value(getattr(section, name))
    return key if name == "name" else _value(getattr(getattr(section, form.below), name))


def _table(
    section: schedule_schema.Calendar | schedule_schema.Halts | records.RunHistory | records.PhaseLog | schema.Coverage,
) -> resolved.TableRef:
    written = getattr(section, "written_column", None)
    period, reach = getattr(section, "dated_by", A_DAY), getattr(section, "reach", 0)
    return resolved.TableRef(section.table, section.date_column, written, period=period, reach=reach)


def _by_run_date(section: schedule_schema.Calendar | schedule_schema.Halts) -> bool:
    return section.applies_to == schedule_schema.RUN_DATE


def _more(processor: schema.Processor) -> tuple[object, ...]:
    return tuple(_made(_WRITTEN, table) for table in processor.more_tables.values())


def _schedule(section: Scheduled) -> Schedule:
    days, holidays = section.days or EVERY_DAY, section.holidays or ()
    return Schedule(section.every or A_DAY, days, holidays, *map(_limit, (section.since, section.until)))


def _limit(day: date | None) -> date | None:
    """A limit; None for the first and the last year that dates have, which lift one of a section above."""
    return None if day and day.year in {MINYEAR, MAXYEAR} else day


def _modes(phase: schema.Phase) -> tuple[resolved.Mode, ...]:
    return tuple(
        resolved.Mode(
            name=name,
            when=frozenset(map(resolved.Relation, mode.when)),
            expected=frozenset(phase.processors if mode.expected == EVERYTHING else mode.expected),
        )
        for name, mode in phase.modes.items()
    )


def _run_history_names(processor: schema.Processor) -> list[str]:
    return processor.heartbeats if processor.run_history_names is None else processor.run_history_names


_COLLECTOR = Form(
    resolved.CollectorConfig,
    {"max_staleness": lambda collector: collector.max_staleness or schema.STALENESS_INTERVALS * collector.every},
)
_WRITTEN = Form(resolved.Written, {"table": lambda table: table, "rows_due": attrgetter("due")})
_LIMITS = Form(resolved.WarehouseLimits, {"job": attrgetter("maximum_bytes_billed"), "day": attrgetter("daily_budget")})
FORMS: dict[type[Section], Form] = {
    schema.Wire: Form(
        resolved.Config,
        {
            "database": attrgetter("firestore_database"),
            "location": attrgetter("bigquery_location"),
            "every_state": attrgetter("metrics.state_sets"),
            "elsewhere": lambda _: {},
        },
    ),
    schema.Documents: Form(resolved.DocumentsConfig, {"only": lambda documents: sorted(documents.only)}),
    schema.Ledger: Form(resolved.LedgerConfig),
    schema.Collect: Form(
        resolved.CollectConfig,
        {
            "warehouse_limits": lambda collect: _made(_LIMITS, collect.warehouse),
            "adapts": lambda collect: collect.pace == "adaptive",
        },
    ),
    schema.Collector: _COLLECTOR,
    schema.SlowCollector: _COLLECTOR,
    schema.WarehouseCollector: _COLLECTOR,
    schema.SeasonGrid: Form(resolved.SeasonConfig),
    schema.Pipeline: Form(
        resolved.PipelineConfig,
        {
            "calendar": lambda pipeline: None if pipeline.calendar == DAILY else pipeline.calendar,
            "coverage": lambda pipeline: pipeline.coverage or {},
            "schedule": _schedule,
        },
    ),
    schedule_schema.Calendar: Form(
        resolved.CalendarConfig, {"table": _table, "by_run_date": _by_run_date, "ahead": attrgetter("days_ahead")}
    ),
    schedule_schema.Halts: Form(resolved.HaltsConfig, {"table": _table, "by_run_date": _by_run_date}),
    records.Completion: Form(resolved.CompletionConfig),
    records.Heartbeats: Form(
        resolved.HeartbeatsConfig,
        {
            "documents_warn": attrgetter("documents.warn"),
            "documents_critical": attrgetter("documents.critical"),
        },
    ),
    records.RunHistory: Form(
        resolved.RunHistoryConfig, {"table": _table, "finished_column": attrgetter("written_column")}
    ),
    records.PhaseLog: Form(resolved.PhaseLogConfig, {"table": _table}),
    schema.Phase: Form(resolved.PhaseConfig, {"modes": _modes}),
    schema.Trigger: Form(resolved.Trigger, {"orchestrator": attrgetter("job")}),
    schema.Job: Form(care.CloudRun),
    schema.Processor: Form(
        resolved.ProcessorConfig,
        {
            "rows_due": attrgetter("table.due"),
            "runs_as": _run_history_names,
            "schedule": _schedule,
            "more": _more,
            "by_calendar": lambda processor: processor.calendar != DAILY,
            "care": lambda processor: care.Care(processor.owner, _value(processor.job), processor.logs),
        },
        below="table",
    ),
    schema.Table: Form(
        resolved.TableRef,
        {
            "day_column": attrgetter("date_column"),
            "write_time_column": attrgetter("written_column"),
            "period": attrgetter("dated_by"),
        },
    ),
    schema.Coverage: Form(resolved.CoverageConfig, {"table": _table, "schedule": _schedule}),
}
