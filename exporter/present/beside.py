"""What is wrong beside verdicts and triggers: each condition that holds, with what to do first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.model import Condition
from exporter.present.over import after_condition
from exporter.present.runbook_tables import day_of_row
from exporter.present.summary import held_conditions, noted_conditions, overwritten
from exporter.present.words import CONDITIONS, NOTES
from exporter.shipped.alerts import alert_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.model import ConditionReport, CoverageReport, Report, Since


@dataclass(frozen=True, slots=True)
class Beside:
    """A condition that holds. `alert`: the name of its alert; `query`: SQL that lists the rows at fault, if any are."""

    condition: ConditionReport
    text: str
    first: str
    alert: str
    query: str = ""

    @property
    def since(self) -> Since | None:
        """Since when it holds."""
        return self.condition.since

    @property
    def after(self) -> str:
        """What becomes of it after the repair."""
        return after_condition(self.condition)


def beside(report: Report) -> list[Beside]:
    """Every condition that holds and that the sentence names, the worst first."""
    return [_beside(report, one) for one in held_conditions(report)]


def notes(report: Report) -> list[Beside]:
    """Every condition that holds and with which all is well: nobody has to act."""
    return [_beside(report, one) for one in noted_conditions(report)]


def _beside(report: Report, one: ConditionReport) -> Beside:
    return Beside(
        one,
        overwritten(report) if one.condition is Condition.OVERWRITTEN else one.text,
        {**CONDITIONS, **NOTES}[one.condition].first,
        alert_of(one.condition).name,
        _query(report, one.labels) if one.condition is Condition.COVERAGE_LOW else "",
    )


def _query(report: Report, labels: Mapping[str, str]) -> str:
    wanted = labels["pipeline"], labels["check"], labels["run_date"]
    found = (
        missing_rows(one)
        for pipeline in report.pipelines
        for one in pipeline.coverage
        if (one.pipeline, one.check.name, one.run_date.isoformat()) == wanted
    )
    return next(found, "")


def missing_rows(coverage: CoverageReport) -> str:
    """SQL that lists the rows of a check that should be covered and are not."""
    check, table = coverage.check, coverage.check.table
    rows = f"`{table.name}` WHERE {day_of_row(table)} = '{coverage.data_date}'"
    return f"SELECT * FROM {rows} AND ({check.eligible}) AND ({check.covered}) IS NOT TRUE"  # noqa: S608 printed, never run
