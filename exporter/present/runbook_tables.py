"""What stands in the runbooks for the placeholders about tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config.periods import WEEKDAYS, Unit
from exporter.config.sql import sql_name

if TYPE_CHECKING:
    from exporter.config.resolved import TableRef
    from exporter.present.runbooks import Subject


def tables_of(subject: Subject) -> dict[str, str | None]:
    """What stands for the placeholders about tables; None: the configuration does not say."""
    pipeline, one = subject.pipeline, subject.processor_report
    own = next(
        (t.table for t in subject.processor.of_each_table if one and t.table.name == one.table), subject.processor.table
    )
    table = subject.check.table if subject.check else own
    written = table.write_time_column or (own.write_time_column if own.name == table.name else None)
    history, log, calendar = pipeline.run_history, pipeline.phase_log, pipeline.calendar
    halts = subject.phase.halts or next(iter(pipeline.all_halts), None)
    return {
        "table": table.name or None,
        "date_column": day_of_row(table) if table.name else None,
        "written_column": sql_name(written) if written else "NULL",
        "key": ", ".join(map(sql_name, table.key)) or None,
        "phase_rows": _phase_rows(subject) or None,
        "run_history": history.table.name if history else None,
        "phase_log": log.table.name if log else None,
        "phase_log_date": sql_name(log.table.day_column) if log else None,
        "calendar": calendar.table.name if calendar else None,
        "calendar_date": sql_name(calendar.table.day_column) if calendar else None,
        "calendar_where": (calendar.where or "TRUE") if calendar else None,
        "units": calendar.units if calendar else None,
        "halts": halts.table.name if halts else None,
        "halts_date": sql_name(halts.table.day_column) if halts else None,
    }


def _phase_rows(subject: Subject) -> str:
    """The rows of every table of the phase, and the fewest that the calendar allows, as last read."""
    reported = {one.processor: one for one in subject.phase_report.processors} if subject.phase_report else {}
    selects = []
    for name, one in (
        (name, one) for name, first in subject.phase.processors.items() for one in first.of_each_table if one.table.name
    ):
        found = reported.get(name)
        least = found.rows_minimum if found and found.rows_minimum is not None else "NULL"
        written = f"MAX({sql_name(one.table.write_time_column)})" if one.table.write_time_column else "NULL"
        selects.append(
            f"SELECT '{name}' AS processor, COUNT(*) AS row_count, {written} AS written, {least} AS at_least\n"
            f"FROM `{one.table.name}` WHERE {day_of_row(one.table)} = '{one.data_date(subject.run_date)}'"
        )
    return "\nUNION ALL\n".join(selects)


def day_of_row(table: TableRef) -> str:
    """The SQL for the data date of a row: its column, or the first day of the week or month that the column is in."""
    match table.period.unit:
        case Unit.DAY:
            return sql_name(table.day_column)
        case Unit.WEEK:
            return f"DATE_TRUNC({sql_name(table.day_column)}, WEEK({WEEKDAYS[table.period.first_weekday].upper()}))"
        case Unit.MONTH:
            return f"DATE_TRUNC({sql_name(table.day_column)}, MONTH)"
