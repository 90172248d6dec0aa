"""Make the pictures of the README: `make pictures`. Needs Debian's chromium, as the tests do."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from rich.console import Console
from rich.terminal_theme import MONOKAI

from exporter import __version__
from exporter.incidents.demo import demo_day
from exporter.incidents.local import LocalSources, SimulatedClock
from exporter.incidents.replay import replay
from exporter.messages import logs
from exporter.present.history import History
from exporter.present.table import render_report
from exporter.web.page import About, render_page
from exporter.web.state import View
from testing.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Mapping

    from playwright.sync_api import Browser, FloatRect

    from exporter.model import Report
    from testing.browser import Scheme

IMAGES = Path(__file__).parents[1] / "docs" / "images"
MOST_BYTES = 200_000
COLUMNS = 100
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
"""The status page's pictures: how wide, and in which colours."""


def day() -> Report:
    """The demo's day."""
    incident = demo_day()
    clock = SimulatedClock(incident.clock)
    with LocalSources(clock) as local:
        return replay(incident, local, clock).report


def terminal_page(report: Report) -> str:
    """What `check` prints, as a web page."""
    console = Console(
        record=True, file=io.StringIO(), force_terminal=True, width=COLUMNS, color_system="truecolor", highlight=False
    )
    console.print("[bold green]$[/] orchestration-exporter check --preset nba --run-date 2026-02-01")
    render_report(report, console)
    return console.export_html(theme=MONOKAI, code_format=TERMINAL)


def picture(browser: Browser, name: str, html: str, width: int, scheme: Scheme) -> None:
    """A picture of a page, down to its history if it has one. Raises ValueError if it is too large for a README."""
    file = IMAGES / f"{name}.png"
    context = browser.new_context(viewport={"width": width, "height": 100}, color_scheme=scheme)
    page = context.new_page()
    page.set_content(html)
    end = page.locator("#history")
    height = end.bounding_box() if end.count() else None
    clip: FloatRect | None = {"x": 0, "y": 0, "width": width, "height": height["y"] - MARGIN} if height else None
    shot = Image.open(io.BytesIO(page.screenshot(full_page=True, clip=clip)))
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
    with chromium() as browser:
        picture(browser, "check", terminal_page(report), 960, "dark")
        for name, (width, scheme) in PAGES.items():
            picture(browser, name, status, width, scheme)


if __name__ == "__main__":
    main()
