"""The types of values in the YAML: how each is read, shown again, and described.

A type's `$comment` is what the reference calls it.
"""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 pydantic reads the annotations
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, GetPydanticSchema, WithJsonSchema
from pydantic_core import core_schema

from exporter.config import identifiers as ids
from exporter.config import quantities as q
from exporter.config.links import parse_link
from exporter.config.periods import PERIOD_PATTERN, Period, parse_period
from exporter.config.resolved import Due, RowsPerUnit
from exporter.config.run_days import (
    DAYS_PATTERN,
    LAST_OF_EVERY_MONTH,
    format_days,
    format_holidays,
    parse_days,
    parse_holidays,
)
from exporter.config.schedules import Days
from exporter.config.shards import SHARD_PATTERN, Shard, parse_shard
from exporter.config.sql import parse_sql

_Annotations = tuple[GetPydanticSchema, WithJsonSchema]


def _read(
    parse: Callable[[object], object],
    show: Callable[[Any], object] | None = None,
    *,
    kind: str,
    **json_schema: object,
) -> _Annotations:
    """How a type is read from what the YAML gave, shown again, and described."""
    serialization = core_schema.plain_serializer_function_ser_schema(show) if show else None
    schema = core_schema.no_info_plain_validator_function(parse, serialization=serialization)
    return GetPydanticSchema(lambda _source, _handler: schema), WithJsonSchema({**json_schema, "$comment": kind})


def _text(parse: Callable[[object], str], kind: str, pattern: str) -> _Annotations:
    return _read(parse, kind=kind, type="string", pattern=pattern)


def _several(parse: Callable[[object], tuple[str, ...]], kind: str, **of_list: int) -> _Annotations:
    """A text, or a list of texts."""
    text: dict[str, object] = {"type": "string", "minLength": 1}
    return _read(parse, list, kind=kind, anyOf=[text, {"type": "array", "items": text, **of_list}])


Duration = Annotated[
    timedelta,
    *_read(
        q.parse_duration, q.format_duration, kind="duration", type="string", pattern=q.DURATION_PATTERN, minLength=2
    ),
]
Size = Annotated[
    int,
    *_read(q.parse_size, q.format_size, kind="size", type=["string", "integer"], pattern=q.SIZE_PATTERN, minimum=1),
]
Deadline = Annotated[Due, *_read(q.parse_due, q.format_due, kind="deadline", type="string", pattern=q.DUE_PATTERN)]
Day = Annotated[date, *_read(q.parse_day, date.isoformat, kind="date", type="string", pattern=q.DAY_PATTERN)]
Zone = Annotated[ZoneInfo, *_read(ids.parse_zone, str, kind="time zone", type="string", minLength=1)]
Name = Annotated[str, *_text(ids.parse_name, "name", ids.NAME_PATTERN)]
PhaseName = Annotated[str, *_text(ids.parse_phase, "phase", ids.PHASE_PATTERN)]
ProcessorName = Annotated[str, *_text(ids.parse_processor_name, "processor", ids.PROCESSOR_PATTERN)]
Text = Annotated[str, *_text(ids.parse_text, "text", ".")]
FilePath = Annotated[str, *_text(ids.parse_path, "text", ids.PATH_PATTERN)]
Project = Annotated[str, *_text(ids.parse_project, "project", ids.PROJECT_PATTERN)]
TableName = Annotated[str, *_text(ids.parse_table, "table", ids.TABLE_PATTERN)]
Column = Annotated[str, *_text(ids.parse_column, "column", ids.COLUMN_PATTERN)]
DateColumn = Annotated[str, *_text(ids.parse_date_column, "column, or **SQL**", r"\S")]
Collection = Annotated[str, *_text(ids.parse_collection, "collection", ids.COLLECTION_PATTERN)]
FieldName = Annotated[str, *_text(ids.parse_field, "field", ".")]
FieldNames = Annotated[tuple[str, ...], *_several(ids.parse_fields, "field, or list of fields")]
ColumnNames = Annotated[tuple[str, ...], *_several(ids.parse_columns, "column, or `[]`", maxItems=1)]
Words = Annotated[tuple[str, ...], *_several(ids.parse_words, "word, or list of words")]
DocumentName = Annotated[str, *_text(ids.parse_document, "document id", ids.DOCUMENT_PATTERN)]
Database = Annotated[str, *_text(ids.parse_database, "database", ids.DATABASE_PATTERN)]
Resource = Annotated[str, *_text(ids.parse_resource, "name in Cloud Run", ids.RESOURCE_PATTERN)]
Link = Annotated[str, *_text(parse_link, "template of a link", r"^https?://\S+$")]
Location = Annotated[str, *_text(ids.parse_location, "location", ids.LOCATION_PATTERN)]
Sql = Annotated[str, *_text(parse_sql, "SQL", r"\S")]
RowBounds = Annotated[
    RowsPerUnit,
    *_read(
        q.parse_rows_per_unit,
        q.format_rows_per_unit,
        kind="one or two numbers of rows",
        type=["array", "number"],
        minimum=0,
        prefixItems=[{"type": "number", "minimum": 0}, {"type": ["number", "null"], "minimum": 0}],
        minItems=2,
        maxItems=2,
    ),
]
PeriodName = Annotated[Period, *_read(parse_period, str, kind="period", type="string", pattern=PERIOD_PATTERN)]
_DAY = {"type": ["string", "integer"], "pattern": DAYS_PATTERN, "minimum": 1, "maximum": LAST_OF_EVERY_MONTH}
DaysOfRun = Annotated[
    Days,
    *_read(parse_days, format_days, kind="run days", anyOf=[_DAY, {"type": "array", "items": _DAY, "minItems": 1}]),
]
_HOLIDAY = {"type": "string", "minLength": 2}
HolidayList = Annotated[
    tuple[date | str, ...],
    *_read(parse_holidays, format_holidays, kind="holidays", anyOf=[_HOLIDAY, {"type": "array", "items": _HOLIDAY}]),
]
Expected = Annotated[
    str | tuple[str, ...],
    *_read(
        ids.parse_expected,
        kind="`all` or list of processors",
        anyOf=[
            {"const": ids.EVERYTHING},
            {"type": "array", "items": {"type": "string", "pattern": ids.PROCESSOR_PATTERN}},
        ],
    ),
]
ShardName = Annotated[Shard, *_read(parse_shard, str, kind="shard", type="string", pattern=SHARD_PATTERN)]
Ratio = Annotated[float, Field(ge=0, le=1, json_schema_extra={"$comment": "number from 0 to 1"})]
Offset = Annotated[int, Field(ge=-q.FURTHEST_DAY, le=q.FURTHEST_DAY, json_schema_extra={"$comment": "days"})]
When = Literal["past", "today", "ahead"]
