"""Lives through five days as somebody who is paged: live Prometheus, Alertmanager, receivers, page, terminal, runbook.

Each day is moved to yesterday, since a running exporter uses the machine's clock. Of each place it stores what somebody
reads, puts the pages' beginnings side by side, and counts the words and lines up to the end of each answer: what, since
when, what first, over when.
"""

from __future__ import annotations

import argparse
import html
import json
import re
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image

from exporter.incidents.local import LocalSources, SimulatedClock
from exporter.shipped.alerts import alert_of
from testing.alertmanager import PAGERDUTY
from testing.browser import chromium
from testing.chain import Chain
from testing.compressed import compressed_collect
from testing.days import a_past_day, moved, settings
from testing.running import command
from testing.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser

    from testing.alertmanager import Message
    from testing.browser import Scheme

FASTER: Final = 60
PROJECT: Final = "nba-props-platform"
PATIENCE: Final = 120.0
"""Seconds until a page has to be there."""
SHOWN: Final = (390, 560)
"""What of a page the sheet shows, in pixels."""
COLOURS: Final = 64
OUTAGE: Final = {"firestore": "permission_denied"}


@dataclass(frozen=True, slots=True)
class Lived:
    """A day: its incident file, what its page is about, and what goes wrong while it is watched."""

    file: str
    about: str
    fault: Mapping[str, str] | None = None


DAYS: Final = {
    "stuck": Lived("2026-01-23-stuck-running", "stalled"),
    "lost update": Lived("lost-update", "lost_update"),
    "outage": Lived("healthy-day", "source_unreachable", OUTAGE),
    "low coverage": Lived("low-coverage", "coverage_low"),
    "seed": Lived("2026-02-01-seed", "blocked"),
}
ANSWERS: Final = {
    "since": re.compile(r"since (a moment between .*? and )?(\d{4}-\d\d-\d\d )?\d\d:\d\d(:\d\d)? UTC( \([^()]*\))?"),
    "first": re.compile(r"\b[Ff]irst: (.+?)(?=\. |; owner| If nobody acts| After the repair| why, and)"),
    "over": re.compile(r"shown good within [^.]*?alert closed within (?:\d+ (?:d|h|min|s)\b ?)+"),
}


def read(name: str, day: Lived, folder: Path, browser: Browser) -> Iterator[tuple[str, str]]:
    """Wait for the page, and give what each place says by then, in the order in which one opens them."""
    incident = moved(day.file, a_past_day())
    config = settings(incident, a_past_day(), collect={"pace": "fixed", **compressed_collect(FASTER)})
    clock = SimulatedClock()
    with LocalSources(clock) as local:
        local.load(incident, PROJECT)
        with Chain(folder, local, config, FASTER) as chain:
            chain.go_on(1)
            began = time.monotonic()
            for step in incident.then:
                local.apply(step)
            if day.fault:
                local.fault(day.fault)
            alert = alert_of(day.about).name
            message = until(lambda: _page(chain, alert), f"a page of {alert}", PATIENCE)
            assert message is not None
            print(f"{name}: the page came {message.at - began:.0f} s after the fault, in compressed time", flush=True)
            address = str(chain.exporter.client.base_url)
            yield "message", _said(message)
            yield "page", _opened(browser, address, folder / "page", "#sentence")
            yield "check", command("check", "--from", address).out
            book = f"{address.rstrip('/')}/runbooks/{alert}?{_labels(message)}"
            yield "runbook", _opened(browser, book, folder / "runbook", "body")


def _opened(browser: Browser, address: str, file: Path, part: str) -> str:
    """A part's text, with pictures of how the page begins on a telephone."""
    text = ""
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for scheme in schemes:
        context = browser.new_context(viewport={"width": SHOWN[0], "height": 844}, color_scheme=scheme)
        page = context.new_page()
        page.goto(address)
        page.screenshot(path=f"{file}-{scheme}.png")
        text = page.inner_text(part)
        context.close()
    return text


def _page(chain: Chain, alert: str) -> Message | None:
    return next((one for one in chain.recorder.messages(PAGERDUTY) if alert in json.dumps(one.content)), None)


def _said(message: Message) -> str:
    """What a page shows: its push line, then its details."""
    payload = message.content["payload"]
    details = payload.get("custom_details", {})
    return "\n".join([payload["summary"], *(f"{name}: {value}" for name, value in details.items())])


def _labels(message: Message) -> str:
    """The labels that the dashboard's link has, as the runbook that the exporter serves takes them."""
    return "&".join(re.findall(r"var-((?:pipeline|phase|run_date|processor)=[^&\"\\]+)", json.dumps(message.content)))


def counted(text: str) -> dict[str, tuple[str, int, int]]:
    """By question, the answer, and how many words and lines one reads up to its end."""
    found, read_on = {}, " ".join(text.split())
    line_of = [number for number, line in enumerate(text.splitlines(), 1) for _ in line.split()]
    for question, pattern in ANSWERS.items():
        if answer := pattern.search(read_on):
            words = len(read_on[: answer.end()].split())
            said = answer[1] if question == "first" else answer[0].strip()
            found[question] = said, words, line_of[words - 1]
    return found


def sheet(folder: Path) -> None:
    """All days' pages as they begin on a telephone, side by side, in `pages.png`: light above, dark below."""
    width, height = SHOWN
    schemes: tuple[Scheme, ...] = ("light", "dark")
    whole = Image.new("RGB", (width * len(DAYS), height * len(schemes)))
    for column, name in enumerate(DAYS):
        for row, scheme in enumerate(schemes):
            taken = Image.open(_folder(folder, name) / f"page-{scheme}.png").convert("RGB")
            whole.paste(taken.crop((0, 0, width, height)), (column * width, row * height))
    whole.quantize(COLOURS, Image.Quantize.MAXCOVERAGE).save(folder / "pages.png", optimize=True)


def _folder(folder: Path, name: str) -> Path:
    # Prometheus and Alertmanager take paths as relative to their configuration.
    return folder.resolve() / name.replace(" ", "-")


def main() -> int:
    """Live through the days, and print what each place answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", choices=DAYS, action="append", help="only this one; can be given again")
    parser.add_argument("--folder", type=Path, default=Path("build/lived"), help="where what was read is stored")
    chosen = parser.parse_args()
    with chromium() as browser:
        for name in chosen.day or DAYS:
            folder = _folder(chosen.folder, name)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for place, text in read(name, DAYS[name], folder, browser):
                (folder / f"{place}.txt").write_text(html.unescape(text), encoding="utf-8")
                print(f"  {place}: {len(text.split())} words, {text.count(chr(10)) + 1} lines")
                for question, (answer, words, lines) in counted(text).items():
                    print(f"    {question} ({words} words, {lines} lines): {answer}")
    if not chosen.day:
        sheet(chosen.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
