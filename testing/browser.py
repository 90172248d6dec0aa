"""Debian's Chromium, driven by Playwright, which brings no browser of its own."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-sync",
    "--disable-lcd-text",
)
Scheme = Literal["light", "dark"]


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    program = shutil.which("chromium")
    assert program, "chromium is not installed: tools/ensure-system-packages chromium:chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """A page that was opened, what it asked for since, and what went wrong in it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def width(self) -> tuple[int, int]:
        """How wide the document is, and how wide the window."""
        found = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        return found[0], found[1]

    def violations(self, *rules: str) -> list[str]:
        """What axe-core has to complain about; `rules`: these alone, which takes less time than all."""
        self.page.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
        found = self.page.evaluate(
            "(rules) => axe.run(document, { resultTypes: ['violations'], ...(rules.length && { runOnly: rules }) })",
            list(rules),
        )["violations"]
        return [f"{rule['id']}: {node['target']} {node['failureSummary']}" for rule in found for node in rule["nodes"]]


@contextlib.contextmanager
def visiting(
    browser: Browser,
    url: str,
    *,
    width: int = 1280,
    scheme: Scheme = "light",
    scripts: bool = True,
    fake_clock: bool = False,
) -> Iterator[Visit]:
    """The page at this address in a window of its own. `fake_clock`: its timers wait for the test."""
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=scripts
    )
    context.set_default_timeout(20_000)
    page = context.new_page()
    visit = Visit(page)
    page.on("request", lambda request: visit.requests.append(request.url))
    page.on("console", lambda message: visit.faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: visit.faults.append(str(error)))
    if fake_clock:
        page.clock.install()
    page.goto(url)
    try:
        yield visit
    finally:
        context.close()
