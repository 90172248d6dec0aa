"""Says in plain words what a configuration expects, and by which date it reads what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config.periods import Unit
from exporter.config.quantities import format_due
from exporter.config.shards import Shard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.config.resolved import CalendarConfig, Config, HaltsConfig, ProcessorConfig


def expected_lines(config: Config) -> Iterator[str]:
    """A line for each table that decides, and for each processor."""
    zone = config.timezone
    yield f"What is expected. Run dates name the documents, data dates are those of the rows; times in {zone}."
    for pipeline in config.pipelines.values():
        if table := pipeline.calendar:
            yield f"{pipeline.name}: only where table {table.table.name} has units, by {_date(table)}"
        for phase in pipeline.phases.values():
            if halts := phase.halts:
                yield f"{pipeline.name} {phase.name}: not where table {halts.table.name} has a halt, by {_date(halts)}"
            for processor in phase.processors.values():
                where = f"{pipeline.name} {phase.name} {processor.name}"
                yield f"{where}: run dates {processor.schedule}, due {format_due(processor.due)}; {_rows(processor)}"


def shard_lines(config: Config) -> Iterator[str]:
    """If it is one of several exporters: a line for each of them, with its pipelines."""
    if config.shard is None:
        return
    for number in range(config.shard.of):
        shard = Shard(number, config.shard.of)
        names = [name for name in config.of_all_shards if shard.has(name)]
        own = ", this one" if shard == config.shard else ""
        yield f"shard {shard}{own}: {', '.join(names) or 'no pipeline, so it exports nothing'}"


def _date(table: CalendarConfig | HaltsConfig) -> str:
    return "run date" if table.by_run_date else "data date"


def _rows(processor: ProcessorConfig) -> str:
    if not processor.table.name:
        return "no table"
    unit, offset = processor.table.period.unit.value, processor.data_date_offset
    if not offset:
        whose = "of the run date" if processor.table.period.unit is Unit.DAY else f"of the {unit} of the run date"
    else:
        away = f"the {unit}" if abs(offset) == 1 else f"{abs(offset)} {unit}s"
        whose = f"of {away} {'before' if offset < 0 else 'after'}"
    return f"rows {whose}" + ("" if processor.by_calendar else ", whatever the calendar table has")
