"""Make the pictures of the README and the docs: `make pictures`. Needs Debian's chromium, as the tests do."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI

from exporter import __version__
from exporter.collect.once import collect_once
from exporter.collect.season import of_dates, read_season
from exporter.config.load import load
from exporter.incidents.demo import demo_day
from exporter.incidents.local import LocalSources, SimulatedClock
from exporter.incidents.replay import replay
from exporter.messages import logs
from exporter.present.history import History
from exporter.present.season import render_season
from exporter.present.table import render_report
from exporter.web.page import About, render_page
from exporter.web.state import View
from testing.browser import chromium
from testing.season_days import season_days

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from playwright.sync_api import Browser, FloatRect

    from exporter.config.load import Loaded
    from exporter.metrics.telemetry import Telemetry
    from exporter.model import Report
    from exporter.reconcile.season import Season
    from exporter.sources.ports import Sources
    from testing.browser import Scheme

IMAGES = Path(__file__).parents[1] / "docs" / "images"
MOST_BYTES = 200_000
COLUMNS, GRID_COLUMNS = 100, 80
SEASON = date(2025, 12, 4), date(2026, 2, 1)
MORNING = datetime(2026, 2, 1, 15, 30, tzinfo=UTC)
"""When the season is read."""
COLOURS = 256
MARGIN = 8
TERMINAL = """<!DOCTYPE html><html lang="en"><head><meta charset="UTF-8"><title>check</title><style>{stylesheet}
body {{ color: {foreground}; background: {background}; margin: 0; padding: 16px; width: fit-content; }}
pre {{ font: 15px/1.45 "DejaVu Sans Mono", monospace; margin: 0; }}
</style></head><body><pre><code style="font-family:inherit">{code}</code></pre></body></html>"""
PAGES: Mapping[str, tuple[int, Scheme]] = {
    "status-light": (1000, "light"),
    "status-dark": (1000, "dark"),
    "status-phone": (360, "light"),
}
"""The widths and colour schemes of the status page's pictures."""


def day() -> Report:
    """The demo's day."""
    incident = demo_day()
    clock = SimulatedClock(incident.clock)
    with LocalSources(clock) as local:
        return replay(incident, local, clock).report


def season() -> tuple[Report, Season]:
    """The last of sixty days with invented faults, and all of them."""
    loaded = load(preset="nba", environ={})
    first, last = SEASON
    clock = SimulatedClock(MORNING)
    with LocalSources(clock) as local:
        local.load(season_days(loaded.config, MORNING, (last - first).days), loaded.config.project)

        def opened(one: Loaded, telemetry: Telemetry) -> Sources:
            return local.open(one.config, telemetry)

        read = read_season(of_dates(loaded, first, last), opened, clock)
        return collect_once(loaded, opened, clock).report, read.season


def terminal_page(command: str, render: Callable[[Console], None], width: int) -> str:
    """The output of a command as a web page."""
    console = Console(
        record=True, file=io.StringIO(), force_terminal=True, width=width, color_system="truecolor", highlight=False
    )
    console.print(f"[bold green]$[/] orchestration-exporter {command}")
    render(console)
    return console.export_html(theme=MONOKAI, code_format=TERMINAL)


def picture(browser: Browser, name: str, html: str, width: int, scheme: Scheme, *, section: str = "") -> None:
    """A picture of a page, down to its history if it has one, or of one section.

    Raises ValueError if it is too large for a README.
    """
    file = IMAGES / f"{name}.png"
    context = browser.new_context(viewport={"width": width, "height": 100}, color_scheme=scheme)
    page = context.new_page()
    page.set_content(html)
    if section:
        taken = page.locator(f"section[aria-labelledby={section}]").screenshot()
    else:
        end = page.locator("#history")
        height = end.bounding_box() if end.count() else None
        clip: FloatRect | None = {"x": 0, "y": 0, "width": width, "height": height["y"] - MARGIN} if height else None
        taken = page.screenshot(full_page=True, clip=clip)
    shot = Image.open(io.BytesIO(taken))
    context.close()
    # A page has few colours; the shades between them are the edges of letters.
    shot.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(file, optimize=True)
    if file.stat().st_size > MOST_BYTES:
        raise ValueError(f"{file.name} has {file.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
    print(f"wrote docs/images/{file.name}")


def main() -> None:
    """Make every picture."""
    logs.configure("error", "logfmt")
    IMAGES.mkdir(exist_ok=True)
    report = day()
    status = render_page(View(report, History().after(report)), About(__version__))
    last, sixty = season()
    page = render_page(View(last, History().after(last), {}, sixty), About(__version__))
    with chromium() as browser:
        checked = terminal_page(
            "check --from http://localhost:9189", lambda console: render_report(report, console), COLUMNS
        )
        picture(browser, "check", checked, 960, "dark")
        for name, (width, scheme) in PAGES.items():
            picture(browser, name, status, width, scheme)
        command = "season --preset nba --from {} --to {}".format(*SEASON)
        grid = terminal_page(command, lambda console: render_season(sixty, console), GRID_COLUMNS)
        picture(browser, "season", grid, 780, "dark")
        picture(browser, "season-page", page, 1000, "light", section="season")


if __name__ == "__main__":
    main()
