"""Debian's Chromium, driven by Playwright, which does not include a browser."""

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
    """An open page, with its requests and errors."""

    page: Page
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def width(self) -> tuple[int, int]:
        """The width of the document and of the window."""
        found = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        return found[0], found[1]

    def violations(self, *rules: str) -> list[str]:
        """The violations that axe-core finds. `rules`: check only these, which is faster."""
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
    """Open the page at this address in its own window. `fake_clock`: the test controls its timers."""
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
