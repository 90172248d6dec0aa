"""Schedules, and the configuration of a shop whose work has several of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from exporter.config.periods import parse_period
from exporter.config.run_days import parse_days, parse_holidays
from exporter.config.schedules import Schedule

ONE_DAY = timedelta(days=1)
DATES = st.dates(date(2020, 1, 1), date(2040, 12, 31))
MONDAY = date(2026, 11, 23)
WEEK = [MONDAY + ONE_DAY * day for day in range(7)]
TABLE = {"name": "d.copies", "date_column": "day"}


def asked(schedule: Schedule, days: list[date]) -> list[str]:
    return [f"{day:%a %d}" for day in days if schedule.asks(day)]


def schedule(days: object = "mon-sun", every: str = "day", holidays: object = ()) -> Schedule:
    return Schedule(parse_period(every), parse_days(days), parse_holidays(holidays))


def shop(**overlay: object) -> dict[str, Any]:
    load_phase = {"due": "04:00", "next": "report", "processors": {"orders": {"table": TABLE}}}
    report = {
        "days": ["mon-fri"],
        "due": "+1d 06:00",
        "processors": {
            "revenue": {"table": {**TABLE, "data_date_offset": -1}},
            "retention": {"every": "week", "table": {**TABLE, "dated_by": "week", "data_date_offset": -2}},
            "sales": {"days": "sat", "holidays": [], "due": "09:00", "table": {**TABLE, "data_date_offset": 1}},
            "target": {"calendar": "daily", "every": "month", "table": {**TABLE, "dated_by": "month"}},
        },
    }
    return {
        "project": "shop",
        "timezone": "Europe/Berlin",
        "holidays": "DE-BE",
        "pipelines": {"shop": {"calendar": "daily", "phases": {"load": load_phase, "report": report}}},
        **overlay,
    }
