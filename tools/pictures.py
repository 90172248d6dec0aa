"""Make the pictures of the README: `make pictures`. Needs Debian's chromium, as the tests do."""

from __future__ import annotations

import io
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from exporter import logs
from exporter.scenario.demo import demo_day
from exporter.scenario.local import LocalSources, SimulatedClock
from exporter.scenario.replay import replay
from exporter.table import render_report

IMAGES = Path(__file__).parents[1] / "docs" / "images"
COLUMNS = 100
PAGE = """<!DOCTYPE html><html><head><meta charset="UTF-8"><style>{stylesheet}
body {{ color: {foreground}; background: {background}; margin: 0; padding: 16px; }}
pre {{ font: 15px/1.45 "DejaVu Sans Mono", monospace; margin: 0; }}
</style></head><body><pre><code style="font-family:inherit">{code}</code></pre></body></html>"""

CHROMIUM = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def terminal_page() -> tuple[str, int]:
    """What `check` prints for the demo day, as a web page, and the number of its lines."""
    incident = demo_day()
    clock = SimulatedClock(incident.clock)
    with LocalSources(clock) as local:
        report = replay(incident, local, clock).report
    console = Console(
        record=True, file=io.StringIO(), force_terminal=True, width=COLUMNS, color_system="truecolor", highlight=False
    )
    console.print("[bold green]$[/] orchestration-exporter check --preset nba --run-date 2026-02-01")
    render_report(report, console)
    text = console.export_html(theme=MONOKAI, code_format=PAGE, clear=False)
    return text, len(console.export_text().splitlines())


def picture(page: Path, image: Path, width: int, height: int) -> None:
    """A screenshot of a page."""
    with tempfile.TemporaryDirectory() as profile:
        subprocess.run(
            [
                *CHROMIUM,
                f"--user-data-dir={profile}",
                f"--window-size={width},{height}",
                f"--screenshot={image}",
                page.as_uri(),
            ],
            check=True,
            timeout=60,
            stderr=subprocess.DEVNULL,
        )


def main() -> None:
    """Make every picture."""
    logs.configure("error", "logfmt")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        text, lines = terminal_page()
        page = Path(folder) / "check.html"
        page.write_text(text, encoding="utf-8")
        picture(page, IMAGES / "check.png", 960, 32 + 22 * lines)
    print("wrote docs/images/check.png")


if __name__ == "__main__":
    main()
