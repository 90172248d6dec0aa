"""A shop without a calendar table: orders every day, revenue on weekdays, retention once a week."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from exporter.config.load import load
from exporter.model import (
    CalendarDoubt,
    CalendarEnd,
    Reading,
    Verdict,
)
from exporter.reconcile import reconcile
from tests.reconcile.world import World, clock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exporter.config.resolved import Config
    from exporter.model import PhaseReport, PipelineReport, ProcessorReport, Snapshot


A_DAY = timedelta(days=1)
MONDAY = date(2026, 11, 23)
TUESDAY, FRIDAY, SATURDAY, SUNDAY = (MONDAY + A_DAY * days for days in (1, 4, 5, 6))
LAST_MONDAY = MONDAY - 7 * A_DAY
NOON = "12:00:00"
PROCESSORS = {
    "orders": {"run_history_names": ["OrdersProcessor"], "heartbeats": ["OrdersProcessor"]},
    "revenue": {"run_history_names": ["RevenueProcessor"], "heartbeats": ["RevenueProcessor"]},
    "retention": {"run_history_names": ["RetentionProcessor"], "heartbeats": ["RetentionProcessor"]},
}


def table(name: str, **keys: object) -> dict[str, Any]:
    return {"name": f"shop.{name}", "date_column": "day", "written_column": "at", "data_date_offset": -1, **keys}


def shop(run_date: date, **pipeline: object) -> Config:
    """Orders are loaded every day, revenue follows on weekdays, retention once a week; all about the day before."""
    phases = {
        "load": {
            "collection": "load_done",
            "next": "report",
            "trigger": {"grace": "30m"},
            "due": "06:00",
            "processors": {"orders": {**PROCESSORS["orders"], "table": table("orders", rows_per_unit=10)}},
        },
        "report": {
            "collection": "report_done",
            "days": ["mon-fri"],
            "due": "08:00",
            "processors": {
                "revenue": {**PROCESSORS["revenue"], "table": table("revenue")},
                "retention": {
                    **PROCESSORS["retention"],
                    "every": "week",
                    "table": table("retention", dated_by="week", rows_per_unit=4),
                },
            },
        },
    }
    overlay = {
        "project": "shop",
        "timezone": "UTC",
        "documents": {"only": [run_date]},
        "pipelines": {
            "nba": {
                "calendar": "daily",
                "heartbeats": {"collection": "beats"},
                "run_history": {"table": "ops.runs"},
                "phases": phases,
                **pipeline,
            }
        },
    }
    return load(overlay=overlay, environ={}).config


def judged(world: World, now: datetime, **changes: Any) -> PipelineReport:  # noqa: ANN401 fields of Snapshot
    snapshot: Snapshot = replace(world.snapshot(now), **changes)
    (report,) = reconcile(world.config, snapshot, now).pipelines
    return report


def phase_of(report: PipelineReport, name: str) -> PhaseReport:
    return next(phase for phase in report.phases if phase.phase == name)


def one(report: PipelineReport, name: str) -> ProcessorReport:
    return next(one for phase in report.phases for one in phase.processors if one.processor == name)


def verdicts(report: PipelineReport) -> Mapping[str, Verdict]:
    return {one.processor: one.verdict for phase in report.phases for one in phase.processors}


def loaded(run_date: date) -> World:
    """The orders are loaded and registered, and nothing is triggered."""
    world = World(shop(run_date))
    world.write("orders", run_date - A_DAY, clock(run_date, "05:00:00"), 10)
    world.register("orders", run_date, clock(run_date, "05:00:10"), 10)
    return world


def shop_report() -> dict[str, Any]:
    return {"due": "08:00", "days": ["mon-fri"], "processors": {"revenue": {"table": table("revenue")}}}


COVERAGE = {"paid": {"table": "shop.orders", "date_column": "day", "eligible": "TRUE", "covered": "paid"}}
GAMES = {"table": "ref.games", "date_column": "day", "units": "COUNT(*)", "noun": "game"}
HALTS = {"table": "ref.halts", "date_column": "day", "halted": "TRUE", "reason": "why"}


def ended(config: Config, last: date, **changes: Any) -> Mapping[CalendarDoubt, str]:  # noqa: ANN401 as above
    """The doubts on Saturday about a calendar whose last date is this one, while the orders of Friday are loaded."""
    world, now = World(config), clock(SATURDAY, NOON)
    world.write("orders", FRIDAY, clock(SATURDAY, "05:00:00"), 10)
    report = judged(world, now, calendars_end={"nba": Reading(CalendarEnd(last), now)}, **changes)
    assert report.calendar is not None
    return report.calendar.doubts


AHEAD = {**GAMES, "days_ahead": 7}
