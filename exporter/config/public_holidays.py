"""Public calendars by name, from the library `holidays`: a country, one of its regions, or a stock exchange.

The library is imported only where a configuration names a calendar.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from exporter.config.wording import describe, did_you_mean, listed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

_MOST_NAMED: Final = 20
_LANGUAGE: Final = "en_US"
"""The language of the holidays' names; otherwise the machine's own setting decides."""


def parse_public_calendar(name: str) -> str:
    """The name of a public calendar: `DE`, `DE-BE`, `NYSE`."""
    entity, _, region = name.partition("-")
    regions = _entities().get(entity)
    if regions is None:
        raise ValueError(
            f"{describe(name)} names no public calendar{did_you_mean(entity, _entities())}: write a country (DE), a"
            " country and a region (DE-BE), a stock exchange (NYSE), or dates such as 2026-12-25"
        )
    if region and region not in regions:
        known = f"one of {listed(regions[:_MOST_NAMED])}" if regions else f"{entity} alone"
        raise ValueError(f"{describe(name)}: {entity} has no region {region}{did_you_mean(region, regions)}: {known}")
    return name


def holiday_name(calendar: str, day: date) -> str | None:
    """The name of the public holiday on that date; None if it is none."""
    return _year(calendar, day.year).get(day)


@cache
def _entities() -> Mapping[str, list[str]]:
    """Countries and exchanges, each with its regions."""
    import holidays

    return {**holidays.list_supported_financial(), **holidays.list_supported_countries()}


@cache
def _year(calendar: str, year: int) -> Mapping[date, str]:
    import holidays

    entity, _, region = calendar.partition("-")
    country = entity in holidays.list_supported_countries()
    of = holidays.country_holidays if country else holidays.financial_holidays
    # A calendar that expands by itself does so while another thread reads it.
    return dict(of(entity, subdiv=region or None, years=year, expand=False, language=_LANGUAGE))
